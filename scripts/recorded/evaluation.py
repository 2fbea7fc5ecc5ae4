"""What detection is worth on labelled traces: average precision, precision and recall, windows."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import epoch_seconds
from tracehound.scripts.recorded.traces import FaultWindow

EFFECT_S = 180.0
"""A fault is looked for in [inject, inject + EFFECT_S)."""
BEFORE_S = 60.0
AFTER_S = 420.0
"""Not judged: [inject - BEFORE_S, inject) and [inject + EFFECT_S, inject + AFTER_S)."""
ALARMING_TRACES = 3
"""A window counts as detected by traces when at least this many of its traces alarm."""

WARM_UP_TRACES = {"train_ticket_30": 3_400, "online_boutique_22": 6_500}
"""Traces at the start of the known recordings that are not scored."""


def precision_recall(
    labels: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall, each (k,), of "alarm from this score on" for the k different scores, highest first.

    ``labels`` and ``scores`` have shape (n,), n at least 1; higher scores are more anomalous. Recall is NaN
    without positive labels.

    >>> precision_recall(np.array([True, False, True]), np.array([3.0, 2.0, 2.0]))
    (array([1.        , 0.66666667]), array([0.5, 1. ]))
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    last_of_ties = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hits = hits[last_of_ties]
    recall = hits / hits[-1] if hits[-1] else np.full(len(hits), np.nan)
    return hits / (last_of_ties + 1), recall


def average_precision(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the precision-recall steps; equal scores count as one step. NaN without positive labels.

    ``labels`` and ``scores`` have shape (n,); higher scores are more anomalous.

    >>> average_precision(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]))
    0.8333333333333333
    """
    if not labels.any():
        return float("nan")
    precision, recall = precision_recall(labels, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def best_f1(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The highest F1 of any threshold: chosen with the labels, so no threshold can do better. NaN without positives.

    >>> best_f1(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]))
    0.8
    """
    if not labels.any():
        return float("nan")
    precision, recall = precision_recall(labels, scores)
    with np.errstate(invalid="ignore"):
        return float(np.nanmax(2 * precision * recall / (precision + recall)))


@dataclass(frozen=True, slots=True)
class AlarmQuality:
    """How good a yes-or-no alarm is: counts of traces, and the usual ratios (NaN where undefined)."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @classmethod
    def of(cls, labels: NDArray[np.bool_], alarms: NDArray[np.bool_]) -> "AlarmQuality":
        """Counts from labels and alarms, both of shape (n,)."""
        return cls(
            int(np.sum(labels & alarms)),
            int(np.sum(~labels & alarms)),
            int(np.sum(labels & ~alarms)),
            int(np.sum(~labels & ~alarms)),
        )

    @property
    def precision(self) -> float:
        """Share of alarms that are right."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of faulty traces that alarm."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def false_positive_rate(self) -> float:
        """Share of normal traces that alarm."""
        return _ratio(self.false_positives, self.false_positives + self.true_negatives)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def all_windows_label(started_s: float, services: Collection[str], windows: Sequence[FaultWindow]) -> int:
    """1, 0 or -1 (ignored) for a trace by the injection windows alone, visible or not.

    1: it starts in [inject, inject + EFFECT_S) of a window and has a span of the injected service. -1:
    another trace of that time, or one in the margins before and after. 0: the rest.
    """
    label = 0
    for window in windows:
        since = started_s - window.inject_s
        if 0 <= since < EFFECT_S and window.service in services:
            return 1
        if -BEFORE_S <= since < AFTER_S:
            label = -1
    return label


@dataclass(slots=True)
class WindowOutcome:
    """What was found in one injected window: published anomalies, and when its alarming traces start (epoch s)."""

    window: FaultWindow
    anomalies: list[AnomalyEvent] = field(default_factory=list)
    alarms_at_s: list[float] = field(default_factory=list)
    judged: bool = True

    @property
    def alarming_traces(self) -> int:
        """How many of its traces alarm."""
        return len(self.alarms_at_s)

    @property
    def detected(self) -> bool:
        """Whether enough of its traces alarm for the window to count."""
        return self.alarming_traces >= ALARMING_TRACES

    @property
    def trace_delay_s(self) -> float | None:
        """Seconds from the injection to the start of the first alarming trace; None where it is not detected."""
        return min(self.alarms_at_s) - self.window.inject_s if self.detected else None

    @property
    def delay_s(self) -> float | None:
        """Seconds from the injection to the first anomaly; None without one."""
        return min((epoch_seconds(found.time) - self.window.inject_s for found in self.anomalies), default=None)

    @property
    def at_service(self) -> int:
        """How many anomalies are at the injected service."""
        return sum(found.data.application == self.window.service for found in self.anomalies)


@dataclass(slots=True)
class WindowReport:
    """Every anomaly where it belongs: in a window, in its margins, a false alarm, or in the warm-up."""

    outcomes: list[WindowOutcome]
    in_margins: list[AnomalyEvent] = field(default_factory=list)
    false_alarms: list[AnomalyEvent] = field(default_factory=list)
    in_warm_up: list[AnomalyEvent] = field(default_factory=list)


def report_windows(
    windows: Sequence[FaultWindow],
    anomalies: Iterable[AnomalyEvent],
    alarms_at_s: Iterable[float],
    warm_until_s: float = 0.0,
    end_s: float = float("inf"),
) -> WindowReport:
    """Assign anomalies (by event time) and alarming traces (by start, epoch seconds) to windows.

    A window's traces are those with a span of the injected service: give only alarms of traces whose
    ``all_windows_label`` is 1. Windows that start after ``end_s``, where the replay ended, are not judged.
    Anomalies before ``warm_until_s`` are kept apart.
    """
    report = WindowReport([WindowOutcome(window, judged=window.inject_s <= end_s) for window in windows])
    for anomaly in anomalies:
        at_s = epoch_seconds(anomaly.time)
        outcome = _window_at(report.outcomes, at_s)
        if outcome is not None:
            outcome.anomalies.append(anomaly)
        elif at_s < warm_until_s:
            report.in_warm_up.append(anomaly)
        elif any(-BEFORE_S <= at_s - window.inject_s < AFTER_S for window in windows):
            report.in_margins.append(anomaly)
        else:
            report.false_alarms.append(anomaly)
    for at_s in alarms_at_s:
        outcome = _window_at(report.outcomes, at_s)
        if outcome is not None:
            outcome.alarms_at_s.append(at_s)
    return report


def _window_at(outcomes: Sequence[WindowOutcome], at_s: float) -> WindowOutcome | None:
    return next((outcome for outcome in outcomes if 0 <= at_s - outcome.window.inject_s < EFFECT_S), None)


@dataclass(frozen=True, slots=True)
class WindowSummary:
    """How many windows there are and how many are detected by their traces; the delay is over the detected ones."""

    windows: int
    detected: int
    median_delay_s: float | None


def summarize_windows(outcomes: Iterable[WindowOutcome]) -> WindowSummary:
    """Count the windows that were judged."""
    judged = [outcome for outcome in outcomes if outcome.judged]
    delays = [outcome.trace_delay_s for outcome in judged if outcome.trace_delay_s is not None]
    return WindowSummary(len(judged), len(delays), median(delays) if delays else None)
