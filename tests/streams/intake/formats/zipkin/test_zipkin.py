"""Spans of Zipkin in both encodings: what becomes of each field, and what is refused."""

import json
from typing import Any

import pytest

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.spans import Message, Resource, Span
from tracehound.streams.intake.formats.decode import DecodedSpans, SpanLimits, decode_spans
from tracehound.streams.intake.formats.zipkin.protobuf import ZIPKIN

LIMITS = SpanLimits()
TRACE_ID = "0" * 31 + "a"
KINDS = {"CLIENT": 1, "SERVER": 2, "PRODUCER": 3, "CONSUMER": 4}


def span_with(**fields: Any) -> dict[str, Any]:
    """A span as JSON has it, with other fields; None leaves one out."""
    given = {
        "traceId": "A",
        "id": "b",
        "name": "work",
        "timestamp": 1_795_962_270_177_161,
        "duration": 3_217,
        "localEndpoint": {"serviceName": "Shop", "ipv4": "10.0.0.1"},
        **fields,
    }
    return {name: value for name, value in given.items() if value is not None}


def as_json(*spans: dict[str, Any]) -> bytes:
    return json.dumps(spans).encode()


def as_protobuf(*spans: dict[str, Any]) -> bytes:
    return bytes(ZIPKIN.ListOfSpans(spans=map(message_of, spans)).SerializeToString())


def message_of(span: dict[str, Any]) -> Any:
    return ZIPKIN.Span(
        trace_id=bytes.fromhex(span["traceId"].rjust(32, "0")),
        parent_id=bytes.fromhex(span["parentId"].rjust(16, "0")) if "parentId" in span else b"",
        id=bytes.fromhex(span["id"].rjust(16, "0")),
        kind=KINDS.get(span.get("kind", ""), 0),
        name=span.get("name", ""),
        timestamp=span.get("timestamp", 0),
        duration=span.get("duration", 0),
        local_endpoint=endpoint_of(span.get("localEndpoint")),
        remote_endpoint=endpoint_of(span.get("remoteEndpoint")),
        tags=[pair(name, tag) for name, tag in span.get("tags", {}).items()],
        shared=span.get("shared", False),
    )


def endpoint_of(given: dict[str, Any] | None) -> bytes:
    if given is None:
        return b""
    address = bytes(map(int, given["ipv4"].split("."))) if "ipv4" in given else b""
    made = ZIPKIN.Endpoint(service_name=given.get("serviceName", ""), ipv4=address, port=given.get("port", 0))
    return bytes(made.SerializeToString())


def pair(name: str, tag: str) -> bytes:
    return b"\x0a" + bytes([len(name)]) + name.encode() + b"\x12" + bytes([len(tag)]) + tag.encode()


both = pytest.mark.parametrize("encode", [as_json, as_protobuf])


def only_span(decoded: DecodedSpans) -> tuple[Resource, Span]:
    assert decoded.rejected == []
    ((resource, (span,)),) = decoded.traces[TRACE_ID].spans
    return resource, span


@both
def test_every_field_is_where_it_belongs(encode: Any) -> None:
    value = encode(
        span_with(
            parentId="c",
            kind="CLIENT",
            name="get",
            remoteEndpoint={"serviceName": "Stock", "ipv4": "10.0.0.2", "port": 8080},
            tags={"http.method": "GET", "http.path": "/stock/7", "http.status_code": "503", "error": "no such shelf"},
        )
    )

    resource, span = only_span(decode_spans(value, LIMITS))

    assert resource == Resource("Shop", host="10.0.0.1")
    assert span == Span(
        "",
        "GET /stock/7",
        -1,
        None,
        3_217.0,
        peer="Stock",
        is_error=1,
        id="0" * 15 + "b",
        parent_id="0" * 15 + "c",
        start_ns=1_795_962_270_177_161_000,
        kind="client",
        segment="http",
        error=ExecutionFailure("", "no such shelf"),
        result=503,
    )


@both
def test_what_is_not_said_stays_open(encode: Any) -> None:
    resource, span = only_span(decode_spans(encode(span_with(name=None, localEndpoint=None)), LIMITS))

    assert (resource.service, span.operation, span.kind, span.parent_id) == (
        "unknown_service",
        "unknown",
        "internal",
        "",
    )
    assert (span.peer, span.segment, span.is_error, span.remote_parent) == (None, None, None, None)


@both
def test_the_servers_half_of_a_shared_span_has_an_id_of_its_own_below_the_callers(encode: Any) -> None:
    _, span = only_span(decode_spans(encode(span_with(kind="SERVER", parentId="c", shared=True)), LIMITS))

    assert (span.id, span.parent_id, span.remote_parent) == ("0" * 15 + "b-server", "0" * 15 + "b", True)


@both
@pytest.mark.parametrize("missing", ["timestamp", "duration"])
def test_a_span_without_a_time_is_unfinished(encode: Any, missing: str) -> None:
    decoded = decode_spans(encode(span_with(), span_with(id="d", kind="CLIENT", **{missing: None})), LIMITS)

    assert (decoded.spans, decoded.unfinished, decoded.rejected) == (1, 1, [])


def test_a_duration_of_nothing_is_one_in_json_and_a_consumers_in_protobuf() -> None:
    spans = [span_with(duration=0), span_with(id="d", kind="CONSUMER", duration=0)]

    assert [decode_spans(encode(*spans), LIMITS).spans for encode in (as_json, as_protobuf)] == [2, 1]


@both
def test_micrometers_tags_are_read(encode: Any) -> None:
    tags = {
        "method": "GET",
        "uri": "/stock/{sku}?q=1",
        "status": "500",
        "exception": "IllegalStateException",
        "error": "x",
    }

    server = only_span(decode_spans(encode(span_with(name="http get /stock/{sku}", kind="SERVER", tags=tags)), LIMITS))[
        1
    ]
    client = only_span(decode_spans(encode(span_with(name="http get", kind="CLIENT", tags=tags)), LIMITS))[1]

    for span in (server, client):
        assert (span.operation, span.result, span.is_error) == ("GET /stock/{sku}", 500, 1)
        assert span.error == ExecutionFailure("IllegalStateException", "x")


@both
@pytest.mark.parametrize(
    ("kind", "tags", "failed"),
    [
        ("SERVER", {"http.status_code": "404", "error": "404"}, None),
        ("SERVER", {"http.status_code": "404", "error": "not found"}, 1),
        ("SERVER", {"method": "GET", "uri": "/", "status": "404", "exception": "NotFound", "error": "404"}, 1),
        ("SERVER", {"http.status_code": "500"}, 1),
        ("SERVER", {"http.status_code": "404"}, None),
        ("CLIENT", {"http.status_code": "404", "error": "404"}, 1),
        ("CLIENT", {"http.status_code": "404"}, 1),
        ("CLIENT", {"error": "false"}, None),
        (None, {"error": ""}, 1),
        (None, {}, None),
        ("SERVER", {"http.status_code": "500", "otel.status_code": "OK"}, 0),
        ("SERVER", {"http.status_code": "404", "otel.status_code": "ERROR"}, 1),
        ("SERVER", {"grpc.status_code": "UNAVAILABLE"}, 1),
        ("SERVER", {"grpc.status_code": "NOT_FOUND"}, None),
    ],
)
def test_an_error_is_one_unless_a_server_only_tells_its_status_again(
    encode: Any, kind: str | None, tags: dict[str, str], failed: int | None
) -> None:
    assert only_span(decode_spans(encode(span_with(kind=kind, tags=tags)), LIMITS))[1].is_error == failed


@both
def test_messages_have_a_destination_and_are_known_by_who_takes_them(encode: Any) -> None:
    remote = {"serviceName": "kafka"}
    sent, taken = (
        only_span(
            decode_spans(
                encode(span_with(kind=kind, name=name, remoteEndpoint=remote, tags={"kafka.topic": "orders"})), LIMITS
            )
        )[1]
        for kind, name in (("PRODUCER", "send"), ("CONSUMER", "poll"))
    )

    assert (sent.peer, sent.segment, sent.message) == (
        "kafka orders",
        "queue",
        Message("kafka orders", "", "send", by_consumer=True),
    )
    assert (taken.peer, taken.message) == (None, Message("kafka orders", "", "receive", by_consumer=True))


BAD = {
    "no trace": ({"traceId": "0"}, "'traceId' must be 1 to 32 hexadecimal digits, not all zero."),
    "no id": ({"id": "0"}, "'id' must be 1 to 16 hexadecimal digits, not all zero."),
    "late": ({"timestamp": 2**60}, "'timestamp' must be microseconds since the epoch from 1 to "),
}


@both
@pytest.mark.parametrize(("fields", "sentence"), BAD.values(), ids=BAD)
def test_a_bad_span_is_refused_alone(encode: Any, fields: dict[str, Any], sentence: str) -> None:
    bad = span_with(**fields)

    decoded = decode_spans(encode(span_with(), bad, span_with(id="d")), LIMITS)

    assert decoded.spans == 2
    (rejection,) = decoded.rejected
    assert (rejection.indexes, rejection.error) == ((1,), "InvalidSpan")
    assert rejection.reason.startswith(f"{decoded.format}: spans[1]: the field {sentence}")
    again = decode_spans(rejection.value_bytes, LIMITS)
    assert (again.spans, again.rejected[0].reason) == (0, rejection.reason.replace("spans[1]", "spans[0]"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"traceId": "x"}, "'traceId' must be 1 to 32 hexadecimal digits, not all zero. Got \"x\" instead."),
        ({"traceId": "1" * 33}, "'traceId' must be 1 to 32 hexadecimal digits"),
        ({"parentId": "1" * 17}, "'parentId' must be 1 to 16 hexadecimal digits or absent."),
        ({"duration": -1}, "'duration' must be microseconds from 0 to "),
        ({"duration": "many"}, "'duration' must be a whole number of 64 bits. Got \"many\" instead."),
        ({"name": 7}, "'name' must be text. Got 7 instead."),
        ({"traceId": 7}, "'traceId' must be text. Got 7 instead."),
    ],
)
def test_fields_in_json_of_a_wrong_type_are_told(fields: dict[str, Any], sentence: str) -> None:
    (rejection,) = decode_spans(as_json({**span_with(), **fields}), LIMITS).rejected

    assert f"the field {sentence}" in rejection.reason


def test_json_as_people_write_it_is_read() -> None:
    loose = span_with(
        timestamp=1.795962270177161e15,
        duration="3217",
        kind="server",
        tags={"http.status_code": 404, "x": None, "error": False},
        localEndpoint=7,
        remoteEndpoint={"serviceName": 3},
        shared="yes",
        unknown={"a": [1]},
    )

    _, span = only_span(decode_spans(as_json(loose), LIMITS))

    assert (span.start_ns, span.duration_us, span.kind, span.result) == (
        1_795_962_270_177_161_000,
        3_217.0,
        "server",
        404,
    )


def test_a_single_span_needs_no_array() -> None:
    assert decode_spans(json.dumps(span_with()).encode(), LIMITS).spans == 1


def test_what_is_no_object_is_refused_alone() -> None:
    value = as_json(span_with())[:-1] + b', 7, {"traceId":NaN}, "a"]'

    decoded = decode_spans(value, LIMITS)

    assert decoded.spans == 1
    assert [(each.error, each.value_bytes) for each in decoded.rejected] == [
        ("InvalidSpan", b'[7,"a"]'),
        ("InvalidJson", b'[{"traceId":NaN}]'),
    ]
