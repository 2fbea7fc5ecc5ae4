"""What the detectors read off an execution: durations, self time, call gap, counts and the error flag."""

from typing import Final

from schemas.execution import Execution, Segment

SIGNALS: Final = ("self_ms", "call_gap_ms", "duration_ms", "segments")
"""Measured values of an execution, in this order in a row: milliseconds, and a count."""
OUTLIER_COLUMNS: Final = ("rank.self_ms", "rank.call_gap_ms", "rank.duration_ms", "rank.segments", "error")
"""What detectors per application read: ranks of the signals within their operation, in [0, 1], and the error flag."""

NAN: Final = float("nan")
INFINITY: Final = float("inf")


def signals(execution: Execution) -> tuple[float, float, float, float]:
    """Self time, call gap (NaN without a joined call) and duration in ms, and the number of segments.

    *Self time* is the duration less the union of the outermost segments' intervals, clipped to the execution.
    Segments without an offset count one after the other. *Call gap* is the largest ``duration_ms - remote_ms``
    of the segments, at least 0.

    >>> from schemas.execution import Segment
    >>> segments = [Segment("db", 30.0, offset_ms=10.0), Segment("GET /b", 40.0, offset_ms=20.0, remote_ms=25.0)]
    >>> signals(Execution("shop", "GET /a", 0.0, 100.0, segments=segments))
    (50.0, 15.0, 100.0, 2.0)
    """
    duration = execution.duration_ms
    segments = execution.segments
    if not segments:
        return duration, NAN, duration, 0.0
    gap = NAN
    covered, end, unplaced, latest, ordered = 0.0, 0.0, 0.0, -INFINITY, True
    for segment in segments:
        if segment.remote_ms is not None:
            difference = segment.duration_ms - segment.remote_ms
            if not difference <= gap:
                gap = difference if difference > 0.0 else 0.0
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
        covered = _covered(segments, duration)
    return max(0.0, duration - covered - unplaced), gap, duration, float(len(segments))


def _covered(segments: list[Segment], duration: float) -> float:
    """Length of the union of the outermost placed segments, clipped to [0, duration]."""
    placed = sorted(
        (segment.offset_ms, segment.offset_ms + segment.duration_ms)
        for segment in segments
        if segment.parent is None and segment.offset_ms is not None
    )
    covered, end = 0.0, 0.0
    for start, stop in placed:
        begin, finish = max(start, end), min(stop, duration)
        if finish > begin:
            covered += finish - begin
            end = finish
    return covered
