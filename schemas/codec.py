"""Fast validated decoding of executions, encoding of every output, and the digest of an execution."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import Any, TypeVar

import msgspec

from tracehound.schemas.execution import (
    Execution,
    ExecutionHead,
    Segment,
    UnreadExecution,
    epoch_seconds,
    rfc3339,
    whole,
)
from tracehound.schemas.explanation import decoding_flaw, excerpt, invalid_time_sentence
from tracehound.schemas.json_array import split_array
from tracehound.schemas.rejection import ErrorName, Flaw, RefusedElements, Rejection, reject_record

_T = TypeVar("_T")

ATTRIBUTE_DEPTH = 16
"""How deep the values of ``attributes`` may be nested; deeper ones would overflow the stack of readers."""

_RECORD = msgspec.json.Decoder(Execution | list[Execution])
_ELEMENT = msgspec.json.Decoder(Execution)
_UNREAD = msgspec.json.Decoder(UnreadExecution | list[UnreadExecution])
_UNREAD_ELEMENT = msgspec.json.Decoder(UnreadExecution)
_ENCODER = msgspec.json.Encoder()
_CANONICAL_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODING_ERRORS = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)
_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and times that a record must keep; the defaults are those of the settings.

    ``max_future_s`` is how far ``started_at`` may lie after the record's Kafka timestamp, in seconds. With
    ``by_trace`` the executions of a record may be of several applications, and each needs a trace id.
    """

    max_event_bytes: int = 1_000_000
    max_record_bytes: int = 8_000_000
    max_segments: int = 5_000
    max_future_s: float = 300.0
    by_trace: bool = False


@dataclass(slots=True)
class DecodedRecord:
    """What a record held: its valid executions in their order, and what was refused."""

    executions: list[Execution] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def decode_record(value: bytes | None, limits: Limits, timestamp_s: float) -> DecodedRecord:
    """Decode the value of a record of executions: one, or an array of one application's (or of several, by trace).

    Never raises, whatever the bytes. The good neighbours of a bad element are kept. ``started_at`` of every
    execution is a float afterwards, in epoch seconds. An empty array holds nothing and is not refused.

    Parameters:
        value: the record's value; None is refused.
        limits: see ``Limits``.
        timestamp_s: the record's Kafka timestamp in epoch seconds; the future is judged against it.

    >>> record = b'[{"application":"shop","operation":"GET /","started_at":9,"duration_ms":-5}]'
    >>> decode_record(record, Limits(), 10.0).rejected[0].reason
    "Element 0: the field 'duration_ms' must be a finite number >= 0. Got -5 instead."
    """
    if value is not None and len(value) <= limits.max_record_bytes:
        try:
            if not value.isascii():
                value.decode()  # the decoder does not look into strings that it ignores
            decoded = _RECORD.decode(value)
        except _DECODING_ERRORS:
            return _decode_with_care(value, limits, timestamp_s)
        executions = decoded if isinstance(decoded, list) else [decoded]
        fit = _all_fit(value, limits) and _belong_together(executions, limits)
        if fit and _all_sound(executions, limits, timestamp_s + limits.max_future_s):
            return DecodedRecord(executions)
    return _decode_with_care(value, limits, timestamp_s)


@dataclass(frozen=True, slots=True)
class UnreadRecords:
    """The executions of records, in order, and how many each record held; None where each held one."""

    executions: list[UnreadExecution]
    counts: list[int] | None = None

    def each_of(self, records: Sequence[_T]) -> Sequence[_T]:
        """The record that each execution came from."""
        if self.counts is None:
            return records
        return [record for record, count in zip(records, self.counts, strict=True) for _ in range(count)]


def decode_unread(values: Sequence[bytes | None], limits: Limits, timestamp_s: float) -> UnreadRecords | None:
    """The executions of records as ``decode_record`` of each, but faster, and without a look at their segments.

    None where any is refused, or might be: ``decode_record`` then says what it is.

    Parameters:
        timestamp_s: a Kafka timestamp in epoch seconds that none of the records is older than.

    >>> record = b'{"application":"shop","operation":"GET /","started_at":9,"duration_ms":5}'
    >>> [execution.duration_ms for execution in decode_unread([record, record], Limits(), 10.0).executions]
    [5.0, 5.0]
    >>> decode_unread([record, b"["], Limits(), 10.0) is None
    True
    """
    try:
        longest = max(map(len, values))  # type: ignore[arg-type]
        if longest > limits.max_record_bytes:
            return None
        if longest > limits.max_event_bytes and not all(_all_fit(value, limits) for value in values):  # type: ignore[arg-type]
            return None
        if not all(map(bytes.isascii, values)):  # type: ignore[arg-type]
            for value in values:
                value.decode()  # type: ignore[union-attr]
        found = list(map(_UNREAD.decode, values))  # type: ignore[arg-type]
    except (*_DECODING_ERRORS, TypeError):  # (the value of a record may be None)
        return None
    if list in set(map(type, found)):
        lists = [one if isinstance(one, list) else [one] for one in found]
        if not all(_belong_together(one, limits) for one in lists):
            return None
        records = UnreadRecords(list(chain.from_iterable(lists)), list(map(len, lists)))
    else:
        records = UnreadRecords(found)
    return records if _heads_sound(records.executions, limits, timestamp_s + limits.max_future_s) else None


def _all_fit(value: bytes, limits: Limits) -> bool:
    if len(value) <= limits.max_event_bytes:
        return True
    if value.lstrip(_BLANK)[:1] != b"[":
        return False
    return max(map(len, split_array(value)), default=0) <= limits.max_event_bytes


def _belong_together(executions: Sequence[ExecutionHead], limits: Limits) -> bool:
    """Whether the elements of a record are of one application, where they have to be."""
    return limits.by_trace or len({execution.application for execution in executions}) <= 1


def _all_sound(executions: list[Execution], limits: Limits, latest_s: float) -> bool:
    """Whether all keep the rules beyond types; ``_flaw`` says the same with reasons."""
    for execution in executions:
        segments = execution.segments
        if len(segments) > limits.max_segments:
            return False
        for segment in segments:
            if segment.parent is not None:
                if not _parents_first(segments):
                    return False
                break
    return _heads_sound(executions, limits, latest_s)


def _heads_sound(executions: Sequence[ExecutionHead], limits: Limits, latest_s: float) -> bool:
    """The same but for the rules of segments. The hot path."""
    by_trace = limits.by_trace
    for execution in executions:
        started_at = execution.started_at
        if isinstance(started_at, str):
            try:
                started_at = execution.started_at = epoch_seconds(started_at)
            except ValueError:
                return False
        if not 0 <= started_at <= latest_s:
            return False
        if by_trace and not execution.trace_id:
            return False
        if execution.attributes and not _shallow(execution.attributes):
            return False
    return True


def _parents_first(segments: list[Segment]) -> bool:
    return all(segment.parent is None or segment.parent < index for index, segment in enumerate(segments))


def _shallow(attributes: dict[str, Any]) -> bool:
    for value in attributes.values():
        if isinstance(value, (dict, list)) and _deeper_than(value, ATTRIBUTE_DEPTH):
            return False
    return True


def _deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    children = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper_than(child, levels - 1) for child in children)


def _decode_with_care(value: bytes | None, limits: Limits, timestamp_s: float) -> DecodedRecord:
    if value is None:
        return _refused(value, Flaw("NullValue", "", lambda: "the value must be an execution. Got null instead."))
    if len(value) > limits.max_record_bytes:
        return _refused(value, _too_long("OversizedRecord", len(value), limits.max_record_bytes))
    if value.lstrip(_BLANK)[:1] == b"[":
        return _decode_elements(value, limits, timestamp_s)
    decoded = _decode_element(value, limits, timestamp_s)
    return _refused(value, decoded) if isinstance(decoded, Flaw) else DecodedRecord([decoded])


def _refused(value: bytes | None, flaw: Flaw) -> DecodedRecord:
    return DecodedRecord(rejected=[reject_record(value, flaw.error, flaw.sentence())])


def _decode_elements(value: bytes, limits: Limits, timestamp_s: float) -> DecodedRecord:
    try:
        elements = split_array(value)
    except ValueError as error:
        cause = str(error)
        return _refused(value, Flaw("InvalidJson", "", lambda: f"the array is malformed: {cause}."))
    executions: list[Execution] = []
    refused = RefusedElements()
    for index, element in enumerate(elements):
        decoded = _decode_element(element, limits, timestamp_s)
        if isinstance(decoded, Execution) and executions and not limits.by_trace:
            decoded = _of_application(decoded, executions[0].application)
        if isinstance(decoded, Flaw):
            refused.add(index, element, decoded)
        else:
            executions.append(decoded)
    return DecodedRecord(executions, refused.rejections())


def _decode_element(element: bytes, limits: Limits, timestamp_s: float) -> Execution | Flaw:
    if len(element) > limits.max_event_bytes:
        return _too_long("OversizedEvent", len(element), limits.max_event_bytes)
    try:
        if not element.isascii():
            element.decode()
        execution = _ELEMENT.decode(element)
    except _DECODING_ERRORS as error:
        last = _by_last_segments(element) if isinstance(error, msgspec.ValidationError) else None
        if last is None:
            return decoding_flaw(element, error)
        execution = last
    return _flaw(execution, limits, timestamp_s) or execution


def _by_last_segments(element: bytes) -> Execution | None:
    """The execution, if only segments before the last ones are not valid: ``segments`` may be named twice."""
    try:
        return whole(_UNREAD_ELEMENT.decode(element))
    except _DECODING_ERRORS:
        return None


def _of_application(execution: Execution, application: str) -> Execution | Flaw:
    if execution.application == application:
        return execution
    return Flaw(
        "MixedApplications",
        "application",
        lambda: (
            "the field 'application' must be the same in all elements, "
            f"{excerpt(application)} as in the first valid one. Got {excerpt(execution.application)} instead."
        ),
    )


def _flaw(execution: Execution, limits: Limits, timestamp_s: float) -> Flaw | None:
    return (
        _time_flaw(execution, limits, timestamp_s)
        or _segments_flaw(execution, limits)
        or (_NO_TRACE_ID if limits.by_trace and not execution.trace_id else None)
        or (None if _shallow(execution.attributes) else _TOO_DEEP)
    )


def _time_flaw(execution: Execution, limits: Limits, timestamp_s: float) -> Flaw | None:
    given = execution.started_at
    if isinstance(given, str):
        try:
            execution.started_at = epoch_seconds(given)
        except ValueError:
            return Flaw("InvalidTime", "started_at", lambda: invalid_time_sentence(given))
    started_s = execution.started_s
    if started_s < 0:
        return Flaw("InvalidTime", "started_at", lambda: invalid_time_sentence(given))
    if started_s <= timestamp_s + limits.max_future_s:
        return None
    return Flaw(
        "FutureTime",
        "started_at",
        lambda: (
            f"the field 'started_at' must be at most {limits.max_future_s:g} s after the record's timestamp, "
            f"{_moment(timestamp_s)}. Got {excerpt(given)} instead, which is {_moment(started_s)}."
        ),
    )


def _moment(epoch_s: float) -> str:
    try:
        return rfc3339(epoch_s)
    except (ValueError, OverflowError, OSError):  # outside of the years 1 to 9999
        return f"{epoch_s:g}"


def _segments_flaw(execution: Execution, limits: Limits) -> Flaw | None:
    segments = execution.segments
    if len(segments) > limits.max_segments:
        return Flaw(
            "TooManySegments",
            "segments",
            lambda: f"the field 'segments' must hold at most {limits.max_segments}. Got {len(segments)} instead.",
        )
    for index, segment in enumerate(segments):
        if segment.parent is not None and segment.parent >= index:
            return _parent_flaw(index, segment.parent)
    return None


def _parent_flaw(index: int, parent: int) -> Flaw:
    rule = f"be less than {index}, since parents come before their children" if index else "be absent"
    return Flaw(
        "InvalidParent",
        "segments[].parent",
        lambda: f"the field 'segments[{index}].parent' must {rule}. Got {excerpt(parent)} instead.",
    )


_NO_TRACE_ID = Flaw(
    "MissingField",
    "trace_id",
    lambda: "the field 'trace_id' is required of an execution that is to be joined with others. Got none instead.",
)
_TOO_DEEP = Flaw(
    "InvalidField",
    "attributes",
    lambda: f"the field 'attributes' must be nested at most {ATTRIBUTE_DEPTH} levels. Got more instead.",
)


def _too_long(error: ErrorName, length: int, most: int) -> Flaw:
    what = "the record" if error == "OversizedRecord" else "the execution"
    return Flaw(error, "", lambda: f"{what} must be at most {most} bytes long. Got {length} bytes instead.")


def encode(struct: msgspec.Struct) -> bytes:
    """Any contract as JSON in UTF-8, fields in declared order, defaults left out where the type says so."""
    return _ENCODER.encode(struct)


def content_digest(execution: Execution) -> str:
    """32 hexadecimal digits that follow from an execution's content alone (BLAKE2b, 128 bits).

    Neither the order of keys nor blanks nor neighbours in an array nor the notation of ``started_at`` (number
    or date-time, to the microsecond) nor unknown fields matter.

    >>> one = Execution("shop", "GET /", 1767225600.5, 3.0)
    >>> other = Execution("shop", "GET /", "2026-01-01T01:00:00.5+01:00", 3.0)
    >>> content_digest(one) == content_digest(other)
    True
    """
    started_s = round(execution.started_s, 6)
    if execution.started_at != started_s:
        execution = msgspec.structs.replace(execution, started_at=started_s)
    return blake2b(_CANONICAL_ENCODER.encode(execution), digest_size=16).hexdigest()
