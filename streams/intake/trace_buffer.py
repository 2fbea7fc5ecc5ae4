"""Holds the spans of each trace until nothing more is to be expected of it, and tells its executions as they settle."""

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import chain, takewhile

import msgspec
import structlog

from tracehound.schemas.errors import InvalidExecutionError
from tracehound.schemas.join_checkpoint import LongTrace
from tracehound.schemas.spans import SpanBatch, Tick
from tracehound.streams.intake.assembly.assemble import Assembled, assemble
from tracehound.streams.intake.assembly.beginnings import mark_of_execution, marks_in, marks_of, marks_together
from tracehound.streams.intake.closed_traces import fingerprint
from tracehound.streams.intake.closing import Closing
from tracehound.streams.intake.columned.traces import ColumnedTraces
from tracehound.streams.intake.columned.whole_traces import closings_of
from tracehound.streams.intake.join_memory import JoinMemory
from tracehound.streams.intake.join_rules import CloseReason, JoinRules
from tracehound.streams.intake.open_trace import CHUNK_BYTES, NOTHING, TRACE_BYTES, OpenTrace, readable, size_of
from tracehound.streams.intake.settling import OpenSpans, Read
from tracehound.streams.intake.source_clocks import SourceClocks

_LONGEST_CAUSE = 300
_STALE = 1_000
"""So many records, or entries of the heap, may be behind before what is no longer needed is forgotten."""

log = structlog.get_logger(__name__)


class TraceBuffer:
    """The open traces of one partition of the spans topic.

    Records are taken in the order of their offsets. What is told and closed, and when, follows from that order alone:
    a buffer made of ``memory`` and ``position``, to which the records from ``low`` up to ``position`` are given
    by ``replay``, goes on exactly as this one. Traces that are whole when they are due are joined in columns, if these
    are given.
    """

    def __init__(
        self,
        rules: JoinRules,
        position: int = 0,
        memory: JoinMemory | None = None,
        columned: ColumnedTraces | None = None,
    ) -> None:
        self.rules = rules
        self._columned = columned
        self.position = position
        self.memory = memory or JoinMemory(SourceClocks(rules.patience_ms))
        self._before_ms = self.memory.clocks.watermark_ms  # before the record at hand
        self.bytes = 0
        self.long_bytes = 0
        self.spans = 0
        self._open: OrderedDict[str, OpenTrace] = OrderedDict()  # whose first is found at once however many went
        self._long: OrderedDict[str, OpenTrace] = OrderedDict()
        self._due: list[tuple[int, str]] = []
        for kept in self.memory.long:
            trace = self._long[kept.trace_id] = OpenTrace.unpacked(kept, self.memory.clocks.watermark_ms)
            trace.told = self.memory.told.pop(trace.trace, NOTHING)
            self.long_bytes += trace.size
            self.spans += trace.spans
            self._wait(kept.trace_id, trace, self._next_look(trace))
        self.memory.long = []

    def __len__(self) -> int:
        return len(self._open) + len(self._long)

    @property
    def low(self) -> int:
        """The lowest offset that a restart needs: that of the first record of the oldest open trace."""
        return next((trace.first_offset for trace in self._open.values()), self.position)

    def told(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """What was told of open traces, for a checkpoint."""
        every = chain(self._open.values(), self._long.values())
        return sorted((trace.trace, sorted(trace.told.items())) for trace in every if trace.told)

    def long(self) -> list[LongTrace]:
        """The traces that are kept in checkpoints as a whole."""
        return [trace.packed(trace_id) for trace_id, trace in self._long.items()]

    def take(self, offset: int, record: SpanBatch | Tick) -> list[Closing]:
        """Take the record at ``offset``; returns the traces closed by it and what settled, in that order."""
        closings: list[Closing] = []
        self._before_ms = self.memory.clocks.watermark_ms
        if isinstance(record, Tick):
            self.memory.tick(record)
        else:
            clock_ms = self.memory.clocks.take(record.source, record.sequence, record.clock_ms, record.topic_id)
            if clock_ms != record.clock_ms:
                self.memory.exceptions[offset] = clock_ms
            if clock_ms is not None:
                is_large = False
                for trace_id, spans, chunk in record.traces:
                    is_large |= self._add(offset, trace_id, spans, chunk, clock_ms).spans >= self.rules.max_trace_spans
                if is_large:  # not before: a record is of a closed trace as a whole
                    closings += self._close_large(offset, record)
        closings += self._close_oldest(offset)
        closings += self._close_due(offset)
        self.position = offset + 1
        if isinstance(record, Tick) or offset % _STALE == 0:
            self._forget()
        if len(self._due) > 2 * len(self) + _STALE:
            every = chain(self._open.items(), self._long.items())
            self._due = [(trace.due_ms, trace_id) for trace_id, trace in every]
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
            if trace_id not in self._long and (closed_at is None or closed_at < offset):
                self._add(offset, trace_id, spans, chunk, clock_ms)

    def _find(self, trace_id: str) -> OpenTrace | None:
        return self._open.get(trace_id) or self._long.get(trace_id)

    def _add(self, offset: int, trace_id: str, spans: int, chunk: msgspec.Raw, clock_ms: int) -> OpenTrace:
        found = self._find(trace_id)
        if found is None:
            trace = fingerprint(trace_id)
            late = trace in self.memory.late or self.memory.closed.closed_at(trace) is not None
            if late:
                self.memory.late.add(trace)
            watermark_ms = self.memory.clocks.watermark_ms
            found = self._open[trace_id] = OpenTrace(offset, clock_ms, clock_ms, late, trace, watermark_ms)
            if self.memory.told:
                found.told = self.memory.told.pop(trace, NOTHING)
            self._wait(trace_id, found, clock_ms + min(self.rules.wait_ms, self.rules.max_trace_ms))
            self.bytes += TRACE_BYTES
        size = len(chunk) + CHUNK_BYTES
        found.clocks.append(clock_ms)
        found.pieces.append(chunk.copy())  # without the copy the whole record would stay
        found.spans += spans
        found.size += size
        if clock_ms > found.last_ms:
            found.last_ms = clock_ms
        if not found.changed:
            found.changed = True
            # a step that goes by with this record counts: after a restart nobody knows when the trace was looked at
            step_ms = self.rules.next_step_ms(found.first_ms, max(found.judged_ms, self._before_ms))
            self._wait(trace_id, found, min(found.due_ms, step_ms, self._next_look(found)))
        if found.long:
            self.long_bytes += size
        else:
            self.bytes += size
        self.spans += spans
        return found

    def _close_large(self, offset: int, record: SpanBatch) -> Iterable[Closing]:
        for trace_id, _, _ in record.traces:
            trace = self._find(trace_id)
            if trace is not None and trace.spans >= self.rules.max_trace_spans:
                yield self._close(offset, trace_id, trace, "oversized")

    def _close_oldest(self, offset: int) -> Iterable[Closing]:
        while self.bytes > self.rules.buffer_bytes and self._open:
            yield self._close(offset, *next(iter(self._open.items())), "memory")
        while self.long_bytes > self.rules.long_bytes and self._long:
            yield self._close(offset, *next(iter(self._long.items())), "memory")

    def _close_due(self, offset: int) -> list[Closing]:
        watermark_ms = self.memory.clocks.watermark_ms
        due: dict[str, OpenTrace] = {}
        while self._due and self._due[0][0] <= watermark_ms:
            due_ms, trace_id = heapq.heappop(self._due)
            trace = self._find(trace_id)
            if trace is not None and trace.due_ms == due_ms:
                due[trace_id] = trace
        # The heap's order will not do: after a restart a trace may be due earlier than it was before.
        looks = sorted(due.items(), key=lambda item: (item[1].first_offset, item[0]))
        joined = self._join_in_columns(looks, watermark_ms) if self._columned is not None else {}
        closings: list[Closing] = []
        for trace_id, trace in looks:
            closing = joined.get(trace_id)
            if closing is not None:
                closings.append(self._remove(offset, closing))
                continue
            closing = self._judge(offset, trace_id, trace, watermark_ms) if self._is_looked_at(trace) else None
            trace.judged_ms = watermark_ms
            if closing is not None:
                closings.append(closing)
            if closing is None or closing.reason == "running":
                self._wait(trace_id, trace, self._next_look(trace))
        return closings

    def _join_in_columns(self, looks: Sequence[tuple[str, OpenTrace]], now_ms: float) -> dict[str, Closing]:
        """Those that are due, came for the first time and as a whole, and have nothing seldom in them."""
        rules = self.rules
        whole = [
            (trace_id, trace)
            for trace_id, trace in looks
            if not (trace.late or trace.told or trace.long)
            and now_ms >= min(trace.last_ms + rules.wait_ms, trace.first_ms + rules.max_trace_ms)
            and self._is_looked_at(trace)
        ]
        if not whole or self._columned is None:
            return {}
        try:
            return closings_of(self._columned, whole, rules)
        except Exception as error:  # noqa: BLE001 (objects join them, whatever it is)
            log.warning("columns_failed", cause=repr(error))
            return {}

    def _is_looked_at(self, trace: OpenTrace) -> bool:
        """Whether since the last time one of the moments went by at which a trace is looked at.

        So that looks are the same after a restart: what is told at them depends on when they are.
        """
        before_ms, now_ms, rules = max(trace.judged_ms, self._before_ms), self.memory.clocks.watermark_ms, self.rules
        return (
            before_ms < trace.last_ms + rules.wait_ms <= now_ms
            or now_ms >= trace.first_ms + rules.max_trace_ms
            or rules.next_step_ms(trace.first_ms, before_ms) <= now_ms
        )

    def _next_look(self, trace: OpenTrace) -> int:
        now_ms, rules = self.memory.clocks.watermark_ms, self.rules
        looks = [trace.first_ms + rules.max_trace_ms]
        if trace.last_ms + rules.wait_ms > now_ms:
            looks.append(trace.last_ms + rules.wait_ms)
        if trace.changed or trace.pending:
            looks.append(rules.next_step_ms(trace.first_ms, now_ms))
        elif not trace.long:
            looks.append(rules.put_by_ms(trace.first_ms))
        return min(looks)

    def _judge(self, offset: int, trace_id: str, trace: OpenTrace, now_ms: float) -> Closing | None:
        rules = self.rules
        quiet_ms, ends_ms = trace.last_ms + rules.wait_ms, trace.first_ms + rules.max_trace_ms
        read = readable(trace.pieces)
        closing = self._assemble(trace_id, trace, "complete" if quiet_ms <= ends_ms else "endless", read)
        orphans = closing.assembled.orphans
        if closing.reason == "complete" and orphans:
            closing.reason = "incomplete"
        if now_ms >= ends_ms or (now_ms >= quiet_ms and not orphans):
            return self._remove(offset, closing)
        if closing.cyclic:
            trace.changed, trace.pending = False, False
            return self._remove(offset, closing) if now_ms >= rules.put_by_ms(trace.first_ms) else None
        return self._settle(offset, trace, closing, read, now_ms)

    def _settle(self, offset: int, trace: OpenTrace, closing: Closing, read: Read, now_ms: float) -> Closing | None:
        """Tell what has settled; what is left of a trace that goes on is put by, if there is room for it."""
        rules, made = self.rules, closing.assembled
        spans = OpenSpans(closing.trace_id, made, read, trace.clocks)
        told = spans.settled(now_ms - rules.wait_ms, now_ms - rules.incomplete_wait_ms)
        now_told = set(map(id, told))
        pending = [execution for execution in made.executions if id(execution) not in now_told]
        if trace.long or now_ms >= rules.put_by_ms(trace.first_ms):
            left, marks = spans.remainder(pending, trace.pieces, read)
            clocks = [clock_ms for clock_ms, piece in zip(trace.clocks, left, strict=True) if piece is not None]
            pieces = [piece for piece in left if piece is not None]
            size = size_of(pieces)
            if not trace.long and self.long_bytes + size > rules.long_bytes:
                closing.reason = "memory" if made.orphans == 0 else "incomplete"
                return self._remove(offset, closing)
            self._put_by(closing.trace_id, trace)
            self.long_bytes += size - trace.size
            trace.replace(clocks, pieces)
            trace.told = dict.fromkeys(marks_in(marks), 0) | dict(trace.told)
        if told:
            trace.told = dict(trace.told) | {mark_of_execution(one): len(one.segments) for one in told}
        trace.changed, trace.pending = False, bool(pending)
        others = [*closing.others, *pending]
        if not told:
            return None
        settled = Assembled(told, 0, joined=made.joined)
        return Closing(closing.trace_id, "running", trace.late, 0, settled, others=others)

    def _put_by(self, trace_id: str, trace: OpenTrace) -> None:
        if not trace.long:
            trace.long = True
            self._long[trace_id] = self._open.pop(trace_id)
            self.bytes -= trace.size
            self.long_bytes += trace.size

    def _wait(self, trace_id: str, trace: OpenTrace, due_ms: int) -> None:
        trace.due_ms = due_ms
        heapq.heappush(self._due, (due_ms, trace_id))

    def _close(self, offset: int, trace_id: str, trace: OpenTrace, reason: CloseReason) -> Closing:
        return self._remove(offset, self._assemble(trace_id, trace, reason, readable(trace.pieces)))

    def _assemble(self, trace_id: str, trace: OpenTrace, reason: CloseReason, read: Read) -> Closing:
        chunks = [chunk for chunk in read if chunk is not None]
        try:
            made = assemble(trace_id, chunks, trace.late, self.memory.sent.sent_at)
            closing = Closing(trace_id, reason, trace.late, trace.spans, made)
            closing.marks = marks_of(made.spans, made.native)
            if trace.late or trace.told:
                self._leave_out_known(trace, closing)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one trace, the others are closed)
            closing = Closing(trace_id, reason, trace.late, trace.spans, Assembled([], 0), chunks)
            if not isinstance(error, InvalidExecutionError):
                log.warning("trace_failed", trace=trace_id, cause=repr(error))
                closing.why = f"{type(error).__name__}: {error}"[:_LONGEST_CAUSE]
        closing.unreadable = len(trace.pieces) - len(chunks)
        return closing

    def _leave_out_known(self, trace: OpenTrace, closing: Closing) -> None:
        """What was told, or comes again of a trace that was closed, counts once."""
        known = set(marks_in(self.memory.closed.marks_of(trace.trace))) if trace.late else ()
        made, new, others = closing.assembled, [], []
        for execution in made.executions:
            mark = mark_of_execution(execution)
            if mark in trace.told:
                closing.outlasting += max(0, len(execution.segments) - trace.told[mark])
                others.append(execution)
            elif mark in known:
                made.repeated += 1 + len(execution.segments)
            else:
                new.append(execution)
        made.executions, closing.others = new, others

    def _remove(self, offset: int, closing: Closing) -> Closing:
        trace = self._open.pop(closing.trace_id, None)
        if trace is None:
            trace = self._long.pop(closing.trace_id)
            self.long_bytes -= trace.size
        else:
            self.bytes -= trace.size
        self.spans -= trace.spans
        self.memory.late.discard(trace.trace)
        watermark_ms = self.memory.clocks.watermark_ms
        marks = marks_together(closing.marks, trace.told) if trace.told else closing.marks
        self.memory.closed.add(trace.trace, offset, int(max(watermark_ms, 0)), marks)
        return closing

    def _forget(self) -> None:
        low, memory = self.low, self.memory
        memory.closed.forget(low, memory.clocks.watermark_ms - self.rules.memory_ms, memory.late)
        for offset in list(takewhile(lambda offset: offset < low, memory.exceptions)):
            del memory.exceptions[offset]
