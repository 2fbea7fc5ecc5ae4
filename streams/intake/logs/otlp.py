"""Log events out of requests of OTLP logs, in Protobuf and in JSON.

Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/ and opentelemetry-proto, ``logs/v1/logs.proto``.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from tracehound.schemas.codec import encode
from tracehound.schemas.execution_rules import Limits, too_long
from tracehound.schemas.json_array import BLANK
from tracehound.schemas.log_event import MOST_NAME, LogEvent
from tracehound.schemas.log_levels import level_of, level_of_number
from tracehound.schemas.log_rules import checked
from tracehound.schemas.rejection import Flaw
from tracehound.streams.intake.conventions.resources import resource_of
from tracehound.streams.intake.formats.decoded import SpanLimits, check_count
from tracehound.streams.intake.logs.otlp_json import records_of_json
from tracehound.streams.intake.logs.otlp_protobuf import records_of_protobuf
from tracehound.streams.intake.logs.otlp_record import OtlpRecord

_REASONS = 5
_SWELLING = 6
"""How many bytes of JSON a byte of Protobuf becomes at most."""
_MESSAGE_MEMBERS = ("message", "msg")
"""What loggers that write objects call the text in them."""


@dataclass(slots=True)
class DecodedLogRequest:
    """The good log events of a request, how many are wrong, and why the first of them are."""

    events: list[LogEvent] = field(default_factory=list)
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    @property
    def why(self) -> str:
        """The reasons as one text; empty without any."""
        return " ".join(self.reasons)


def decode_log_request(
    content: bytes, limits: Limits, now_s: float, with_namespace: bool = True, is_json: bool | None = None
) -> DecodedLogRequest:
    """The log events of an ``ExportLogsServiceRequest``.

    Parameters:
        limits: those of events.
        now_s: when the request was taken, in epoch seconds; see ``schemas.log_rules.checked``.
        with_namespace: see ``resource_of``.
        is_json: whether it is said to be; else it is where it begins with a brace.

    Raises:
        RecordError: it is no such request, or holds more events than its bytes could be good ones of.

    >>> record = b'{"severityNumber": 13, "body": {"stringValue": "hot"}}'
    >>> request = b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [%s]}]}]}' % record
    >>> [(event.application, event.level, event.message) for event in decode_log_request(request, Limits(), 9.0).events]
    [('unknown_service', 'warning', 'hot')]
    """
    is_json = content.lstrip(BLANK)[:1] == b"{" if is_json is None else is_json
    most = SpanLimits(limits.max_record_bytes).of(len(content))
    decoded = DecodedLogRequest()
    read = records_of_json(content) if is_json else records_of_protobuf(content)
    may_be_long = len(content) * _SWELLING > limits.max_event_bytes
    for number, (resource, record) in enumerate(read):
        check_count(number + 1, most, "log records")
        event = _event(resource, record, limits, now_s, with_namespace)
        if may_be_long and isinstance(event, LogEvent) and (size := len(encode(event))) > limits.max_event_bytes:
            event = too_long("OversizedEvent", size, limits.max_event_bytes, "the log event")
        if isinstance(event, Flaw):
            decoded.rejected += 1
            if len(decoded.reasons) < _REASONS:
                decoded.reasons.append(f"Log record {number}: {event.sentence()}")
        else:
            decoded.events.append(event)
    return decoded


def _event(
    attributes: dict[str, Any], record: OtlpRecord | Flaw, limits: Limits, now_s: float, with_namespace: bool
) -> LogEvent | Flaw:
    if isinstance(record, Flaw):
        return record
    level = level_of_number(record.severity_number) or level_of(record.severity_text) or "info"
    message = _message(record)
    if not message:
        return Flaw("MissingField", "body", lambda: "the field 'body' must hold something. Got nothing instead.")
    resource = resource_of(attributes, with_namespace)
    at_ns = record.time_unix_nano or record.observed_time_unix_nano
    event = LogEvent(
        message[:100_000],
        level,
        resource.service[:MOST_NAME],
        resource.host,
        at_ns / 1e9 if at_ns else None,
        {**dict(resource.places), **record.attributes},
        resource.environment,
        resource.version,
        record.trace_id,
        record.span_id,
    )
    return checked(event, limits, now_s)


def _message(record: OtlpRecord) -> str:
    """The body as a text: an object as JSON, and where there is none what the record says elsewhere."""
    body = record.body
    if isinstance(body, str) and (stripped := body.strip()):
        return stripped
    if isinstance(body, dict):
        for name in _MESSAGE_MEMBERS:
            if isinstance(text := body.get(name), str) and text.strip():
                return text.strip()
    if body is not None and not isinstance(body, str):
        return msgspec.json.encode(body).decode()
    return record.event_name or str(record.attributes.get("exception.message", ""))
