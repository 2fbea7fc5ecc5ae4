from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.intake.conftest import START_NS, make_chunk, make_span
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.spans import Resource, Span, SpanKind, TraceChunk
from tracehound.streams.intake.assembly.assemble import Assembled, assemble
from tracehound.streams.intake.assembly.executions import Trace, executions_of
from tracehound.streams.intake.assembly.identity import PARENT_NOT_RECORDED, ROOT

START_S = START_NS / 1e9
HOUR_NS = 3_600_000_000_000

Owned = list[tuple[str, Span]]


@st.composite
def traces(draw: st.DrawFn, one_callee: bool = False) -> Owned:
    """Spans of one to ten ids and three services, each below an earlier one, none or a missing one.

    ``one_callee``: nothing is missing, other services begin with a server span, and no span calls two.
    """
    spans: Owned = []
    calling: set[int] = set()
    for number in range(draw(st.integers(1, 10))):
        above = draw(st.integers(0 if one_callee and number else -2, number - 1)) if number else -1
        service = draw(st.sampled_from("abc"))
        kind: SpanKind | None = draw(st.sampled_from([None, "internal", "client", "server", "consumer"]))
        if one_callee and number:
            service = spans[above][0] if above in calling else service
            is_call = service != spans[above][0]
            kind = "server" if is_call else draw(st.sampled_from([None, "internal", "client"]))
            calling |= {above} if is_call else set()
        span = make_span(
            f"{number:x}",
            "" if above == -1 else "missing" if above == -2 else f"{above:x}",
            draw(st.integers(0, 40)) / 4,
            draw(st.integers(0, 100)) / 4 + (kind == "consumer"),  # (a consumer of no length only took a message)
            kind,
            draw(st.sampled_from(["GET /a", "SELECT x", "work", "orders send"])),
            component="net" if kind == "client" else None,  # (without a word a call of no length has not ended)
            remote_parent=draw(st.sampled_from([None, True, False])),
            is_error=draw(st.sampled_from([None, 0, 1])),
        )
        spans.append((service, span))
    return spans


def fresh(spans: Owned) -> Owned:
    """Copies: joining fills in what the spans topic leaves open."""
    return [(service, msgspec.structs.replace(span)) for service, span in spans]


def packed(assembled: Assembled) -> bytes:
    return msgspec.msgpack.encode((assembled.executions, assembled.orphans))


@settings(deadline=None)
@given(traces(), st.randoms(use_true_random=False), st.booleans())
def test_neither_order_nor_pieces_nor_repetitions_of_spans_matter(spans: Owned, random: Random, late: bool) -> None:
    whole = assemble("t", [make_chunk(*fresh(spans))], late)

    shuffled = fresh(spans) + [one for one in fresh(spans) if random.random() < 0.3]
    random.shuffle(shuffled)
    pieces: list[TraceChunk] = []
    while shuffled:
        size = random.randint(1, len(shuffled))
        pieces.append(make_chunk(*shuffled[:size]))
        del shuffled[:size]

    assert packed(assemble("t", pieces, late)) == packed(whole)


@settings(deadline=None)
@given(traces())
def test_executions_are_those_of_the_recorded_trace(spans: Owned) -> None:
    assembled = assemble("t", [make_chunk(*fresh(spans))])

    recorded = []
    base_ns = min(span.start_ns for _, span in spans)
    for service, span in fresh(spans):
        span.service, span.resource = service, Resource(service)
        span.offset_us = (span.start_ns - base_ns) / 1e3
        span.parent = {"": ROOT, "missing": PARENT_NOT_RECORDED}.get(span.parent_id) or int(span.parent_id, 16)
        recorded.append(span)
    expected = executions_of(Trace("t", base_ns / 1_000, recorded))
    expected.sort(key=lambda execution: (execution.started_s, execution.span_id))
    assert msgspec.msgpack.encode(assembled.executions) == msgspec.msgpack.encode(expected)


@settings(deadline=None)
@given(traces(one_callee=True), st.sampled_from("abc"), st.integers(-48 * 4, 48 * 4))
def test_the_clock_of_another_host_changes_only_when_its_executions_began(
    spans: Owned, service: str, quarters: int
) -> None:
    shift_ns = quarters * HOUR_NS // 4
    shifted = fresh(spans)
    for owner, span in shifted:
        span.start_ns += shift_ns if owner == service else 0

    right = {one.span_id: one for one in assemble("t", [make_chunk(*fresh(spans))]).executions}
    skewed = {one.span_id: one for one in assemble("t", [make_chunk(*shifted)]).executions}

    assert right.keys() == skewed.keys()
    messages = {one.parent_span_id for one in right.values() if one.kind == "consumer"}
    for span_id, execution in right.items():
        other = skewed[span_id]
        own_shift_s = shift_ns / 1e9 if execution.application == service else 0.0
        assert other.started_s == pytest.approx(execution.started_s + own_shift_s, abs=1e-5)
        for segment, same in zip(execution.segments, other.segments, strict=True):
            offset_ms = segment.offset_ms
            for one in (segment, same):
                assert one.remote_ms is None or one.duration_ms - one.remote_ms >= -1.0
                if one.span_id is None:
                    assert one.offset_ms is not None
                    assert span_id in messages or 0 <= one.offset_ms <= execution.duration_ms
                else:
                    assert one.offset_ms == pytest.approx(offset_ms, abs=1e-4)
                one.offset_ms = None
            assert same == segment
        other.started_at = execution.started_at
        assert other == execution


def test_a_call_is_joined_across_services_and_its_gap_is_free_of_clocks() -> None:
    shop = make_chunk(
        ("shop", make_span("a", "", 0, 10)),
        ("shop", make_span("b", "a", 1, 8, "client", peer="10.0.0.1")),
    )
    stock = make_chunk(("stock", make_span("c", "b", -3_600_000, 5)))

    callee, caller = assemble("t", [stock, shop]).executions

    (segment,) = caller.segments
    assert (segment.peer, segment.remote_ms, segment.offset_ms, segment.duration_ms) == ("stock", 5.0, 1.0, 8.0)
    assert callee.parent_span_id == "b"
    assert (caller.trace_id, caller.span_id) == ("t", "a")


@pytest.mark.parametrize(("shift_ms", "offset_ms"), [(-7_200_000, 0.0), (2, 2.0), (7_200_000, 6.0)])
def test_a_call_without_a_client_span_stays_within_its_caller(shift_ms: float, offset_ms: float) -> None:
    found = assemble(
        "t", [make_chunk(("shop", make_span("a", "", 0, 10)), ("stock", make_span("b", "a", shift_ms, 4)))]
    ).executions
    (segment,) = next(execution for execution in found if execution.application == "shop").segments

    assert (segment.offset_ms, segment.duration_ms, segment.remote_ms) == (offset_ms, 4.0, None)


def test_a_span_that_is_its_own_parent_begins_an_execution_without_a_parent() -> None:
    entry = assemble("t", [make_chunk(("shop", make_span("a", "a", kind="server")))])
    inner = assemble("t", [make_chunk(("shop", make_span("a", "a", kind="client")))])

    assert [(execution.span_id, execution.parent_span_id) for execution in entry.executions] == [("a", "")]
    assert (inner.executions, inner.orphans) == ([], 1)


def test_spans_that_are_each_others_ancestors_are_refused() -> None:
    with pytest.raises(InvalidExecutionError, match="cycle"):
        assemble("t", [make_chunk(("shop", make_span("a", "b"))), make_chunk(("stock", make_span("b", "a")))])


@pytest.mark.parametrize(
    ("kind", "remote_parent", "late", "begins"),
    [
        ("server", None, False, True),
        ("server", None, True, True),
        ("consumer", None, True, True),
        ("internal", None, False, False),
        ("client", None, False, False),
        ("producer", False, False, False),
        ("internal", True, False, True),
        ("internal", True, True, True),
        (None, None, False, True),
        (None, False, False, True),
        (None, None, True, False),
        (None, True, True, True),
    ],
)
def test_a_span_without_its_parent_begins_an_execution_unless_it_is_surely_inside_of_one(
    kind: SpanKind | None, remote_parent: bool | None, late: bool, begins: bool
) -> None:
    spans = make_chunk(
        ("shop", make_span("b", "missing", kind=kind, remote_parent=remote_parent)),
        ("shop", make_span("c", "b", kind="internal")),
    )
    found = assemble("t", [spans], late)

    assert ([execution.span_id for execution in found.executions], found.orphans) == ((["b"], 0) if begins else ([], 1))


@pytest.mark.parametrize("kind", [None, "server", "internal", "client"])
def test_a_late_root_begins_an_execution_as_any_root(kind: SpanKind | None) -> None:
    spans = [("shop", make_span("a", "", kind=kind)), ("shop", make_span("b", "a", kind=None))]

    assert packed(assemble("t", [make_chunk(*fresh(spans))], late=True)) == packed(
        assemble("t", [make_chunk(*fresh(spans))])
    )


def test_what_an_orphan_calls_is_an_execution_of_its_own() -> None:
    found = assemble(
        "t", [make_chunk(("shop", make_span("b", "missing", kind="client")), ("stock", make_span("c", "b", 1, 4)))]
    )

    assert [(execution.application, execution.parent_span_id) for execution in found.executions] == [("stock", "b")]
    assert found.orphans == 1


def native(
    application: str, span_id: str = "", parent: str = "", duration_ms: float = 10.0, *segments: Segment
) -> Execution:
    return Execution(
        application,
        f"run {application}",
        START_S,
        duration_ms,
        "t",
        span_id,
        parent,
        segments=list(segments),
    )


def call(span_id: str, duration_ms: float = 9.0, kind: str = "http", peer: str | None = None) -> Segment:
    return msgspec.convert(
        {"name": "GET /", "duration_ms": duration_ms, "kind": kind, "peer": peer, "span_id": span_id}, Segment
    )


def only(found: Assembled, application: str) -> Execution:
    (execution,) = (execution for execution in found.executions if execution.application == application)
    return execution


def test_native_executions_know_what_they_called() -> None:
    caller = native("shop", "a", "", 10.0, call("b"), call("c"), call("d"), call("", 3.0))
    pieces = [
        TraceChunk([], [native("stock", "x", "b", 6.0)]),
        make_chunk(("otel", make_span("y", "c", 0, 7))),
        TraceChunk([], [caller]),
    ]

    found = assemble("t", pieces)

    told = [(segment.peer, segment.remote_ms) for segment in only(found, "shop").segments]
    assert told == [("stock", 6.0), ("otel", 7.0), (None, None), (None, None)]
    assert only(found, "otel").parent_span_id == "c"


def test_what_a_native_producer_says_of_a_call_stays() -> None:
    said = call("b", peer="stock:8080")
    said.remote_ms = 2.5

    found = assemble("t", [TraceChunk([], [native("shop", "a", "", 10.0, said), native("stock", "x", "b", 6.0)])])

    (segment,) = only(found, "shop").segments
    assert (segment.peer, segment.remote_ms) == ("stock:8080", 2.5)


def test_a_native_callee_counts_like_one_with_spans() -> None:
    """Alone it names the peer; beside another callee the time is that of both."""
    callee = native("stock", "x", "b", 3.0)
    shop: Owned = [
        ("shop", make_span("a", "", 0, 10)),
        ("shop", make_span("b", "a", 0, 9, "client", peer="10.0.0.1:80")),
    ]
    other = ("otel", make_span("c", "b", 5, 2))

    (alone,) = only(assemble("t", [make_chunk(*fresh(shop), executions=[callee])]), "shop").segments
    (beside,) = only(assemble("t", [make_chunk(*fresh(shop), other, executions=[callee])]), "shop").segments

    assert (alone.peer, alone.remote_ms) == ("stock", 3.0)
    assert beside.peer == "stock"
    assert beside.remote_ms == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("duration_ms", "kind", "remote_ms"), [(9.9, "http", 9.9), (10.1, "http", None), (1, "queue", None)]
)
def test_a_native_caller_that_did_not_wait_has_no_remote_time(
    duration_ms: float, kind: str, remote_ms: float | None
) -> None:
    callee = native("stock", "x", "b", duration_ms)

    found = assemble("t", [TraceChunk([], [callee, native("shop", "a", "", 10.0, call("b", 9.0, kind))])])

    assert [(segment.peer, segment.remote_ms) for segment in only(found, "shop").segments] == [("stock", remote_ms)]


def test_native_executions_count_once_though_they_come_twice() -> None:
    once = native("shop", "a")
    others = [native("shop"), native("shop", duration_ms=11.0), native("stock", "a")]
    pieces = [TraceChunk([], [once, others[0]]), TraceChunk([], [*others, once])]

    found = assemble("t", pieces)

    assert len(found.executions) == 4
    assert packed(assemble("t", pieces[::-1])) == packed(found)


def test_nothing_makes_nothing() -> None:
    assert assemble("t", [TraceChunk()]) == Assembled([], 0, spans=[], joined=[], native=[])
