"""Segments of SkyWalking: what becomes of each field, and what is refused."""

from typing import Any

import pytest

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.spans import Message, Resource, Span
from tracehound.streams.intake.formats.decode import DecodedSpans, SpanLimits, decode_spans
from tracehound.streams.intake.formats.skywalking.protobuf import SKYWALKING
from tracehound.streams.intake.formats.wire import framed

LIMITS = SpanLimits()
TRACE, SEGMENT = "d142b8825388499c.1.17959628393280001", "d142b8825388499c.1.17959628393280000"
ENTRY, EXIT, LOCAL = range(3)
DATABASE, HTTP, MQ = 1, 3, 4


def pair(name: str, value: str) -> bytes:
    return b"\x0a" + bytes([len(name)]) + name.encode() + b"\x12" + bytes([len(value)]) + value.encode()


def span_with(*tags: tuple[str, str], logs: list[dict[str, str]] | None = None, **fields: Any) -> bytes:
    given = {"parent": -1, "start_ms": 1_795_962_839_329, "end_ms": 1_795_962_839_341, "name": "work", **fields}
    made = SKYWALKING.Span(
        **given,
        tags=[pair(*tag) for tag in tags],
        logs=[SKYWALKING.Log(data=[pair(*item) for item in log.items()]) for log in logs or ()],
    )
    return bytes(made.SerializeToString())


def segment_of(*spans: bytes, **fields: str) -> bytes:
    given = {"trace_id": TRACE, "segment_id": SEGMENT, "service": "shop", "instance": "shop-0", **fields}
    head = bytes(SKYWALKING.Segment(**given).SerializeToString())
    return head + b"".join(framed(3, span) for span in spans)


def decode(*spans: bytes) -> DecodedSpans:
    return decode_spans(segment_of(*spans), LIMITS)


def only_span(*args: Any, **fields: Any) -> Span:
    decoded = decode(span_with(*args, **fields))
    assert decoded.rejected == []
    ((_, (span,)),) = decoded.traces[TRACE].spans
    return span


def test_every_field_is_where_it_belongs() -> None:
    decoded = decode(
        span_with(
            ("url", "http://127.0.0.1:18201/stock/11"),
            ("http.method", "GET"),
            ("http.status_code", "500"),
            number=2,
            parent=0,
            name="/stock/11",
            peer="127.0.0.1:18201",
            type=EXIT,
            layer=HTTP,
            is_error=True,
            logs=[{"event": "error", "error.kind": "java.io.IOException", "message": "gone", "stack": "…"}],
        )
    )

    ((resource, (span,)),) = decoded.traces[TRACE].spans
    assert resource == Resource("shop", host="shop-0")
    assert span == Span(
        "",
        "GET /stock/11",
        -1,
        None,
        12_000.0,
        peer="127.0.0.1:18201",
        is_error=1,
        id=f"{SEGMENT}.2",
        parent_id=f"{SEGMENT}.0",
        start_ns=1_795_962_839_329_000_000,
        kind="client",
        segment="http",
        remote_parent=False,
        error=ExecutionFailure("java.io.IOException", "gone"),
        result=500,
    )


@pytest.mark.parametrize(
    ("type", "layer", "kind"),
    [
        (ENTRY, HTTP, "server"),
        (ENTRY, MQ, "consumer"),
        (EXIT, HTTP, "client"),
        (EXIT, MQ, "producer"),
        (LOCAL, 0, "internal"),
    ],
)
def test_type_and_layer_tell_the_kind(type: int, layer: int, kind: str) -> None:
    assert only_span(type=type, layer=layer).kind == kind


def ref(trace_id: str, span_id: int, type: int = 0, segment_id: str = "other") -> Any:
    return SKYWALKING.Ref(type=type, trace_id=trace_id, segment_id=segment_id, span_id=span_id)


def test_a_segment_begins_where_its_first_reference_of_the_trace_says() -> None:
    span = only_span(refs=[ref("elsewhere", 7), ref(TRACE, 3), ref(TRACE, 4)], type=ENTRY, layer=MQ)

    assert (span.parent_id, span.remote_parent) == ("other.3", True)
    assert span.message == Message(by_consumer=True, links=(("elsewhere", "other.7"), (TRACE, "other.4")))


def test_ids_of_a_reference_are_no_longer_than_those_of_segments() -> None:
    span = only_span(refs=[ref(letter * 5_000, 7, segment_id="s" * 5_000) for letter in "tu"], type=ENTRY, layer=MQ)
    assert len(span.parent_id) < 420
    assert span.message is not None
    assert all(len(id) < 420 for link in span.message.links for id in link)


def test_a_reference_of_another_thread_stays_in_the_process() -> None:
    span = only_span(refs=[ref(TRACE, 0, type=1)], type=LOCAL)

    assert (span.parent_id, span.remote_parent) == ("other.0", False)


@pytest.mark.parametrize(
    ("name", "tags", "fields", "operation"),
    [
        ("GET:/cart/{what}", [], {"layer": HTTP}, "GET /cart/{what}"),
        ("{POST}/cart", [], {"layer": HTTP}, "POST /cart"),
        ("/cart/7", [("http.method", "GET")], {"layer": HTTP}, "GET /cart/7"),
        (
            "/missing",
            [("http.method", "GET"), ("http.url", "/missing"), ("status_code", "404")],
            {"layer": HTTP},
            "GET",
        ),
        ("Mysql/JDBC/Statement/execute", [("db.statement", "select * from item")], {"layer": DATABASE}, "SELECT item"),
        ("Mysql/JDBC/Connection/close", [], {"layer": DATABASE}, "Mysql/JDBC/Connection/close"),
        ("Cart.price", [], {"type": LOCAL}, "Cart.price"),
        ("", [], {"type": LOCAL}, "unknown"),
    ],
)
def test_operations_are_called_as_elsewhere(
    name: str, tags: list[tuple[str, str]], fields: dict[str, int], operation: str
) -> None:
    assert only_span(*tags, name=name, **fields).operation == operation


def test_a_database_and_a_queue_are_peers() -> None:
    database = only_span(("db.type", "sql"), ("db.instance", "shop"), name="Mysql/JDBC/x", type=EXIT, layer=DATABASE)
    queue = only_span(("mq.topic", "orders"), name="Kafka/orders/Producer", type=EXIT, layer=MQ, peer="broker:9092")
    taken = only_span(("mq.topic", "orders"), name="Kafka/orders/Consumer/g1", type=ENTRY, layer=MQ)

    assert (database.peer, database.segment) == ("mysql shop", "db")
    assert (queue.peer, queue.segment) == ("kafka orders", "queue")
    assert taken.message == Message("kafka orders", "g1", "process", by_consumer=True)


def test_semicolons_between_the_characters_of_a_peer_go() -> None:
    assert only_span(type=EXIT, layer=HTTP, peer="".join(f"{each};" for each in "10.0.0.7:80")).peer == "10.0.0.7:80"


@pytest.mark.parametrize(
    ("type", "status", "logs", "failed"),
    [
        (ENTRY, "404", [], None),
        (ENTRY, "404", [{"error.kind": "NotFound", "message": "null"}], 1),
        (ENTRY, "500", [], 1),
        (EXIT, "404", [], 1),
    ],
)
def test_a_404_that_raised_nothing_is_no_failure_of_the_server(
    type: int, status: str, logs: list[dict[str, str]], failed: int | None
) -> None:
    span = only_span(("http.status_code", status), type=type, layer=HTTP, is_error=True, logs=logs)

    assert span.is_error == failed
    assert span.error == (ExecutionFailure("NotFound") if logs else None)


def test_the_python_agent_tells_an_error_by_its_traceback() -> None:
    logs = [{"Traceback": "Traceback (most recent call last):\n  File x\nKeyError: 'cart'\n"}]

    assert only_span(is_error=True, logs=logs).error == ExecutionFailure("KeyError", "'cart'")


def test_what_has_not_ended_is_left_out_and_counted() -> None:
    decoded = decode(span_with(), span_with(number=1, end_ms=0))

    assert (decoded.spans, decoded.unfinished, decoded.rejected) == (1, 1, [])


def test_a_bad_span_is_refused_alone() -> None:
    decoded = decode(span_with(), span_with(number=1, end_ms=5), b"\x0a\xff")

    assert decoded.spans == 1
    assert [(each.indexes, each.error) for each in decoded.rejected] == [
        ((1,), "InvalidSpan"),
        ((2,), "InvalidProtobuf"),
    ]
    assert decoded.rejected[0].reason == (
        "SkyWalking: spans[1]: the field 'endTime' must be milliseconds from 'startTime', 1795962839329, on. "
        "Got 5 instead."
    )
    again = decode_spans(decoded.rejected[0].value_bytes, LIMITS)
    assert (again.spans, len(again.rejected)) == (0, 1)


def test_a_segment_without_an_id_is_refused_whole() -> None:
    value = segment_of(span_with(), segment_id="x" * 401)

    (rejection,) = decode_spans(value, LIMITS).rejected

    assert rejection.reason == "SkyWalking: the field 'traceSegmentId' must have 1 to 400 characters. Got 401 instead."
    assert rejection.value_bytes == value
