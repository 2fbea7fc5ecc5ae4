"""Spans of Jaeger in both encodings: what becomes of each field, and what is refused."""

import base64
import json
from typing import Any

import pytest

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.rejection import Rejection
from tracehound.schemas.spans import Message, Resource, Span
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.jaeger.protobuf import JAEGER

LIMITS = SpanLimits()
TRACE, SPAN, OTHER = bytes(15) + b"\x01", bytes(7) + b"\x02", bytes(7) + b"\x03"
Tag = tuple[str, Any]


class Given:
    """A span that can be written in both encodings."""

    def __init__(self, *tags: Tag, **fields: Any) -> None:
        self.tags = tags
        self.trace_id: bytes = fields.get("trace_id", TRACE)
        self.span_id: bytes = fields.get("span_id", SPAN)
        self.name: str = fields.get("name", "work")
        self.references: list[tuple[bytes, bytes, int]] = fields.get("references", [])
        self.seconds, self.nanos = fields.get("start", (1_795_963_000, 500_000_000))
        self.duration_ns: int = fields.get("duration_ns", 12_345_677)
        self.logs: list[list[Tag]] = fields.get("logs", [])
        self.process: list[Tag] = fields.get("process", [])


def as_protobuf(given: Given) -> bytes:
    made = JAEGER.Span(
        trace_id=given.trace_id,
        span_id=given.span_id,
        operation_name=given.name,
        references=[JAEGER.Reference(trace_id=a, span_id=b, ref_type=kind) for a, b, kind in given.references],
        start_time=JAEGER.Time(seconds=given.seconds, nanos=given.nanos),
        duration=JAEGER.Time(seconds=given.duration_ns // 10**9, nanos=given.duration_ns % 10**9),
        tags=[message_of(tag) for tag in given.tags],
        logs=[JAEGER.Log(fields=map(message_of, log)) for log in given.logs],
        process=JAEGER.Process(service_name="shop", tags=map(message_of, given.process)).SerializeToString(),
    )
    return bytes(made.SerializeToString())


def message_of(tag: Tag) -> bytes:
    key, value = tag
    match value:
        case bool():
            made = JAEGER.KeyValue(key=key, v_type=1, v_bool=value)
        case int():
            made = JAEGER.KeyValue(key=key, v_type=2, v_int64=value)
        case float():
            made = JAEGER.KeyValue(key=key, v_type=3, v_float64=value)
        case _:
            made = JAEGER.KeyValue(key=key, v_str=value)
    return bytes(made.SerializeToString())


def as_json(given: Given) -> bytes:
    written = {
        "traceId": base64.b64encode(given.trace_id).decode(),
        "spanId": base64.b64encode(given.span_id).decode(),
        "operationName": given.name,
        "references": [
            {
                "traceId": base64.b64encode(a).decode(),
                "spanId": base64.b64encode(b).decode(),
                **({"refType": "FOLLOWS_FROM"} if kind else {}),
            }
            for a, b, kind in given.references
        ],
        "startTime": "2026-11-29T14:36:40.5Z",
        "duration": f"{given.duration_ns / 1e9:.9f}s",
        "tags": list(map(object_of, given.tags)),
        "logs": [{"fields": list(map(object_of, log))} for log in given.logs],
        "process": {"serviceName": "shop", "tags": list(map(object_of, given.process))},
    }
    return json.dumps(written).encode()


def object_of(tag: Tag) -> dict[str, Any]:
    key, value = tag
    match value:
        case bool():
            return {"key": key, "vType": "BOOL", **({"vBool": True} if value else {})}
        case int():
            return {"key": key, "vType": "INT64", **({"vInt64": str(value)} if value else {})}
        case float():
            return {"key": key, "vType": "FLOAT64", "vFloat64": value}
    return {"key": key, "vStr": value}


both = pytest.mark.parametrize("encode", [as_protobuf, as_json])


def only_span(value: bytes) -> tuple[Resource, Span]:
    decoded = decode_spans(value, LIMITS)
    assert decoded.rejected == []
    ((resource, (span,)),) = next(iter(decoded.traces.values())).spans
    return resource, span


def only_rejection(value: bytes) -> Rejection:
    (rejection,) = decode_spans(value, LIMITS).rejected
    return rejection


@both
def test_every_field_is_where_it_belongs(encode: Any) -> None:
    given = Given(
        ("span.kind", "client"),
        ("http.method", "GET"),
        ("http.url", "http://10.0.0.7/stock/7?a"),
        ("http.status_code", 500.0),
        ("peer.service", "stock"),
        ("peer.port", 8080.0),
        ("error", True),
        ("sampler.param", True),
        name="GET",
        references=[(TRACE, OTHER, 0)],
        logs=[[("event", "error"), ("error.kind", "IOError"), ("message", "gone")], [("event", "retry")]],
        process=[
            ("service.version", "1.4"),
            ("deployment.environment", "live"),
            ("hostname", "vm"),
            ("ip", "10.0.0.1"),
        ],
    )

    resource, span = only_span(encode(given))

    assert resource == Resource("shop", "live", "1.4", "vm")
    assert span == Span(
        "",
        "GET /stock/7",
        -1,
        None,
        12_345.677,
        peer="stock",
        is_error=1,
        id=SPAN.hex(),
        parent_id=OTHER.hex(),
        start_ns=1_795_963_000_500_000_000,
        kind="client",
        segment="http",
        error=ExecutionFailure("IOError", "gone"),
        result=500,
    )


@both
def test_what_is_not_said_stays_open(encode: Any) -> None:
    _, span = only_span(encode(Given(duration_ns=0)))

    assert (span.operation, span.kind, span.duration_us, span.is_error, span.remote_parent) == (
        "work",
        None,
        0,
        None,
        None,
    )


@both
def test_the_parent_is_the_first_child_of_and_other_traces_are_links(encode: Any) -> None:
    elsewhere = bytes(15) + b"\x09"
    follows, child = (TRACE, OTHER, 1), (TRACE, bytes(7) + b"\x04", 0)

    assert only_span(encode(Given(references=[follows, child])))[1].parent_id == child[1].hex()
    assert only_span(encode(Given(references=[follows])))[1].parent_id == OTHER.hex()
    span = only_span(encode(Given(references=[(elsewhere, OTHER, 0)])))[1]
    assert (span.parent_id, span.message) == ("", Message(by_consumer=True, links=((elsewhere.hex(), OTHER.hex()),)))


@both
@pytest.mark.parametrize(
    ("tags", "is_error"),
    [
        ([("error", True)], 1),
        ([("error", "true")], 1),
        ([("error", "no such shelf"), ("error", False)], 1),
        ([("error", False)], None),
        ([("error", "")], None),
        ([("error", "false")], None),
        ([("otel.status_code", "ERROR")], 1),
        ([("otel.status_code", "OK")], 0),
        ([("span.kind", "server"), ("http.status_code", 503)], 1),
        ([("span.kind", "client"), ("http.status_code", 503)], None),
    ],
)
def test_whether_a_span_failed_is_told_by_tags(encode: Any, tags: list[Tag], is_error: int | None) -> None:
    assert only_span(encode(Given(*tags)))[1].is_error == is_error


@both
def test_what_went_wrong_is_told_by_logs_and_tags(encode: Any) -> None:
    logs = [[("event", "exception"), ("exception.type", "ValueError"), ("exception.message", "no")]]

    def error(*tags: Tag, **fields: Any) -> ExecutionFailure | None:
        return only_span(encode(Given(*tags, **fields)))[1].error

    assert error(("error", True), logs=logs) == ExecutionFailure("ValueError", "no")
    assert error(logs=logs) == ExecutionFailure("ValueError", "no", handled=True)
    assert error(("error", "no such shelf"), ("error", True)) == ExecutionFailure("", "no such shelf")
    assert error(("error", True), ("otel.status_description", "failed")) == ExecutionFailure("", "failed")
    assert error(("error", True)) is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"trace_id": bytes(16)}, "'traceId' must be 16 bytes, not all zero. Got only zeros instead."),
        ({"span_id": b""}, "'spanId' must be 8 bytes, not all zero. Got 0 bytes instead."),
    ],
)
@both
def test_a_bad_span_is_refused(encode: Any, fields: dict[str, Any], sentence: str) -> None:
    value = encode(Given(**fields))

    decoded = decode_spans(value, LIMITS)

    if encode is as_json:  # (without its id the Protobuf is no longer told from others)
        assert decoded.rejected[0].reason == f"Jaeger JSON: the field {sentence}"
    assert (decoded.spans, decoded.rejected[0].value_bytes) == (0, value)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"startTime": "yesterday"}, "'startTime' must be an RFC 3339 date-time. Got \"yesterday\" instead."),
        ({"startTime": "2026-13-29T14:36:40Z"}, "'startTime' must be an RFC 3339 date-time."),
        ({"startTime": None}, "'startTime' must be an RFC 3339 date-time. Got null instead."),
        ({"duration": "12ms"}, '\'duration\' must be seconds such as "0.012345677s". Got "12ms" instead.'),
        ({"operationName": 7}, "'operationName' must be text. Got 7 instead."),
        ({"spanId": "?"}, "'spanId' must be 8 bytes in hexadecimal digits or base64."),
    ],
)
def test_fields_in_json_of_a_wrong_type_are_told(fields: dict[str, Any], sentence: str) -> None:
    value = json.dumps({**json.loads(as_json(Given())), **fields}).encode()

    assert only_rejection(value).reason.startswith(f"Jaeger JSON: the field {sentence}")


def test_ids_in_json_may_be_hexadecimal_and_times_have_a_zone() -> None:
    written = json.loads(as_json(Given()))
    written |= {"traceId": TRACE.hex(), "spanId": SPAN.hex(), "startTime": "2026-11-29T15:36:40.500000001+01:00"}

    _, span = only_span(json.dumps(written).encode())

    assert (span.id, span.start_ns) == (SPAN.hex(), 1_795_963_000_500_000_001)


def test_a_process_is_parsed_once_however_many_spans_it_has() -> None:
    first, second = (only_span(as_protobuf(Given(span_id=span)))[0] for span in (SPAN, OTHER))

    assert first is second
