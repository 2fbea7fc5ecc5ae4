"""Prometheus metrics of the incident worker, all in one registry that is handed in."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.drill import DRILL_TRACE
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import INCIDENT_TYPES, IncidentEvent

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_CHANGES = {kind: change for change, kind in INCIDENT_TYPES.items()}


class IncidentMetrics:
    """Everything that an incident worker counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.records = Counter("tracehound_incident_records", "Records read", ["topic"], registry=registry)
        self.events = Counter(
            "tracehound_incident_events", "Events of incidents", ["change", "severity"], registry=registry
        )
        self.dead_letters = Counter("tracehound_dead_letters", "Records refused", ["error"], registry=registry)
        self.forwarded = Counter("tracehound_forwarded", "Records written to keyed topics", registry=registry)
        self.lessons = Counter(
            "tracehound_incident_lessons", "Lessons of verdicts sent to applications", registry=registry
        )
        self.offsets_lost = Counter(
            "tracehound_offsets_lost", "Records that Kafka deleted before they were read", registry=registry
        )
        self.saves = Counter("tracehound_incident_saves", "Times that incidents were saved", registry=registry)
        self.state_bytes = Counter("tracehound_incident_state_bytes", "Bytes of saved incidents", registry=registry)
        self.grouping_seconds = Histogram(
            "tracehound_grouping_seconds", "Time to group one run of records", registry=registry, buckets=_SECONDS
        )

        self.drill_detected = Gauge(
            "tracehound_drill_detected_seconds",
            "Seconds from the begin of a drill's slow execution until it was told",
            ["application"],
            registry=registry,
        )
        self.drill_last_success = Gauge(
            "tracehound_drill_last_success_timestamp_seconds",
            "When the last drill was told, seconds since the epoch",
            ["application"],
            registry=registry,
        )

    def note_drill(self, anomaly: AnomalyEvent, told_s: float) -> None:
        """A drill's anomaly was told at that time, by Kafka's clock; what is read again changes nothing."""
        if not any(one.startswith(DRILL_TRACE) for one in anomaly.data.exemplar_trace_ids):
            return  # of no slow execution: that between two drills there is silence, for instance
        detected, last = (
            one.labels(application=anomaly.data.application) for one in (self.drill_detected, self.drill_last_success)
        )
        detected.set(max(0.0, told_s - epoch_seconds(anomaly.time)))
        last.set(told_s)

    def count_events(self, events: Sequence[IncidentEvent]) -> None:
        """Count what is told of incidents."""
        for event in events:
            self.events.labels(change=_CHANGES.get(event.type, "other"), severity=event.data.severity).inc()


class IncidentCollector(Collector):
    """Gauges that are read when Prometheus asks.

    Parameters:
        counts: what the book holds, by what it is: ``open`` and ``pending`` incidents, ``applications``, …
        waiting: records that wait, by topic.
    """

    def __init__(self, counts: Callable[[], Mapping[str, int]], waiting: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts
        self._waiting = waiting

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked at registration: the app has not started then."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges as of now."""
        for what, count in sorted(self._counts().items()):
            yield GaugeMetricFamily(f"tracehound_incidents_{what}", f"What incidents are made of: {what}", value=count)
        waiting = GaugeMetricFamily("tracehound_incident_lag_records", "Records still to be read", labels=["topic"])
        for topic, count in sorted(self._waiting().items()):
            waiting.add_metric([topic], count)
        yield waiting
