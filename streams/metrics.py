"""Prometheus metrics of a worker, all in one registry that is handed in."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.anomaly import AnomalyEvent
from schemas.model_event import ModelEvent

_SCORING_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_REFIT_RESULTS = {"trained": "trained", "training_failed": "failed"}


class Metrics:
    """Everything that a worker counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.executions = Counter("tracehound_executions", "Executions scored", registry=registry)
        self.records = Counter("tracehound_records", "Records read", registry=registry)
        self.anomalies = Counter("tracehound_anomalies", "Anomalies found", ["kind", "severity"], registry=registry)
        self.dead_letters = Counter("tracehound_dead_letters", "Records refused", ["error"], registry=registry)
        self.forwarded = Counter(
            "tracehound_forwarded", "Records forwarded to their application's partition", registry=registry
        )
        self.duplicates_skipped = Counter(
            "tracehound_duplicates_skipped", "Records skipped because they were scored before", registry=registry
        )
        self.offsets_lost = Counter(
            "tracehound_offsets_lost", "Records that Kafka deleted before they were scored", registry=registry
        )
        self.refits = Counter("tracehound_refits", "Refits that ended", ["result"], registry=registry)
        self.progress_records = Counter("tracehound_progress_records", "Progress records published", registry=registry)
        self.scoring_seconds = Histogram(
            "tracehound_scoring_seconds", "Time to score one chunk", registry=registry, buckets=_SCORING_BUCKETS_S
        )

    def count_anomalies(self, events: Iterable[AnomalyEvent]) -> None:
        """Count anomalies by kind and severity."""
        for event in events:
            self.anomalies.labels(kind=event.data.kind, severity=event.data.severity).inc()

    def count_refits(self, events: Iterable[ModelEvent]) -> None:
        """Count the refits among model events."""
        for event in events:
            if event.data.change in _REFIT_RESULTS:
                self.refits.labels(result=_REFIT_RESULTS[event.data.change]).inc()


class StateCollector(Collector):
    """Gauges that are read when Prometheus asks.

    Parameters:
        statistics: counts of the scoring core.
        lag_seconds: per partition, event time between now and the newest scored execution where records wait.
        lag_records: per partition, records that wait.
    """

    def __init__(
        self,
        statistics: Callable[[], Mapping[str, int]],
        lag_seconds: Callable[[], Mapping[int, float]],
        lag_records: Callable[[], Mapping[int, int]],
    ) -> None:
        self._statistics = statistics
        self._lag_seconds = lag_seconds
        self._lag_records = lag_records

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked at registration: the app has not started then."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges as of now."""
        counts = self._statistics()
        models = GaugeMetricFamily("tracehound_models", "Models of operations by state", labels=["state"])
        ready = counts.get("ready_operations", 0)
        models.add_metric(["ready"], ready)
        models.add_metric(["warming"], counts.get("operations", 0) - ready)
        yield models
        for name, about in (("applications", "Applications with models"), ("forests", "Fitted forests")):
            yield GaugeMetricFamily(f"tracehound_{name}", about, value=counts.get(name, 0))
        yield GaugeMetricFamily("tracehound_state_bytes", "Memory of all models", value=counts.get("state_bytes", 0))
        yield _by_partition("tracehound_lag_seconds", "Event time still to be scored", self._lag_seconds())
        yield _by_partition("tracehound_lag_records", "Records still to be scored", self._lag_records())


def _by_partition(name: str, about: str, values: Mapping[int, float] | Mapping[int, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=["partition"])
    for partition, value in sorted(values.items()):
        family.add_metric([str(partition)], value)
    return family
