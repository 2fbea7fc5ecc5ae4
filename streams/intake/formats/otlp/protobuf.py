"""OTLP in Protobuf: ``TracesData`` or ``ExportTraceServiceRequest``, which look the same.

Attributes stay bytes until their name is known to be wanted: most are not.
"""

from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any

from google.protobuf.message import DecodeError

from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.schemas.spans import Links, Span
from tracehound.streams.intake.conventions.names import (
    EXCEPTION_ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
    SPELLING,
    as_they_are,
)
from tracehound.streams.intake.conventions.resources import resource_of
from tracehound.streams.intake.conventions.texts import Attributes, AttributeValue
from tracehound.streams.intake.formats.declared import as_text, declare
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits
from tracehound.streams.intake.formats.otlp.reading import Encoding, read_all, read_with_care
from tracehound.streams.intake.formats.otlp.span import MOST_LINKS, span_of
from tracehound.streams.intake.formats.pairs import TEXT_VALUE, PairReader
from tracehound.streams.intake.formats.wire import framed, parts

NAME = "OTLP Protobuf"

OTLP = declare(
    "tracehound.otlp",
    {
        "TracesData": "resource_spans 1 *ResourceSpans",
        "ResourceSpans": "resource 1 Resource, scope_spans 2 *ScopeSpans",
        "Resource": "attributes 1 *bytes",
        "ScopeSpans": "spans 2 *Span",
        "Span": "trace_id 1 bytes, span_id 2 bytes, trace_state 3 string, parent_span_id 4 bytes,"
        "flags 16 fixed32, name 5 string, kind 6 int32, start_time_unix_nano 7 fixed64, end_time_unix_nano 8 fixed64,"
        "attributes 9 *bytes, events 11 *bytes, links 13 *bytes, status 15 bytes",
        "Status": "message 2 string, code 3 int32",
        "Event": "name 2 string, attributes 3 *bytes",
        "Link": "trace_id 1 bytes, span_id 2 bytes",
        "KeyValue": "key 1 string, value 2 AnyValue",
        "AnyValue": "string_value 1 string, bool_value 2 bool, int_value 3 int64, double_value 4 double",
    },
)
"""The fields that are read, from opentelemetry-proto, ``trace/v1/trace.proto`` and ``common/v1/common.proto``."""

_LISTS: tuple[tuple[int, ...], ...] = ((1,), (2,), (2,))
"""Numbers of the fields that hold resources, their scopes, and the scopes' spans."""
_OLD_SCOPES = (1000,)
"""The number of a resource's scopes until 2022: ``instrumentation_library_spans``."""

_STRING, _INT = 0x0A, 0x18  # tags of fields of AnyValue
_REMEMBERED_BYTES = 80
"""Status of spans are mostly the same few bytes."""
_SCALARS = ("string_value", "bool_value", "int_value", "double_value")


def decode_protobuf(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode the bytes of a record.

    A span that cannot be used, or that does not parse, loses only itself; a resource or scope that does not parse loses
    its own spans. Texts that are not UTF-8 cost nothing where they are not read, else what is not UTF-8 in them.

    Raises:
        RecordError: the bytes are no such message, or hold more spans than ``limits`` allow.
    """
    named = partial(resource_of, with_namespace=limits.with_namespace)
    try:
        message = OTLP.TracesData.FromString(value)
    except DecodeError:
        message = None
    if message is not None:
        decoded = read_all(message, len(value), limits, lambda each: named(_resource(each)), _read_span)
        if decoded is not None:
            return decoded
    try:
        _, resources = parts(value, _LISTS[0])
    except ValueError as error:
        raise RecordError("InvalidProtobuf", f"the Protobuf is malformed: {error}.") from error
    return read_with_care(resources, _Protobuf(), limits, named)


def _resource(message: Any) -> dict[str, AttributeValue]:
    return resource_attributes(message.resource)


def resource_attributes(message: Any) -> dict[str, AttributeValue]:
    """The attributes of a ``Resource`` that are wanted."""
    return _of_resources(message.attributes)


def _read_span(message: Any) -> tuple[bytes, Span | None] | Flaw:
    return span_with(message, attributes_of(message))


def attributes_of(message: Any) -> dict[str, AttributeValue]:
    """The attributes of a ``Span`` that are wanted, by concept."""
    return _of_spans(message.attributes)


def span_with(message: Any, attributes: Attributes) -> tuple[bytes, Span | None] | Flaw:
    """Trace id and span of a ``Span`` that has these attributes (by concept); None for one that is left out."""
    trace_id = message.trace_id
    given_status = message.status
    status = _NO_STATUS if not given_status else _status(given_status)
    if status is None:
        return _unparsable("span")
    code, told = status
    events = message.events
    name, state = message.name, message.trace_state
    span = span_of(
        (trace_id, message.span_id, message.parent_span_id),
        message.start_time_unix_nano,
        message.end_time_unix_nano,
        name if isinstance(name, str) else as_text(name),
        message.kind,
        message.flags,
        code,
        told,
        attributes,
        _exception(events) if events else None,
        _links(message.links),
        state if isinstance(state, str) else as_text(state),
    )
    return span if isinstance(span, Flaw) else (trace_id, span)


_NO_STATUS = (0, "")


def _status(content: bytes) -> tuple[int, str] | None:
    """Code and message; None where the bytes are no status."""
    return _short_status(content) if len(content) <= _REMEMBERED_BYTES else _read_status(content)


def _read_status(content: bytes) -> tuple[int, str] | None:
    try:
        given = OTLP.Status.FromString(content)
    except DecodeError:
        return None
    return given.code, as_text(given.message)


_short_status = lru_cache(maxsize=1_000)(_read_status)


def _value(pair: bytes, end: int) -> AttributeValue | None:
    """The value of a ``KeyValue`` whose name ends before this byte; None where it is of no scalar type."""
    size = len(pair)
    # most are short texts and small numbers, and the only thing there is after the name
    if end + 3 < size < end + 130 and pair[end] == TEXT_VALUE and pair[end + 1] == size - end - 2:
        kind = pair[end + 2]
        if kind == _STRING and pair[end + 3] == size - end - 4:
            return pair[end + 4 :].decode("utf-8", "replace")
        if kind == _INT and size == end + 4 and pair[end + 3] < 0x80:
            return pair[end + 3]
    return _pair(pair)[1]


def _pair(pair: bytes) -> tuple[str, AttributeValue | None]:
    try:
        message = OTLP.KeyValue.FromString(pair)
    except DecodeError:
        return "", None
    value = message.value
    for scalar in _SCALARS:
        if value.HasField(scalar):
            content = getattr(value, scalar)
            return as_text(message.key), as_text(content) if isinstance(content, bytes) else content
    return as_text(message.key), None


_of_spans = PairReader(SPELLING, _value, _pair)
_of_exceptions = PairReader(as_they_are(EXCEPTION_ATTRIBUTES), _value, _pair)
_of_resources = PairReader(as_they_are(RESOURCE_ATTRIBUTES), _value, _pair)


def _exception(events: Iterable[bytes]) -> dict[str, AttributeValue] | None:
    for event in reversed(list(events)):
        if b"exception" in event:
            try:
                message = OTLP.Event.FromString(event)
            except DecodeError:
                continue
            if message.name == "exception":
                return _of_exceptions(message.attributes)
    return None


def _links(links: Iterable[bytes]) -> Links:
    if not links:
        return ()
    found: list[tuple[str, str]] = []
    for link in list(links)[:MOST_LINKS]:
        try:
            message = OTLP.Link.FromString(link)
        except DecodeError:
            continue
        if len(message.trace_id) == 16 and len(message.span_id) == 8:
            found.append((message.trace_id.hex(), message.span_id.hex()))
    return tuple(found)


class _Protobuf:
    name = NAME

    def parts(self, element: bytes, depth: int) -> tuple[bytes, list[bytes]] | Flaw:
        try:
            head, members = parts(element, _LISTS[depth])
            if depth == 1 and not members:
                head, members = parts(element, _OLD_SCOPES)
            return head, members
        except ValueError:
            return _unparsable("resource" if depth == 1 else "scope")

    def resource(self, head: bytes) -> dict[str, AttributeValue] | Flaw:
        try:
            return _resource(OTLP.ResourceSpans.FromString(head))
        except DecodeError:
            return _unparsable("resource")

    def span(self, element: bytes) -> tuple[bytes, Span | None] | Flaw:
        try:
            message = OTLP.Span.FromString(element)
        except DecodeError:
            return _unparsable("span")
        return _read_span(message)

    def around(self, depth: int, head: bytes, elements: list[bytes]) -> bytes:
        number = _LISTS[depth + 1][0]
        return head + b"".join(framed(number, element) for element in elements)


ENCODING: Encoding = _Protobuf()
"""How records are taken apart and put together again."""


def _unparsable(what: str) -> Flaw:
    return Flaw(
        "InvalidProtobuf",
        what,
        lambda: f"the {what} must be a valid Protobuf message. Got bytes that do not parse instead.",
    )
