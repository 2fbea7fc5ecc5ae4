"""Scores a recording without a broker, through the same core and in the same order as a worker does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent, Severity
from tracehound.schemas.execution import Execution
from tracehound.scripts.recorded.evaluation import all_windows_label
from tracehound.scripts.recorded.traces import FaultWindow, RecordedTrace


class Scores(Protocol):
    """The part of ``detectors.scoring.scorer.Scorer`` that a replay needs."""

    @property
    def chunk(self) -> int:
        """The most executions for one call."""
        ...

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        ...


class ScoreLine(msgspec.Struct):
    """One line of ``--scores``: how unusual one execution is (-log10 of the false-alarm probability)."""

    trace_id: str
    application: str
    operation: str
    started_at: float | str
    score: float
    severity: Severity | None
    warming: bool


@dataclass(slots=True)
class TraceScores:
    """What a replay keeps of each trace, in the file's order, and of the whole.

    Per trace: start in epoch seconds, the highest score of its executions, whether one of them alarms, and
    its label by the injection windows (1, 0, -1: ignored). ``applications`` are all that were seen.
    """

    started_s: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    alarm: list[bool] = field(default_factory=list)
    window_label: list[int] = field(default_factory=list)
    anomalies: list[AnomalyEvent] = field(default_factory=list)
    applications: set[str] = field(default_factory=set)
    executions: int = 0
    warming: int = 0

    def window_alarms_s(self) -> list[float]:
        """Starts, in epoch seconds, of the alarming traces that belong to an injected window."""
        known = zip(self.started_s, self.alarm, self.window_label, strict=True)
        return [at_s for at_s, alarm, label in known if alarm and label == 1]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a replay writes as it goes; each is called with one line or event."""

    score: Callable[[ScoreLine], object] = lambda _: None
    anomaly: Callable[[AnomalyEvent], object] = lambda _: None


def score_traces(
    traces: Iterable[RecordedTrace],
    scorer: Scores,
    windows: Sequence[FaultWindow] = (),
    outputs: Outputs | None = None,
) -> TraceScores:
    """Score every execution in order, in calls of at most ``scorer.chunk`` executions."""
    outputs = outputs or Outputs()
    kept = TraceScores()
    for executions, owners in _chunks(_enter(traces, windows, kept), scorer.chunk):
        batch = scorer.score(executions)
        alarms = np.array([severity is not None for severity in batch.severity], dtype=np.bool_)
        for place, execution in enumerate(executions):
            trace = owners[place]
            score = float(batch.score[place])
            kept.score[trace] = max(kept.score[trace], score)
            kept.alarm[trace] = kept.alarm[trace] or bool(alarms[place])
            outputs.score(
                ScoreLine(
                    execution.trace_id,
                    execution.application,
                    execution.operation,
                    execution.started_at,
                    score,
                    batch.severity[place],
                    bool(batch.warming[place]),
                )
            )
        for _, event in batch.anomalies:
            kept.anomalies.append(event)
            outputs.anomaly(event)
        kept.executions += len(executions)
        kept.warming += int(batch.warming.sum())
    return kept


def _enter(
    traces: Iterable[RecordedTrace], windows: Sequence[FaultWindow], kept: TraceScores
) -> Iterator[tuple[int, Execution]]:
    for number, trace in enumerate(traces):
        kept.started_s.append(trace.started_s)
        kept.score.append(0.0)
        kept.alarm.append(False)
        services = {execution.application for execution in trace.executions}
        kept.applications |= services
        kept.window_label.append(all_windows_label(trace.started_s, services, windows))
        for execution in trace.executions:
            yield number, execution


def _chunks(numbered: Iterable[tuple[int, Execution]], size: int) -> Iterator[tuple[list[Execution], list[int]]]:
    executions: list[Execution] = []
    owners: list[int] = []
    for number, execution in numbered:
        executions.append(execution)
        owners.append(number)
        if len(executions) >= size:
            yield executions, owners
            executions, owners = [], []
    if executions:
        yield executions, owners
