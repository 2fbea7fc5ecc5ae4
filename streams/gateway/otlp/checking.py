"""What a request of traces holds: how many spans are good, and what is wrong with the others."""

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from tracehound.streams.gateway.otlp.encoding import OtlpEncoding
from tracehound.streams.gateway.refusal import RequestRefusedError
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.fields import MOST_NS
from tracehound.streams.intake.formats.otlp.protobuf import OTLP
from tracehound.streams.intake.formats.recognise import protobuf_format

_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)
_BLANK = b" \t\r\n"
_REASONS = 5
_REASON_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class CheckedSpans:
    """How many spans a request holds, how many of them are wrong, and why."""

    good: int = 0
    rejected: int = 0
    why: str = ""


def check(content: bytes, encoding: OtlpEncoding, limits: SpanLimits) -> CheckedSpans:
    """Judge a request as intake will judge the record that it becomes.

    Raises:
        RequestRefusedError: it cannot be read (400), or holds too many spans (413).
    """
    if not content and encoding.format == "OTLP Protobuf":
        return CheckedSpans()  # an empty message
    if encoding.format == "OTLP Protobuf":
        sound = _sound_spans(content)
        if sound and sound <= limits.max_spans and protobuf_format(content) == encoding.format:
            return CheckedSpans(sound)
    elif content[:40].lstrip(_BLANK)[:1] != b"{":
        raise _unreadable("The body must be a JSON object.")
    decoded = decode_spans(content, limits)
    whole = next((each for each in decoded.rejected if not each.indexes), None)
    if whole is not None:
        raise _unreadable(whole.reason, 413 if whole.error == "TooManySpans" else 400)
    if decoded.format not in (encoding.format, ""):
        raise _unreadable(
            f"The body must be {encoding.format}, as its Content-Type says. Got {decoded.format} instead."
        )
    rejected = sum(len(each.indexes) for each in decoded.rejected)
    reasons = " ".join(each.reason for each in decoded.rejected[:_REASONS])
    return CheckedSpans(decoded.spans + decoded.unfinished, rejected, reasons[:_REASON_LENGTH])


def _unreadable(why: str, status: int = 400) -> RequestRefusedError:
    return RequestRefusedError(status, "invalid_body" if status == 400 else "too_large", why)


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
