from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.intake.conftest import make_chunk, make_span
from tracehound.schemas.codec import decode_record, encode
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.assembly.bounds import LEFT_OUT, bounded
from tracehound.streams.intake.emit import Emitter


def of(*segments: Segment) -> Execution:
    return Execution("shop", "GET /", 1_790_000_000.0, 50.0, segments=list(segments))


def test_equal_siblings_become_one_with_their_count_and_sums() -> None:
    made = bounded(
        of(
            Segment("outer", 40.0, offset_ms=0.0),
            Segment("GET", 2.0, "http", 1.0, 0, peer="stock", span_id="a", remote_ms=1.0),
            Segment("GET", 3.0, "http", 4.0, 0, peer="stock", span_id="b", remote_ms=2.0),
            Segment("GET", 4.0, "http", 9.0, 0, status="error", peer="stock"),
            Segment("inner", 5.0, offset_ms=20.0, parent=0),
            Segment("GET", 1.0, "http", 21.0, 4, peer="stock"),
            Segment("inner", 5.0, offset_ms=30.0, parent=0),
        ),
        100,
    )

    assert [(one.name, one.parent, one.duration_ms, one.count) for one in made.segments] == [
        ("outer", None, 40.0, 1),
        ("GET", 0, 5.0, 2),
        ("GET", 0, 4.0, 1),
        ("inner", 0, 5.0, 1),
        ("GET", 3, 1.0, 1),
        ("inner", 0, 5.0, 1),
    ]
    assert (made.segments[1].span_id, made.segments[1].remote_ms) == ("a", 3.0)
    assert made.attributes == {}


SEGMENTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c" * 900]), st.none() | st.integers(0, 30), st.floats(0, 9)), max_size=40
)


@given(SEGMENTS, st.integers(0, 12), st.integers(300, 20_000))
def test_what_is_bounded_is_taken_and_says_what_it_lost(
    given_: list[tuple[str, int | None, float]], most: int, most_bytes: int
) -> None:
    segments = [
        Segment(name, duration_ms, parent=parent % place if parent is not None and place else None)
        for place, (name, parent, duration_ms) in enumerate(given_)
    ]
    before = msgspec.json.encode(segments)

    made = bounded(of(*segments), most, most_bytes)

    limits = Limits(max_segments=most, max_event_bytes=most_bytes)
    assert decode_record(encode(made), limits, 1_790_000_000.0).rejected == []
    assert sum(one.count for one in made.segments) + made.attributes.get(LEFT_OUT, 0) == len(segments)
    assert msgspec.json.encode(segments) == before


def test_a_stream_of_thousands_of_pieces_is_an_execution_that_workers_take() -> None:
    inner: dict[str, Any] = {"kind": "internal", "remote_parent": False, "duration_ms": 0.03}
    most = range(6000)
    pieces = [make_span(f"{n:x}p", "a", n, operation="GET / http send", **inner) for n in most]
    different = [make_span(f"{n:x}q", "a", n, operation=f"step {n}", **inner) for n in most]
    whole = make_chunk(*(("shop", span) for span in (make_span("a", duration_ms=9_000.0), *pieces)))
    steps = make_chunk(*(("shop", span) for span in (make_span("a", duration_ms=9_000.0), *different)))

    (stream,), (many,) = assemble("t", [whole]).executions, assemble("t", [steps]).executions

    assert [(one.count, round(one.duration_ms)) for one in stream.segments] == [(6000, 180)]
    assert (len(many.segments), many.attributes) == (5000, {LEFT_OUT: 1000})
    assert many.segments[-1].name == "step 4999"


def test_intake_keeps_to_the_limits_that_are_set() -> None:
    limits = Limits(max_segments=3, max_event_bytes=400)
    execution = of(*(Segment(f"step {number}", 1.0) for number in range(9)))

    (record,) = Emitter("spans", "executions", 1, limits).records(0, 7, [execution])

    decoded = decode_record(record.value or b"", limits, 1_790_000_000.0)
    assert [(len(one.segments), one.attributes) for one in decoded.executions] == [(3, {LEFT_OUT: 6})]
