"""OTLP in JSON, and what generic printers of Protobuf make of OTLP."""

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec

from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.schemas.spans import Links, Span
from tracehound.streams.intake.conventions.names import (
    EXCEPTION_ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
    SPELLING,
    Spelling,
    as_they_are,
    by_concept,
)
from tracehound.streams.intake.conventions.resources import resource_of
from tracehound.streams.intake.conventions.texts import Attributes, AttributeValue
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits
from tracehound.streams.intake.formats.fields import (
    FieldError,
    field_flaw,
    id_bytes,
    text_field,
    whole_number,
)
from tracehound.streams.intake.formats.otlp.json_members import (
    DECODING_ERRORS,
    LIST_NAMES,
    list_member,
    loaded,
    object_members,
)
from tracehound.streams.intake.formats.otlp.reading import Encoding, read_all, read_with_care
from tracehound.streams.intake.formats.otlp.span import MOST_LINKS, span_of

NAME = "OTLP JSON"


class _Value(msgspec.Struct, rename="camel", gc=False):
    string_value: str | None = None
    int_value: int | str | None = None
    bool_value: bool | None = None
    double_value: float | str | None = None


class _Pair(msgspec.Struct, rename="camel", gc=False):
    key: str = ""
    value: _Value | None = None


class _Event(msgspec.Struct, rename="camel", gc=False):
    name: str | None = None
    attributes: list[_Pair] | None = None


class _Link(msgspec.Struct, rename="camel", gc=False):
    trace_id: str | None = None
    span_id: str | None = None


class _Status(msgspec.Struct, rename="camel", gc=False):
    message: str | None = None
    code: int | str | None = None


class _Span(msgspec.Struct, rename="camel", gc=False):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    flags: int | str | None = None
    name: str | None = None
    kind: int | str | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: list[_Pair] | None = None
    events: list[_Event] | None = None
    links: list[_Link] | None = None
    trace_state: str | None = None
    status: _Status | None = None


class _Resource(msgspec.Struct, rename="camel", gc=False):
    attributes: list[_Pair] | None = None


class _ScopeSpans(msgspec.Struct, rename="camel", gc=False):
    spans: list[_Span] | None = None


class _ResourceSpans(msgspec.Struct, rename="camel", gc=False):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _Record(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] | None = None


_RECORD = msgspec.json.Decoder(_Record)
_OF_EXCEPTIONS, _OF_RESOURCES = as_they_are(EXCEPTION_ATTRIBUTES), as_they_are(RESOURCE_ATTRIBUTES)
_KINDS = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
_STATUS_CODES = {f"STATUS_CODE_{name}": number for number, name in enumerate(("UNSET", "OK", "ERROR"))}


def decode_json(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode the bytes of a record.

    Ids may be hexadecimal or base64, whole numbers numbers in any notation or strings, enumerations numbers or names,
    and fields lowerCamelCase or as they are defined (``trace_id``). Unknown fields are ignored, null is absent. What is
    wrong with an attribute, an event or a link costs only that.
    A span that cannot be used, even one that is not JSON, loses only itself; a resource or scope that cannot, its own
    spans.

    Raises:
        RecordError: the bytes are no such JSON, or hold more spans than ``limits`` allow.
    """
    named = partial(resource_of, with_namespace=limits.with_namespace)
    try:
        if not value.isascii():
            value.decode()  # the decoder does not look into strings that it ignores
        record = _RECORD.decode(value)
        if record.resource_spans:
            decoded = read_all(record, len(value), limits, lambda each: named(_resource(each)), _read_span)
            if decoded is not None:
                return decoded
    except (*DECODING_ERRORS, FieldError):
        pass
    members = object_members(value)
    if isinstance(members, Flaw):
        raise RecordError("InvalidJson", members.sentence())
    _, resources = list_member(members, 0)
    if isinstance(resources, Flaw):
        raise RecordError(resources.error, resources.sentence())
    return read_with_care(resources, _Json(), limits, named)


# --- as the specification has it


def _resource(given: _ResourceSpans) -> dict[str, AttributeValue]:
    return _attributes(given.resource.attributes if given.resource is not None else None, _OF_RESOURCES)


def _attributes(pairs: Iterable[_Pair] | None, spelling: Spelling) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for pair in pairs or ():
        spelled = spelling.get(pair.key)
        if spelled is not None and (value := pair.value) is not None:
            content: AttributeValue | None = value.string_value
            if content is None:
                content = _number(value)
                if content is None:
                    continue
            if spelled[0] in found:  # said twice
                return _attributes_slowly(pairs or (), spelling)
            found[spelled[0]] = content
    return found


def _attributes_slowly(pairs: Iterable[_Pair], spelling: Spelling) -> dict[str, AttributeValue]:
    named: dict[str, AttributeValue] = {}
    for pair in pairs:
        if pair.value is not None:
            content: AttributeValue | None = pair.value.string_value
            content = _number(pair.value) if content is None else content
            if content is not None:
                named[pair.key] = content
    return by_concept(named, spelling)


def _number(value: _Value) -> AttributeValue | None:
    if value.int_value is not None:
        return whole_number("intValue", value.int_value)
    if value.bool_value is not None:
        return value.bool_value
    return float(value.double_value) if isinstance(value.double_value, str) else value.double_value


def _read_span(given: _Span) -> tuple[bytes, Span | None] | Flaw:
    exception: Attributes | None = None
    if given.events:
        for event in reversed(given.events):
            if event.name == "exception":
                exception = _attributes(event.attributes, _OF_EXCEPTIONS)
                break
    status = given.status or _NO_STATUS
    trace_id = id_bytes("traceId", given.trace_id, 16)
    span = span_of(
        (trace_id, id_bytes("spanId", given.span_id, 8), id_bytes("parentSpanId", given.parent_span_id, 8)),
        whole_number("startTimeUnixNano", given.start_time_unix_nano),
        whole_number("endTimeUnixNano", given.end_time_unix_nano),
        given.name or "",
        whole_number("kind", given.kind, _KINDS),
        whole_number("flags", given.flags),
        whole_number("status.code", status.code, _STATUS_CODES),
        status.message or "",
        _attributes(given.attributes, SPELLING),
        exception,
        _linked((link.trace_id, link.span_id) for link in given.links) if given.links else (),
        given.trace_state or "",
    )
    return span if isinstance(span, Flaw) else (trace_id, span)


_NO_STATUS = _Status()


def _linked(links: Iterable[tuple[object, object]]) -> Links:
    found: list[tuple[str, str]] = []
    for trace, span in links:
        try:
            trace_id, span_id = id_bytes("traceId", trace, 16), id_bytes("spanId", span, 8)
        except FieldError:
            continue
        if len(trace_id) == 16 and len(span_id) == 8 and len(found) < MOST_LINKS:
            found.append((trace_id.hex(), span_id.hex()))
    return tuple(found)


# --- as people write it


class _Json:
    name = NAME

    def parts(self, element: bytes, depth: int) -> tuple[bytes, list[bytes]] | Flaw:
        members = object_members(element)
        if isinstance(members, Flaw):
            return members
        head, elements = list_member(members, depth)
        return elements if isinstance(elements, Flaw) else (b",".join(head), elements)

    def resource(self, head: bytes) -> dict[str, AttributeValue] | Flaw:
        given = loaded(b"{" + head + b"}")
        if isinstance(given, Flaw):
            return given
        resource = given.get("resource")
        if not isinstance(resource, dict | None):
            return field_flaw("resource", "be a JSON object", resource)
        return _loose_attributes((resource or {}).get("attributes"), _OF_RESOURCES)

    def span(self, element: bytes) -> tuple[bytes, Span | None] | Flaw:
        given = loaded(element)
        if isinstance(given, Flaw):
            return given
        try:
            return _loose_span(given)
        except FieldError as error:
            return error.flaw

    def around(self, depth: int, head: bytes, elements: list[bytes]) -> bytes:
        name = LIST_NAMES[depth + 1][0].encode()
        return b"{" + head + (b"," if head else b"") + b'"' + name + b'":[' + b",".join(elements) + b"]}"


ENCODING: Encoding = _Json()
"""How records are taken apart and put together again."""


def _loose_span(given: dict[str, Any]) -> tuple[bytes, Span | None] | Flaw:
    get = _either(given)
    exception: Attributes | None = None
    for event in reversed(_objects(get("events"))):
        if event.get("name") == "exception":
            exception = _loose_attributes(event.get("attributes"), _OF_EXCEPTIONS)
            break
    status = get("status")
    if not isinstance(status, dict | None):
        raise FieldError("status", "be a JSON object", status)
    status = status or {}
    trace_id = id_bytes("traceId", get("traceId"), 16)
    span = span_of(
        (trace_id, id_bytes("spanId", get("spanId"), 8), id_bytes("parentSpanId", get("parentSpanId"), 8)),
        whole_number("startTimeUnixNano", get("startTimeUnixNano")),
        whole_number("endTimeUnixNano", get("endTimeUnixNano")),
        text_field("name", get("name")),
        whole_number("kind", get("kind"), _KINDS),
        whole_number("flags", get("flags")),
        whole_number("status.code", status.get("code"), _STATUS_CODES),
        text_field("status.message", status.get("message")),
        _loose_attributes(get("attributes"), SPELLING),
        exception,
        _linked((_either(link)("traceId"), _either(link)("spanId")) for link in _objects(get("links"))),
        text_field("traceState", get("traceState")),
    )
    return span if isinstance(span, Flaw) else (trace_id, span)


def _either(given: dict[str, Any]) -> Any:
    """Looks a field up by its name in JSON, or as it is defined in Protobuf."""

    def get(name: str) -> Any:
        return given[name] if name in given else given.get(_as_defined(name))

    return get


def _as_defined(name: str) -> str:
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)


def _objects(given: object) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _loose_attributes(given: object, spelling: Spelling) -> dict[str, AttributeValue]:
    named: dict[str, AttributeValue] = {}
    for pair in _objects(given):
        key = pair.get("key")
        if not isinstance(key, str) or key not in spelling or not isinstance(value := pair.get("value"), dict):
            continue
        content = _loose_content(_either(value))
        if content is not None:
            named[key] = content
    return by_concept(named, spelling)


def _loose_content(get: Any) -> AttributeValue | None:
    """A value, also one that is written as another type; None where it cannot be one."""
    if isinstance(text := get("stringValue"), str):
        return text
    try:
        if (number := get("intValue")) is not None:
            return whole_number("intValue", number)
        if (truth := get("boolValue")) is not None:
            return {"true": True, "false": False}.get(str(truth).lower())
        return None if (measured := get("doubleValue")) is None else float(measured)
    except (FieldError, ValueError, TypeError):
        return None
