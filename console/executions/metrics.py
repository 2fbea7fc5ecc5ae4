"""Prometheus metrics of the reader of executions, in a registry that is handed in."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from tracehound.console.executions.records import Counted


class ExecutionMetrics:
    """What is counted while executions are kept."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.executions = Counter(
            "tracehound_console_executions", "Executions that were counted and sketched", registry=registry
        )
        self.left_out = Counter(
            "tracehound_console_execution_records_left_out",
            "Records of executions that do not count here, by why",
            ["why"],
            registry=registry,
        )
        self.failures = Counter(
            "tracehound_console_executions_failures",
            "How often the reading of executions ended and began anew: Kafka or the database away, or an error",
            registry=registry,
        )
        self.storing = Histogram(
            "tracehound_console_executions_storing_seconds", "Time to store what was gathered", registry=registry
        )

    def count(self, counted: Counted) -> None:
        """Some records were read."""
        self.executions.inc(len(counted.executions))
        for why in ("elsewhere", "repeated", "refused"):
            if number := getattr(counted, why):
                self.left_out.labels(why).inc(number)
