"""Requests of traces in the encodings of OTLP: judged quickly where nothing is wrong, and with care elsewhere."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from google.protobuf.message import DecodeError
from starlette.responses import Response

from tracehound.schemas.json_array import BLANK
from tracehound.streams.gateway.bodies import LARGE_BYTES
from tracehound.streams.gateway.operation import BYTES, Operation, Outcome
from tracehound.streams.gateway.otlp.encoding import (
    ANSWERS,
    JSON,
    MEDIA_TYPES,
    PROTOBUF,
    STATUSES,
    OtlpEncoding,
    list_of,
    object_of,
)
from tracehound.streams.gateway.otlp.splitting import split
from tracehound.streams.gateway.spans import CheckedSpans, SpanEncoding, SpanEndpoint, check_spans, unreadable
from tracehound.streams.intake.formats.decode import SpanLimits
from tracehound.streams.intake.formats.fields import MOST_NS
from tracehound.streams.intake.formats.otlp.protobuf import OTLP
from tracehound.streams.intake.formats.recognise import protobuf_format

_LARGE_PROTOBUF_BYTES = 500_000
"""Half a millisecond's work, where nothing is wrong: to hand it to a thread takes longer."""
_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)


def check_protobuf(content: bytes, limits: SpanLimits) -> CheckedSpans:
    """Judge a request in Protobuf; see ``check_spans``. No bytes are an empty message."""
    if not content:
        return CheckedSpans()
    sound = _sound_spans(content)
    if sound and sound <= limits.max_spans and protobuf_format(content) == PROTOBUF.format:
        return CheckedSpans(sound)
    return check_spans(content, PROTOBUF.format, limits)


def check_json(content: bytes, limits: SpanLimits) -> CheckedSpans:
    """Judge a request in JSON; see ``check_spans``."""
    if content.lstrip(BLANK)[:1] != b"{":
        raise unreadable("The body must be a JSON object.")
    return check_spans(content, JSON.format, limits)


def _sound_spans(content: bytes) -> int:
    """How many spans a message holds, if all of them are sound beyond doubt; else 0, and they are to be read with care.

    A tenth of the time that reading them takes.
    """
    try:
        message = OTLP.TracesData.FromString(content)
    except DecodeError:
        return 0
    count = 0
    for resource in message.resource_spans:
        scopes = resource.scope_spans
        if not scopes:
            return 0
        for scope in scopes:
            for span in scope.spans:
                trace_id, span_id = span.trace_id, span.span_id
                if (
                    len(trace_id) != 16
                    or len(span_id) != 8
                    or trace_id == _NO_TRACE
                    or span_id == _NO_SPAN
                    or len(span.parent_span_id) not in (0, 8)
                    or not 0 < span.start_time_unix_nano <= span.end_time_unix_nano <= MOST_NS
                ):
                    return 0
                count += 1
    return count


def _answer(encoding: OtlpEncoding, checked: CheckedSpans) -> Response:
    return Response(encoding.response(checked.rejected, checked.why), media_type=encoding.media_type)


_ENCODINGS = {
    encoding.format: SpanEncoding(
        check,
        lambda content, most_bytes, encoding=encoding: split(content, encoding.parts, most_bytes),  # type: ignore[misc]
        partial(_answer, encoding),
        large_bytes,
    )
    for encoding, check, large_bytes in (
        (PROTOBUF, check_protobuf, _LARGE_PROTOBUF_BYTES),
        (JSON, check_json, LARGE_BYTES),
    )
}
TRACES: Mapping[str, SpanEncoding] = {name: _ENCODINGS[encoding.format] for name, encoding in MEDIA_TYPES.items()}
"""The encodings of requests of traces, by media type."""


_SPANS = {
    "description": "An ExportTraceServiceRequest of OTLP, https://opentelemetry.io/docs/specs/otlp/. What holds only "
    "fields that it has not is refused: it is likely to be something else.",
    "anyOf": [{"required": ["resourceSpans"]}, {"maxProperties": 0}],
    **object_of(
        resourceSpans=list_of(
            object_of(
                resource={"type": ["object", "null"]},
                scopeSpans=list_of(
                    object_of(spans=list_of({"type": "object"})),
                ),
            )
        )
    ),
}
OTLP_TRACES = Operation(
    "Take spans by OTLP over HTTP.",
    {200: Outcome("Kafka has them; those that were refused are counted.", ANSWERS)},
    {name: _SPANS if encoding is JSON else BYTES for name, encoding in MEDIA_TYPES.items()},
    STATUSES,
)
"""What requests of traces hold, and are answered."""


def call_taker(endpoint: SpanEndpoint, method: str) -> Callable[[bytes], Awaitable[bytes]]:
    """What takes the messages of calls of gRPC, counted as of this method."""

    async def take(content: bytes) -> bytes:
        checked = await endpoint.take(content, TRACES[PROTOBUF.media_type], method)
        return PROTOBUF.response(checked.rejected, checked.why)

    return take
