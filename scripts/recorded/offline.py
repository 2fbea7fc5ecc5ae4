"""Scores a recording without a broker, through the same core and in the same order as a worker does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import tee
from typing import Protocol

import msgspec

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent, Severity
from tracehound.schemas.execution import Execution
from tracehound.scripts.recorded.evaluation import all_windows_label
from tracehound.scripts.recorded.recorded_silence import Judge, RecordedSilence, recorded_times
from tracehound.scripts.recorded.traces import FaultWindow, RecordedTrace

SILENCE_INTERVAL_S = 5.0
"""How often silence is looked for, in seconds of the recording: the default of workers."""


class Scores(Judge, Protocol):
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
    silence_interval_s: float = SILENCE_INTERVAL_S,
) -> TraceScores:
    """Score every execution in order, in calls of at most ``scorer.chunk`` executions.

    Silence is judged by the time of the recording, every ``silence_interval_s``, before what comes next is scored.
    """
    replay = _Replay(scorer, outputs or Outputs())
    silence = RecordedSilence(scorer, silence_interval_s)
    for trace, execution, now_s in _timed(_enter(traces, windows, replay.kept)):
        if silence.is_due(now_s):
            replay.score()
            for event in silence.look(now_s):
                replay.tell(event)
        silence.heard(execution, now_s)
        replay.take(trace, execution)
    replay.score()
    return replay.kept


class _Replay:
    """Executions on their way to the scorer, and what is kept of them."""

    def __init__(self, scorer: Scores, outputs: Outputs) -> None:
        self.kept = TraceScores()
        self._scorer = scorer
        self._outputs = outputs
        self._executions: list[Execution] = []
        self._traces: list[int] = []

    def take(self, trace: int, execution: Execution) -> None:
        self._executions.append(execution)
        self._traces.append(trace)
        if len(self._executions) >= self._scorer.chunk:
            self.score()

    def score(self) -> None:
        """Score what was taken."""
        if not self._executions:
            return
        kept, batch = self.kept, self._scorer.score(self._executions)
        for place, (trace, execution) in enumerate(zip(self._traces, self._executions, strict=True)):
            score, severity = float(batch.score[place]), batch.severity[place]
            kept.score[trace] = max(kept.score[trace], score)
            kept.alarm[trace] = kept.alarm[trace] or severity is not None
            self._outputs.score(
                ScoreLine(
                    execution.trace_id,
                    execution.application,
                    execution.operation,
                    execution.started_at,
                    score,
                    severity,
                    bool(batch.warming[place]),
                )
            )
        for _, event in batch.anomalies:
            self.tell(event)
        kept.executions += len(self._executions)
        kept.warming += int(batch.warming.sum())
        self._executions, self._traces = [], []

    def tell(self, event: AnomalyEvent) -> None:
        self.kept.anomalies.append(event)
        self._outputs.anomaly(event)


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


def _timed(numbered: Iterable[tuple[int, Execution]]) -> Iterator[tuple[int, Execution, float]]:
    """Each with what time it is in the recording."""
    ones, others = tee(numbered)
    times = recorded_times(execution.started_s for _, execution in others)
    for (trace, execution), now_s in zip(ones, times, strict=True):
        yield trace, execution, now_s
