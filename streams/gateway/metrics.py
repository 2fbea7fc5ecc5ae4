"""Prometheus metrics of the gateway, all in one registry that is handed in."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class GatewayMetrics:
    """Everything that the gateway counts. Labels have few values: paths are those of its routes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter(
            "tracehound_gateway_requests", "Requests answered", ["path", "status"], registry=registry
        )
        self.refused = Counter(
            "tracehound_gateway_refused_requests", "Requests that were not taken", ["path", "reason"], registry=registry
        )
        self.seconds = Histogram(
            "tracehound_gateway_request_seconds",
            "Time from a request's head to its answer",
            ["path"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.bytes = Counter(
            "tracehound_gateway_body_bytes", "Bytes of bodies, once unpacked", ["path"], registry=registry
        )
        self.in_flight = Gauge("tracehound_gateway_requests_in_flight", "Requests being worked on", registry=registry)
        self.accepted = Counter(
            "tracehound_gateway_accepted",
            "Spans and executions that Kafka has acknowledged",
            ["path"],
            registry=registry,
        )
        self.refused_items = Counter(
            "tracehound_gateway_refused",
            "Spans and executions of requests taken that are wrong",
            ["path"],
            registry=registry,
        )
        self.records = Counter(
            "tracehound_gateway_records", "Records that Kafka has acknowledged", ["topic"], registry=registry
        )
