"""What of a trace may begin executions, in 32 bits each: so what comes again after the trace was closed is known."""

from array import array
from collections.abc import Iterable
from zlib import crc32

from tracehound.schemas.execution import Execution
from tracehound.schemas.spans import SHARED_SUFFIX, Span

_INNER_KINDS = ("internal", "client", "producer")


def mark_of(span_id: str, service: str) -> int:
    """32 bits that stand for a span of a service within its trace, whichever half of a shared id it is.

    >>> mark_of("5e1f", "stock") == mark_of("5e1f-server", "stock"), mark_of("5e1f", "stock") == mark_of("5e1f", "shop")
    (True, False)
    """
    if "-" in span_id:
        span_id = span_id.partition(SHARED_SUFFIX)[0]
    return crc32(f"{span_id}\0{service}".encode())


def mark_of_execution(execution: Execution) -> int:
    """The same of the span that an execution begins with; native ones need not have an id."""
    span_id = execution.span_id or f"{execution.operation}\0{execution.started_at!r}\0{execution.duration_ms!r}"
    return mark_of(span_id, execution.application)


def marks_of(spans: Iterable[Span], executions: Iterable[Execution]) -> bytes:
    """The marks of all spans that would begin something if they came alone, and of executions."""
    marks = {
        crc32(f"{span.id}\0{span.service}".encode()) if "-" not in span.id else mark_of(span.id, span.service)
        for span in spans
        if span.kind not in _INNER_KINDS
        or not span.parent_id
        or span.remote_parent
        or (span.message is not None and span.message.does == "receive")
    }
    marks.update(map(mark_of_execution, executions))
    return array("I", sorted(marks)).tobytes()


def marks_together(marks: bytes, others: Iterable[int]) -> bytes:
    """What ``marks_of`` gave and others, each once."""
    return array("I", sorted({*marks_in(marks), *others})).tobytes()


def marks_in(marks: bytes) -> Iterable[int]:
    """The marks that ``marks_of`` packed."""
    return array("I", marks)
