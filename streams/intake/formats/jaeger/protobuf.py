"""Jaeger's ``model.Span`` in Protobuf: one span a record."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from google.protobuf.message import DecodeError

from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.schemas.spans import Resource
from tracehound.streams.intake.conventions.names import SERVICE, as_they_are
from tracehound.streams.intake.conventions.resources import resource_of
from tracehound.streams.intake.conventions.texts import Attributes, AttributeValue
from tracehound.streams.intake.formats.declared import as_text, declare
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits, one_span
from tracehound.streams.intake.formats.jaeger.span import (
    LOG_FIELDS,
    PROCESS_TAGS,
    TAGS,
    span_of,
    tells_error,
    whole,
)
from tracehound.streams.intake.formats.pairs import PairReader

NAME = "Jaeger Protobuf"

JAEGER = declare(
    "tracehound.jaeger",
    {
        "Span": "trace_id 1 bytes, span_id 2 bytes, operation_name 3 string, references 4 *Reference,"
        "start_time 6 Time, duration 7 Time, tags 8 *bytes, logs 9 *Log, process 10 bytes",
        "Reference": "trace_id 1 bytes, span_id 2 bytes, ref_type 3 int32",
        "Time": "seconds 1 int64, nanos 2 int32",
        "Log": "fields 2 *bytes",
        "Process": "service_name 1 string, tags 2 *bytes",
        "KeyValue": "key 1 string, v_type 2 int32, v_str 3 string, v_bool 4 bool, v_int64 5 int64, v_float64 6 double",
    },
)
"""The fields that are read, from jaeger-idl, ``model/v1/model.proto``."""

_V_STR = 0x1A  # the tag of a field of KeyValue
_ERROR = b"\x0a\x05error"


def decode_jaeger_protobuf(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode the bytes of a record.

    Raises:
        RecordError: the bytes are no such message, or the span cannot be used.
    """
    try:
        given = JAEGER.Span.FromString(value)
    except DecodeError as error:
        raise RecordError("InvalidProtobuf", "the span must be a valid Protobuf message. It is none.") from error
    if not given.process:
        raise RecordError("InvalidSpan", "the field 'process' must say whose span it is. Got none instead.")
    tags = _of_spans(given.tags)
    errors = _errors(given.tags) if "error" in tags else ()
    start, duration = given.start_time, given.duration
    read = span_of(
        given.trace_id,
        given.span_id,
        as_text(given.operation_name),
        [(each.trace_id, each.span_id, each.ref_type) for each in given.references],
        start.seconds * 1_000_000_000 + start.nanos,
        duration.seconds * 1_000_000_000 + duration.nanos,
        tags,
        errors,
        _logs(given.logs) if given.logs else (),
    )
    if isinstance(read, Flaw):
        raise RecordError(read.error, read.sentence())
    trace_id, span = read
    return one_span(trace_id.hex(), _resource(given.process, limits.with_namespace), span)


def _logs(logs: Iterable[Any]) -> list[Attributes]:
    found: list[Attributes] = []
    for log in logs:
        fields = _of_logs(log.fields)
        if tells_error(fields):
            found.append(fields)
    return found


def _errors(pairs: Iterable[bytes]) -> list[AttributeValue]:
    """The values of all tags ``error``, of which there may be several."""
    values = (_pair(pair)[1] for pair in pairs if pair.startswith(_ERROR))
    return [value for value in values if value is not None]


@lru_cache(maxsize=10_000)
def _resource(process: bytes, with_namespace: bool) -> Resource:
    """Every span has the whole process with it: the same bytes again and again."""
    try:
        given = JAEGER.Process.FromString(process)
    except DecodeError:
        return resource_of({})
    tags = _of_processes(given.tags)
    tags[SERVICE] = as_text(given.service_name)
    return resource_of(tags, with_namespace)


def _value(pair: bytes, end: int) -> AttributeValue | None:
    """The value of a tag whose name ends before this byte; None for binary ones."""
    size = len(pair)
    if end + 1 < size < end + 130 and pair[end] == _V_STR and pair[end + 1] == size - end - 2:
        return pair[end + 2 :].decode("utf-8", "replace")
    return _pair(pair)[1]


def _pair(pair: bytes) -> tuple[str, AttributeValue | None]:
    try:
        given = JAEGER.KeyValue.FromString(pair)
    except DecodeError:
        return "", None
    value: AttributeValue | None = None
    match given.v_type:
        case 0:
            value = as_text(given.v_str)
        case 1:
            value = given.v_bool
        case 2:
            value = given.v_int64
        case 3:
            value = whole(given.v_float64)
    return as_text(given.key), value


_of_spans = PairReader(TAGS, _value, _pair)
_of_logs = PairReader(as_they_are(LOG_FIELDS), _value, _pair)
_of_processes = PairReader(as_they_are(PROCESS_TAGS), _value, _pair)
