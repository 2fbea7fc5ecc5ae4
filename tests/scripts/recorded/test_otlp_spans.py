import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment
from tracehound.schemas.spans import Resource, Span, TraceChunk
from tracehound.scripts.recorded.otlp_encoding import encode_protobuf
from tracehound.scripts.recorded.otlp_spans import OtlpSpan, spans_of_execution, spans_of_trace
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.simulation import Simulation
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.assembly.executions import Trace, executions_of
from tracehound.streams.intake.assembly.identity import PARENT_NOT_RECORDED, ROOT
from tracehound.streams.intake.assembly.segment_kinds import segment_kind
from tracehound.streams.intake.formats.decode import decode_spans
from tracehound.streams.intake.formats.decoded import SpanLimits

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
START_US = 1_675_065_610_290_000.0
OPERATIONS = ("GET /", "HTTP GET", "SELECT ts.trip", "shop.Cart/Get", "rabbit send", "Cart.total", "render page")


def joined(*exported: tuple[Resource, list[OtlpSpan]]) -> dict[str, list[Execution]]:
    """The executions of each trace after decoding one record for each resource, in reverse order."""
    chunks: dict[str, list[TraceChunk]] = {}
    for resource, spans in reversed(exported):
        decoded = decode_spans(encode_protobuf([(resource, spans[::-1])]), SpanLimits())
        assert decoded.rejected == []
        for trace_id, chunk in decoded.traces.items():
            chunks.setdefault(trace_id, []).append(chunk)
    return {trace_id: assemble(trace_id, found).executions for trace_id, found in chunks.items()}


def by_span(executions: list[Execution]) -> dict[str, Execution]:
    return {execution.span_id: execution for execution in executions}


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Every span lies within its parent; every second one has what only some recordings have."""
    spans: list[Span] = []
    for _ in range(draw(st.integers(1, 12))):
        parent = draw(st.integers(0, len(spans) - 1)) if spans else ROOT
        around = spans[parent] if spans else None
        begin = int(around.offset_us or 0) if around else 0
        end = begin + (int(around.duration_us) if around else 100_000)
        first, last = sorted(draw(st.tuples(st.integers(begin, end), st.integers(begin, end))))
        span = Span(
            draw(st.sampled_from(("shop", "cart"))),
            draw(st.sampled_from(OPERATIONS)),
            draw(st.sampled_from((parent, parent, parent, ROOT, PARENT_NOT_RECORDED))),
            float(first),
            float(last - first),
        )
        if draw(st.booleans()):
            span.component = draw(st.sampled_from((None, "grpc", "mongo", "kafka")))
            span.peer = draw(st.sampled_from((None, "db:3306")))
            span.is_error = draw(st.sampled_from((None, 0, 1)))
        spans.append(span)
    return Trace(TRACE_ID, START_US, spans, draw(st.sampled_from((None, "ok", "error", "unset"))))


@settings(max_examples=300, deadline=None)
@given(traces())
def test_a_recorded_trace_comes_back_from_its_spans_as_the_same_executions(trace: Trace) -> None:
    expected = by_span(executions_of(trace))

    found = by_span(joined(*spans_of_trace(trace))[TRACE_ID])

    assert found.keys() == expected.keys()
    for id, execution in found.items():
        if not expected[id].parent_span_id:  # (only what was not recorded has an id that it did not have)
            execution.parent_span_id = ""
        assert execution == expected[id]


def test_a_recorded_trace_says_what_is_known_and_no_more() -> None:
    trace = Trace(
        TRACE_ID,
        START_US,
        [
            Span("shop", "GET /", ROOT, 0.0, 9_000.5),
            Span("shop", "HTTP GET", 0, 1_000.0, 5_000.0, None, "okhttp", "cart:80"),
            Span("cart", "GET /cart", 1, 2_000.0, 3_000.0, is_error=1),
            Span("cart", "kafka send", 2, 3_000.0, 1_000.0),
            Span("mail", "mail process", 3, 9_000.0, 1_000.0),
            Span("mail", "Mail.write", 4, 9_500.0, 10.0),
            Span("cart", "GET /old", PARENT_NOT_RECORDED, 0.0, 1.0),
        ],
        "ok",
    )

    exported = dict(spans_of_trace(trace))

    assert list(exported) == [Resource("shop"), Resource("cart"), Resource("mail")]
    spans = [*exported[Resource("shop")], *exported[Resource("cart")], *exported[Resource("mail")]]
    assert [(span.name, span.kind, span.remote_parent, span.status) for span in spans] == [
        ("GET /", "server", False, "ok"),
        ("HTTP GET", "client", False, "unset"),
        ("GET /cart", "server", True, "error"),
        ("kafka send", "producer", False, "unset"),
        ("GET /old", "server", True, "unset"),
        ("mail process", "consumer", True, "unset"),
        ("Mail.write", "internal", False, "unset"),
    ]
    root, call, *_, lost, _, _ = spans
    assert (root.parent_id, call.parent_id) == ("", root.span_id)
    assert lost.parent_id not in {"", *(span.span_id for span in spans)}
    assert (root.start_ns, root.end_ns - root.start_ns) == (1_675_065_610_290_000_000, 9_000_500)
    assert [span.attributes for span in spans] == [
        *((), (("component", "okhttp"), ("peer.service", "cart:80")), (), (), (), (), ()),
    ]


@pytest.mark.parametrize(
    ("span", "sentence"),
    [
        (Span("shop", "GET /", ROOT, None, 1.0), "Span 0 of trace 't' must have an offset to be sent as OTLP"),
        (Span("shop", "GET /", ROOT, -9e15, 1.0), "The span 'GET /' of trace '.*' must begin after 1970"),
        (Span("shop", "GET /", ROOT, 0.0, -1.0), "The span 'GET /' of trace '.*' must begin after 1970 and end, no"),
        (Span("shop", "GET /", 7, 0.0, 1.0), "Span 0 of trace 't' must have a parent from -2 to 0, got 7"),
    ],
)
def test_a_trace_that_otlp_cannot_tell_is_refused_in_a_sentence(span: Span, sentence: str) -> None:
    with pytest.raises(InvalidExecutionError, match=sentence):
        spans_of_trace(Trace("t", START_US, [span]))


def test_simulated_executions_come_back_from_their_spans() -> None:
    stream = iter(Simulation(build_system(6, 1), 1, 100.0, 1.7e9))
    expected: dict[str, list[Execution]] = {}
    for emitted in (next(stream) for _ in range(600)):
        expected.setdefault(emitted.execution.trace_id, []).append(emitted.execution)
    del expected[emitted.execution.trace_id]  # the last may be cut off

    found = joined(*(spans_of_execution(one) for executions in expected.values() for one in executions))

    assert found.keys() == expected.keys()
    for trace_id, executions in expected.items():
        back = by_span(found[trace_id])
        assert back.keys() == by_span(executions).keys()
        for execution in executions:
            assert_alike(back[execution.span_id], execution)
    kinds = {one.kind for executions in expected.values() for one in executions}
    assert kinds >= {"request", "job"}


def assert_alike(found: Execution, expected: Execution) -> None:
    """Equal up to rounding, memory, and what kind of own code a segment is."""
    assert found.started_s == pytest.approx(expected.started_s, abs=1e-6)
    assert found.duration_ms == pytest.approx(expected.duration_ms, abs=1e-5)
    plain: dict[str, object] = {"memory_peak_mb": None, "started_at": 0.0, "duration_ms": 0.0, "segments": []}
    assert msgspec.structs.replace(found, **plain) == msgspec.structs.replace(expected, **plain)
    assert len(found.segments) == len(expected.segments)
    for back, segment in zip(found.segments, expected.segments, strict=True):
        assert (back.name, back.parent, back.status) == (segment.name, segment.parent, segment.status)
        assert (back.peer, back.span_id) == (segment.peer, segment.span_id)
        assert back.kind == (segment_kind(segment.name) if segment.kind in ("code", "view") else segment.kind)
        assert back.duration_ms == pytest.approx(segment.duration_ms, abs=1e-5)
        assert back.offset_ms == pytest.approx(segment.offset_ms, abs=1e-5)
        assert back.remote_ms == pytest.approx(segment.remote_ms, abs=1e-5)


def test_everything_that_otlp_has_a_place_for_comes_back() -> None:
    execution = Execution(
        "shop",
        "POST /orders/{id}",
        1_700_000_000.5,
        20.0,
        TRACE_ID,
        "00f067aa0ba902b7",
        "53995c3f42cd8ad8",
        status="error",
        result=503,
        environment="live",
        version="1.2",
        host="shop-0",
        error=ExecutionFailure("Timeout", "too late"),
        segments=[
            Segment("SELECT orders", 3.0, "db", 1.0, None, "ok", "orders-db", "0000000000000001"),
            Segment("GET cart", 2.0, "cache", 4.0, None, "unset", "redis", "0000000000000002"),
            Segment("shop.Cart/Get", 2.0, "rpc", 6.0, None, "error", "cart", "0000000000000003"),
            Segment("POST bank/charge", 2.0, "http", 8.0, None, "ok", "bank", "0000000000000004"),
            Segment("whatever", 1.0, "http", 8.5, 3, "ok", None, "0000000000000005"),
            Segment("announce", 2.0, "queue", 12.0, None, "ok", "orders.v1", "0000000000000006"),
            Segment("Order.total", 2.0, "code", 14.0, None, "unset", None, "0000000000000007"),
        ],
    )

    (found,) = joined(spans_of_execution(execution))[TRACE_ID]

    assert found == execution


@pytest.mark.parametrize(
    ("given", "error", "back"),
    [
        ("job", ExecutionFailure("Odd", "", handled=True), "job"),
        ("consumer", None, "consumer"),
        ("command", None, "job"),
        ("log", None, "job"),
    ],
)
def test_kinds_come_back_as_far_as_spans_have_them(given: str, error: ExecutionFailure | None, back: str) -> None:
    execution = msgspec.convert(
        {"application": "a", "operation": "o", "started_at": 1.0, "duration_ms": 1, "kind": given, "status": "ok"},
        Execution,
    )
    execution.error = error

    (found,) = next(iter(joined(spans_of_execution(execution)).values()))

    assert (found.kind, found.error, found.status) == (back, error, "ok")


def test_ids_that_are_none_of_otlp_become_digests_that_still_belong_together() -> None:
    call = Segment("GET /cart", 5.0, "http", 1.0, peer="cart", span_id="order 7/call")
    caller = Execution("shop", "GET /", 1_700_000_000.0, 9.0, "order 7", "order 7/shop", segments=[call])
    callee = Execution("cart", "GET /cart", 1_700_000_000.001, 4.0, "order 7", "", "order 7/call")
    alone = Execution("cart", "GET /cart", 1_700_000_000.001, 4.0)
    other = Execution("cart", "GET /cart", 1_700_000_001.001, 4.0)

    found = joined(*map(spans_of_execution, (caller, callee, alone, other)))

    assert sorted(map(len, found.values())) == [1, 1, 2]
    (pair,) = (executions for executions in found.values() if len(executions) == 2)
    assert {len(execution.span_id) for execution in pair} == {16}
    (joined_call,) = next(execution for execution in pair if execution.application == "shop").segments
    assert joined_call.remote_ms == 4.0


@pytest.mark.parametrize("id", ["", 32 * "0", 31 * "a", 32 * "g", "aa " * 10 + "aa", 30 * "a" + "é"])
def test_a_trace_id_of_any_text_becomes_one_that_is_valid(id: str) -> None:
    _, (span,) = spans_of_execution(Execution("a", "o", 1.0, 1.0, id, "0" * 16))

    assert (len(bytes.fromhex(span.trace_id)), len(bytes.fromhex(span.span_id))) == (16, 8)
    assert any(bytes.fromhex(span.trace_id))
    assert any(bytes.fromhex(span.span_id))
    assert span.trace_id != id


@pytest.mark.parametrize(
    ("execution", "sentence"),
    [
        (
            Execution("shop", "GET /", 1.0, 9.0, segments=[Segment("SELECT", 1.0)]),
            r"Segment 0 of the execution '' of 'shop' must have an offset to be sent as OTLP",
        ),
        (
            Execution("shop", "GET /", 1.0, 9.0, segments=[Segment("SELECT", 1.0, offset_ms=1.0, parent=0)]),
            r"Segment 0 of the execution '' of 'shop' must have a parent before it, got 0",
        ),
        (
            Execution("shop", "GET /", 1.0, 9.0, segments=[Segment("SELECT", 1.0, offset_ms=-2_000.0)]),
            r"The span 'SELECT' of trace '.*' must begin after 1970",
        ),
        (Execution("shop", "GET /", 9e10, 9.0), r"The span 'GET /' of trace '.*' .* before 2554"),
    ],
)
def test_an_execution_that_otlp_cannot_tell_is_refused_in_a_sentence(execution: Execution, sentence: str) -> None:
    with pytest.raises(InvalidExecutionError, match=sentence):
        spans_of_execution(execution)
