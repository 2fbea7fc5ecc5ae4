"""What the detectors read off executions: self time, local time, memory, and the time of their calls by peer."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots
from tracehound.detectors.columns.segment_columns import SegmentColumns, columns_of, known_floats, within
from tracehound.detectors.packed.compiling import njit
from tracehound.schemas.execution import Execution

SIGNALS: Final = ("self_ms", "local_ms", "memory_peak_mb")
"""Measured values of an execution, in this order in a row: milliseconds, and megabytes."""
OUTLIER_COLUMNS: Final = ("rank.self_ms", "rank.local_ms", "rank.call_gap_ms", "novelty", "error")
"""What detectors per application read, in [0, 1]: ranks within the operation or call, structure, error flag."""

_NO_CALL = -1.0


@dataclass(frozen=True, slots=True)
class PeerTimes:
    """Calls of n executions, at most one per row and called peer, in order of the rows and then of the calls.

    ``rows`` (m,) are indexes of executions, ``peers`` (m,) numbers of ``SegmentColumns.names``' peers, ``ms`` (m,), and
    ``places`` (m,) those of the calls in the columns.
    """

    rows: NDArray[np.int64]
    peers: NDArray[np.int64]
    ms: Floats
    places: NDArray[np.int64]


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
    """What is measured of n executions: as in ``Features``, with ``signals`` (n, 3) and the calls of all rows."""

    signals: Floats
    gaps: PeerTimes
    waits: PeerTimes


def features(execution: Execution) -> Features:
    """Self time, local time, memory and calls of an execution.

    *Self time* is the duration less the union of the outermost segments' intervals, clipped to the execution.
    *Local time* is the duration less the union of the joined calls: what no callee answers for. Segments without
    an offset count one after the other. *Call gap* is ``duration_ms - remote_ms`` of a joined call; a call whose other
    side took a millisecond longer was not waited for and has none.

    >>> from tracehound.schemas.execution import Segment
    >>> calls = [Segment("SELECT", 30.0, offset_ms=10.0, peer="db"),
    ...          Segment("GET /b", 40.0, offset_ms=20.0, peer="b", remote_ms=25.0)]
    >>> features(Execution("shop", "GET /a", 0.0, 100.0, segments=calls))
    Features(signals=(50.0, 60.0, nan), gaps={'b': 15.0}, waits={'db': 30.0})
    """
    columns = columns_of([execution])
    measured = measure(within(known_floats([execution.memory_peak_mb])), columns)
    self_ms, local_ms, megabytes = measured.signals[0].tolist()
    peers = columns.names.peers
    gaps, waits = (
        {peers[peer]: ms for peer, ms in zip(calls.peers.tolist(), calls.ms.tolist(), strict=True)}
        for calls in (measured.gaps, measured.waits)
    )
    return Features((self_ms, local_ms, megabytes), gaps, waits)


def measure(memory_mb: Floats, columns: SegmentColumns) -> Measured:
    """``features`` of n executions, given their memory (n,) and their segments as columns."""
    signals = np.empty((len(memory_mb), len(SIGNALS)))
    joined = ~np.isnan(columns.remote_ms)
    _times(*_spans_of(columns), joined, columns.duration_ms, signals)
    signals[:, 2] = memory_mb
    names = columns.names
    gaps = _largest(columns, names.joined_peer, columns.duration_ms - columns.remote_ms, joined)
    waits = _largest(columns, names.waited_peer, columns.duration_ms, ~joined)
    return Measured(signals, gaps, waits)


def local_times(columns: SegmentColumns, answered_ms: Floats) -> Floats:
    """Local time (n,) in ms, where unjoined calls count as answered for up to ``answered_ms`` (m,); 0: not at all."""
    times = np.empty((len(columns.whole_ms), 2))
    joined = ~np.isnan(columns.remote_ms)
    counted = np.where(joined, columns.duration_ms, np.minimum(columns.duration_ms, answered_ms))
    _times(*_spans_of(columns), joined | (answered_ms > 0.0), counted, times)
    return times[:, 1]


def _spans_of(columns: SegmentColumns) -> tuple[Floats, Slots, Floats, Floats, NDArray[np.int64]]:
    return columns.whole_ms, columns.starts, columns.duration_ms, columns.offset_ms, columns.parent


def _largest(columns: SegmentColumns, peer_of: Slots, ms: Floats, asked: Flags) -> PeerTimes:
    """The largest ``ms`` (m,) of the segments ``asked`` (m,), by row and peer."""
    rows, peers, places = (np.empty_like(columns.name) for _ in range(3))
    largest = np.empty_like(ms)
    peers_known = len(columns.names.peers)
    found = _reduce_calls(columns.starts, columns.name, peer_of, ms, asked, peers_known, rows, peers, places, largest)
    return PeerTimes(rows[:found], peers[:found], largest[:found], places[:found])


@njit(cache=True)
def _reduce_calls(
    starts: Any,
    name: Any,
    peer_of: Any,
    ms: Any,
    asked: Any,
    peers_known: int,
    rows: Any,
    peers: Any,
    places: Any,
    largest: Any,
) -> Any:
    """Fills the last four arrays, and returns how many there are; ``entry`` finds a peer's last one."""
    entry = np.full(peers_known, -1, np.int64)
    found = 0
    for row in range(starts.size - 1):
        for at in range(starts[row], starts[row + 1]):
            peer = peer_of[name[at]]
            if not asked[at] or peer < 0:
                continue
            place = entry[peer]
            known = place >= 0 and rows[place] == row
            if ms[at] > (largest[place] if known else _NO_CALL):
                if not known:
                    place = entry[peer] = found
                    rows[place], peers[place] = row, peer
                    found += 1
                largest[place], places[place] = max(0.0, ms[at]), at
    return found


@njit(cache=True)
def _times(
    whole: Any, starts: Any, duration: Any, offset: Any, parent: Any, joined: Any, answered_ms: Any, out: Any
) -> None:
    """Self time and local time of each row into the first two columns of ``out``; ``answered_ms`` is for how long
    a call counts as answered for where it is ``joined``."""
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
                unplaced_calls += answered_ms[at]
            else:
                spans[calls] = offset[at], offset[at] + answered_ms[at]
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
