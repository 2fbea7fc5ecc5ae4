"""What tracing libraries would have exported: recorded traces and executions as OpenTelemetry spans."""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution, ExecutionFailure, Segment, SegmentKind, Status
from tracehound.schemas.spans import Resource, Span, SpanKind
from tracehound.streams.intake.assembly.executions import Trace, span_id
from tracehound.streams.intake.assembly.identity import PARENT_NOT_RECORDED, ROOT
from tracehound.streams.intake.assembly.segment_kinds import segment_kind
from tracehound.streams.intake.formats.fields import MOST_NS

Attribute = tuple[str, str | int]


class OtlpSpan(msgspec.Struct, frozen=True, gc=False):
    """One span to be exported: ids as hexadecimal digits (32 and 16), times in nanoseconds since the epoch.

    ``parent_id`` is empty for the root; ``remote_parent`` says whether the parent is in another process.
    """

    trace_id: str
    span_id: str
    parent_id: str
    remote_parent: bool
    name: str
    kind: SpanKind
    start_ns: int
    end_ns: int
    status: Status = "unset"
    attributes: tuple[Attribute, ...] = ()
    exception: ExecutionFailure | None = None


Exported = tuple[Resource, list[OtlpSpan]]
"""Spans and the one resource that emitted them."""

_NOT_RECORDED = 1 << 63  # no index reaches it, so no span of a recorded trace has such an id
_HTTP_OPERATION = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE) (/.*)", re.DOTALL)
_HTTP_METHOD = re.compile(r"(?:HTTP )?(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE)\b", re.IGNORECASE)
_CLIENT_KINDS: dict[SegmentKind, SpanKind] = {
    "db": "client",
    "cache": "client",
    "http": "client",
    "rpc": "client",
    "queue": "producer",
}
_SYSTEMS: dict[SegmentKind, Attribute] = {
    "db": ("db.system.name", "other_sql"),
    "cache": ("db.system.name", "redis"),
    "rpc": ("rpc.system", "grpc"),
    "queue": ("messaging.system", "kafka"),
}


def spans_of_trace(trace: Trace) -> list[Exported]:
    """The spans of a recorded trace (as much of each as a recording holds) by service, in the recorded order.

    Joined again, they give the executions that ``executions_of`` makes of the recording. Only parents that
    were not recorded have an id then. Names of libraries and peers become attributes.

    Raises:
        InvalidExecutionError: a span has no offset (OTLP cannot say that only a duration is known), a time that
            OTLP cannot tell, or a parent that does not exist.
    """
    spans = trace.spans
    _check(trace)
    trace_id = trace_id_of(trace.trace_id)
    callers = {span.parent for span in spans if span.parent >= 0 and spans[span.parent].service != span.service}
    by_service: dict[str, list[OtlpSpan]] = {}
    for index, span in enumerate(spans):
        begins = span.parent < 0 or spans[span.parent].service != span.service
        start_ns = _start_ns(trace, span)
        by_service.setdefault(span.service, []).append(
            OtlpSpan(
                trace_id,
                span_id(index),
                _parent_id(trace_id, index, span.parent),
                begins and span.parent != ROOT,
                span.operation,
                _entry_kind(spans, span) if begins else _inner_kind(span, index in callers),
                start_ns,
                start_ns + round(span.duration_us * 1_000),
                _status(trace, span),
                tuple(_recorded_attributes(span)),
            )
        )
    for exported in by_service.values():
        _check_times(exported)
    return [(Resource(service), exported) for service, exported in by_service.items()]


def _check(trace: Trace) -> None:
    count = len(trace.spans)
    for index, span in enumerate(trace.spans):
        problem = (span.offset_us is None and "an offset to be sent as OTLP, got none") or (
            not PARENT_NOT_RECORDED <= span.parent < count
            and f"a parent from {PARENT_NOT_RECORDED} to {count - 1}, got {span.parent!r}"
        )
        if problem:
            raise InvalidExecutionError(f"Span {index} of trace {trace.trace_id!r} must have {problem}.")


def _check_times(spans: Iterable[OtlpSpan]) -> None:
    for span in spans:
        if not 0 < span.start_ns <= span.end_ns <= MOST_NS:
            raise InvalidExecutionError(
                f"The span {span.name!r} of trace {span.trace_id!r} must begin after 1970 and end, no earlier, before "
                f"2554 to be sent as OTLP, got {span.start_ns} to {span.end_ns} ns."
            )


def _start_ns(trace: Trace, span: Span) -> int:
    # epoch nanoseconds have more digits than a float: the whole microseconds stay out of the rounding
    whole_us = int(trace.start_us)
    return whole_us * 1_000 + round((trace.start_us - whole_us + (span.offset_us or 0.0)) * 1_000)


def _parent_id(trace_id: str, index: int, parent: int) -> str:
    if parent == ROOT:
        return ""
    if parent == PARENT_NOT_RECORDED:
        return f"{int(_digest(8, trace_id, str(index)), 16) | _NOT_RECORDED:016x}"
    return span_id(parent)


def _entry_kind(spans: list[Span], span: Span) -> SpanKind:
    if span.parent < 0:
        return "server"
    caller = spans[span.parent]
    return "consumer" if segment_kind(caller.operation, caller.component) == "queue" else "server"


def _inner_kind(span: Span, calls: bool) -> SpanKind:
    if not calls and span.peer is None:
        return "internal"
    return "producer" if segment_kind(span.operation, span.component, calls) == "queue" else "client"


def _status(trace: Trace, span: Span) -> Status:
    if span.is_error is not None:
        return "error" if span.is_error else "ok"
    return trace.status or "unset" if span.parent == ROOT else "unset"


def _recorded_attributes(span: Span) -> Iterable[Attribute]:
    if span.component is not None:
        yield "component", span.component
    if span.peer is not None:
        yield "peer.service", span.peer


def spans_of_execution(execution: Execution) -> Exported:
    """The span of an execution and one for each segment, as its service would have exported them.

    Joined again with those of its trace they give the execution back, except for what OTLP has no place for
    (memory, CPU time, attributes of one's own, results that are no numbers, the difference between a job, a
    command and a log) and what only the callee's spans tell (``remote_ms``). Starts are rounded to whole
    microseconds, durations to nanoseconds. Ids that are not of the length that OTLP asks for are replaced by
    digests; equal ones stay equal. An execution without a trace id is a trace of its own.

    Raises:
        InvalidExecutionError: a segment has no offset (OTLP cannot say that only a duration is known) or does
            not come after its parent, or a time is one that OTLP cannot tell.
    """
    spans = [_entry_span(execution)]
    for index, segment in enumerate(execution.segments):
        problem = (segment.offset_ms is None and "an offset to be sent as OTLP, got none") or (
            segment.parent is not None and segment.parent >= index and f"a parent before it, got {segment.parent}"
        )
        if problem:
            raise InvalidExecutionError(
                f"Segment {index} of the execution {execution.span_id!r} of {execution.application!r} "
                f"must have {problem}."
            )
        spans.append(_segment_span(segment, spans))
    _check_times(spans)
    return Resource(execution.application, execution.environment, execution.version, execution.host), spans


def _entry_span(execution: Execution) -> OtlpSpan:
    trace_id, entry_id = _ids(execution)
    start_ns = round(execution.started_s * 1e6) * 1_000
    return OtlpSpan(
        trace_id,
        entry_id,
        span_id_of(execution.parent_span_id) if execution.parent_span_id else "",
        bool(execution.parent_span_id),
        execution.operation,
        "server" if execution.kind == "request" else "consumer" if execution.kind == "consumer" else "internal",
        start_ns,
        start_ns + round(execution.duration_ms * 1e6),
        "error" if execution.failed else execution.status,
        tuple(_entry_attributes(execution)),
        execution.error,
    )


def _ids(execution: Execution) -> tuple[str, str]:
    """Trace and span id, made of what else is known where there is none."""
    if execution.trace_id and execution.span_id:
        return trace_id_of(execution.trace_id), span_id_of(execution.span_id)
    own = (execution.application, execution.operation, str(execution.started_s), str(execution.duration_ms))
    trace_id = trace_id_of(execution.trace_id) if execution.trace_id else _digest(16, *own, execution.span_id)
    return trace_id, span_id_of(execution.span_id) if execution.span_id else _digest(8, trace_id, *own)


def _segment_span(segment: Segment, before: Sequence[OtlpSpan]) -> OtlpSpan:
    """The span of the next segment; ``before`` are those of the execution and of the segments before it."""
    entry = before[0]
    start_ns = entry.start_ns + round((segment.offset_ms or 0.0) * 1e6)
    return OtlpSpan(
        entry.trace_id,
        span_id_of(segment.span_id) if segment.span_id else _digest(8, entry.span_id, str(len(before))),
        before[0 if segment.parent is None else segment.parent + 1].span_id,
        False,
        segment.name,
        _CLIENT_KINDS.get(segment.kind, "internal" if segment.peer is None else "client"),
        start_ns,
        start_ns + round(segment.duration_ms * 1e6),
        segment.status,
        tuple(_segment_attributes(segment)),
    )


def _entry_attributes(execution: Execution) -> Iterable[Attribute]:
    if execution.kind == "request" and (found := _HTTP_OPERATION.fullmatch(execution.operation)):
        yield "http.request.method", found[1]
        yield "http.route", found[2]
    if execution.queue_wait is not None:
        yield from _queue_attributes(execution.queue_wait.destination)
    if isinstance(execution.result, int) and 100 <= execution.result < 600:
        yield "http.response.status_code", execution.result


def _segment_attributes(segment: Segment) -> Iterable[Attribute]:
    if segment.kind == "queue" and segment.peer and " " in segment.peer:
        yield from _queue_attributes(segment.peer)
    elif segment.kind in _SYSTEMS:
        yield _SYSTEMS[segment.kind]
    elif segment.kind == "http":
        found = _HTTP_METHOD.match(segment.name)
        yield "http.request.method", found[1].upper() if found else "_OTHER"
    if segment.peer is not None:
        yield "peer.service", segment.peer


def _queue_attributes(queue: str) -> Iterable[Attribute]:
    """Those of a queue that is called by its system and destination, as joined executions call it."""
    system, _, destination = queue.partition(" ")
    yield "messaging.system", system
    yield "messaging.destination.name", destination


def trace_id_of(text: str) -> str:
    """``text`` where it is a trace id of OTLP (32 hexadecimal digits, not all 0), in lower case; else its digest.

    >>> trace_id_of("ABCDEF" + 26 * "0"), trace_id_of("order 7")
    ('abcdef00000000000000000000000000', '74812d41285fc91093fc0e3568de1582')
    """
    return text.lower() if _is_id(text, 16) else _digest(16, text)


def span_id_of(text: str) -> str:
    """``text`` where it is a span id of OTLP (16 hexadecimal digits, not all 0), in lower case; else its digest."""
    return text.lower() if _is_id(text, 8) else _digest(8, text)


def _is_id(text: str, size: int) -> bool:
    try:
        # (blanks between digits are taken too, so both lengths count)
        return len(text) == 2 * size and len(content := bytes.fromhex(text)) == size and any(content)
    except ValueError:
        return False


def _digest(size: int, *parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=size).hexdigest()
