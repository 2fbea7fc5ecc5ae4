"""Decodes OTLP in protobuf: all at once where everything is valid, else span by span."""

from collections.abc import Iterable, Iterator, Sequence

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from tracehound.schemas.rejection import Flaw
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.conventions import (
    EXCEPTION_ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
    SPAN_ATTRIBUTES,
    AttributeValue,
    resource_of,
)
from tracehound.streams.intake.otlp_span import (
    DecodedSpans,
    RecordError,
    Refused,
    SpanLimits,
    SpansByTrace,
    check_count,
    nested,
    rejections,
    span_of,
)

_LISTS = (1, 2, 2)
"""Numbers of the fields that hold resources, their scopes, and the scopes' spans."""

_SCALARS = ("int_value", "bool_value", "double_value", "string_value")
_VARINT, _FIXED64, _LENGTH, _GROUP, _END_GROUP, _FIXED32 = range(6)


def decode_protobuf(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode ``TracesData`` or ``ExportTraceServiceRequest``, which look the same.

    A span that cannot be used, or that does not parse (such as by a string that is not UTF-8), loses only
    itself; a resource or scope that does not parse loses its own spans. No bytes are an empty record.

    Raises:
        RecordError: the bytes are no such message, or hold more spans than ``limits`` allow.
    """
    try:
        message = trace_pb2.TracesData.FromString(value)
    except DecodeError:
        return _decode_with_care(value, limits, parses=False)
    if value and not message.resource_spans:
        raise _not_otlp(value, "without any resource spans")
    check_count(len(message.resource_spans), limits, "resources")
    if len(value) > limits.max_spans:  # everything takes more than a byte
        check_count(sum(len(each.scope_spans) for each in message.resource_spans), limits, "scopes")
        check_count(sum(len(scope.spans) for each in message.resource_spans for scope in each.scope_spans), limits)
    collected = SpansByTrace()
    for resource_spans in message.resource_spans:
        add = collected.of_resource(_resource(resource_spans))
        for scope_spans in resource_spans.scope_spans:
            for message_span in scope_spans.spans:
                trace_id = message_span.trace_id
                span = _span(message_span, trace_id)
                if isinstance(span, Flaw):
                    return _decode_with_care(value, limits, parses=True)
                add(trace_id, span)
    return collected.result()


def _not_otlp(value: bytes, what: str) -> RecordError:
    return RecordError(
        "InvalidProtobuf",
        "the record must be OTLP traces, as an OpenTelemetry Collector's Kafka exporter writes them with the "
        f"encoding 'otlp_proto' or 'otlp_json'. Got {len(value)} bytes that begin with {value[:8].hex(' ')} "
        f"instead, which are not JSON and parse as protobuf {what}.",
    )


def _resource(message: trace_pb2.ResourceSpans) -> Resource:
    return resource_of(_attributes(message.resource.attributes, RESOURCE_ATTRIBUTES))


def _attributes(pairs: Iterable[common_pb2.KeyValue], wanted: frozenset[str]) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for pair in pairs:
        key = pair.key
        if key in wanted:
            value = pair.value
            if text := value.string_value:
                found[key] = text
            elif (which := value.WhichOneof("value")) in _SCALARS:
                found[key] = getattr(value, which)
    return found


def _span(message: trace_pb2.Span, trace_id: bytes) -> Span | Flaw:
    status = message.status
    events = message.events
    exception: dict[str, AttributeValue] | None = None
    if events:
        for event in reversed(events):
            if event.name == "exception":
                exception = _attributes(event.attributes, EXCEPTION_ATTRIBUTES)
                break
    return span_of(
        trace_id,
        message.span_id,
        message.parent_span_id,
        message.start_time_unix_nano,
        message.end_time_unix_nano,
        message.name,
        message.kind,
        message.flags,
        status.code,
        status.message,
        _attributes(message.attributes, SPAN_ATTRIBUTES),
        exception,
    )


def _decode_with_care(value: bytes, limits: SpanLimits, parses: bool) -> DecodedSpans:
    try:
        tree = _containers(value, limits)
    except ValueError as error:
        raise _not_otlp(value, f"with an error: {error}") from error
    check_count(sum(len(scope) for _, scopes in tree for _, scope in scopes), limits)
    collected = SpansByTrace()
    refused: list[Refused] = []
    number = 0
    for i, (resource_head, scopes) in enumerate(tree):
        spans_within = [span for _, spans in scopes for span in spans]
        try:
            resource = _resource(trace_pb2.ResourceSpans.FromString(resource_head))
        except DecodeError:
            element = b"".join(_framed(2, head + b"".join(_framed(2, s) for s in spans)) for head, spans in scopes)
            refused.append(Refused(number, (i,), (), resource_head + element, _unparsable("resource")))
            number += max(1, len(spans_within))
            continue
        add = collected.of_resource(resource)
        for j, (scope_head, spans) in enumerate(scopes):
            for k, element in enumerate(spans):
                span = _decode_span(element)
                if isinstance(span, Flaw):
                    refused.append(Refused(number, (i, j, k), (resource_head, scope_head), element, span))
                else:
                    add(*span)
                number += 1
    if not parses and not refused and not collected.traces:
        raise _not_otlp(value, "with an error outside of its spans")
    return collected.result(rejections(refused, _record_of))


def _decode_span(element: bytes) -> tuple[bytes, Span] | Flaw:
    try:
        message = trace_pb2.Span.FromString(element)
    except DecodeError:
        return _unparsable("span")
    trace_id = message.trace_id
    span = _span(message, trace_id)
    return span if isinstance(span, Flaw) else (trace_id, span)


def _unparsable(what: str) -> Flaw:
    return Flaw(
        "InvalidProtobuf",
        what,
        lambda: f"the {what} must be a valid protobuf message. Got bytes that do not parse instead.",
    )


_Scope = tuple[bytes, list[bytes]]


def _containers(value: bytes, limits: SpanLimits) -> list[tuple[bytes, list[_Scope]]]:
    """The bytes of spans within scopes within resources, each with the bytes of the other fields beside them.

    Raises:
        ValueError: the fields of one of them cannot be told apart.
        RecordError: there are more of them than ``limits`` allow.
    """
    _, resources = _parts(value, _LISTS[0])
    if value and not resources:
        raise ValueError("there are no resource spans")
    check_count(len(resources), limits, "resources")
    tree = []
    scope_count = 0
    for resource in resources:
        head, scopes = _parts(resource, _LISTS[1])
        scope_count += len(scopes)
        check_count(scope_count, limits, "scopes")
        tree.append((head, [_parts(scope, _LISTS[2]) for scope in scopes]))
    return tree


def _parts(message: bytes, list_number: int) -> _Scope:
    rest: list[bytes] = []
    members: list[bytes] = []
    for number, wire, begin, content, end in _fields(message):
        if number == list_number and wire == _LENGTH:
            members.append(message[content:end])
        else:
            rest.append(message[begin:end])
    return b"".join(rest), members


def _fields(message: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Number, wire type, and where the field, its content and what follows begin (a group is one field)."""
    at = 0
    while at < len(message):
        begin = at
        number, wire, content, at = _field(message, begin)
        depth = 1
        if wire == _END_GROUP:
            raise ValueError(f"a group ends at byte {begin} that has not begun")
        while wire == _GROUP and depth:
            _, inner, _, at = _field(message, at)
            depth += (inner == _GROUP) - (inner == _END_GROUP)
        yield number, wire, begin, content, at


def _field(message: bytes, begin: int) -> tuple[int, int, int, int]:
    tag, at = _varint(message, begin)
    number, wire = tag >> 3, tag & 7
    if number == 0 or number >= 2**29:
        raise ValueError(f"the field at byte {begin} has the number {number}")
    content = at
    if wire == _VARINT:
        _, at = _varint(message, at)
    elif wire == _LENGTH:
        length, content = _varint(message, at)
        at = content + length
    elif wire in (_FIXED32, _FIXED64):
        at += 4 if wire == _FIXED32 else 8
    elif wire not in (_GROUP, _END_GROUP):
        raise ValueError(f"the field at byte {begin} has the wire type {wire}")
    if at > len(message):
        raise ValueError(f"the field at byte {begin} ends after its message")
    return number, wire, content, at


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if at >= len(message):
            raise ValueError("the bytes end within a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError(f"the number at byte {at} is longer than 64 bits")


def _framed(number: int, content: bytes) -> bytes:
    length = len(content)
    prefix = bytearray((number << 3 | _LENGTH,))
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + content


def _record_of(group: Sequence[Refused]) -> bytes:
    resources = nested(group, 0, lambda depth, head, parts: head + _list_of(depth + 1, parts))
    return _list_of(0, resources)


def _list_of(depth: int, parts: list[bytes]) -> bytes:
    return b"".join(_framed(_LISTS[depth], part) for part in parts)
