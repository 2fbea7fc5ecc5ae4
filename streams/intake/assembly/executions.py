"""Turns the spans of a trace into executions: one pure function for replay, benchmarks and intake."""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution, ExecutionKind, Segment, Status
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.assembly.bounds import bounded
from tracehound.streams.intake.assembly.calls import callees_ms, forwarded_call, is_described_server, unseen_call
from tracehound.streams.intake.assembly.entries import is_orphan, only_connects, only_settles, owners_of
from tracehound.streams.intake.assembly.identity import (
    ENTRY_KINDS,
    LONGEST_OPERATION,
    LONGEST_SERVICE,
    PARENT_NOT_RECORDED,
    ROOT,
)
from tracehound.streams.intake.assembly.outcome import outcome_of
from tracehound.streams.intake.assembly.queues import Waits
from tracehound.streams.intake.assembly.segment_kinds import kind_of, segment_kind

MOST_SEGMENTS = 5_000
"""What a worker takes by default."""


class Trace(msgspec.Struct):
    """One trace: start in epoch microseconds, spans in any order, and the root's status where it is known."""

    trace_id: str
    start_us: float
    spans: list[Span]
    status: Literal["ok", "error", "unset"] | None = None


def span_id(index: int) -> str:
    """The id of the span at ``index`` of its trace where the recording has none: 16 hexadecimal digits."""
    return f"{index + 1:016x}"


def executions_of(trace: Trace, waits: Waits | None = None, checked: bool = False) -> list[Execution]:
    """The executions of a trace, in the order of their entry spans in ``trace.spans``.

    Each *entry span* (``entries``) begins one execution of its service. The spans below it that stay in that service
    are its segments, in order of start (without offsets: in the recorded order), an enclosing span always before
    those in it. Spans that start together are ordered by duration, id and place, so the order of spans with ids does
    not matter.

    A segment with entry spans below it is a *remote* segment: ``peer`` is the first callee's service (that of a message
    to a known queue stays the queue), and ``remote_ms`` the duration of the callee's entry span. Several callees count
    as the union of their intervals (without offsets: one after the other). A caller that did not wait (a message to a
    queue, or a callee that took longer than the caller's side by more than ``SYNCHRONOUS_TOLERANCE_US``, unless
    libraries call them client and server) gets no ``remote_ms``. A callee directly below an execution's entry span,
    with no client span between, becomes a segment (after the others) with the callee's own duration and no
    ``remote_ms``; where nothing else is known of a caller, its time is that of the call (``forwarded_call``).

    A consumer's execution lasts until the work below it is done, and fails if that failed. The error of an execution
    that failed is the innermost exception that its service recorded (``outcome``). How long its messages had waited is
    what ``waits`` finds (``queues``). ``checked``: the spans are known to be as is wanted of them, but for cycles.

    Clocks of hosts differ. Durations, and so ``remote_ms`` of a single callee and every call gap, do not
    depend on that, nor do offsets of an execution's own spans, which one host has measured. A callee without
    a client span is moved as little as needed to lie within its caller. ``started_at`` is the callee's clock.

    Raises:
        InvalidExecutionError: a span has no service or operation, a parent that does not exist, a negative or
            infinite duration, or lies on a cycle of parents; the message names trace, span and value.
    """
    spans = trace.spans
    if not checked:
        _check(trace)
    owners = owners_of(trace.trace_id, spans)
    members: dict[int, list[int]] = {entry: [] for entry in range(len(spans)) if owners[entry] == entry}
    callees: dict[int, list[int]] = {}
    for index, owner in enumerate(owners):
        if owner != index:
            members[owner].append(index)
        elif spans[index].parent >= 0:
            callees.setdefault(spans[index].parent, []).append(index)
    for called in callees.values():
        if len(called) > 1:
            called.sort(key=lambda index: _by_start(spans[index], index))
    waits, sampled = waits or Waits(), _adjusted_count(spans)
    return [
        _execution(trace, entry, inside, callees, waits, sampled)
        for entry, inside in members.items()
        if spans[entry].kind == "server" or not _begins_nothing(spans[entry])
    ]


def _begins_nothing(entry: Span) -> bool:
    return is_orphan(entry) or only_connects(entry) or only_settles(entry)


def _by_start(span: Span, index: int) -> tuple[float, float, str, int]:
    return (math.inf if span.offset_us is None else span.offset_us, -span.duration_us, span.id, index)


def _check(trace: Trace) -> None:
    count = len(trace.spans)
    longest = math.inf
    for index, span in enumerate(trace.spans):
        offset_us = span.offset_us
        if (
            0 <= span.duration_us < longest
            and PARENT_NOT_RECORDED <= span.parent < count
            and (offset_us is None or -longest < offset_us < longest)
            and 0 < len(span.operation) <= LONGEST_OPERATION
            and 0 < len(span.service) <= LONGEST_SERVICE
        ):
            continue
        raise InvalidExecutionError(
            f"Span {index} of trace {trace.trace_id!r} must have {_requirement_missed(span, count)}."
        )


def _requirement_missed(span: Span, count: int) -> str:
    if not 0 < len(span.service) <= LONGEST_SERVICE:
        return f"a service of 1 to {LONGEST_SERVICE} characters, got {span.service[:200]!r}"
    if not 0 < len(span.operation) <= LONGEST_OPERATION:
        return f"an operation of 1 to {LONGEST_OPERATION} characters, got {span.operation[:80]!r}"
    if not 0 <= span.duration_us < math.inf:
        return f"a finite duration of at least 0, got {span.duration_us!r}"
    if span.offset_us is not None and not -math.inf < span.offset_us < math.inf:
        return f"a finite offset, got {span.offset_us!r}"
    return f"a parent from {PARENT_NOT_RECORDED} to {count - 1}, got {span.parent!r}"


def _execution(
    trace: Trace,
    entry: int,
    inside: Sequence[int],
    callees: dict[int, list[int]],
    waits: Waits,
    sampled: float | None,
) -> Execution:
    spans = trace.spans
    span = spans[entry]
    start_us = span.offset_us or 0.0
    segments: list[Segment] = []
    if inside:
        positions = _positions(spans, entry, inside)
        segments = [_segment(spans, index, start_us, positions, callees.get(index, ())) for index in positions]
    if entry in callees:
        segments += _unseen_calls(spans, span, callees[entry], alone=not segments)
    known = trace.status if span.parent == ROOT and span.is_error is None else None
    resource = span.resource or _UNKNOWN
    duration_us, is_error, error = span.duration_us, span.is_error, span.error
    if is_error == 1 or (inside and span.kind == "consumer"):
        duration_us, is_error, error = outcome_of(spans, entry, inside)
    kind = _execution_kind(spans, span)
    made = Execution(  # (by names it takes five times as long)
        span.service,
        span.operation,
        (trace.start_us + start_us) / 1e6,
        duration_us / 1e3,
        trace.trace_id,
        span.id or span_id(entry),
        _parent_id_of(spans, span),
        kind,
        known or STATUSES.get(is_error, "error"),
        span.result,
        resource.environment,
        resource.version,
        resource.host,
        None,  # memory
        None,  # CPU time
        error,
        dict(resource.places),
        waits.of(trace.trace_id, spans, entry, inside) if kind == "consumer" else None,
        span.adjusted_count if span.adjusted_count is not None else sampled,
        segments,
    )
    return made if len(segments) <= MOST_SEGMENTS else bounded(made, MOST_SEGMENTS)


_UNKNOWN = Resource("")


def _adjusted_count(spans: Sequence[Span]) -> float | None:
    """What the first span of the trace that says it stands for: Jaeger's clients say it only of the root."""
    return next((span.adjusted_count for span in spans if span.adjusted_count is not None), None)


def _unseen_calls(spans: Sequence[Span], caller: Span, callees: Sequence[int], alone: bool) -> list[Segment]:
    if alone and len(callees) == 1 and caller.kind in ("server", "client") and caller.segment is not None:
        callee = spans[callees[0]]
        if is_described_server(callee):
            return [forwarded_call(caller, callee)]
    return [
        unseen_call(caller, spans[callee], _execution_kind(spans, spans[callee]) != "consumer") for callee in callees
    ]


def _id_at(spans: Sequence[Span], index: int) -> str:
    return spans[index].id or span_id(index)


def _parent_id_of(spans: Sequence[Span], span: Span) -> str:
    if span.parent >= 0:
        return _id_at(spans, span.parent)
    return "" if span.parent_id == span.id else span.parent_id


def _execution_kind(spans: Sequence[Span], span: Span) -> ExecutionKind:
    if span.kind == "consumer":
        return "consumer"
    if span.parent < 0:
        return "request" if span.kind is None or span.kind == "server" else "job"
    above = spans[span.parent]
    return "consumer" if above.kind not in ENTRY_KINDS and kind_of(above) == "queue" else "request"


def _positions(spans: Sequence[Span], entry: int, inside: Sequence[int]) -> dict[int, int]:
    """The positions of segments in their order, by index: by start, but never before the enclosing span."""
    positions: dict[int, int] = {}
    latest_us = -math.inf
    for index in inside:
        span = spans[index]
        offset_us, parent = span.offset_us, span.parent
        if offset_us is None or offset_us <= latest_us or not (parent == entry or parent in positions):
            return {index: place for place, index in enumerate(_in_order(spans, entry, inside))}
        positions[index] = len(positions)
        latest_us = offset_us
    return positions


def _in_order(spans: Sequence[Span], entry: int, inside: Sequence[int]) -> list[int]:
    """By start (the recorded order where one is not known), but never before the enclosing span."""
    starts: list[tuple[float, float, str, int]] = []
    for index in inside:
        span = spans[index]
        if span.offset_us is None:
            break
        starts.append((span.offset_us, -span.duration_us, span.id, index))
    else:
        starts.sort()
        inside = [start[3] for start in starts]
    order: list[int] = []
    placed = {entry}
    for index in inside:
        if spans[index].parent in placed and index not in placed:
            order.append(index)
            placed.add(index)
            continue
        path = []
        while index not in placed:
            path.append(index)
            placed.add(index)
            index = spans[index].parent  # (climbs to the first span that has its place)
        order += reversed(path)
    return order


def _segment(
    spans: Sequence[Span], index: int, start_us: float, position: dict[int, int], callees: Sequence[int]
) -> Segment:
    span = spans[index]
    duration_us, offset_us = span.duration_us, span.offset_us
    kind = span.segment or segment_kind(span.operation, span.component, bool(callees))
    if span.kind in ENTRY_KINDS:
        kind = "code"
    called_ms: float | None = None
    peer = span.peer
    if callees:
        message = span.message
        if kind != "queue" or message is None or message.by_consumer or not message.destination:
            peer = spans[callees[0]].service
        if kind != "queue":
            called_ms = callees_ms(spans, span, callees)
    return Segment(
        span.operation,
        duration_us / 1e3,
        kind,
        None if offset_us is None else (offset_us - start_us) / 1e3,
        position.get(span.parent),
        STATUSES.get(span.is_error, "error"),
        peer,
        span.id or span_id(index),
        called_ms,
    )


STATUSES: dict[int | None, Status] = {None: "unset", 0: "ok"}
