"""Jaeger's ``model.Span`` in JSON, as gogo's jsonpb prints it: ids in base64, zeros left out."""

import re
from collections.abc import Container
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.streams.intake.conventions.names import SERVICE, by_concept
from tracehound.streams.intake.conventions.resources import resource_of
from tracehound.streams.intake.conventions.texts import Attributes, AttributeValue
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits, one_span
from tracehound.streams.intake.formats.fields import FieldError, id_bytes, load_json, text_field, whole_number
from tracehound.streams.intake.formats.jaeger.span import (
    CHILD_OF,
    FOLLOWS_FROM,
    LOG_FIELDS,
    PROCESS_TAGS,
    TAGS,
    span_of,
    tells_error,
    whole,
)

NAME = "Jaeger JSON"

_TIME = re.compile(r"(?P<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"(?P<whole>\d{1,12})(?:\.(?P<fraction>\d{1,9}))?s")
_REFERENCES = {"CHILD_OF": CHILD_OF, "FOLLOWS_FROM": FOLLOWS_FROM}
_NS = 1_000_000_000


def decode_jaeger_json(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode the bytes of a record.

    Raises:
        RecordError: the bytes are no such JSON, or the span cannot be used.
    """
    try:
        given = load_json(value)
    except RecursionError as error:
        raise RecordError("InvalidJson", "the JSON is nested too deeply.") from error
    except ValueError as error:
        raise RecordError("InvalidJson", f"the JSON is malformed: {error}.") from error
    if not isinstance(given, dict):
        raise RecordError("InvalidJson", "the span must be a JSON object.")
    tags: dict[str, AttributeValue] = {}
    errors: list[AttributeValue] = []
    _read(given.get("tags"), TAGS, tags, errors)
    tags = by_concept(tags, TAGS)
    try:
        read = span_of(
            _id("traceId", given.get("traceId"), 16),
            _id("spanId", given.get("spanId"), 8),
            text_field("operationName", given.get("operationName")),
            [_reference(each) for each in _objects(given.get("references"))],
            _time("startTime", given.get("startTime")),
            _duration("duration", given.get("duration")),
            tags,
            errors,
            _logs(given.get("logs")),
        )
    except FieldError as error:
        read = error.flaw
    if isinstance(read, Flaw):
        raise RecordError(read.error, read.sentence())
    process = given.get("process")
    named = partial(resource_of, with_namespace=limits.with_namespace)
    about: dict[str, AttributeValue] = {}
    if isinstance(process, dict):
        _read(process.get("tags"), PROCESS_TAGS, about, [])
        if isinstance(service := process.get("serviceName"), str):
            about[SERVICE] = service
    trace_id, span = read
    return one_span(trace_id.hex(), named(about), span)


def _id(name: str, given: object, length: int) -> bytes:
    return id_bytes(name, given, length)


def _objects(given: object) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _reference(given: dict[str, Any]) -> tuple[bytes, bytes, int]:
    kind = given.get("refType")
    return (
        _id("references[].traceId", given.get("traceId"), 16),
        _id("references[].spanId", given.get("spanId"), 8),
        _REFERENCES.get(kind, CHILD_OF) if isinstance(kind, str) else kind if kind in (0, 1) else CHILD_OF,
    )


def _time(name: str, given: object) -> int:
    found = _TIME.fullmatch(given) if isinstance(given, str) else None
    try:
        if found is None:
            raise ValueError
        moment = datetime.fromisoformat(found["whole"] + found["zone"].replace("Z", "+00:00"))
    except ValueError:
        raise FieldError(name, "be an RFC 3339 date-time", given) from None
    return int(moment.astimezone(UTC).timestamp()) * _NS + _fraction(found["fraction"])


def _duration(name: str, given: object) -> int:
    if given is None:
        return 0
    found = _DURATION.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise FieldError(name, 'be seconds such as "0.012345677s"', given)
    return int(found["whole"]) * _NS + _fraction(found["fraction"])


def _fraction(digits: str | None) -> int:
    return int((digits or "").ljust(9, "0"))


def _logs(given: object) -> list[Attributes]:
    found: list[Attributes] = []
    for log in _objects(given):
        fields: dict[str, AttributeValue] = {}
        _read(log.get("fields"), LOG_FIELDS, fields, [])
        if tells_error(fields):
            found.append(fields)
    return found


def _read(given: object, names: Container[str], found: dict[str, AttributeValue], errors: list[AttributeValue]) -> None:
    for tag in _objects(given):
        key = tag.get("key")
        if not isinstance(key, str) or key not in names:
            continue
        value = _value(tag)
        if value is not None:
            found[key] = value
            if key == "error":
                errors.append(value)


def _value(tag: dict[str, Any]) -> AttributeValue | None:
    """The value of a tag; zeros of its type are left out of the JSON."""
    match tag.get("vType", "STRING"):
        case "STRING" | 0:
            text = tag.get("vStr", "")
            return text if isinstance(text, str) else None
        case "BOOL" | 1:
            return tag.get("vBool", False) is True
        case "INT64" | 2:
            try:
                return whole_number("vInt64", tag.get("vInt64"))
            except FieldError:
                return None
        case "FLOAT64" | 3:
            number = tag.get("vFloat64", 0.0)
            return whole(float(number)) if isinstance(number, int | float) else None
    return None
