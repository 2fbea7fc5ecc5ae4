"""What the detectors read off executions: self time, local time, memory, and the time of their calls by peer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit

from detectors.bank import Flags, Floats
from detectors.columns import SegmentColumns, columns_of
from schemas.execution import Execution

SIGNALS: Final = ("self_ms", "local_ms", "memory_peak_mb")
"""Measured values of an execution, in this order in a row: milliseconds, and megabytes."""
OUTLIER_COLUMNS: Final = ("rank.self_ms", "rank.local_ms", "rank.call_gap_ms", "novelty", "error")
"""What detectors per application read, in [0, 1]: ranks within the operation or call, structure, error flag."""

NAN: Final = float("nan")
Peers = dict[tuple[int, str], float]
"""Milliseconds by row and called peer, in order of the rows and then of the calls."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is measured of one execution.

    ``signals`` as in ``SIGNALS`` (NaN: not measured). ``gaps`` maps a peer to the largest call gap, in ms and at
    least 0, of the joined calls to it; ``waits`` maps a peer whose own side is not known (a database, a service
    outside) to the longest call to it in ms.
    """

    signals: tuple[float, float, float]
    gaps: dict[str, float]
    waits: dict[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured of n executions: as in ``Features``, with ``signals`` (n, 3) and the row beside the peer."""

    signals: Floats
    gaps: Peers
    waits: Peers


def features(execution: Execution) -> Features:
    """Self time, local time, memory and calls of an execution.

    *Self time* is the duration less the union of the outermost segments' intervals, clipped to the execution.
    *Local time* is the duration less the union of the joined calls: what no callee answers for. Segments without
    an offset count one after the other. *Call gap* is ``duration_ms - remote_ms`` of a joined call; a call whose other
    side took a millisecond longer was not waited for and has none.

    >>> from schemas.execution import Segment
    >>> calls = [Segment("SELECT", 30.0, offset_ms=10.0, peer="db"),
    ...          Segment("GET /b", 40.0, offset_ms=20.0, peer="b", remote_ms=25.0)]
    >>> features(Execution("shop", "GET /a", 0.0, 100.0, segments=calls))
    Features(signals=(50.0, 60.0, nan), gaps={'b': 15.0}, waits={'db': 30.0})
    """
    measured = measure([execution], columns_of([execution]))
    self_ms, local_ms, megabytes = measured.signals[0].tolist()
    gaps, waits = ({peer: ms for (_, peer), ms in calls.items()} for calls in (measured.gaps, measured.waits))
    return Features((self_ms, local_ms, megabytes), gaps, waits)


def measure(executions: Sequence[Execution], columns: SegmentColumns) -> Measured:
    """``features`` of n executions, given their segments as columns."""
    gaps, waits, joined = _calls(columns)
    signals = np.empty((len(executions), len(SIGNALS)))
    arrays = (columns.whole_ms, columns.starts, columns.duration_ms, columns.offset_ms, columns.parent)
    _times(*arrays, joined, signals)
    memory = [execution.memory_peak_mb for execution in executions]
    signals[:, 2] = [NAN if megabytes is None else megabytes for megabytes in memory]
    return Measured(signals, gaps, waits)


def _calls(columns: SegmentColumns) -> tuple[Peers, Peers, Flags]:
    """Gaps and waits by row and peer, and which segments are joined calls."""
    gaps: Peers = {}
    waits: Peers = {}
    joined = np.zeros(len(columns.segments), np.bool_)
    places = [at for at, one in enumerate(columns.segments) if one.peer is not None or one.remote_ms is not None]
    rows = np.searchsorted(columns.starts, places, side="right") - 1
    for at, row in zip(places, rows.tolist(), strict=True):
        segment = columns.segments[at]
        if segment.remote_ms is None:
            found, key, ms = waits, (row, segment.peer or ""), segment.duration_ms
        else:
            joined[at] = True
            found, key, ms = gaps, (row, segment.peer or segment.name), segment.duration_ms - segment.remote_ms
        if ms > found.get(key, -1.0):
            found[key] = max(0.0, ms)
    return gaps, waits, joined


@njit(cache=True)
def _times(whole: Any, starts: Any, duration: Any, offset: Any, parent: Any, joined: Any, out: Any) -> None:
    """Self time and local time of each row into the first two columns of ``out``."""
    longest = 0
    for row in range(whole.size):
        longest = max(longest, starts[row + 1] - starts[row])
    spans = np.empty((longest, 2))
    for row in range(whole.size):
        covered, outermost, answered, calls = 0.0, 0, 0.0, 0
        unplaced, unplaced_calls = 0.0, 0.0
        for at in range(starts[row], starts[row + 1]):
            if parent[at] >= 0:
                continue
            if np.isnan(offset[at]):
                unplaced += duration[at]
            else:
                spans[outermost] = offset[at], offset[at] + duration[at]
                outermost += 1
        covered = _union(spans[:outermost], whole[row])
        for at in range(starts[row], starts[row + 1]):
            if not joined[at]:
                continue
            if np.isnan(offset[at]):
                unplaced_calls += duration[at]
            else:
                spans[calls] = offset[at], offset[at] + duration[at]
                calls += 1
        answered = _union(spans[:calls], whole[row])
        out[row, 0] = max(0.0, whole[row] - covered - unplaced)
        out[row, 1] = max(0.0, whole[row] - answered - unplaced_calls)


@njit(cache=True)
def _union(spans: Any, limit: float) -> float:
    """Length of the union of spans (k, 2), clipped to [0, limit]."""
    for i in range(1, len(spans)):
        if spans[i, 0] < spans[i - 1, 0]:
            spans = spans[np.argsort(spans[:, 0])]
            break
    covered, end = 0.0, 0.0
    for i in range(len(spans)):
        start, stop = max(spans[i, 0], end), min(spans[i, 1], limit)
        if stop > start:
            covered += stop - start
            end = stop
    return covered
