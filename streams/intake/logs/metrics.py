"""Prometheus metrics of the reading of log events."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class LogMetrics:
    """Everything that is counted of log events, in a registry that is handed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.events = Counter("tracehound_log_events", "Log events that became executions", registry=registry)
        self.repeated = Counter(
            "tracehound_repeated_log_events", "Log events whose id had come before", registry=registry
        )
        self.state_bytes = Counter(
            "tracehound_log_checkpoint_bytes", "Bytes of templates that were saved", registry=registry
        )
        self.seconds = Histogram(
            "tracehound_log_seconds", "Time to read one run of log events", registry=registry, buckets=_SECONDS
        )
        self._templates = Gauge(
            "tracehound_log_templates", "Templates of log messages that are kept", registry=registry
        )

    def watch_templates(self, count: Callable[[], int]) -> None:
        """Ask how many templates there are whenever Prometheus asks."""
        self._templates.set_function(count)
