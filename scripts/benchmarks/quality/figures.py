"""The figures of one detector on one recording, as they go into the JSON document and the report."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.alarms.silence import SIGNAL as SILENCE
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import epoch_seconds
from tracehound.scripts.benchmarks.quality.workload import DataSet, fault_free_days
from tracehound.scripts.recorded.evaluation import (
    AFTER_S,
    BEFORE_S,
    AlarmQuality,
    WindowReport,
    average_precision,
    best_f1,
    report_windows,
    summarize_windows,
)
from tracehound.scripts.recorded.offline import TraceScores

Figures = dict[str, Any]
"""Numbers, texts and nested figures by name, ready for JSON."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What one detector says of every trace, in the recording's order: scores and alarms, each (traces,)."""

    score: NDArray[np.float64]
    alarm: NDArray[np.bool_]

    @classmethod
    def of_product(cls, kept: TraceScores) -> "Detection":
        """What the core said: the highest score and any alarm of a trace's executions."""
        return cls(np.array(kept.score), np.array(kept.alarm))


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of every trace: labels (traces,) of the recording and of all windows, and starts in epoch s."""

    data: DataSet
    all_windows: NDArray[np.int64]
    started_s: NDArray[np.float64]

    @classmethod
    def of(cls, data: DataSet, kept: TraceScores) -> "Truth":
        """From the recording and the replay of all of it."""
        return cls(data, np.array(kept.window_label, np.int64), np.array(kept.started_s))


def judged(labels: NDArray[np.int64], truth: Truth) -> NDArray[np.bool_]:
    """(traces,) True where a trace is scored: after the warm-up, with a label that is not ignored."""
    known = labels >= 0
    known[: truth.data.warm_up] = False
    return known


PAUSE_S = 15.0
"""So long without any trace, a recording pauses."""


def average_precision_of(labels: NDArray[np.int64], score: NDArray[np.float64], truth: Truth) -> float:
    """Average precision of scores (traces,) over the traces that count."""
    counted = judged(labels, truth)
    return average_precision(labels[counted] == 1, score[counted])


def figures_of(detection: Detection, truth: Truth) -> Figures:
    """All figures of one detector: those of injected windows where there are any, else those per trace."""
    if not truth.data.windows:
        return _of_traces(detection, truth)
    figures = _of_windows(detection, truth)
    if truth.data.unlisted:
        figures["unlisted_ignored"] = _without_unlisted(detection, truth)
    return figures


def _without_unlisted(detection: Detection, truth: Truth) -> Figures:
    """The same where the times of faults that the labels do not name, margins included, are not judged."""
    left_out = np.zeros(len(truth.started_s), np.bool_)
    for fault in truth.data.unlisted:
        left_out |= (truth.started_s >= fault.inject_s - BEFORE_S) & (truth.started_s < fault.inject_s + AFTER_S)
    visible, every = (np.where(left_out, -1, labels) for labels in (truth.data.labels, truth.all_windows))
    counted = judged(visible, truth)
    faulty = visible[counted] == 1
    return {
        "ap_visible": average_precision(faulty, detection.score[counted]),
        "ap_all": average_precision_of(every, detection.score, truth),
        "best_f1": best_f1(faulty, detection.score[counted]),
        **_quality(faulty, detection.alarm[counted]),
    }


def base_rates(truth: Truth) -> Figures:
    """Share of faulty traces among those scored, by the visible labels and by all windows."""
    visible = truth.data.labels
    rates = {"base_rate": float(np.mean(visible[judged(visible, truth)]))}
    if truth.data.windows:
        rates["base_rate_all"] = float(np.mean(truth.all_windows[judged(truth.all_windows, truth)]))
    return rates


def _of_traces(detection: Detection, truth: Truth) -> Figures:
    labels = truth.data.labels
    counted = judged(labels, truth)
    faulty = labels[counted] == 1
    return {
        "ap": average_precision(faulty, detection.score[counted]),
        "best_f1": best_f1(faulty, detection.score[counted]),
        "automatic": _quality(faulty, detection.alarm[counted]),
    }


def _of_windows(detection: Detection, truth: Truth) -> Figures:
    visible = truth.data.labels
    counted = judged(visible, truth)
    faulty = visible[counted] == 1
    report = _window_report(detection, truth)
    seen = summarize_windows(outcome for outcome in report.outcomes if outcome.window.visible)
    everything = summarize_windows(report.outcomes)
    return {
        "ap_visible": average_precision(faulty, detection.score[counted]),
        "ap_all": average_precision_of(truth.all_windows, detection.score, truth),
        "best_f1": best_f1(faulty, detection.score[counted]),
        "automatic": {
            **_quality(faulty, detection.alarm[counted]),
            "windows": seen.windows,
            "windows_detected": seen.detected,
            "median_delay_s": seen.median_delay_s,
            "all_windows": asdict(everything),
        },
    }


def _window_report(detection: Detection, truth: Truth) -> WindowReport:
    """Windows by alarming traces."""
    of_window = detection.alarm & (truth.all_windows == 1)
    return report_windows(truth.data.windows, [], truth.started_s[of_window].tolist())


def _quality(faulty: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> Figures:
    quality = AlarmQuality.of(faulty, alarm)
    return {
        "precision": quality.precision,
        "recall": quality.recall,
        "f1": quality.f1,
        "false_positive_rate": quality.false_positive_rate,
    }


def published_figures(kept: TraceScores, truth: Truth) -> Figures:
    """What the product published, by where it belongs; false alarms also per application-day of fault-free time."""
    if not truth.data.windows:
        return {"anomalies": len(kept.anomalies)}
    starts_s = kept.started_s[truth.data.scored]
    days = len(kept.applications) * fault_free_days(starts_s, truth.data.windows)
    report = report_windows(truth.data.windows, kept.anomalies, [], warm_until_s=starts_s[0])
    delays = [outcome.delay_s for outcome in report.outcomes if outcome.delay_s is not None]
    paused = {found.id for found in report.false_alarms if _in_a_pause(found, kept.started_s)}
    false_alarms = [found for found in report.false_alarms if found.id not in paused]
    causes = Counter(f"{found.data.kind} {found.data.signal}" for found in false_alarms)
    return {
        "anomalies": len(kept.anomalies),
        "in_windows": sum(len(outcome.anomalies) for outcome in report.outcomes),
        "in_margins": len(report.in_margins),
        "in_warm_up": len(report.in_warm_up),
        "windows": len(report.outcomes),
        "windows_with_anomaly": len(delays),
        "windows_with_anomaly_at_service": sum(outcome.at_service > 0 for outcome in report.outcomes),
        "median_delay_s": median(delays) if delays else None,
        "in_pauses": len(paused),
        "false_alarms": len(false_alarms),
        "false_alarms_by_signal": dict(causes.most_common()),
        "fault_free_application_days": days,
        "false_alarms_per_application_day": len(false_alarms) / days,
    }


def _in_a_pause(found: AnomalyEvent, started_s: Sequence[float]) -> bool:
    """Whether it says that an application fell silent, and nothing at all was recorded then: it is true."""
    told_s = epoch_seconds(found.time)
    place = bisect_right(started_s, told_s)
    return found.data.signal == SILENCE and place > 0 and told_s - started_s[place - 1] >= PAUSE_S


def window_figures(kept: TraceScores, truth: Truth) -> list[Figures]:
    """What the product said of each injected fault, in order: its alarming traces, and what was published."""
    report = report_windows(truth.data.windows, kept.anomalies, kept.window_alarms_s())
    return [
        {
            "service": outcome.window.service,
            "fault": outcome.window.type,
            "visible": outcome.window.visible,
            "alarming_traces": outcome.alarming_traces,
            "delay_s": outcome.trace_delay_s,
            "anomalies": len(outcome.anomalies),
            "anomalies_at_service": outcome.at_service,
            "first_anomaly_s": outcome.delay_s,
        }
        for outcome in report.outcomes
    ]
