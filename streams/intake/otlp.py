"""Decodes a record of OpenTelemetry spans, in protobuf or JSON, as a Collector's Kafka exporter writes it."""

from tracehound.schemas.rejection import reject_record
from tracehound.streams.intake.otlp_json import decode_json
from tracehound.streams.intake.otlp_protobuf import decode_protobuf
from tracehound.streams.intake.otlp_span import DecodedSpans, RecordError, SpanLimits

__all__ = ["DecodedSpans", "SpanLimits", "decode_otlp"]

_BLANK = b" \t\r\n"
_FIRST_TAG = b"\n"
"""How protobuf begins: the tag of its first field is also a line feed, and its length may look like a brace."""


def decode_otlp(value: bytes | None, limits: SpanLimits) -> DecodedSpans:
    """Decode the value of a record of an OTLP topic: spans by trace, and what had to be refused.

    Never raises, whatever the bytes. The encoding is told by the content: what begins with ``{`` is JSON,
    everything else protobuf. The good neighbours of a bad span are kept. A refused span becomes part of a
    record of the same encoding with its resource and scope; spans refused for the same reason share one.
    ``Rejection.indexes`` count the spans of the record (an unreadable list of spans as one), and are empty
    where the whole record is refused. No bytes, and no resources, are no spans.

    In each ``Span`` the service is empty, ``parent`` means nothing yet, and ``offset_us`` is None.

    Source: https://opentelemetry.io/docs/specs/otlp/ and opentelemetry-proto, ``trace/v1/trace.proto``.

    >>> decode_otlp(b'{"resourceSpans":[]}', SpanLimits())
    DecodedSpans(traces={}, rejected=[], spans=0)
    >>> decode_otlp(None, SpanLimits()).rejected[0].reason
    'The value must be OTLP traces. Got null instead.'
    """
    try:
        return _decode(value, limits)
    except RecordError as error:
        return DecodedSpans(rejected=[reject_record(value, error.error, error.sentence)])


def _decode(value: bytes | None, limits: SpanLimits) -> DecodedSpans:
    if value is None:
        raise RecordError("NullValue", "the value must be OTLP traces. Got null instead.")
    if len(value) > limits.max_record_bytes:
        raise RecordError(
            "OversizedRecord",
            f"the record must be at most {limits.max_record_bytes} bytes long. Got {len(value)} bytes instead.",
        )
    if value[:1] == _FIRST_TAG and value.lstrip(_BLANK)[:1] == b"{":
        return _decode_ambiguous(value, limits)
    if value.lstrip(_BLANK)[:1] == b"{":
        return decode_json(value, limits)
    return decode_protobuf(value, limits)


def _decode_ambiguous(value: bytes, limits: SpanLimits) -> DecodedSpans:
    try:
        return decode_protobuf(value, limits)
    except RecordError as error:
        if error.error != "InvalidProtobuf":
            raise
    return decode_json(value, limits)
