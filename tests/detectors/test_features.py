"""Self time, call gap and counts of executions."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from detectors.features import signals
from schemas.execution import Execution, Segment


def execution(*segments: Segment, duration_ms: float = 100.0) -> Execution:
    return Execution("shop", "GET /", 0.0, duration_ms, segments=list(segments))


def test_without_segments_all_time_is_self_time_and_there_is_no_gap() -> None:
    self_ms, gap, duration, segments = signals(execution())
    assert (self_ms, duration, segments) == (100.0, 100.0, 0.0)
    assert math.isnan(gap)


def test_overlapping_segments_count_once_and_are_clipped() -> None:
    parallel = [
        Segment("a", 50.0, offset_ms=10.0),
        Segment("b", 50.0, offset_ms=30.0),
        Segment("c", 90.0, offset_ms=90.0),
    ]
    assert signals(execution(*parallel))[0] == 100.0 - 70.0 - 10.0


def test_nested_segments_do_not_shorten_the_self_time_twice() -> None:
    nested = [Segment("a", 50.0, offset_ms=10.0), Segment("b", 40.0, offset_ms=15.0, parent=0)]
    assert signals(execution(*nested))[0] == 50.0


def test_the_largest_gap_counts_and_is_never_negative() -> None:
    calls = [Segment("a", 30.0, remote_ms=10.0), Segment("b", 30.0, remote_ms=29.0), Segment("c", 5.0, remote_ms=50.0)]
    assert signals(execution(*calls))[1] == 20.0
    assert signals(execution(calls[2]))[1] == 0.0


PLACED = st.builds(
    Segment,
    name=st.just("x"),
    duration_ms=st.floats(0, 300),
    offset_ms=st.one_of(st.none(), st.floats(-50, 200)),
)


@given(st.lists(PLACED, max_size=8))
def test_self_time_is_the_duration_less_the_union_in_any_order(segments: list[Segment]) -> None:
    covered = set()
    unplaced = 0.0
    for segment in segments:
        if segment.offset_ms is None:
            unplaced += segment.duration_ms
            continue
        covered.add((max(0.0, segment.offset_ms), min(100.0, segment.offset_ms + segment.duration_ms)))
    edges = sorted({edge for span in covered for edge in span})
    union = sum(
        right - left
        for left, right in pairwise(edges)
        if any(start <= left and right <= stop for start, stop in covered)
    )
    expected = max(0.0, 100.0 - union - unplaced)
    assert math.isclose(signals(execution(*segments))[0], expected, abs_tol=1e-6)
