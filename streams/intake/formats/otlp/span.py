"""One span of OTLP from its fields, whichever of the encodings they were in."""

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.rejection import Flaw
from tracehound.schemas.spans import Links, Span, SpanKind
from tracehound.streams.intake.conventions.describe import describe
from tracehound.streams.intake.conventions.failures import failure_of, is_failed, tag_tells_failure
from tracehound.streams.intake.conventions.messages import linked, of_group
from tracehound.streams.intake.conventions.sampling import adjusted_count
from tracehound.streams.intake.conventions.texts import Attributes
from tracehound.streams.intake.formats.fields import BACKWARDS_NS, MOST_NS, end_flaw, id_flaw, time_flaw

UNNAMED = "unknown"
"""What a span is called that neither has a name nor attributes that say one, as in Zipkin."""
MOST_LINKS = 128

_KINDS: tuple[SpanKind | None, ...] = (None, "internal", "server", "client", "producer", "consumer")
_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200


def span_of(
    ids: tuple[bytes, bytes, bytes],
    start_ns: int,
    end_ns: int,
    name: str,
    kind: int,
    flags: int,
    status_code: int,
    status_message: str,
    attributes: Attributes,
    exception: Attributes | None,
    links: Links = (),
    trace_state: str = "",
) -> Span | Flaw | None:
    """The span with these fields, what is wrong with it, or None: it has not ended, or never began.

    One that ends less than a second before it began saw its clock corrected, and lasts no time.

    Parameters:
        ids: of the trace, the span and its parent (empty: none).
        attributes: by concept.
        exception: attributes of the span's last event ``exception``.
        links: trace and span ids in hexadecimal digits.
        trace_state: as W3C has it.
    """
    trace_id, span_id, parent_id = ids
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        return id_flaw("traceId", 16, trace_id)
    if len(span_id) != 8 or span_id == _NO_SPAN:
        return id_flaw("spanId", 8, span_id)
    if parent_id and len(parent_id) != 8:
        return id_flaw("parentSpanId", 8, parent_id, optional=True)
    duration_ns = end_ns - start_ns
    if not 0 < start_ns <= end_ns <= MOST_NS:
        if start_ns == 0 or end_ns == 0:
            return None
        if not 0 < start_ns <= MOST_NS:
            return time_flaw("startTimeUnixNano", start_ns)
        if not 0 < end_ns <= MOST_NS:
            return time_flaw("endTimeUnixNano", end_ns)
        if end_ns < start_ns - BACKWARDS_NS:
            return end_flaw("startTimeUnixNano", "endTimeUnixNano", start_ns, end_ns)
        duration_ns = 0
    span_kind = _KINDS[kind] if 0 <= kind <= 5 else None
    operation, segment, peer, component, result, message, serves, failed = describe(name, span_kind, attributes)
    if serves and span_kind in (None, "internal"):
        span_kind = "server"
    if status_code == 0 and not failed and exception is None:
        is_error = None
    else:
        is_error = is_failed(status_code, span_kind, segment, result, failed, exception is not None)
    if is_error is None and "error" in attributes and tag_tells_failure(attributes["error"], span_kind, result):
        is_error = 1
    error: ExecutionFailure | None = None
    if is_error == 1 or exception is not None:
        error = failure_of(is_error, status_message, attributes.get("error type"), exception, attributes.get("error"))
    if message is not None and kind == 5:
        operation = of_group(operation, message)
    if links:
        message = linked(message, links)
    return Span(
        "",
        operation or UNNAMED,
        -1,
        None,
        duration_ns / 1e3,
        None,
        component,
        peer,
        is_error,
        span_id.hex(),
        parent_id.hex() if parent_id and parent_id != _NO_SPAN else "",
        start_ns,
        span_kind,
        segment,
        bool(flags & _REMOTE) if flags & _REMOTE_KNOWN else None,
        error,
        result,
        None,
        message,
        adjusted_count(attributes, trace_state),
    )
