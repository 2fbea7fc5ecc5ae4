"""What the detectors read off an execution: self time, local time, memory, and the time of its calls by peer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.execution import Execution, Segment

SIGNALS: Final = ("self_ms", "local_ms", "memory_peak_mb")
"""Measured values of an execution, in this order in a row: milliseconds, and megabytes."""
OUTLIER_COLUMNS: Final = ("rank.self_ms", "rank.local_ms", "rank.call_gap_ms", "novelty", "error")
"""What detectors per application read, in [0, 1]: ranks within the operation or call, structure, error flag."""

NAN: Final = float("nan")
INFINITY: Final = float("inf")


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


_NO_CALLS: Final[dict[str, float]] = {}


def features(execution: Execution) -> Features:
    """Self time, local time, memory and calls of an execution.

    *Self time* is the duration less the union of the outermost segments' intervals, clipped to the execution.
    *Local time* is the duration less the union of the joined calls: what no callee answers for. Segments without
    an offset count one after the other. *Call gap* is ``duration_ms - remote_ms`` of a joined call.

    >>> from schemas.execution import Segment
    >>> calls = [Segment("SELECT", 30.0, offset_ms=10.0, peer="db"),
    ...          Segment("GET /b", 40.0, offset_ms=20.0, peer="b", remote_ms=25.0)]
    >>> features(Execution("shop", "GET /a", 0.0, 100.0, segments=calls))
    Features(signals=(50.0, 60.0, nan), gaps={'b': 15.0}, waits={'db': 30.0})
    """
    duration = execution.duration_ms
    memory = execution.memory_peak_mb
    megabytes = NAN if memory is None else memory
    segments = execution.segments
    if not segments:
        return Features((duration, duration, megabytes), _NO_CALLS, _NO_CALLS)
    gaps: dict[str, float] = {}
    waits: dict[str, float] = {}
    joined: list[Segment] = []
    covered, end, unplaced, latest, ordered = 0.0, 0.0, 0.0, -INFINITY, True
    for segment in segments:
        peer, remote = segment.peer, segment.remote_ms
        if remote is not None:
            joined.append(segment)
            gap = segment.duration_ms - remote
            name = peer or segment.name
            if gap > gaps.get(name, -1.0):
                gaps[name] = gap if gap > 0.0 else 0.0
        elif peer is not None and segment.duration_ms > waits.get(peer, -1.0):
            waits[peer] = segment.duration_ms
        if segment.parent is not None:
            continue
        start = segment.offset_ms
        if start is None:
            unplaced += segment.duration_ms
            continue
        if start < latest:
            ordered = False
            continue
        latest = start
        stop = start + segment.duration_ms
        if stop > duration:
            stop = duration
        if start < end:
            start = end
        if stop > start:
            covered += stop - start
            end = stop
    if not ordered:
        covered = _covered([segment for segment in segments if segment.parent is None], duration)
    local = max(0.0, duration - _covered(joined, duration) - _unplaced(joined)) if joined else duration
    return Features((max(0.0, duration - covered - unplaced), local, megabytes), gaps, waits)


def _unplaced(segments: Sequence[Segment]) -> float:
    return sum([segment.duration_ms for segment in segments if segment.offset_ms is None])


def _covered(segments: Sequence[Segment], duration: float) -> float:
    """Length of the union of the placed segments, clipped to [0, duration]."""
    placed = sorted(
        [
            (segment.offset_ms, segment.offset_ms + segment.duration_ms)
            for segment in segments
            if segment.offset_ms is not None
        ]
    )
    covered, end = 0.0, 0.0
    for start, stop in placed:
        begin, finish = max(start, end), min(stop, duration)
        if finish > begin:
            covered += finish - begin
            end = finish
    return covered
