"""What is counted of each application, under a cap on how many have labels of their own."""

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from tracehound.schemas.anomaly import SEVERITIES, AnomalyEvent, Severity
from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.scoring.application_labels import ApplicationLabels

_LABELS = ("application", "environment")


class Scored(Protocol):
    """What was scored of one application; ``newest_s`` is event time in epoch seconds."""

    newest_s: float
    executions: int
    errors: int


class _Counts:
    __slots__ = ("anomalies", "errors", "examples", "executions", "newest_s")

    def __init__(self) -> None:
        self.executions = self.errors = 0
        self.newest_s = 0.0
        self.anomalies: dict[Severity, int] = dict.fromkeys(SEVERITIES, 0)
        self.examples: dict[Severity, Exemplar] = {}


class ApplicationCounts(Collector):
    """Executions, failures and anomalies by application, and the newest execution of each.

    Counted in plain numbers, since a client's counter with labels costs as much as scoring an execution.

    Parameters:
        limit: how many applications have labels of their own; the rest share one.
    """

    def __init__(self, limit: int = 200) -> None:
        self._labels = ApplicationLabels(limit)
        self._counts: dict[ApplicationKey, _Counts] = {}
        self._others: _Counts | None = None

    def count_scored(self, scored: Mapping[ApplicationKey, Scored]) -> None:
        """Count what was scored."""
        for application, what in scored.items():
            counts = self._counts.get(application) or self._others or self._of(application)
            counts.executions += what.executions
            counts.errors += what.errors
            if what.newest_s > counts.newest_s:
                counts.newest_s = what.newest_s

    def count_anomaly(self, event: AnomalyEvent, example: Mapping[str, str] | None = None) -> None:
        """Count an anomaly; ``example`` are the labels of the trace that stands for it."""
        application = (event.data.application, event.data.environment)
        counts = self._counts.get(application) or self._others or self._of(application)
        counts.anomalies[event.data.severity] += 1
        if example is not None:
            counts.examples[event.data.severity] = Exemplar(dict(example), 1.0, time.time())

    def _of(self, application: ApplicationKey) -> _Counts:
        labels = self._labels.of(application)
        found = self._counts[labels] = _Counts()
        if labels != application:
            self._others = found
        return found

    def collect(self) -> Iterable[Metric]:
        """The counts as of now."""
        executions = CounterMetricFamily("tracehound_application_executions", "Executions scored", labels=_LABELS)
        errors = CounterMetricFamily("tracehound_application_errors", "Executions scored that failed", labels=_LABELS)
        anomalies = CounterMetricFamily(
            "tracehound_application_anomalies", "Anomalies found", labels=(*_LABELS, "severity")
        )
        newest = GaugeMetricFamily(
            "tracehound_application_newest_execution_timestamp_seconds",
            "When the newest execution scored began, event time",
            labels=_LABELS,
        )
        for application, counts in self._counts.items():
            executions.add_metric(application, counts.executions)
            errors.add_metric(application, counts.errors)
            newest.add_metric(application, counts.newest_s)
            for severity, count in counts.anomalies.items():
                anomalies.add_metric((*application, severity), count, exemplar=counts.examples.get(severity))
        return executions, errors, anomalies, newest
