"""Reading log events: what they must keep beyond their types, and what is said of one that does not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import inspect

from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.execution_rules import TOO_DEEP, Limits, future_flaw, shallow, too_long
from tracehound.schemas.explanation import Contract, decoding_flaw, excerpt, invalid_time_sentence
from tracehound.schemas.json_array import BLANK, split_array
from tracehound.schemas.log_event import LogEvent
from tracehound.schemas.log_levels import LEVELS, level_of
from tracehound.schemas.rejection import Flaw, RefusedElements, Rejection, reject_record

_CONTRACT = Contract(inspect.type_info(LogEvent), "a log event", "timestamp")
_ERRORS = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)
_decode = msgspec.json.Decoder(LogEvent).decode
_SHORTEST = len('{"message":"a","level":"err"}')
_TOO_SHORT = Flaw(
    "MissingField",
    "",
    lambda: f"a log event has a message and a level. Got less than {_SHORTEST} bytes.",
)
_EXPLAINED = 8
"""So many refused elements of an array are decoded to say what is wrong, however short they are."""


@dataclass(slots=True)
class DecodedLogs:
    """What a record held: its valid log events in their order, and what was refused."""

    events: list[LogEvent] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def read_log_event(element: bytes, limits: Limits, now_s: float) -> LogEvent | Flaw:
    """One log event, its level by our name and its time in epoch seconds; else what is wrong with it.

    Parameters:
        limits: ``max_event_bytes`` and ``max_future_s`` are kept.
        now_s: when it was taken, in epoch seconds; the time of an event that says none, and the future begins there.

    >>> event = read_log_event(b'{"message": "CPU spike detected", "level": "WARN"}', Limits(), 9.0)
    >>> event.level, event.timestamp
    ('warning', 9.0)
    """
    if len(element) > limits.max_event_bytes:
        return too_long("OversizedEvent", len(element), limits.max_event_bytes, "the log event")
    try:
        if not element.isascii():
            element.decode()  # the decoder does not look into strings that it ignores
        event = _decode(element)
    except _ERRORS as error:
        return decoding_flaw(element, error, _CONTRACT)
    return checked(event, limits, now_s)


def checked(event: LogEvent, limits: Limits, now_s: float) -> LogEvent | Flaw:
    """The same of an event that has been decoded; it is changed in place."""
    level = level_of(event.level)
    if level is None:
        return Flaw("InvalidField", "level", lambda: _level_sentence(event.level))
    event.level = level
    given = event.timestamp
    try:
        at_s = now_s if given is None else epoch_seconds(given) if isinstance(given, str) else given
    except ValueError:
        at_s = -1.0
    if at_s < 0:
        return Flaw("InvalidTime", "timestamp", lambda: invalid_time_sentence(given, "timestamp"))
    if at_s > now_s + limits.max_future_s:
        return future_flaw("timestamp", given, at_s, now_s, limits)
    event.timestamp = at_s
    return event if shallow(event.attributes) else TOO_DEEP


def _level_sentence(given: str) -> str:
    return (
        f"the field 'level' must be one of {', '.join(LEVELS)}, or what syslog, OpenTelemetry or a logger calls them. "
        f"Got {excerpt(given)} instead."
    )


def decode_log_record(value: bytes | None, limits: Limits, timestamp_s: float) -> DecodedLogs:
    """Decode the value of a record of log events: one, or an array. Never raises, whatever the bytes.

    The good neighbours of a bad element are kept. An empty array holds nothing and is not refused.

    Parameters:
        value: the record's value; None is refused.
        limits: see ``Limits``.
        timestamp_s: the record's Kafka timestamp in epoch seconds; see ``read_log_event``.

    >>> print(decode_log_record(b'[{"message": "started"}]', Limits(), 10.0).rejected[0].reason)
    Element 0: the field 'level' is required. Got only the fields "message" instead.
    """
    if value is None:
        rejected = reject_record(value, "NullValue", "the value must be a log event. Got null instead.")
        return DecodedLogs(rejected=[rejected])
    if len(value) > limits.max_record_bytes:
        flaw = too_long("OversizedRecord", len(value), limits.max_record_bytes)
        return DecodedLogs(rejected=[reject_record(value, flaw.error, flaw.sentence())])
    if value.lstrip(BLANK)[:1] == b"[":
        try:
            return _decode_elements(split_array(value), limits, timestamp_s)
        except ValueError as error:
            return DecodedLogs(rejected=[reject_record(value, "InvalidJson", f"the array is malformed: {error}.")])
    read = read_log_event(value, limits, timestamp_s)
    if isinstance(read, Flaw):
        return DecodedLogs(rejected=[reject_record(value, read.error, read.sentence())])
    return DecodedLogs([read])


def _decode_elements(elements: Sequence[bytes], limits: Limits, timestamp_s: float) -> DecodedLogs:
    events: list[LogEvent] = []
    refused, explained = RefusedElements(), 0
    for index, element in enumerate(elements):
        read: LogEvent | Flaw = _TOO_SHORT
        if len(element) >= _SHORTEST or explained < _EXPLAINED:
            read = read_log_event(element, limits, timestamp_s)
            explained += len(element) < _SHORTEST
        if isinstance(read, Flaw):
            refused.add(index, element, read)
        else:
            events.append(read)
    return DecodedLogs(events, refused.rejections())
