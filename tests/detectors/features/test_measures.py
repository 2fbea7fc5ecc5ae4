"""Self time, local time, memory, and the calls of executions by peer."""

import math
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.detectors.columns.segment_columns import columns_of, floats
from tracehound.detectors.features.measures import features, measure
from tracehound.schemas.execution import Execution, Segment

DURATION_MS = 100.0


def execution(*segments: Segment, memory_peak_mb: float | None = None) -> Execution:
    return Execution("shop", "GET /", 0.0, DURATION_MS, segments=list(segments), memory_peak_mb=memory_peak_mb)


def self_ms(*segments: Segment) -> float:
    return features(execution(*segments)).signals[0]


def local_ms(*segments: Segment) -> float:
    return features(execution(*segments)).signals[1]


def test_without_segments_all_time_is_its_own_and_there_are_no_calls() -> None:
    found = features(execution())
    assert found.signals[:2] == (DURATION_MS, DURATION_MS)
    assert math.isnan(found.signals[2])
    assert found.gaps == found.waits == {}


def test_memory_is_a_signal_where_it_was_measured() -> None:
    assert features(execution(memory_peak_mb=512.0)).signals[2] == 512.0
    assert features(execution(Segment("a", 1.0), memory_peak_mb=512.0)).signals[2] == 512.0


def test_overlapping_segments_count_once_and_are_clipped() -> None:
    parallel = [
        Segment("a", 50.0, offset_ms=10.0),
        Segment("b", 50.0, offset_ms=30.0),
        Segment("c", 90.0, offset_ms=90.0),
    ]
    assert self_ms(*parallel) == DURATION_MS - 70.0 - 10.0


def test_nested_segments_do_not_shorten_the_self_time_twice() -> None:
    assert self_ms(Segment("a", 50.0, offset_ms=10.0), Segment("b", 40.0, offset_ms=15.0, parent=0)) == 50.0


def test_only_joined_calls_shorten_the_local_time_wherever_they_are_nested() -> None:
    query = Segment("SELECT", 20.0, offset_ms=0.0, peer="db")
    helper = Segment("render", 60.0, offset_ms=30.0)
    inner = Segment("GET /stock", 40.0, offset_ms=40.0, parent=1, peer="stock", remote_ms=30.0)
    assert local_ms(query, helper, inner) == 60.0
    assert self_ms(query, helper, inner) == 20.0
    assert local_ms(query, helper) == DURATION_MS


def test_joined_calls_without_an_offset_come_one_after_the_other() -> None:
    calls = [Segment("a", 20.0, remote_ms=1.0), Segment("b", 30.0, remote_ms=1.0)]
    assert local_ms(*calls) == 50.0
    assert local_ms(*calls * 5) == 0.0


def test_the_largest_gap_of_each_peer_counts_and_is_never_negative() -> None:
    found = features(
        execution(
            Segment("a", 30.0, peer="stock", remote_ms=10.0),
            Segment("b", 30.0, peer="stock", remote_ms=29.0),
            Segment("c", 5.0, peer="price", remote_ms=5.5),
            Segment("GET /d", 9.0, remote_ms=2.0),
        )
    )
    assert found.gaps == {"stock": 20.0, "price": 0.0, "GET /d": 7.0}
    assert found.waits == {}


def test_a_call_that_nobody_waited_for_has_no_gap() -> None:
    found = features(execution(Segment("publish", 5.0, peer="mail", remote_ms=50.0)))
    assert found.gaps == found.waits == {}


def test_calls_whose_other_side_is_unknown_count_with_their_longest_duration() -> None:
    found = features(
        execution(
            Segment("SELECT", 4.0, peer="db"),
            Segment("SELECT", 9.0, peer="db"),
            Segment("render", 50.0),
            Segment("GET", 0.0, peer="cache"),
        )
    )
    assert found.waits == {"db": 9.0, "cache": 0.0}
    assert found.gaps == {}


PLACED = st.builds(
    Segment,
    name=st.just("x"),
    duration_ms=st.floats(0, 300),
    offset_ms=st.one_of(st.none(), st.floats(-50, 200)),
    remote_ms=st.one_of(st.none(), st.floats(0, 300)),
)


def union_ms(segments: Iterable[Segment]) -> float:
    """Length of the union clipped to the execution, and after it what has no place."""
    spans = [
        (max(0.0, one.offset_ms), min(DURATION_MS, one.offset_ms + one.duration_ms))
        for one in segments
        if one.offset_ms is not None
    ]
    edges = sorted({edge for span in spans for edge in span})
    covered = [
        right - left for left, right in pairwise(edges) if any(start <= left and right <= stop for start, stop in spans)
    ]
    return sum(covered) + sum(one.duration_ms for one in segments if one.offset_ms is None)


@given(st.lists(PLACED, max_size=8))
def test_times_are_the_duration_less_the_union_in_any_order(segments: list[Segment]) -> None:
    joined = [one for one in segments if one.remote_ms is not None]
    assert math.isclose(self_ms(*segments), max(0.0, DURATION_MS - union_ms(segments)), abs_tol=1e-6)
    assert math.isclose(local_ms(*segments), max(0.0, DURATION_MS - union_ms(joined)), abs_tol=1e-6)


def plain_calls(segments: Iterable[Segment]) -> tuple[dict[str, float], dict[str, float]]:
    """Gaps and waits by peer, in the order in which they are first known: one segment after the other."""
    gaps: dict[str, float] = {}
    waits: dict[str, float] = {}
    for segment in segments:
        if segment.remote_ms is not None:
            found, peer, ms = gaps, segment.peer or segment.name, segment.duration_ms - segment.remote_ms
        elif segment.peer is not None:
            found, peer, ms = waits, segment.peer, segment.duration_ms
        else:
            continue
        if ms > found.get(peer, -1.0):
            found[peer] = max(0.0, ms)
    return gaps, waits


CALLING = st.builds(
    Segment,
    name=st.sampled_from(["a", "b", "GET /c/1"]),
    duration_ms=st.sampled_from([0.0, 1.0, 2.5]) | st.floats(0, 300),
    offset_ms=st.none() | st.floats(-50, 200),
    peer=st.none() | st.sampled_from(["", "a", "b", "c"]),
    remote_ms=st.none() | st.sampled_from([0.0, 1.0, 2.5]) | st.floats(0, 300),
)


@settings(deadline=None)
@given(st.lists(st.lists(PLACED | CALLING, max_size=6), max_size=6))
def test_many_at_once_are_measured_as_one_by_one(given_segments: list[list[Segment]]) -> None:
    executions = [execution(*segments, memory_peak_mb=float(row)) for row, segments in enumerate(given_segments)]
    columns = columns_of(executions)
    measured = measure(floats([float(row) for row in range(len(executions))]), columns)
    for kind, calls in enumerate((measured.gaps, measured.waits)):
        found = [
            (row, columns.names.peers[peer], ms)
            for row, peer, ms in zip(calls.rows.tolist(), calls.peers.tolist(), calls.ms.tolist(), strict=True)
        ]
        assert found == [
            (row, peer, ms)
            for row, segments in enumerate(given_segments)
            for peer, ms in plain_calls(segments)[kind].items()
        ]
    for row, one in enumerate(executions):
        alone = features(one)
        assert tuple(measured.signals[row].tolist()) == alone.signals
        assert (alone.gaps, alone.waits) == plain_calls(one.segments)
