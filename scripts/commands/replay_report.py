"""What an offline replay found: per injected window, false alarms, and per trace where labels exist."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group, RenderableType
from rich.table import Table

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import rfc3339
from tracehound.scripts.recorded.evaluation import (
    AFTER_S,
    ALARMING_TRACES,
    BEFORE_S,
    EFFECT_S,
    WARM_UP_TRACES,
    AlarmQuality,
    WindowOutcome,
    WindowReport,
    average_precision,
    report_windows,
)
from tracehound.scripts.recorded.offline import TraceScores
from tracehound.scripts.recorded.traces import Label, Recording


def console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for the tables in a file or pipe."""
    found = Console()
    return found if found.is_terminal else Console(width=150)


def warm_up_traces(recording: Recording) -> int:
    """How many traces at the start of a recording are not scored: known by its name, or marked ``train``."""
    trained = sum(label.part == "train" for label in recording.labels)
    return trained or WARM_UP_TRACES.get(recording.name, 0)


def report(recording: Recording, kept: TraceScores, warm_up: int) -> Group:
    """Everything that can be said about a replay of ``recording``; ``warm_up`` traces are not scored."""
    parts: list[RenderableType] = [
        f"{recording.name}: {len(kept.score):,} traces, {kept.executions:,} executions "
        f"({kept.warming:,} while warming up), {len(kept.anomalies):,} anomalies {_by(kept.anomalies)}"
    ]
    if recording.windows and kept.started_s:
        parts += _windows(recording, kept, warm_up)
    if recording.labels and len(kept.score) > warm_up:
        parts.append(_quality(recording.labels, kept, warm_up))
    return Group(*parts)


def _windows(recording: Recording, kept: TraceScores, warm_up: int) -> list[RenderableType]:
    start = min(warm_up, len(kept.started_s) - 1)
    alarms_at_s = kept.window_alarms_s()
    found = report_windows(recording.windows, kept.anomalies, alarms_at_s, kept.started_s[start], kept.started_s[-1])
    judged = [outcome for outcome in found.outcomes if outcome.judged]
    return [_window_table(judged), *_window_sentences(judged, found)]


def _window_table(judged: Sequence[WindowOutcome]) -> Table:
    table = Table(title="Injected windows (anomalies from injection to 180 s after)")
    for column in (
        "injected (UTC)",
        "service",
        "fault",
        "visible",
        "anomalies",
        "first after",
        "at service",
        "traces",
        "what",
    ):
        table.add_column(column, justify="right" if column in ("anomalies", "first after", "traces") else "left")
    for outcome in judged:
        window, delay = outcome.window, outcome.delay_s
        table.add_row(
            rfc3339(window.inject_s)[:19].replace("T", " "),
            window.service,
            window.type,
            "yes" if window.visible else "no",
            f"{len(outcome.anomalies)}",
            "-" if delay is None else f"{delay:.0f} s",
            f"{outcome.at_service} of {len(outcome.anomalies)}",
            f"{outcome.alarming_traces}",
            _by(outcome.anomalies),
        )
    return table


def _window_sentences(judged: Sequence[WindowOutcome], found: WindowReport) -> list[str]:
    sentences = []
    for name, group in (("visible", [one for one in judged if one.window.visible]), ("all", judged)):
        delays = [one.delay_s for one in group if one.delay_s is not None]
        by_traces = sum(one.detected for one in group)
        sentences.append(
            f"Windows detected, {name}: {len(delays)} of {len(group)} by an anomaly, "
            f"{by_traces} of {len(group)} by {ALARMING_TRACES} alarming traces; "
            f"median delay of the first anomaly "
            f"{f'{median(delays):.0f} s' if delays else 'unknown'}."
        )
    sentences.append(
        f"False alarms: {len(found.false_alarms)} anomalies outside all windows and margins "
        f"{_by(found.false_alarms)}. In the margins ({BEFORE_S:.0f} s before, "
        f"{EFFECT_S:.0f} to {AFTER_S:.0f} s after an injection), not judged: "
        f"{len(found.in_margins)} {_by(found.in_margins)}. "
        f"In the warm-up: {len(found.in_warm_up)}."
    )
    return sentences


def _quality(labels: Sequence[Label], kept: TraceScores, warm_up: int) -> Table:
    table = Table(title=f"Per trace (highest score of its executions), without the first {warm_up:,} traces")
    for column in (
        "labels",
        "traces",
        "faulty",
        "average precision",
        "precision",
        "recall",
        "F1",
        "false-positive rate",
    ):
        table.add_column(column, justify="left" if column == "labels" else "right")
    part = slice(warm_up, len(kept.score))
    score, alarm = np.array(kept.score[part]), np.array(kept.alarm[part])
    known = np.array([label.label for label in labels[part]])
    weak = any(label.window >= 0 for label in labels)
    table.add_row(*_quality_row("visible windows" if weak else "per trace", known, score, alarm))
    if weak:
        table.add_row(*_quality_row("all windows", np.array(kept.window_label[part]), score, alarm))
    return table


def _quality_row(
    name: str, labels: NDArray[np.int_], score: NDArray[np.float64], alarm: NDArray[np.bool_]
) -> tuple[str, ...]:
    judged = labels >= 0
    faulty = labels[judged] == 1
    quality = AlarmQuality.of(faulty, alarm[judged])
    return (
        name,
        f"{judged.sum():,}",
        f"{faulty.sum():,}",
        f"{average_precision(faulty, score[judged]):.3f}",
        f"{quality.precision:.3f}",
        f"{quality.recall:.3f}",
        f"{quality.f1:.3f}",
        f"{quality.false_positive_rate:.4f}",
    )


def _by(anomalies: Sequence[AnomalyEvent]) -> str:
    counts = Counter(f"{found.data.severity} {found.data.kind}" for found in anomalies)
    return "(" + ", ".join(f"{count} {name}" for name, count in counts.most_common()) + ")" if counts else ""
