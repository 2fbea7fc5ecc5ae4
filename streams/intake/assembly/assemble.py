"""Puts the pieces of one trace together: spans find their parents by id, calls find both of their sides."""

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.spans import Span, TraceChunk
from tracehound.streams.intake.assembly.calls import remote_ms
from tracehound.streams.intake.assembly.entries import is_inner, is_orphan
from tracehound.streams.intake.assembly.executions import Trace, executions_of
from tracehound.streams.intake.assembly.identity import PARENT_NOT_RECORDED, by_start, find_parents, identified
from tracehound.streams.intake.assembly.messaging import without_hops
from tracehound.streams.intake.assembly.queues import SentAt, Waits
from tracehound.streams.intake.assembly.removal import without_unfinished


class Assembled(msgspec.Struct):
    """The executions of a trace by start and span id, and how many spans led to none.

    ``orphans`` are spans that begin nothing although their parent is missing; with them go those below. ``repeated``
    came again. ``spans`` are all there are, each once; ``joined`` those that executions are made of, which have their
    parents; ``native`` the executions that came as such. ``waits`` counts how long messages waited, and of which that
    is not known.
    """

    executions: list[Execution]
    orphans: int
    repeated: int = 0
    spans: Sequence[Span] = ()
    waits: Waits = msgspec.field(default_factory=Waits)
    joined: Sequence[Span] = ()
    native: Sequence[Execution] = ()


def assemble(
    trace_id: str, chunks: Sequence[TraceChunk], late: bool = False, sent_at: SentAt | None = None
) -> Assembled:
    """Join everything that is known of a trace; the order of the chunks and of the spans in them does not matter.

    A span that came twice counts once. ``late``: the rest of the trace was closed before, so a span whose
    parent is missing begins an execution only where its library says so. ``sent_at`` knows of messages that were sent
    in other traces, or before this one was closed.

    Raises:
        InvalidExecutionError: spans are each other's ancestors.
    """
    spans, places, repeated, halved, special = identified(chunks)
    every, orphans = spans, 0
    waits = Waits() if sent_at is None else Waits(sent_at)
    executions: list[Execution] = []
    if spans:
        find_parents(spans, places, halved)
        if special:
            spans = without_hops(without_unfinished(spans))
    if spans:
        base_ns = min(map(by_start, spans)) if special else spans[0].start_ns
        for span in spans:
            span.offset_us = (span.start_ns - base_ns) / 1e3
            if late and is_inner(span) and span.parent >= 0 and spans[span.parent].service != span.service:
                span.parent = PARENT_NOT_RECORDED  # that is the caller's half: the own one was closed
            if span.parent == PARENT_NOT_RECORDED:
                if late and span.kind is None and not span.remote_parent:
                    span.kind = "internal"
                orphans += is_orphan(span)
        trace = Trace(trace_id, base_ns / 1_000, spans)  # (a float of base_ns would be rounded)
        executions = executions_of(trace, waits, checked=not special)
    native = _native(chunks)
    if native:
        _link(executions, native)
        executions += native
    if len(executions) > 1:
        executions.sort(key=_place)
    return Assembled(executions, orphans, repeated, every, waits, spans, native)


def _native(chunks: Sequence[TraceChunk]) -> list[Execution]:
    found: dict[tuple[float, str, str, str, float], Execution] = {}
    for chunk in chunks:
        for execution in chunk.executions:
            execution.started_at = execution.started_s
            found.setdefault(_place(execution), execution)
    return list(found.values())


_place = attrgetter("started_at", "span_id", "application", "operation", "duration_ms")
"""What orders executions of one trace, and tells them apart: native ones need not have a span id."""


def _link(traced: Sequence[Execution], native: Sequence[Execution]) -> None:
    """Fill in ``remote_ms`` and ``peer`` of segments whose callee's execution is here; what producers say stays."""
    callees: dict[str, list[Execution]] = {}
    for execution in (*traced, *native):
        if execution.parent_span_id:
            callees.setdefault(execution.parent_span_id, []).append(execution)
    for called in callees.values():
        called.sort(key=_place)
    of_native = {execution.parent_span_id for execution in native}
    for execution in traced:
        for segment in execution.segments:
            if segment.span_id and segment.span_id in of_native:
                segment.peer = segment.remote_ms = None  # of the other callees, or an address
                _fill_in(segment, callees[segment.span_id])
    for execution in native:
        for segment in execution.segments:
            if segment.span_id and segment.span_id in callees:
                _fill_in(segment, callees[segment.span_id])


def _fill_in(segment: Segment, called: Sequence[Execution]) -> None:
    if segment.peer is None:
        segment.peer = called[0].application
    if segment.remote_ms is None and segment.kind != "queue":
        base_s = called[0].started_s
        sides = [((execution.started_s - base_s) * 1e6, execution.duration_ms * 1e3) for execution in called]
        segment.remote_ms = remote_ms(segment.duration_ms * 1e3, sides)
