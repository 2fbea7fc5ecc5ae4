"""Holds the spans of each trace until nothing more is to be expected of it, then puts them together."""

import heapq
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

import msgspec
import structlog

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.execution import Execution
from tracehound.schemas.spans import SpanBatch, Tick, TraceChunk
from tracehound.streams.intake.assembly.assemble import Assembled, assemble
from tracehound.streams.intake.assembly.beginnings import marks_of, without_known
from tracehound.streams.intake.closed_traces import ClosedTraces, fingerprint
from tracehound.streams.intake.source_clocks import SourceClocks

CloseReason = Literal["complete", "incomplete", "endless", "oversized", "memory"]
CLOSE_REASONS: tuple[CloseReason, ...] = ("complete", "incomplete", "endless", "oversized", "memory")

TRACE_BYTES = 700
"""Memory of one open trace beside its spans."""
CHUNK_BYTES = 150
"""Memory of one piece of a trace beside its bytes."""
_LONGEST_CAUSE = 300
_STALE = 1_000
"""So many records, or entries of the heap, may be behind before what is no longer needed is forgotten."""

log = structlog.get_logger(__name__)

_decode_chunk = msgspec.msgpack.Decoder(TraceChunk).decode


@dataclass(frozen=True, slots=True)
class JoinRules:
    """When traces are closed. Times are of the sources' clocks, in milliseconds; ``buffer_bytes`` is per partition.

    A trace is closed when every source has been read ``wait_ms`` beyond its last span; where an inner span's
    parent is missing, ``incomplete_wait_ms`` beyond. It is closed anyway ``max_trace_ms`` after its first span,
    with ``max_trace_spans`` spans, or as the oldest when the buffer is full. Closed traces are remembered for
    ``memory_ms``; what still comes of them is late and makes up a trace of its own, but for what was in them.
    """

    wait_ms: int = 10_000
    incomplete_wait_ms: int = 60_000
    max_trace_ms: int = 300_000
    max_trace_spans: int = 20_000
    buffer_bytes: int = 32_000_000
    memory_ms: int = 60_000
    patience_ms: int = 60_000


@dataclass(slots=True)
class Closing:
    """What closing one trace gave.

    ``cyclic`` holds the pieces of a trace that cannot be put together, since spans are each other's ancestors
    or for the reason in ``why``. ``unreadable`` counts pieces that are no ``TraceChunk``; the others make up the trace.
    """

    trace_id: str
    reason: CloseReason
    late: bool
    spans: int
    assembled: Assembled
    cyclic: list[TraceChunk] = field(default_factory=list)
    unreadable: int = 0
    why: str = ""
    marks: bytes = b""


@dataclass(slots=True)
class _OpenTrace:
    first_offset: int
    first_ms: int
    last_ms: int
    late: bool
    trace: int
    due_ms: int = 0
    spans: int = 0
    size: int = TRACE_BYTES
    incomplete: bool = False
    chunks: list[msgspec.Raw] = field(default_factory=list)


@dataclass(slots=True)
class JoinMemory:
    """What a buffer must know besides the records from ``low`` on.

    ``exceptions`` are records that are not to be taken by their word: by offset the source's clock at that time
    where the record says less, or None for one that came before. ``late`` are fingerprints of open traces that
    were closed once already.
    """

    clocks: SourceClocks
    closed: ClosedTraces = field(default_factory=ClosedTraces)
    exceptions: dict[int, int | None] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)


class TraceBuffer:
    """The open traces of one partition of the spans topic.

    Records are taken in the order of their offsets. What is closed, and when, follows from that order alone:
    a buffer made of ``memory`` and ``position``, to which the records from ``low`` up to ``position`` are given
    by ``replay``, goes on exactly as this one.
    """

    def __init__(
        self,
        rules: JoinRules,
        position: int = 0,
        memory: "JoinMemory | None" = None,
    ) -> None:
        self.rules = rules
        self.position = position
        self.memory = memory or JoinMemory(SourceClocks(rules.patience_ms))
        self.bytes = 0
        self.spans = 0
        self._open: OrderedDict[str, _OpenTrace] = OrderedDict()  # whose first is found at once however many went
        self._due: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._open)

    @property
    def low(self) -> int:
        """The lowest offset that a restart needs: that of the first record of the oldest open trace."""
        return next((trace.first_offset for trace in self._open.values()), self.position)

    def take(self, offset: int, record: SpanBatch | Tick) -> list[Closing]:
        """Take the record at ``offset``; returns the traces closed by it, in the order of their closing."""
        closings: list[Closing] = []
        if isinstance(record, Tick):
            self.memory.clocks.tick(record)
        else:
            clock_ms = self.memory.clocks.take(record.source, record.sequence, record.clock_ms)
            if clock_ms != record.clock_ms:
                self.memory.exceptions[offset] = clock_ms
            if clock_ms is not None:
                for trace_id, spans, chunk in record.traces:
                    self._add(offset, trace_id, spans, chunk, clock_ms)
                for trace_id, _, _ in record.traces:  # not before: a record is of a closed trace as a whole
                    trace = self._open.get(trace_id)
                    if trace is not None and trace.spans >= self.rules.max_trace_spans:
                        closings.append(self._close(offset, trace_id, "oversized"))
        while self.bytes > self.rules.buffer_bytes and self._open:
            closings.append(self._close(offset, next(iter(self._open)), "memory"))
        closings += self._close_due(offset)
        self.position = offset + 1
        if isinstance(record, Tick) or offset % _STALE == 0:
            self._forget()
        if len(self._due) > 2 * len(self._open) + _STALE:
            self._due = [(trace.due_ms, trace_id) for trace_id, trace in self._open.items()]
            heapq.heapify(self._due)
        return closings

    def pass_over(self, offset: int) -> None:
        """The record at ``offset`` holds nothing that can be used."""
        self.position = offset + 1

    def replay(self, offset: int, record: SpanBatch | Tick) -> None:
        """Take the record at ``offset`` again after a restart: only what is still open comes back."""
        if isinstance(record, Tick):
            return
        clock_ms = self.memory.exceptions.get(offset, record.clock_ms)
        if clock_ms is None:
            return
        for trace_id, spans, chunk in record.traces:
            closed_at = self.memory.closed.closed_at(fingerprint(trace_id))
            if closed_at is None or closed_at < offset:
                self._add(offset, trace_id, spans, chunk, clock_ms)

    def _add(self, offset: int, trace_id: str, spans: int, chunk: msgspec.Raw, clock_ms: int) -> None:
        found = self._open.get(trace_id)
        if found is None:
            trace = fingerprint(trace_id)
            late = trace in self.memory.late or self.memory.closed.closed_at(trace) is not None
            if late:
                self.memory.late.add(trace)
            found = self._open[trace_id] = _OpenTrace(offset, clock_ms, clock_ms, late, trace)
            found.due_ms = clock_ms + min(self.rules.wait_ms, self.rules.max_trace_ms)
            heapq.heappush(self._due, (found.due_ms, trace_id))
            self.bytes += TRACE_BYTES
        size = len(chunk) + CHUNK_BYTES
        found.chunks.append(chunk.copy())  # without the copy the whole record would stay
        found.spans += spans
        found.size += size
        found.last_ms = max(found.last_ms, clock_ms)
        if found.incomplete:
            found.incomplete = False
            self._wait(trace_id, found, min(found.last_ms + self.rules.wait_ms, self._ends_ms(found)))
        self.bytes += size
        self.spans += spans

    def _close_due(self, offset: int) -> list[Closing]:
        watermark_ms = self.memory.clocks.watermark_ms
        due: dict[str, _OpenTrace] = {}
        while self._due and self._due[0][0] <= watermark_ms:
            due_ms, trace_id = heapq.heappop(self._due)
            trace = self._open.get(trace_id)
            if trace is not None and trace.due_ms == due_ms:
                due[trace_id] = trace
        closings: list[Closing] = []
        # The heap's order will not do: after a restart a trace may be due earlier than it was before.
        for trace_id, trace in sorted(due.items(), key=lambda item: (item[1].first_offset, item[0])):
            closing = self._judge(trace_id, trace, watermark_ms)
            if closing is not None:
                closings.append(closing)
                self._remove(offset, closing)
        return closings

    def _judge(self, trace_id: str, trace: _OpenTrace, watermark_ms: float) -> Closing | None:
        quiet_ms, ends_ms = trace.last_ms + self.rules.wait_ms, self._ends_ms(trace)
        if watermark_ms < min(quiet_ms, ends_ms):
            self._wait(trace_id, trace, min(quiet_ms, ends_ms))
            return None
        closing = self._assemble(trace_id, trace, "complete" if quiet_ms <= ends_ms else "endless")
        if closing.reason == "complete" and closing.assembled.orphans:
            given_up_ms = max(quiet_ms, trace.last_ms + self.rules.incomplete_wait_ms)
            if watermark_ms < min(given_up_ms, ends_ms):
                trace.incomplete = True
                self._wait(trace_id, trace, min(given_up_ms, ends_ms))
                return None
            closing.reason = "incomplete" if given_up_ms <= ends_ms else "endless"
        return closing

    def _ends_ms(self, trace: _OpenTrace) -> int:
        return trace.first_ms + self.rules.max_trace_ms

    def _wait(self, trace_id: str, trace: _OpenTrace, due_ms: int) -> None:
        trace.due_ms = due_ms
        heapq.heappush(self._due, (due_ms, trace_id))

    def _close(self, offset: int, trace_id: str, reason: CloseReason) -> Closing:
        closing = self._assemble(trace_id, self._open[trace_id], reason)
        self._remove(offset, closing)
        return closing

    def _assemble(self, trace_id: str, trace: _OpenTrace, reason: CloseReason) -> Closing:
        chunks = _readable(trace.chunks)
        closing = Closing(trace_id, reason, trace.late, trace.spans, Assembled([], 0))
        closing.unreadable = len(trace.chunks) - len(chunks)
        try:
            closing.assembled = assemble(trace_id, chunks, trace.late)
            closing.marks = marks_of(closing.assembled.spans, [one for chunk in chunks for one in chunk.executions])
            if trace.late:
                self._leave_out_known(trace, closing.assembled)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one trace, the others are closed)
            if not isinstance(error, InvalidExecutionError):
                log.warning("trace_failed", trace=trace_id, cause=repr(error))
                closing.why = f"{type(error).__name__}: {error}"[:_LONGEST_CAUSE]
            closing.cyclic = chunks
        return closing

    def _leave_out_known(self, trace: _OpenTrace, made: Assembled) -> None:
        """What comes again of a trace that was closed counts once."""
        known = self.memory.closed.marks_of(trace.trace)
        new = without_known(made.executions, known)
        made.repeated += sum(1 + len(one.segments) for one in made.executions)
        made.repeated -= sum(1 + len(one.segments) for one in new)
        made.executions = new

    def _remove(self, offset: int, closing: Closing) -> None:
        trace = self._open.pop(closing.trace_id)
        self.bytes -= trace.size
        self.spans -= trace.spans
        self.memory.late.discard(trace.trace)
        watermark_ms = self.memory.clocks.watermark_ms
        self.memory.closed.add(trace.trace, offset, int(max(watermark_ms, 0)), closing.marks)

    def _forget(self) -> None:
        low, memory = self.low, self.memory
        memory.closed.forget(low, memory.clocks.watermark_ms - self.rules.memory_ms, memory.late)
        for offset in list(takewhile(lambda offset: offset < low, memory.exceptions)):
            del memory.exceptions[offset]


def _readable(pieces: list[msgspec.Raw]) -> list[TraceChunk]:
    chunks: list[TraceChunk] = []
    for piece in pieces:
        with suppress(ValueError, RecursionError):  # the caller counts what is missing
            chunks.append(_decode_chunk(piece))
    return chunks


def executions_in_order(closings: list[Closing]) -> list[Execution]:
    """The executions of several traces by start, trace and span id: what one record led to."""
    found = [execution for closing in closings for execution in closing.assembled.executions]
    found.sort(key=lambda execution: (execution.started_s, execution.trace_id, execution.span_id))
    return found
