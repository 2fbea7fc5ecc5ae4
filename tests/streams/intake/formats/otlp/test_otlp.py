"""Spans of OpenTelemetry records in both encodings, and what is refused of them with exactly which bytes."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status, TracesData
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from tests.streams.intake.formats.otlp.otlp_records import (
    ENCODINGS,
    START_NS,
    as_json,
    as_protobuf,
    attribute,
    good_span,
    json_spans,
    record_of,
    records,
)
from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.rejection import Rejection
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.formats.decode import DecodedSpans, SpanLimits, decode_spans
from tracehound.streams.intake.formats.wire import framed

LIMITS = SpanLimits()
TRACE_ID = "ab" * 16
Encode = Callable[[TracesData], bytes]

encodings = pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
both = pytest.mark.parametrize("encode", [as_protobuf, as_json])


def only_span(value: bytes) -> Span:
    decoded = decode_spans(value, LIMITS)
    assert decoded.rejected == []
    ((_, (span,)),) = decoded.traces[TRACE_ID].spans
    return span


def only_rejection(value: bytes | None, limits: SpanLimits = LIMITS) -> Rejection:
    decoded = decode_spans(value, limits)
    assert (decoded.traces, decoded.spans) == ({}, 0)
    (rejection,) = decoded.rejected
    return rejection


@encodings
def test_every_field_is_where_it_belongs(encode: Encode) -> None:
    event = SpanMessage.Event(
        name="exception",
        attributes=[attribute("exception.type", "KeyError"), attribute("exception.message", "'cart'")],
    )
    span = good_span(
        1,
        parent_span_id=b"\x02" * 8,
        flags=0x301,
        name="GET",
        kind=SpanMessage.SPAN_KIND_CLIENT,
        attributes=[
            attribute("http.method", "GET"),
            attribute("url.template", "/cart/{id}"),
            attribute("http.status_code", 502),
            attribute("peer.service", "cart"),
            attribute("component", "net/http"),
        ],
        events=[SpanMessage.Event(name="exception"), event, SpanMessage.Event(name="retry")],
        status=Status(code=Status.STATUS_CODE_ERROR, message="failed"),
    )

    assert only_span(encode(record_of(span))) == Span(
        service="",
        operation="GET /cart/{id}",
        parent=-1,
        offset_us=None,
        duration_us=1.5,
        component="net/http",
        peer="cart",
        is_error=1,
        id="0000000000000001",
        parent_id="0202020202020202",
        start_ns=START_NS,
        kind="client",
        segment="http",
        remote_parent=True,
        error=ExecutionFailure("KeyError", "'cart'"),
        result=502,
    )


@encodings
def test_what_is_not_said_stays_open(encode: Encode) -> None:
    assert only_span(encode(record_of(good_span()))) == Span(
        "", "work", -1, None, 1.5, id="0000000000000001", start_ns=START_NS
    )


@encodings
@pytest.mark.parametrize(("flags", "expected"), [(0, None), (0x200, None), (0x100, False), (0x300, True)])
def test_whether_the_parent_is_remote_is_told_by_two_flags(encode: Encode, flags: int, expected: bool | None) -> None:
    assert only_span(encode(record_of(good_span(flags=flags)))).remote_parent is expected


@encodings
def test_a_parent_of_zeros_is_none(encode: Encode) -> None:
    assert only_span(encode(record_of(good_span(parent_span_id=bytes(8))))).parent_id == ""


@encodings
def test_an_unset_status_of_a_server_follows_http(encode: Encode) -> None:
    span = good_span(kind=SpanMessage.SPAN_KIND_SERVER, attributes=[attribute("http.response.status_code", 500)])

    assert only_span(encode(record_of(span))).is_error == 1


@encodings
def test_spans_of_equal_resources_are_in_one_list_in_the_order_they_came(encode: Encode) -> None:
    other = b"\xcd" * 16
    record = record_of(good_span(1), good_span(2, trace_id=other))
    record.MergeFrom(record_of(good_span(3), service="cart"))
    record.MergeFrom(record_of(good_span(4)))
    record.resource_spans[2].resource.attributes.append(attribute("process.pid", 7))

    decoded = decode_spans(encode(record), LIMITS)

    found = {
        trace_id: [(resource, [span.id[-1] for span in spans]) for resource, spans in chunk.spans]
        for trace_id, chunk in decoded.traces.items()
    }
    assert found == {
        TRACE_ID: [(Resource("shop"), ["1", "4"]), (Resource("cart"), ["3"])],
        other.hex(): [(Resource("shop"), ["2"])],
    }
    assert list(found) == [TRACE_ID, other.hex()]
    assert (decoded.spans, decoded.rejected) == (4, [])


@encodings
def test_long_names_are_cut(encode: Encode) -> None:
    decoded = decode_spans(encode(record_of(good_span(name="n" * 1_001), service="s" * 201)), LIMITS)

    ((resource, (span,)),) = decoded.traces[TRACE_ID].spans
    assert (resource.service, span.operation) == ("s" * 200, "n" * 1_000)


@settings(max_examples=200, deadline=None)
@given(records())
def test_all_encodings_say_the_same(record: TracesData) -> None:
    from_protobuf, *others = (decode_spans(encode(record), LIMITS) for encode in ENCODINGS.values())

    assert from_protobuf.rejected == []
    given = sum(len(scope.spans) for each in record.resource_spans for scope in each.scope_spans)
    assert from_protobuf.spans + from_protobuf.unfinished == given
    assert [msgspec.structs.replace(other, format=from_protobuf.format) for other in others] == [from_protobuf] * 3


def test_records_without_spans_hold_nothing() -> None:
    empty = (b"", b"{}", b' {"resourceSpans": [] } ', b'{"resourceSpans":null}', b'{"resource_spans":[]}', b"\n\0")

    assert [msgspec.structs.replace(decode_spans(value, LIMITS), format="") for value in empty] == [
        DecodedSpans()
    ] * len(empty)


def test_protobuf_that_looks_like_json_is_protobuf() -> None:
    record = record_of(good_span(name="n" * 45))
    value = as_protobuf(record)

    assert value[:2] == b"\n{"
    assert decode_spans(value, LIMITS).spans == 1


def test_json_may_be_indented_and_preceded_by_blanks() -> None:
    indented = json.dumps(json.loads(as_json(record_of(good_span()))), indent=2).encode()

    assert [decode_spans(blank + indented, LIMITS).spans for blank in (b"\n", b"\r\n\t ", b"\n\n", b" ")] == [1] * 4


REFUSED_RECORDS: dict[str, tuple[bytes, str, str]] = {
    "no list": (
        b'{"resourceSpans":7}',
        "InvalidField",
        "OTLP JSON: the field 'resourceSpans' must be a JSON array: it does not begin with '['.",
    ),
    "cut JSON": (
        b'{"resourceSpans":[',
        "InvalidJson",
        "OTLP JSON: the JSON is malformed: it ends before its last bracket is closed.",
    ),
    "JSON whose brackets do not match": (
        b'{"resourceSpans":[{]}}',
        "InvalidJson",
        "OTLP JSON: the JSON is malformed: the bracket at byte 19 closes nothing.",
    ),
    "cut Protobuf": (
        as_protobuf(record_of(good_span()))[:-1],
        "InvalidProtobuf",
        "OTLP Protobuf: the Protobuf is malformed: the field at byte 0 ends after its message.",
    ),
}


@pytest.mark.parametrize(("value", "error", "reason"), REFUSED_RECORDS.values(), ids=REFUSED_RECORDS)
def test_a_damaged_record_is_refused_whole(value: bytes, error: str, reason: str) -> None:
    rejection = only_rejection(value)

    assert (rejection.indexes, rejection.value_bytes) == ((), value)
    assert (rejection.error, rejection.reason) == (error, reason)


@both
def test_records_beyond_the_limits_are_refused_whole(encode: Encode) -> None:
    value = encode(record_of(good_span(1), good_span(2), good_span(3)))
    bad = encode(record_of(good_span(1), good_span(2), good_span(3, span_id=b"")))

    assert decode_spans(value, SpanLimits(max_record_bytes=len(value), max_spans=3)).spans == 3
    assert only_rejection(value, SpanLimits(max_record_bytes=len(value) - 1)).error == "OversizedRecord"
    for refused in (value, bad):
        rejection = only_rejection(refused, SpanLimits(max_spans=2))
        assert (rejection.error, rejection.value_bytes) == ("TooManySpans", refused)
        assert rejection.reason == "The record must hold at most 2 spans. Got 3 instead."


@both
@pytest.mark.parametrize("bad", [[], [good_span(span_id=b"")]])
def test_empty_resources_and_scopes_are_limited_too(encode: Encode, bad: list[SpanMessage]) -> None:
    scopes = TracesData(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=bad), *[ScopeSpans()] * 200])])
    resources = TracesData(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=bad)])] * 201)

    for record, what in ((scopes, "scopes"), (resources, "resources")):
        value, limits = encode(record), SpanLimits(max_spans=200)
        most = limits.of(len(value)).max_spans
        assert only_rejection(value, limits).reason == f"The record must hold at most {most} {what}. Got 201 instead."


@both
def test_more_spans_than_bytes_for_them_are_refused_whole(encode: Encode) -> None:
    few, many = (record_of(good_span(), *[SpanMessage()] * count) for count in (15, 99_000))
    assert (decode_spans(encode(few), SpanLimits()).spans, len(decode_spans(encode(few), SpanLimits()).rejected)) == (
        1,
        1,
    )
    rejection = only_rejection(encode(many), SpanLimits())
    assert (rejection.error, rejection.value_bytes) == ("TooManySpans", encode(many))


BAD_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "no trace": ({"trace_id": b""}, "'traceId' must be 16 bytes, not all zero. Got 0 bytes instead."),
    "zero trace": ({"trace_id": bytes(16)}, "'traceId' must be 16 bytes, not all zero. Got only zeros instead."),
    "no id": ({"span_id": b""}, "'spanId' must be 8 bytes, not all zero. Got 0 bytes instead."),
    "zero id": ({"span_id": bytes(8)}, "'spanId' must be 8 bytes, not all zero. Got only zeros instead."),
    "early end": (
        {"end_time_unix_nano": START_NS - 1_000_000_001},
        f"'endTimeUnixNano' must not be before 'startTimeUnixNano', {START_NS}. "
        f"Got {START_NS - 1_000_000_001} instead.",
    ),
}


@both
@pytest.mark.parametrize(("fields", "sentence"), BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_a_bad_span_is_refused_alone(encode: Encode, fields: dict[str, Any], sentence: str) -> None:
    bad = good_span(2, **fields)
    decoded = decode_spans(encode(record_of(good_span(1), bad, good_span(3))), LIMITS)

    assert decoded.traces == decode_spans(encode(record_of(good_span(1), good_span(3))), LIMITS).traces
    (rejection,) = decoded.rejected
    assert (rejection.indexes, rejection.error) == ((1,), "InvalidSpan")
    name = decoded.format
    assert rejection.reason == f"{name}: resourceSpans[0].scopeSpans[0].spans[1]: the field {sentence}"
    assert only_rejection(rejection.value_bytes).reason == rejection.reason.replace("spans[1]", "spans[0]")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"trace_id": b"a" * 15}, "'traceId' must be 16 bytes, not all zero. Got 15 bytes instead."),
        ({"parent_span_id": bytes(9)}, "'parentSpanId' must be 8 bytes or absent. Got 9 bytes instead."),
    ],
)
def test_an_id_of_another_length_is_refused(fields: dict[str, Any], sentence: str) -> None:
    rejection = only_rejection(as_protobuf(record_of(good_span(**fields))))

    assert rejection.reason == f"OTLP Protobuf: resourceSpans[0].scopeSpans[0].spans[0]: the field {sentence}"


@encodings
def test_an_empty_name_is_told_by_attributes_or_unknown(encode: Encode) -> None:
    span = good_span(name="", attributes=[attribute("http.method", "GET"), attribute("http.target", "/a")])

    assert only_span(encode(record_of(span))).operation == "GET /a"
    assert only_span(encode(record_of(good_span(name="")))).operation == "unknown"


@encodings
@pytest.mark.parametrize("missing", ["start_time_unix_nano", "end_time_unix_nano"])
def test_what_never_began_or_has_not_ended_is_left_out_and_counted(encode: Encode, missing: str) -> None:
    decoded = decode_spans(encode(record_of(good_span(1), good_span(2, **{missing: 0}))), LIMITS)

    assert (decoded.spans, decoded.unfinished, decoded.rejected) == (1, 1, [])


@encodings
@pytest.mark.parametrize("early_ns", [1, 191_000, 1_000_000_000])
def test_a_span_whose_clock_was_corrected_meanwhile_lasts_no_time(encode: Encode, early_ns: int) -> None:
    span = only_span(encode(record_of(good_span(end_time_unix_nano=START_NS - early_ns))))

    assert (span.start_ns, span.duration_us) == (START_NS, 0.0)


@encodings
def test_links_are_read(encode: Encode) -> None:
    links = [SpanMessage.Link(trace_id=bytes([n]) * 16, span_id=bytes([n]) * 8) for n in (5, 6)]
    links.append(SpanMessage.Link(trace_id=b"short", span_id=b"no"))

    message = only_span(encode(record_of(good_span(links=links)))).message

    assert message is not None
    assert message.links == (("05" * 16, "05" * 8), ("06" * 16, "06" * 8))


def with_scopes(*names: str) -> TracesData:
    """Per resource two scopes with a good span, one without an id and one with a late beginning."""
    record = TracesData()
    for name in names:
        within = [good_span(1), good_span(2, span_id=b""), good_span(3, start_time_unix_nano=2**63)]
        scopes = [ScopeSpans(scope=InstrumentationScope(name=scope), spans=within) for scope in ("one", "two")]
        resource = ResourceMessage(attributes=[attribute("service.name", name)])
        record.resource_spans.append(ResourceSpans(resource=resource, scope_spans=scopes, schema_url="https://s"))
    return record


@both
def test_spans_refused_for_one_reason_share_a_record_with_what_was_around_them(encode: Encode) -> None:
    decoded = decode_spans(encode(with_scopes("shop", "cart")), LIMITS)

    assert decoded.rejected[0].reason.startswith(f"{decoded.format}: ")
    nameless, timeless = decoded.rejected
    assert decoded.spans == 4
    assert (nameless.indexes, timeless.indexes) == ((1, 4, 7, 10), (2, 5, 8, 11))
    assert nameless.reason.partition(": ")[2].startswith(
        "resourceSpans[0].scopeSpans[0].spans[1], resourceSpans[0].scopeSpans[1].spans[1], "
        "resourceSpans[1].scopeSpans[0].spans[1], resourceSpans[1].scopeSpans[1].spans[1]: the field 'spanId' "
    )
    expected = with_scopes("shop", "cart")
    for resource in expected.resource_spans:
        for scope in resource.scope_spans:
            del scope.spans[2], scope.spans[0]
    if encode is as_protobuf:
        assert TracesData.FromString(nameless.value_bytes or b"") == expected
    else:
        assert json.loads(nameless.value_bytes or b"") == json.loads(as_json(expected))


@both
def test_only_the_first_places_are_named(encode: Encode) -> None:
    decoded = decode_spans(encode(record_of(*(good_span(number, trace_id=b"") for number in range(1, 31)))), LIMITS)

    assert ".spans[19] and 10 more: the field 'traceId'" in decoded.rejected[0].reason


def test_a_refused_span_in_protobuf_keeps_what_this_version_does_not_know() -> None:
    unknown_fields = b"\xf2\x3f\x03new" + b"\xfb\x3f\x08\x01\xfc\x3f"  # 1022: text; 1023: a group
    span = good_span(span_id=b"").SerializeToString() + unknown_fields
    scope = b"\x12" + bytes([len(span)]) + span + unknown_fields
    resource = b"\x12" + bytes([len(scope)]) + scope + unknown_fields
    value = b"\x0a" + bytes([len(resource)]) + resource + b"\x10\x05"

    rejected = TracesData.FromString(only_rejection(value).value_bytes or b"")

    assert rejected == TracesData.FromString(value[:-2])
    assert rejected.SerializeToString().count(b"new") == 3


def test_a_refused_span_in_json_is_byte_for_byte_as_it_came() -> None:
    good = json.dumps(next(json_spans(json.loads(as_json(record_of(good_span()))))))
    bad = '{ "traceId":"ab", "name" : 1.50, "later":[1e2] }'
    head = '"resource":{ "attributes":[] },"new":{"a":1E5}'
    value = f'{{"resourceSpans":[{{{head},"scopeSpans":[{{"scope":{{ }},"spans":[{good}, {bad} ]}}]}}]}}'

    decoded = decode_spans(value.encode(), LIMITS)

    assert decoded.spans == 1
    (rejection,) = decoded.rejected
    assert rejection.value_bytes == value.replace(f"{good}, {bad} ", bad).encode()
    assert rejection.reason == (
        "OTLP JSON: resourceSpans[0].scopeSpans[0].spans[1]: the field 'traceId' must be 16 bytes in hexadecimal "
        'digits or base64. Got "ab" instead.'
    )


def replaced(**fields: Any) -> bytes:
    """The good span in JSON with other fields."""
    record = json.loads(as_json(record_of(good_span())))
    next(json_spans(record)).update(fields)
    return json.dumps(record).encode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": 7}, "the field 'name' must be text. Got 7 instead."),
        ({"status": []}, "the field 'status' must be a JSON object. Got an array of length 0 instead."),
        ({"traceId": "x" * 32}, f"'traceId' must be 16 bytes in hexadecimal digits or base64. Got \"{'x' * 32}\""),
        ({"traceId": "ab" * 15}, f"'traceId' must be 16 bytes in hexadecimal digits or base64. Got \"{'ab' * 15}\""),
        ({"parentSpanId": "AAAA"}, "'parentSpanId' must be 8 bytes or absent. Got 3 bytes instead."),
        ({"spanId": "*" * 12}, "'spanId' must be 8 bytes in hexadecimal digits or base64. Got \"************\""),
        ({"spanId": "00 00 00 00 00 1"}, "'spanId' must be 8 bytes"),
        ({"kind": "SERVER"}, "'kind' must be a whole number of 64 bits or one of SPAN_KIND_UNSPECIFIED, "),
        ({"status": {"code": "BAD"}}, "'status.code' must be a whole number of 64 bits or one of STATUS_CODE_UNSET, "),
        ({"startTimeUnixNano": 2**64}, f"'startTimeUnixNano' must be a whole number of 64 bits. Got {2**64} instead."),
        ({"startTimeUnixNano": "1_0"}, "'startTimeUnixNano' must be a whole number of 64 bits. Got \"1_0\" instead."),
        ({"startTimeUnixNano": -1}, "'startTimeUnixNano' must be nanoseconds since the epoch"),
        ({"endTimeUnixNano": 1.5}, "'endTimeUnixNano' must be a whole number of 64 bits. Got 1.5 instead."),
        ({"endTimeUnixNano": "1e999999999"}, "'endTimeUnixNano' must be a whole number of 64 bits. Got \"1e999"),
        ({"endTimeUnixNano": True}, "'endTimeUnixNano' must be a whole number of 64 bits. Got true instead."),
    ],
)
def test_fields_in_json_of_a_wrong_type_are_told(fields: dict[str, Any], sentence: str) -> None:
    rejection = only_rejection(replaced(**fields))

    assert rejection.error == "InvalidSpan"
    assert sentence in rejection.reason


@pytest.mark.parametrize(
    "written",
    ["1.7e18", "17e17", '"1.7e18"', "1700000000000000000.0", '"1700000000000000000"'],
)
def test_whole_numbers_in_json_are_exact_in_any_notation(written: str) -> None:
    value = replaced(startTimeUnixNano="@start", endTimeUnixNano="@end").decode()
    value = value.replace('"@start"', written).replace('"@end"', "1.7000000000000001e18")

    span = only_span(value.encode())

    assert (span.start_ns, span.duration_us) == (1_700_000_000_000_000_000, 0.1)


def test_a_flaw_in_an_attribute_in_json_costs_only_that_attribute() -> None:
    flawed = [
        {"key": "peer.service", "value": {"doubleValue": "much"}},
        {"key": "unread", "value": {"boolValue": "yes"}},
        {"key": "http.method", "value": {"stringValue": "GET"}},
        {"key": "http.status_code", "value": {"intValue": 200.0}},
        {"key": 7},
        "none",
    ]
    events = [{"name": {}}, 7, {"name": "exception", "attributes": flawed}]

    span = only_span(replaced(attributes=flawed, kind=3, events=events, links=[{"traceId": 1}, None]))

    assert (span.operation, span.peer, span.result, span.message) == ("work", None, 200, None)


def test_fields_in_json_may_be_called_as_they_were_until_2022() -> None:
    record = json.loads(as_json(record_of(good_span())))
    scopes = record["resourceSpans"][0].pop("scopeSpans")
    record["resourceSpans"][0]["instrumentationLibrarySpans"] = scopes

    assert decode_spans(json.dumps(record).encode(), LIMITS).spans == 1


def test_scopes_in_protobuf_may_have_the_number_of_until_2022() -> None:
    scope = ScopeSpans(spans=[good_span()]).SerializeToString()
    resource = ResourceMessage(attributes=[attribute("service.name", "shop")]).SerializeToString()

    value = framed(1, framed(1, resource) + framed(1000, scope))

    assert only_span(value).operation == "work"


def test_numbers_in_json_may_be_strings_and_null_is_absent() -> None:
    value = replaced(
        startTimeUnixNano=str(START_NS),
        endTimeUnixNano=START_NS + 1_500,
        kind="2",
        flags="256",
        attributes=None,
        events=None,
        status=None,
        parentSpanId=None,
        traceId=TRACE_ID.upper(),
        droppedLinksCount={"unknown": "and ignored"},
    )

    assert only_span(value) == Span(
        "", "work", -1, None, 1.5, id="0000000000000001", start_ns=START_NS, kind="server", remote_parent=False
    )


def test_what_is_no_resource_or_scope_in_json_loses_only_itself() -> None:
    record = json.loads(as_json(record_of(good_span(1))))
    record["resourceSpans"][0]["scopeSpans"] += [7, {"spans": {}}, None]
    record["resourceSpans"] += [None, {"resource": "shop", "scopeSpans": []}, {"scopeSpans": 5}]

    decoded = decode_spans(json.dumps(record).encode(), LIMITS)

    assert decoded.spans == 1
    assert [(rejection.error, rejection.reason.split(": ")[1]) for rejection in decoded.rejected] == [
        ("InvalidJson", "resourceSpans[0].scopeSpans[1], resourceSpans[0].scopeSpans[3], resourceSpans[1]"),
        ("InvalidField", "resourceSpans[0].scopeSpans[2]"),
        ("InvalidSpan", "resourceSpans[2]"),
        ("InvalidField", "resourceSpans[3]"),
    ]
    assert all(only_rejection(rejection.value_bytes).error == rejection.error for rejection in decoded.rejected)


def test_a_resource_in_protobuf_that_does_not_parse_loses_only_its_own_spans() -> None:
    broken = framed(1, framed(1, b"\x0a\x7f") + framed(2, framed(2, good_span(1).SerializeToString())))
    value = broken + as_protobuf(record_of(good_span(3)))

    decoded = decode_spans(value, LIMITS)

    assert decoded.traces == decode_spans(as_protobuf(record_of(good_span(3))), LIMITS).traces
    (rejection,) = decoded.rejected
    assert (rejection.error, rejection.reason) == (
        "InvalidProtobuf",
        "OTLP Protobuf: resourceSpans[0]: the resource must be a valid Protobuf message. Got bytes that do not parse "
        "instead.",
    )
    assert rejection.value_bytes == broken


def marked() -> TracesData:
    """A record with a text in each place that may hold one, all of them ``marker``."""
    event = SpanMessage.Event(name="exception", attributes=[attribute("exception.message", "marker")])
    span = good_span(1, name="marker", attributes=[attribute("marker", "marker"), attribute("peer.service", "marker")])
    span.events.extend([event, SpanMessage.Event(name="marker")])
    span.links.append(SpanMessage.Link(trace_id=b"\x05" * 16, span_id=b"\x05" * 8, trace_state="marker"))
    span.trace_state, span.status.message, span.status.code = "marker", "marker", Status.STATUS_CODE_ERROR
    span.kind = SpanMessage.SPAN_KIND_CLIENT
    record = record_of(span, service="marker")
    record.resource_spans[0].schema_url = "marker"
    record.resource_spans[0].resource.attributes.append(attribute("process.command_line", "marker"))
    record.resource_spans[0].scope_spans[0].scope.attributes.append(KeyValue(key="marker"))
    return record


@encodings
def test_what_is_not_utf8_in_a_text_costs_nothing_but_that(encode: Encode) -> None:
    value = encode(marked())
    assert value.count(b"marker") == 13

    decoded = decode_spans(value.replace(b"marker", b"m\xe9rker"), LIMITS)

    assert decoded.rejected == []
    ((resource, (span,)),) = decoded.traces[TRACE_ID].spans
    assert (resource.service, span.operation, span.peer) == ("m\ufffdrker",) * 3
    assert span.error == ExecutionFailure("", "m\ufffdrker")
