"""Fast validated decoding of executions, encoding of every output, and the digest of an execution."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import TypeVar

import msgspec

from tracehound.schemas.execution import (
    Execution,
    UnreadExecution,
    whole,
)
from tracehound.schemas.execution_rules import (
    Limits,
    all_sound,
    belong_together,
    flaw_of,
    heads_sound,
    of_application,
    too_long,
)
from tracehound.schemas.explanation import decoding_flaw
from tracehound.schemas.json_array import BLANK, split_array
from tracehound.schemas.rejection import Flaw, RefusedElements, Rejection, reject_flaw

_T = TypeVar("_T")

_RECORD = msgspec.json.Decoder(Execution | list[Execution])
_ELEMENT = msgspec.json.Decoder(Execution)
_UNREAD = msgspec.json.Decoder(UnreadExecution | list[UnreadExecution])
_UNREAD_ELEMENT = msgspec.json.Decoder(UnreadExecution)
_ENCODER = msgspec.json.Encoder()
_CANONICAL_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODING_ERRORS = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)
SHORTEST_EXECUTION = len('{"application":"a","operation":"a","started_at":0,"duration_ms":0}')
"""So many bytes an execution has at the least."""
_EXPLAINED = 8
"""So many refused elements of an array are decoded to say what is wrong, however short they are."""
_FEW = 10_000
"""Commas in an array that is looked at element by element, whatever is in it."""
TOO_SHORT = Flaw(
    "MissingField",
    "",
    lambda: (
        "an execution has an application, an operation, a start and a duration. "
        f"Got less than {SHORTEST_EXECUTION} bytes."
    ),
)
"""Of what has fewer."""
NULL_VALUE = Flaw("NullValue", "", lambda: "the value must be an execution. Got null instead.")
"""Of a record without a value."""
_NONE_NAMED = Flaw("MissingField", "application", lambda: "no element of the array has the field 'application'.")


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
        except _DECODING_ERRORS as error:
            return _decode_with_care(value, limits, timestamp_s, error)
        executions = decoded if isinstance(decoded, list) else [decoded]
        fit = _all_fit(value, limits) and belong_together(executions, limits)
        if fit and all_sound(executions, limits, timestamp_s + limits.max_future_s):
            return DecodedRecord(executions)
    return _decode_with_care(value, limits, timestamp_s)


@dataclass(frozen=True, slots=True)
class UnreadRecords:
    """The executions of records, in order, and how many each record held; None where each held one."""

    executions: list[UnreadExecution]
    counts: list[int] | None = None


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
        if not all(belong_together(one, limits) for one in lists):
            return None
        records = UnreadRecords(list(chain.from_iterable(lists)), list(map(len, lists)))
    else:
        records = UnreadRecords(found)
    return records if heads_sound(records.executions, limits, timestamp_s + limits.max_future_s) else None


def _all_fit(value: bytes, limits: Limits) -> bool:
    if len(value) <= limits.max_event_bytes:
        return True
    if value.lstrip(BLANK)[:1] != b"[":
        return False
    return max(map(len, split_array(value)), default=0) <= limits.max_event_bytes


def _decode_with_care(
    value: bytes | None, limits: Limits, timestamp_s: float, error: Exception | None = None
) -> DecodedRecord:
    if value is None:
        return _refused(value, NULL_VALUE)
    if len(value) > limits.max_record_bytes:
        return _refused(value, too_long("OversizedRecord", len(value), limits.max_record_bytes))
    if value.lstrip(BLANK)[:1] == b"[":
        return _decode_elements(value, limits, timestamp_s)
    if error is None or len(value) > limits.max_event_bytes:
        decoded = _decode_element(value, limits, timestamp_s)
    else:
        decoded = _not_decoded(value, error, limits, timestamp_s)
    return _refused(value, decoded) if isinstance(decoded, Flaw) else DecodedRecord([decoded])


def _refused(value: bytes | None, flaw: Flaw) -> DecodedRecord:
    return DecodedRecord(rejected=[reject_flaw(value, flaw)])


def _decode_elements(value: bytes, limits: Limits, timestamp_s: float) -> DecodedRecord:
    if value.count(b",") > _FEW and b'"application"' not in value and b"\\" not in value:
        return _refused(value, _NONE_NAMED)  # a message of hundreds of bytes may hold millions of elements
    try:
        elements = split_array(value)
    except ValueError as error:
        cause = str(error)
        return _refused(value, Flaw("InvalidJson", "", lambda: f"the array is malformed: {cause}."))
    executions: list[Execution] = []
    refused = RefusedElements()
    short = [index for index, element in enumerate(elements) if len(element) < SHORTEST_EXECUTION]
    others = [index for index, element in enumerate(elements) if len(element) >= SHORTEST_EXECUTION]
    if unread := short[_EXPLAINED:]:  # to fail at one costs as much as to read many bytes of good ones
        refused.add_all(unread, [elements[index] for index in unread], TOO_SHORT)
    for index in sorted(short[:_EXPLAINED] + others):
        element = elements[index]
        decoded = _decode_element(element, limits, timestamp_s)
        if isinstance(decoded, Execution) and executions and not limits.by_trace:
            decoded = of_application(decoded, executions[0].application)
        if isinstance(decoded, Flaw):
            refused.add(index, element, decoded)
        else:
            executions.append(decoded)
    return DecodedRecord(executions, refused.rejections())


def _decode_element(element: bytes, limits: Limits, timestamp_s: float) -> Execution | Flaw:
    if len(element) > limits.max_event_bytes:
        return too_long("OversizedEvent", len(element), limits.max_event_bytes)
    try:
        if not element.isascii():
            element.decode()
        execution = _ELEMENT.decode(element)
    except _DECODING_ERRORS as error:
        return _not_decoded(element, error, limits, timestamp_s)
    return flaw_of(execution, limits, timestamp_s) or execution


def _not_decoded(element: bytes, error: Exception, limits: Limits, timestamp_s: float) -> Execution | Flaw:
    last = _by_last_segments(element) if isinstance(error, msgspec.ValidationError) else None
    return decoding_flaw(element, error) if last is None else flaw_of(last, limits, timestamp_s) or last


def _by_last_segments(element: bytes) -> Execution | None:
    """The execution, if only segments before the last ones are not valid: ``segments`` may be named twice."""
    if element.count(b'"segments"') < 2 and b"\\" not in element:
        return None
    try:
        return whole(_UNREAD_ELEMENT.decode(element))
    except _DECODING_ERRORS:
        return None


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
