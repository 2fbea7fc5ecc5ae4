"""How an execution ended: when, whether it failed, and with what error."""

from collections.abc import Sequence
from typing import NamedTuple

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.spans import Span


class Outcome(NamedTuple):
    """Duration in microseconds, 1 for a failure, 0 for none, None where nothing says it, and the error."""

    duration_us: float
    is_error: int | None
    error: ExecutionFailure | None


def outcome_of(spans: Sequence[Span], entry: int, inside: Sequence[int]) -> Outcome:
    """The outcome of the execution that begins with the span ``entry`` and has the spans ``inside`` for segments.

    A consumer's span may end when its message was taken; its execution lasts until what lies below it is done, and
    fails if what outlasted it, right below, failed. Whoever asked a server was answered when the server's span ended.

    The error is that of the innermost failed span with an exception; without one that of the entry span, whose result
    is the type where nothing else is said.
    """
    span = spans[entry]
    duration_us, is_error, error = span.duration_us, span.is_error, span.error
    if inside and span.kind == "consumer" and span.offset_us is not None:
        duration_us, is_error, error = _consumed(spans, entry, inside)
    if is_error == 1:
        if inside:
            error = _innermost(spans, entry, inside) or error
        error = _with_type(error, span.result)
    return Outcome(duration_us, is_error, error)


def _consumed(spans: Sequence[Span], entry: int, inside: Sequence[int]) -> Outcome:
    span = spans[entry]
    begin_us = span.offset_us or 0.0
    end_us = begin_us + span.duration_us
    latest_us, is_error, error = end_us, span.is_error, span.error
    for index in inside:
        below = spans[index]
        below_us = (below.offset_us or 0.0) + below.duration_us
        latest_us = max(latest_us, below_us)
        if below_us > end_us and below.parent == entry and below.is_error == 1 and is_error is None:
            is_error, error = 1, below.error
    duration_us = latest_us - begin_us if latest_us > end_us else span.duration_us
    return Outcome(duration_us, is_error, error)


def _innermost(spans: Sequence[Span], entry: int, inside: Sequence[int]) -> ExecutionFailure | None:
    """The exception of the deepest failed span, the last to end of those that are equally deep."""
    found: tuple[int, float, str] | None = None
    error: ExecutionFailure | None = None
    for index in (entry, *inside):
        span = spans[index]
        if span.is_error != 1 or span.error is None or not _is_exception(span):
            continue
        rank = (_depth(spans, entry, index), (span.offset_us or 0.0) + span.duration_us, span.id)
        if found is None or rank > found:
            found, error = rank, span.error
    return error


def _is_exception(span: Span) -> bool:
    """Whether the type of the error is more than a status."""
    kind = span.error.type if span.error is not None else ""
    return bool(kind) and kind != str(span.result) and not kind.isdecimal() and not kind.isupper()


def _depth(spans: Sequence[Span], entry: int, index: int) -> int:
    depth = 0
    while index != entry and index >= 0:
        index = spans[index].parent
        depth += 1
    return depth


def _with_type(error: ExecutionFailure | None, result: str | int | None) -> ExecutionFailure | None:
    if result is None or (error is not None and error.type):
        return error
    return ExecutionFailure(str(result), error.message if error is not None else "")
