"""Prometheus metrics of a worker, all in one registry that is handed in."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from tracehound.schemas.anomaly import AnomalyEvent, AnomalyKind
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_event import ModelEvent
from tracehound.streams.scoring.application_counts import ApplicationCounts
from tracehound.streams.scoring.application_labels import ApplicationLabels
from tracehound.streams.worker.exposition import trace_exemplar

_SCORING_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_SCORE_BUCKETS = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0)
_CONFIDENCE_BUCKETS = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_REFIT_RESULTS = {"trained": "trained", "training_failed": "failed"}


class Metrics:
    """Everything that a worker counts.

    Parameters:
        registry: takes the metrics.
        labelled_applications: how many applications have labels of their own.
    """

    def __init__(self, registry: CollectorRegistry, labelled_applications: int = 200) -> None:
        self.registry = registry
        self.of_applications = ApplicationCounts(labelled_applications)
        registry.register(self.of_applications)
        self.executions = Counter("tracehound_executions", "Executions scored", registry=registry)
        self.records = Counter("tracehound_records", "Records read", registry=registry)
        self.anomalies = Counter("tracehound_anomalies", "Anomalies found", ["kind", "severity"], registry=registry)
        self.alarm_budget = Gauge(
            "tracehound_alarm_budget", "False alarms a day and application that the settings allow", registry=registry
        )
        self.anomalies_suppressed = Counter(
            "tracehound_anomalies_suppressed",
            "Alarms that were not told because people had judged the like to be nothing",
            ["kind"],
            registry=registry,
        )
        self.anomaly_score = Histogram(
            "tracehound_anomaly_score",
            "Scores of anomalies: −log10 of the false-alarm probability",
            ["kind"],
            registry=registry,
            buckets=_SCORE_BUCKETS,
        )
        self.anomaly_confidence = Histogram(
            "tracehound_anomaly_confidence",
            "Confidence of anomalies, from 0 to 1",
            registry=registry,
            buckets=_CONFIDENCE_BUCKETS,
        )
        self.dead_letters = Counter("tracehound_dead_letters", "Records refused", ["error"], registry=registry)
        self.forwarded = Counter(
            "tracehound_forwarded", "Records forwarded to their application's partition", registry=registry
        )
        self.duplicates_skipped = Counter(
            "tracehound_duplicates_skipped", "Records skipped because they were scored before", registry=registry
        )
        self.skipped_records = Counter(
            "tracehound_skipped_records",
            "Records of another format that were not told one by one",
            registry=registry,
        )
        self.origins_refused = Counter(
            "tracehound_origins_refused",
            "Records that name an origin which their topic does not hold, and count as any producer's",
            registry=registry,
        )
        self.scoring_begun_anew = Counter(
            "tracehound_scoring_begun_anew",
            "Times that scoring failed, so that partitions were read again from what was saved",
            registry=registry,
        )
        self.offsets_lost = Counter(
            "tracehound_offsets_lost", "Records that Kafka deleted before they were scored", registry=registry
        )
        self.refits = Counter("tracehound_refits", "Refits that ended", ["result"], registry=registry)
        for result in _REFIT_RESULTS.values():
            self.refits.labels(result=result)  # from 0 on: the first of them is an increase, too
        self.fit_helpers_replaced = Counter(
            "tracehound_fit_helpers_replaced",
            "Times that the processes which refit models were replaced, since one had died",
            registry=registry,
        )
        self.refit_seconds = Counter("tracehound_refit_seconds", "Time of refits, from begin to end", registry=registry)
        self.refit_cpu_seconds = Counter("tracehound_refit_cpu_seconds", "CPU time of refits", registry=registry)
        self.drift_events = Counter(
            "tracehound_drift_events", "Features of operations that have drifted", registry=registry
        )
        self.model_changes = Counter(
            "tracehound_model_changes", "Events on the models topic", ["change"], registry=registry
        )
        self.states_written = Counter("tracehound_states_written", "Model states saved", registry=registry)
        self.state_bytes_written = Counter(
            "tracehound_state_bytes_written", "Bytes of model states saved", registry=registry
        )
        self.applications_retired = Counter(
            "tracehound_applications_retired",
            "Applications that had sent nothing for long and were forgotten",
            registry=registry,
        )
        self.applications_crowded_out = Counter(
            "tracehound_applications_crowded_out",
            "Applications that were forgotten because a partition had too many, quiet for longer than ever heard",
            registry=registry,
        )
        self.applications_sent_away = Counter(
            "tracehound_applications_sent_away",
            "Applications whose models were saved and dropped from memory to make room",
            registry=registry,
        )
        self.snapshot_seconds = Histogram(
            "tracehound_snapshot_seconds", "Time to take one state", registry=registry, buckets=_SCORING_BUCKETS_S
        )
        self.restore_seconds = Histogram(
            "tracehound_restore_seconds", "Time to restore one state", registry=registry, buckets=_SCORING_BUCKETS_S
        )
        self.silence_looks = Counter(
            "tracehound_silence_looks",
            "Times that silence was looked for in a partition, which must have been read to its end",
            ["partition"],
            registry=registry,
        )
        self.progress_records = Counter("tracehound_progress_records", "Progress records published", registry=registry)
        self.scoring_seconds = Histogram(
            "tracehound_scoring_seconds", "Time to score one chunk", registry=registry, buckets=_SCORING_BUCKETS_S
        )

    def count_anomalies(self, events: Iterable[AnomalyEvent]) -> None:
        """Count anomalies by kind and severity, with their scores and how sure they are."""
        for event in events:
            anomaly = event.data
            example = trace_exemplar(next(iter(anomaly.exemplar_trace_ids), ""))
            self.of_applications.count_anomaly(event, example)
            self.anomalies.labels(kind=anomaly.kind, severity=anomaly.severity).inc(exemplar=example)
            self.anomaly_score.labels(kind=anomaly.kind).observe(anomaly.score, example)
            self.anomaly_confidence.observe(anomaly.confidence, example)

    def count_suppressed(self, suppressed: Mapping[AnomalyKind, int]) -> None:
        """Count alarms that were not told because of feedback."""
        for kind, count in suppressed.items():
            self.anomalies_suppressed.labels(kind=kind).inc(count)

    def count_model_changes(self, events: Iterable[ModelEvent]) -> None:
        """Count model events, and what refits among them took."""
        for event in events:
            change, cost = event.data.change, event.data.cost
            self.model_changes.labels(change=change).inc()
            if change == "drift":
                self.drift_events.inc()
            if change in _REFIT_RESULTS:
                self.refits.labels(result=_REFIT_RESULTS[change]).inc()
            if cost is not None:
                self.refit_seconds.inc(cost.wall_s)
                self.refit_cpu_seconds.inc(cost.cpu_s)


class StateCollector(Collector):
    """Gauges that are read when Prometheus asks.

    Parameters:
        statistics: counts of the scoring core.
        lag_seconds: per partition, event time between now and the newest scored execution where records wait.
        lag_records: per partition, records that wait.
        drift: per application, the largest population stability index of its operations.
        labelled_applications: how many applications have labels of their own.
    """

    def __init__(
        self,
        statistics: Callable[[], Mapping[str, int]],
        lag_seconds: Callable[[], Mapping[int, float]],
        lag_records: Callable[[], Mapping[int, int]],
        drift: Callable[[], Mapping[ApplicationKey, float]] = dict,
        labelled_applications: int = 200,
    ) -> None:
        self._statistics = statistics
        self._lag_seconds = lag_seconds
        self._lag_records = lag_records
        self._drift = drift
        self._labels = ApplicationLabels(labelled_applications)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked at registration: the app has not started then."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
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
        for name, about in _OUT_OF_TIME.items():
            yield CounterMetricFamily(f"tracehound_{name}_executions", about, value=counts.get(name, 0))
        yield _by_partition("tracehound_lag_seconds", "Event time still to be scored", self._lag_seconds())
        yield _by_partition("tracehound_lag_records", "Records still to be scored", self._lag_records())
        yield self._psi()

    def _psi(self) -> GaugeMetricFamily:
        largest: dict[ApplicationKey, float] = {}
        for application, index in self._drift().items():
            labels = self._labels.of(application)
            largest[labels] = max(index, largest.get(labels, index))
        about = "Largest population stability index of the application's operations and features"
        family = GaugeMetricFamily("tracehound_psi", about, labels=["application", "environment"])
        for labels, index in largest.items():
            family.add_metric(labels, index)
        return family


_OUT_OF_TIME = {
    "early": "Executions that began beyond the time that most of their application's say it is",
    "late": "Executions that ended long before the time that most of their application's say it is",
    "left_out": "Executions that no window counts, since theirs had closed",
}


def _by_partition(name: str, about: str, values: Mapping[int, float] | Mapping[int, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=["partition"])
    for partition, value in sorted(values.items()):
        family.add_metric([str(partition)], value)
    return family
