"""Decodes OTLP in JSON: all at once where everything is as the specification has it, else span by span."""

import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tracehound.schemas.explanation import excerpt
from tracehound.schemas.json_array import split_array
from tracehound.schemas.rejection import Flaw
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.conventions import (
    EXCEPTION_ATTRIBUTES,
    RESOURCE_ATTRIBUTES,
    SPAN_ATTRIBUTES,
    Attributes,
    AttributeValue,
    resource_of,
)
from tracehound.streams.intake.otlp_span import (
    MOST_NS,
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
_SPAN = msgspec.json.Decoder(_Span)
_RESOURCE_SPANS = msgspec.json.Decoder(_ResourceSpans)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAME = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:\s*', re.DOTALL)
_PATH = re.compile(r"^(?P<rule>.*) - at `\$(?P<path>[^`]*)`$", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_DECODING_ERRORS = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)
_BLANK = b" \t\r\n"
_ORIGINAL_NAMES = (b'_spans":', b'_id":', b'_nano":', b'_value":')
"""How names end that a printer of protobuf left as they are defined; names of attributes are no names in JSON."""

_KINDS = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
_STATUS_CODES = {f"STATUS_CODE_{name}": number for number, name in enumerate(("UNSET", "OK", "ERROR"))}
_NO_NAMES: dict[str, int] = {}
_INT64_DIGITS = 20


class _FieldError(Exception):
    def __init__(self, name: str, rule: str, given: object) -> None:
        super().__init__(name)
        self.flaw = Flaw("InvalidSpan", name, lambda: f"the field '{name}' must {rule}. Got {excerpt(given)} instead.")


def decode_json(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode OTLP/JSON, and what generic printers of protobuf make of OTLP.

    Ids may be hexadecimal or base64, 64-bit numbers strings or numbers, enumerations numbers or names, and
    fields lowerCamelCase or as they are defined (``trace_id``), but not both in one record. Unknown fields are
    ignored, null is absent.
    A span that cannot be used, even one that is not JSON, loses only itself; a resource or scope that cannot,
    its own spans.

    Raises:
        RecordError: the bytes are no such JSON, or hold more spans than ``limits`` allow.
    """
    try:
        if not value.isascii():
            value.decode()  # the decoder does not look into strings that it ignores
        record = _RECORD.decode(value)
    except _DECODING_ERRORS:
        return _decode_with_care(value, limits)
    if not record.resource_spans:
        return _decode_with_care(value, limits)
    if len(value) > limits.max_spans:  # everything takes more than a byte
        check_count(len(record.resource_spans), limits, "resources")
        check_count(sum(len(each.scope_spans or ()) for each in record.resource_spans), limits, "scopes")
    collected = SpansByTrace()
    try:
        for resource_spans in record.resource_spans:
            add = collected.of_resource(_resource(resource_spans))
            if resource_spans.scope_spans is None:  # or called otherwise
                return _decode_with_care(value, limits)
            for scope_spans in resource_spans.scope_spans:
                for given in scope_spans.spans or ():
                    trace_id = _id("traceId", given.trace_id, 16)
                    span = _span(given, trace_id)
                    if isinstance(span, Flaw):
                        return _decode_with_care(value, limits)
                    add(trace_id, span)
    except _FieldError:
        return _decode_with_care(value, limits)
    check_count(len(collected), limits)
    return collected.result()


def _resource(given: _ResourceSpans) -> Resource:
    attributes = given.resource.attributes if given.resource is not None else None
    return resource_of(_attributes(attributes, RESOURCE_ATTRIBUTES))


def _attributes(pairs: Iterable[_Pair] | None, wanted: frozenset[str]) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for pair in pairs or ():
        key = pair.key
        if key in wanted and (value := pair.value) is not None:
            content = _content(value)
            if content is not None:
                found[key] = content
    return found


def _content(value: _Value) -> AttributeValue | None:
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return _whole("intValue", value.int_value, _NO_NAMES)
    if value.bool_value is not None:
        return value.bool_value
    if isinstance(value.double_value, str):
        try:
            return float(value.double_value)
        except ValueError:
            raise _FieldError("doubleValue", "be a number", value.double_value) from None
    return value.double_value


def _whole(name: str, given: int | str | None, names: dict[str, int]) -> int:
    if given is None:
        return 0
    number = given if isinstance(given, int) else _parsed(given, names)
    if number is None or not -(2**63) <= number <= MOST_NS:
        rule = "be a whole number of 64 bits" + (f" or one of {', '.join(names)}" if names else "")
        raise _FieldError(name, rule, given)
    return number


def _parsed(given: str, names: dict[str, int]) -> int | None:
    if given in names:
        return names[given]
    digits = given.removeprefix("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _INT64_DIGITS
    return int(given) if is_number else None


def _id(name: str, given: str | None, length: int) -> bytes:
    if not given:
        return b""
    try:
        if len(given) == 2 * length:
            return bytes.fromhex(given)
        return b64decode(given, validate=True)
    except ValueError:
        raise _FieldError(name, f"be {length} bytes in hexadecimal digits or base64", given) from None


def _span(given: _Span, trace_id: bytes) -> Span | Flaw:
    exception: Attributes | None = None
    if given.events:
        for event in reversed(given.events):
            if event.name == "exception":
                exception = _attributes(event.attributes, EXCEPTION_ATTRIBUTES)
                break
    status = given.status or _NO_STATUS
    return span_of(
        trace_id,
        _id("spanId", given.span_id, 8),
        _id("parentSpanId", given.parent_span_id, 8),
        _whole("startTimeUnixNano", given.start_time_unix_nano, _NO_NAMES),
        _whole("endTimeUnixNano", given.end_time_unix_nano, _NO_NAMES),
        given.name or "",
        _whole("kind", given.kind, _KINDS),
        _whole("flags", given.flags, _NO_NAMES),
        _whole("status.code", status.code, _STATUS_CODES),
        status.message or "",
        _attributes(given.attributes, SPAN_ATTRIBUTES),
        exception,
    )


_NO_STATUS = _Status()


def _decode_with_care(value: bytes, limits: SpanLimits) -> DecodedSpans:
    record = _object_members(value)
    if isinstance(record, Flaw):
        raise RecordError("InvalidJson", record.sentence())
    head, resources = _list_member(record, "resourceSpans", "resource_spans")
    if isinstance(resources, Flaw):
        raise RecordError(resources.error, resources.sentence())
    if resources is None and head:
        names = ", ".join(name for name, _ in record)
        raise RecordError(
            "MissingField",
            "the field 'resourceSpans' is required, since the record must be OTLP traces, as an OpenTelemetry "
            "Collector's Kafka exporter writes them with the encoding 'otlp_proto' or 'otlp_json'. "
            f"Got only the fields {excerpt(names)} instead.",
        )
    check_count(len(resources or ()), limits, "resources")
    reading = _CarefulReading(limits)
    for i, element in enumerate(resources or ()):
        reading.read_resource(i, element)
    return reading.collected.result(rejections(reading.refused, _record_of))


class _CarefulReading:
    def __init__(self, limits: SpanLimits) -> None:
        self.limits = limits
        self.collected = SpansByTrace()
        self.refused: list[Refused] = []
        self.number = 0
        self.scopes = 0

    def refuse(self, place: tuple[int, ...], heads: tuple[bytes, ...], element: bytes, flaw: Flaw) -> None:
        self.refused.append(Refused(self.number, place, heads, element, flaw))
        self.number += 1

    def read_resource(self, i: int, element: bytes) -> None:
        parts = _parts(element, "scopeSpans", "scope_spans")
        resource = parts if isinstance(parts, Flaw) else _decode_resource(parts[0])
        if isinstance(parts, Flaw) or isinstance(resource, Flaw):
            self.refuse((i,), (), element, resource if isinstance(resource, Flaw) else _NEVER)
            return
        head, scopes = parts
        self.scopes += len(scopes)
        check_count(self.scopes, self.limits, "scopes")
        add = self.collected.of_resource(resource)
        for j, scope in enumerate(scopes):
            within = _parts(scope, "spans", "spans")
            if isinstance(within, Flaw):
                self.refuse((i, j), (head,), scope, within)
                continue
            check_count(self.number + len(within[1]), self.limits)
            for k, element_span in enumerate(within[1]):
                span = _decode_span(element_span)
                if isinstance(span, Flaw):
                    self.refuse((i, j, k), (head, within[0]), element_span, span)
                else:
                    add(*span)
                    self.number += 1


_NEVER = Flaw("InvalidJson", "", lambda: "the JSON is malformed.")


def _parts(element: bytes, name: str, original_name: str) -> tuple[bytes, list[bytes]] | Flaw:
    """The members of an object beside its list, in one, and the elements of the list."""
    members = _object_members(element)
    if isinstance(members, Flaw):
        return members
    head, elements = _list_member(members, name, original_name)
    return elements if isinstance(elements, Flaw) else (b",".join(head), elements or [])


def _object_members(element: bytes) -> list[tuple[str, bytes]] | Flaw:
    """Names and values of an object's members, even where a value itself is not valid JSON."""
    element = element.strip(_BLANK)
    try:
        return [(name, bytes(value)) for name, value in _MEMBERS.decode(element).items()]
    except _DECODING_ERRORS:
        if element[:1] != b"{":
            return _not_an_object(element)
    try:
        if element[-1:] != b"}":
            raise ValueError("it ends before its last bracket is closed")
        return [_member(member) for member in split_array(b"[" + element[1:-1] + b"]")]
    except _DECODING_ERRORS as error:
        cause = str(error)
        return Flaw("InvalidJson", "", lambda: f"the JSON is malformed: {cause}.")


def _member(member: bytes) -> tuple[str, bytes]:
    found = _NAME.match(member)
    if found is None:
        raise ValueError("a member of an object has no name")
    return str(msgspec.json.decode(found[1], type=str)), member[found.end() :]


def _not_an_object(element: bytes) -> Flaw:
    got = excerpt(element[:200].decode("utf-8", "replace"))
    return Flaw("InvalidJson", "", lambda: f"it must be a JSON object. Got the JSON {got} instead.")


def _list_member(
    members: list[tuple[str, bytes]], name: str, original_name: str
) -> tuple[list[bytes], list[bytes] | Flaw | None]:
    head: list[bytes] = []
    elements: list[bytes] | Flaw | None = None
    for key, value in members:
        if key not in (name, original_name):
            head.append(msgspec.json.encode(key) + b":" + value)
        elif value.strip(_BLANK) != b"null":
            elements = _elements(value, name)
    return head, elements


def _elements(value: bytes, name: str) -> list[bytes] | Flaw:
    try:
        return split_array(value)
    except ValueError as error:
        cause = str(error)
        return Flaw("InvalidField", name, lambda: f"the field '{name}' must be a JSON array: {cause}.")


def _decode_resource(head: bytes) -> Resource | Flaw:
    given = _decoded(b"{" + head + b"}", _RESOURCE_SPANS, "resource")
    try:
        return given if isinstance(given, Flaw) else _resource(given)
    except _FieldError as error:
        return error.flaw


def _decode_span(element: bytes) -> tuple[bytes, Span] | Flaw:
    given = _decoded(element, _SPAN, "span")
    if isinstance(given, Flaw):
        return given
    try:
        trace_id = _id("traceId", given.trace_id, 16)
        span = _span(given, trace_id)
    except _FieldError as error:
        return error.flaw
    return span if isinstance(span, Flaw) else (trace_id, span)


def _decoded(element: bytes, decoder: msgspec.json.Decoder[Any], what: str) -> Any:
    try:
        element.decode()
        if any(name in element for name in _ORIGINAL_NAMES):
            return msgspec.convert(_renamed(msgspec.json.decode(element)), decoder.type)
        return decoder.decode(element)
    except UnicodeDecodeError as error:
        cause = error.reason
        return Flaw("InvalidUtf8", "", lambda: f"the bytes are not valid UTF-8: {cause}.")
    except RecursionError:
        return Flaw("InvalidJson", "depth", lambda: "the JSON is nested too deeply.")
    except msgspec.ValidationError as error:
        return _validation_flaw(element, str(error), what)
    except _DECODING_ERRORS as error:
        cause = str(error).removeprefix("JSON is malformed: ")
        return Flaw("InvalidJson", "", lambda: f"the JSON is malformed: {cause}.")


def _renamed(value: Any) -> Any:
    """The same with all names in lowerCamelCase; attributes have their names in values, so they stay."""
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {_camel(name): _renamed(each) for name, each in value.items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other[:1].upper() + other[1:] for other in others)


def _validation_flaw(element: bytes, message: str, what: str) -> Flaw:
    found = _PATH.match(message)
    path = found["path"].lstrip(".") if found else ""
    rule = (found["rule"] if found else message).partition(", got ")[0].removeprefix("Expected ").replace("`", "")
    subject = f"the field '{path}'" if path else f"the {what}"
    return Flaw(
        "InvalidSpan",
        re.sub(r"\[\d+\]", "[]", path),
        lambda: f"{subject} must be {rule}. Got {_shown(element, path)} instead.",
    )


def _shown(element: bytes, path: str) -> str:
    try:
        value = _renamed(msgspec.json.decode(element))
        for name, index in _STEP.findall(f".{path}" if path else ""):
            value = value[name] if name else value[int(index)]
    except (*_DECODING_ERRORS, LookupError, TypeError):  # what follows the wrong value may not even be JSON
        return "another value"
    return excerpt(value)


def _record_of(group: Sequence[Refused]) -> bytes:
    return _object(b"", b"resourceSpans", nested(group, 0, _around))


def _around(depth: int, head: bytes, parts: list[bytes]) -> bytes:
    return _object(head, (b"scopeSpans", b"spans")[depth], parts)


def _object(head: bytes, name: bytes, parts: list[bytes]) -> bytes:
    return b"{" + head + (b"," if head else b"") + b'"' + name + b'":[' + b",".join(parts) + b"]}"
