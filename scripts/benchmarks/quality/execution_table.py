"""All executions of a recording as arrays: what the baselines read, collected while the product scores."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.features.measures import SIGNALS, features
from tracehound.schemas.execution import Execution
from tracehound.scripts.recorded.traces import RecordedTrace

FEATURES = (
    "log duration",
    "log self time",
    "log longest segment",
    "log remote time",
    "segments",
    "remote calls",
    "distinct segments",
    "log longest call",
)
"""What the baselines per application read of an execution: logarithms of milliseconds, and counts."""
_SELF = SIGNALS.index("self_ms")

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segments:
    """Every segment: the row of its execution, the number of its path (operation and name), milliseconds; (m,)."""

    row: Numbers
    path: Numbers
    duration_ms: Floats


@dataclass(frozen=True, slots=True)
class ExecutionTable:
    """n executions of all traces in order; each array is (n,) but ``features`` (n, 8).

    ``trace`` is the number of the execution's trace, the first ``warm_up`` of ``traces`` are not scored.
    ``application``, ``operation`` and ``structure`` (operation and the set of its segments' names) are numbers.
    ``call_gap_ms`` is NaN without a joined call, ``root`` True for the first execution of a trace.
    """

    traces: int
    warm_up: int
    trace: Numbers
    application: Numbers
    operation: Numbers
    structure: Numbers
    started_s: Floats
    duration_ms: Floats
    call_gap_ms: Floats
    features: Floats
    segments: Segments

    @property
    def root(self) -> NDArray[np.bool_]:
        """(n,) True for the first execution of each trace."""
        return np.diff(self.trace, prepend=-1) > 0

    @property
    def learned(self) -> NDArray[np.bool_]:
        """(n,) True for executions of the warm-up."""
        return self.trace < self.warm_up

    def per_trace(self, score: Floats) -> Floats:
        """The highest score (n,) of each trace's executions: (traces,)."""
        highest = np.full(self.traces, score.min(initial=0.0))
        np.maximum.at(highest, self.trace, score)
        return highest


class Collector:
    """Takes traces in order and makes the table of their executions. ``with_segments``: keep each segment too."""

    def __init__(self, with_segments: bool = False) -> None:
        self._with_segments = with_segments
        self._traces = 0
        self._rows: list[tuple[float, ...]] = []
        self._features: list[tuple[float, ...]] = []
        self._segments: list[tuple[int, int, float]] = []
        self._numbers: dict[object, int] = {}
        self._counts: dict[str, int] = {}

    def add(self, trace: RecordedTrace) -> None:
        """Take the next trace."""
        for execution in trace.executions:
            self._execution(execution)
        self._traces += 1

    def _execution(self, execution: Execution) -> None:
        found = features(execution)
        application, operation = execution.application, execution.operation
        names = frozenset(segment.name for segment in execution.segments)
        self._rows.append(
            (
                self._traces,
                self._number("application", application),
                self._number("operation", (application, operation)),
                self._number("structure", (application, operation, names)),
                execution.started_s,
                execution.duration_ms,
                max(found.gaps.values(), default=math.nan),
            )
        )
        self._features.append(_features(execution, found.signals[_SELF], len(names)))
        if self._with_segments:
            row = len(self._rows) - 1
            for segment in execution.segments:
                path = self._number("path", (application, operation, segment.name))
                self._segments.append((row, path, segment.duration_ms))

    def _number(self, kind: str, name: object) -> int:
        known = self._numbers.get((kind, name))
        if known is None:
            known = self._numbers[kind, name] = self._counts.get(kind, 0)
            self._counts[kind] = known + 1
        return known

    def table(self, warm_up: int) -> ExecutionTable:
        """The table of everything taken; the first ``warm_up`` traces are not scored."""
        rows = np.array(self._rows, np.float64).reshape(-1, 7).T.copy()
        trace, application, operation, structure = rows[:4].astype(np.int64)
        started_s, duration_ms, call_gap_ms = rows[4:]
        features = np.array(self._features, np.float64).reshape(-1, len(FEATURES))
        row, path, segment_ms = np.array(self._segments, np.float64).reshape(-1, 3).T.copy()
        return ExecutionTable(
            traces=self._traces,
            warm_up=warm_up,
            trace=trace,
            application=application,
            operation=operation,
            structure=structure,
            started_s=started_s,
            duration_ms=duration_ms,
            call_gap_ms=call_gap_ms,
            features=features,
            segments=Segments(row.astype(np.int64), path.astype(np.int64), segment_ms),
        )


def _features(execution: Execution, self_ms: float, distinct: int) -> tuple[float, ...]:
    longest = remote_ms = longest_call = 0.0
    calls = 0
    for segment in execution.segments:
        longest = max(longest, segment.duration_ms)
        if segment.remote_ms is not None:
            calls += 1
            remote_ms += segment.remote_ms
            longest_call = max(longest_call, segment.duration_ms)
    return (
        math.log1p(execution.duration_ms),
        math.log1p(self_ms),
        math.log1p(longest),
        math.log1p(remote_ms),
        float(len(execution.segments)),
        float(calls),
        float(distinct),
        math.log1p(longest_call),
    )
