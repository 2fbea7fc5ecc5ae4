import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracehound.schemas.codec import decode_record
from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.spans import Span
from tracehound.streams.intake.assembly.executions import Trace, executions_of, span_id
from tracehound.streams.intake.assembly.identity import PARENT_NOT_RECORDED, ROOT
from tracehound.streams.intake.assembly.segment_kinds import segment_kind

GATEWAY_TO_TRAVEL = [
    Span("gateway", "/*", ROOT, 0, 18_403),
    Span("gateway", "FilteringWebHandler.handle", 0, 923, 17_242),
    Span("gateway", "HTTP POST", 0, 1_985, 16_345),
    Span("travel", "/api/v1/travel/left", 2, 5_000, 11_824),
    Span("travel", "TravelController.queryInfo", 3, 6_457, 9_730),
    Span("travel", "SELECT Trip", 4, 10_450, 1_390),
]


def trace(*spans: Span) -> Trace:
    return Trace("t1", 1_000_000_000.0, list(spans))


def test_each_service_gets_an_execution_with_its_own_spans_as_segments() -> None:
    gateway, travel = executions_of(trace(*GATEWAY_TO_TRAVEL))

    assert (gateway.application, gateway.operation, gateway.duration_ms) == ("gateway", "/*", 18.403)
    assert [segment.name for segment in gateway.segments] == ["FilteringWebHandler.handle", "HTTP POST"]
    assert (travel.application, travel.operation) == ("travel", "/api/v1/travel/left")
    assert [segment.name for segment in travel.segments] == ["TravelController.queryInfo", "SELECT Trip"]
    assert [segment.parent for segment in travel.segments] == [None, 0]


def test_times_are_seconds_of_the_epoch_and_milliseconds_from_the_execution() -> None:
    gateway, travel = executions_of(trace(*GATEWAY_TO_TRAVEL))

    assert gateway.started_at == 1_000.0
    assert travel.started_at == pytest.approx(1_000.005)
    assert travel.segments[0].offset_ms == pytest.approx(1.457)
    assert travel.segments[1].duration_ms == pytest.approx(1.39)


def test_a_callers_span_carries_the_callees_own_duration() -> None:
    gateway, _ = executions_of(trace(*GATEWAY_TO_TRAVEL))
    call = gateway.segments[1]

    assert (call.peer, call.kind, call.remote_ms) == ("travel", "http", 11.824)
    assert call.duration_ms - (call.remote_ms or 0) == pytest.approx(4.521)
    assert gateway.segments[0].remote_ms is None


def test_only_the_first_level_of_the_callee_counts_as_remote_time() -> None:
    caller, callee = executions_of(
        trace(
            Span("frontend", "Recv.", ROOT, 0, 1_000),
            Span("frontend", "shop.CurrencyService/Convert", 0, 10, 900),
            Span("currency", "grpc.shop.CurrencyService/Convert", 1, 20, 300),
            Span("currency", "shop.CurrencyService/Carry", 2, 30, 700),
        )
    )

    assert caller.segments[0].remote_ms == 0.3
    assert caller.segments[0].kind == "rpc"
    assert len(callee.segments) == 1


def test_several_callees_count_as_the_union_of_their_intervals() -> None:
    caller = executions_of(
        trace(
            Span("a", "root", ROOT, 0, 100_000),
            Span("a", "HTTP GET", 0, 0, 90_000),
            Span("b", "first", 1, 10_000, 30_000),
            Span("b", "second", 1, 20_000, 40_000),
            Span("b", "third", 1, 70_000, 5_000),
        )
    )[0]

    assert caller.segments[0].remote_ms == pytest.approx(55.0)


def test_several_callees_without_offsets_count_one_after_the_other() -> None:
    caller = executions_of(
        trace(
            Span("a", "root", ROOT, None, 100_000),
            Span("a", "HTTP GET", 0, None, 90_000),
            Span("b", "first", 1, None, 30_000),
            Span("b", "second", 1, None, 40_000),
        )
    )[0]

    assert caller.segments[0].remote_ms == pytest.approx(70.0)


def test_a_caller_that_did_not_wait_has_no_remote_time() -> None:
    given_up, message, rounded = (
        executions_of(
            trace(
                Span("a", "root", ROOT, 0, 10_000),
                Span("a", name, 0, 0, 5_000),
                Span("b", "work", 1, 100, remote_us),
            )
        )[0].segments[0]
        for name, remote_us in (("HTTP GET", 9_000), ("<default> send", 1_000), ("HTTP GET", 5_500))
    )

    assert (given_up.remote_ms, given_up.peer) == (None, "b")
    assert (message.remote_ms, message.kind) == (None, "queue")
    assert rounded.remote_ms == 5.5


def test_what_a_queue_delivers_is_a_consumer() -> None:
    _, consumer = executions_of(
        trace(
            Span("a", "root", ROOT, 0, 10),
            Span("a", "orders send", 0, 0, 1),
            Span("b", "orders process", 1, 20, 30),
        )
    )

    assert consumer.kind == "consumer"


def test_a_callee_right_below_an_entry_span_becomes_a_segment_of_its_own() -> None:
    caller, callee = executions_of(trace(Span("a", "root", ROOT, 0, 10_000), Span("b", "GET /b", 0, 2_000, 5_000)))

    (segment,) = caller.segments
    assert (segment.name, segment.peer, segment.offset_ms, segment.duration_ms) == ("GET /b", "b", 2.0, 5.0)
    assert segment.remote_ms is None
    assert callee.parent_span_id == caller.span_id


def test_a_service_called_twice_has_two_executions() -> None:
    found = executions_of(
        trace(
            Span("a", "root", ROOT, 0, 100),
            Span("a", "HTTP GET", 0, 0, 10),
            Span("b", "GET /b", 1, 1, 5),
            Span("a", "HTTP GET", 0, 20, 10),
            Span("b", "GET /b", 3, 21, 5),
        )
    )

    assert [execution.application for execution in found] == ["a", "b", "b"]
    assert [execution.span_id for execution in found] == [span_id(0), span_id(2), span_id(4)]
    assert [execution.parent_span_id for execution in found] == ["", span_id(1), span_id(3)]


def test_segments_are_in_order_of_start_but_after_the_span_around_them() -> None:
    execution = executions_of(
        trace(
            Span("a", "root", ROOT, 0, 100),
            Span("a", "late", 0, 50, 10),
            Span("a", "inside, recorded first and with a clock ahead", 3, 5, 3),
            Span("a", "early", 0, 10, 10),
        )
    )[0]

    assert [segment.name for segment in execution.segments] == [
        "early",
        "inside, recorded first and with a clock ahead",
        "late",
    ]
    assert [segment.parent for segment in execution.segments] == [None, 0, None]


def test_spans_without_offsets_keep_their_order_and_have_no_place_in_time() -> None:
    execution = executions_of(
        trace(
            Span("a", "path7", ROOT, None, 9_000),
            Span("a", "path9", 0, None, 1_000),
            Span("a", "path8", 0, None, 2_000),
        )
    )[0]

    assert [segment.name for segment in execution.segments] == ["path9", "path8"]
    assert [segment.offset_ms for segment in execution.segments] == [None, None]
    assert execution.started_at == 1_000.0


def test_a_span_whose_parent_was_not_recorded_starts_an_execution() -> None:
    found = executions_of(trace(Span("a", "root", ROOT, 0, 10), Span("a", "orphan", PARENT_NOT_RECORDED, 5, 1)))

    assert [execution.operation for execution in found] == ["root", "orphan"]


def test_status_follows_the_error_flag_and_for_a_root_without_one_the_trace() -> None:
    flagged = executions_of(
        trace(
            Span("a", "root", ROOT, 0, 10, "Entry", "Tomcat", None, 0),
            Span("a", "MongoDB/Find", 0, 0, 5, "Exit", "mongodb-driver", "mongo:27017", 1),
        )
    )[0]
    unflagged = executions_of(Trace("t", 0.0, [Span("a", "root", ROOT, 0, 10)], "error"))[0]

    assert (flagged.status, flagged.segments[0].status) == ("ok", "error")
    assert (flagged.segments[0].peer, flagged.segments[0].kind) == ("mongo:27017", "db")
    assert unflagged.status == "error"
    assert executions_of(trace(Span("a", "root", ROOT, 0, 10)))[0].status == "unset"


@pytest.mark.parametrize(
    ("name", "remote", "kind"),
    [
        ("SELECT ts.trip", False, "db"),
        ("sql.conn.query", False, "db"),
        ("MongoDB/FindOperation", False, "db"),
        ("TripRepository.findAll", False, "db"),
        ("Transaction.commit", False, "db"),
        ("HTTP GET", False, "http"),
        ("GET /cart", True, "http"),
        ("DELETE /cart", False, "http"),
        ("/hipstershop.ProductCatalogService/ListProducts", True, "rpc"),
        ("anything", True, "http"),
        ("RabbitMQ/Topic/Queue/food/Producer", True, "queue"),
        ("redis.get", False, "cache"),
        ("render cart.html", False, "view"),
        ("CartController.add", False, "code"),
    ],
)
def test_the_kind_is_guessed_from_the_name(name: str, remote: bool, kind: str) -> None:
    assert segment_kind(name, None, remote) == kind


@pytest.mark.parametrize(
    ("spans", "sentence"),
    [
        ([Span("a", "x", 7, 0, 1)], "a parent from -2 to 0, got 7"),
        ([Span("a", "x", -3, 0, 1)], "a parent from -2 to 0, got -3"),
        ([Span("a", "x", ROOT, 0, -1)], "a finite duration of at least 0, got -1"),
        ([Span("a", "x", ROOT, 0, float("nan"))], "a finite duration of at least 0, got nan"),
        ([Span("a", "x", ROOT, float("inf"), 1)], "a finite offset, got inf"),
        ([Span("", "x", ROOT, 0, 1)], "a service of 1 to 200 characters"),
        ([Span("a", "", ROOT, 0, 1)], "an operation of 1 to 1000 characters"),
        ([Span("a", "x", 0, 0, 1)], "cycle of parents"),
        ([Span("a", "x", 1, 0, 1), Span("a", "y", 0, 0, 1)], "cycle of parents"),
        ([Span("a", "x", 1, 0, 1), Span("b", "y", 0, 0, 1)], "cycle of parents"),
    ],
)
def test_broken_spans_are_refused_with_trace_and_reason(spans: list[Span], sentence: str) -> None:
    with pytest.raises(InvalidExecutionError, match=sentence) as failure:
        executions_of(trace(*spans))

    assert "t1" in str(failure.value)


@st.composite
def span_trees(draw: st.DrawFn) -> Trace:
    count = draw(st.integers(1, 12))
    order = draw(st.permutations(range(count)))
    spans = [Span("", "", ROOT, None, 0)] * count
    for depth, index in enumerate(order):
        parent = ROOT if depth == 0 else order[draw(st.integers(0, depth - 1))]
        spans[index] = Span(
            draw(st.sampled_from(["a", "b", "c"])),
            draw(st.sampled_from(["HTTP GET", "SELECT x", "work", "orders send"])),
            parent,
            draw(st.none() | st.integers(-1_000, 100_000)),
            draw(st.integers(0, 50_000)),
        )
    return Trace("t", 1e12, spans)


@given(span_trees())
def test_every_span_appears_once_and_the_result_is_valid_input(found: Trace) -> None:
    executions = executions_of(found)

    ids = [execution.span_id for execution in executions]
    ids += [segment.span_id or "" for execution in executions for segment in execution.segments if segment.span_id]
    assert sorted(ids) == [span_id(index) for index in range(len(found.spans))]
    for execution in executions:
        assert decode_record(msgspec.json.encode(execution), Limits(), 2e6).rejected == []
        for segment in execution.segments:
            assert segment.remote_ms is None or segment.duration_ms - segment.remote_ms >= -1.0


def test_the_recorded_arrays_decode_to_spans() -> None:
    line = (
        b'{"trace_id":"x","application":"a","operation":"r","start_us":5,"duration_us":9,"status":null,'
        b'"spans":[["a","r",-1,null,9],["a","MongoDB/Find",0,1,2,"Exit","mongodb-driver","ts-mongo",1]]}'
    )

    (execution,) = executions_of(msgspec.json.decode(line, type=Trace))

    assert isinstance(execution, Execution)
    assert execution.segments[0].status == "error"
