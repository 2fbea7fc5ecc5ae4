"""Prometheus metrics of notifications, all in one registry that is handed in."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_LABELS = ["receiver", "kind"]
_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)


class NotifyMetrics:
    """Everything that the notifier counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

        def counter(name: str, about: str, labels: list[str]) -> Counter:
            return Counter(f"tracehound_{name}", about, labels, registry=registry)

        self.events = counter("incident_events", "Records of incidents read", [])
        self.sent = counter("notifications_sent", "Messages that receivers took", _LABELS)
        self.failed = counter("notification_attempts_failed", "Attempts that failed", _LABELS)
        self.retried = counter("notification_attempts_repeated", "Attempts after the first of a message", _LABELS)
        self.dead_lettered = counter("notifications_dead_lettered", "Messages given up", _LABELS)
        self.dead_letters = counter("dead_letters", "Records refused", ["error"])
        self.delay = Histogram(
            "tracehound_notification_delay_seconds",
            "Time from the incident's record to its delivery",
            _LABELS,
            buckets=_SECONDS,
            registry=registry,
        )

    def of(self, receiver: str, kind: str) -> None:
        """Show a receiver's counters before anything is counted: an alert on their rate needs the zero."""
        for metric in (self.sent, self.failed, self.retried, self.dead_lettered, self.delay):
            metric.labels(receiver=receiver, kind=kind)


class WaitingCollector(Collector):
    """Messages that wait, by receiver and kind, read when Prometheus asks."""

    def __init__(self, waiting: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        self._waiting = waiting

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked at registration."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauge as of now."""
        family = GaugeMetricFamily(
            "tracehound_notifications_waiting", "Messages that wait or are on their way", labels=_LABELS
        )
        for labels, count in self._waiting().items():
            family.add_metric(labels, count)
        yield family
