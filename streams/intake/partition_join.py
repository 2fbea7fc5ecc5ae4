"""The join of one partition of the spans topic: records in, executions and call counts out, and its checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

import msgspec

from tracehound.schemas.call_graph import CallGraph
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.join_checkpoint import JoinCheckpoint
from tracehound.schemas.spans import SpanBatch, Tick
from tracehound.streams.intake.call_counter import CallCounter
from tracehound.streams.intake.closed_traces import ClosedTraces
from tracehound.streams.intake.closing import Closing, Told, in_order
from tracehound.streams.intake.columned.traces import ColumnedTraces
from tracehound.streams.intake.columned.whole_traces import assembled
from tracehound.streams.intake.join_memory import JoinMemory
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.peer_names import PeerNames
from tracehound.streams.intake.sent_messages import SentMessages
from tracehound.streams.intake.source_clocks import BEGINNING, Source, SourceClocks
from tracehound.streams.intake.trace_buffer import TraceBuffer
from tracehound.streams.kafka.extent import Extent

_UNKNOWN = Extent()
_decode = msgspec.msgpack.Decoder(SpanBatch | Tick).decode


@dataclass(slots=True)
class Joined:
    """What one record led to: the traces it closed, their executions by start, and calls to be told."""

    closings: list[Closing] = field(default_factory=list)
    executions: list[Told] = field(default_factory=list)
    graphs: list[CallGraph] = field(default_factory=list)


class PartitionJoin:
    """Takes the records of one partition in order; all that it emits follows from that order.

    Parameters:
        partition: number of the partition.
        rules: when traces are closed.
        call_interval_ms: time between tellings of the call graph.
        checkpoint: where to go on; None at the beginning of the topic, or where nothing was kept.
        begin: without a checkpoint the offset to begin at.
        extent: of the spans topic. A checkpoint of another topic, or of a position beyond the end, is not believed:
            all that is there would be taken for known.
        limits: what workers take of an execution; without them all traces are joined as objects, and none in columns.

    Raises:
        ValueError: the checkpoint's columns do not fit together, or it is not of this topic.
    """

    def __init__(
        self,
        partition: int,
        rules: JoinRules,
        call_interval_ms: int,
        checkpoint: JoinCheckpoint | None = None,
        begin: int = 0,
        extent: Extent = _UNKNOWN,
        limits: Limits | None = None,
    ) -> None:
        self.partition = partition
        self._topic_id = extent.topic_id
        if checkpoint is not None:
            _check_within(extent, partition, checkpoint)
        self.restored_low = begin if checkpoint is None else checkpoint.low
        if checkpoint is None:
            self._calls = CallCounter(call_interval_ms)
            self._peers = PeerNames()
        else:
            self._calls = CallCounter(call_interval_ms, checkpoint.calls_told_ms)
            self._calls.restore(checkpoint.calls)
            self._peers = PeerNames(checkpoint.peers)
        self._columned = None if limits is None else ColumnedTraces(self._peers, self._calls, limits)
        position, memory = begin, None
        if checkpoint is not None:
            position, memory = checkpoint.position, _memory(rules, checkpoint)
        self.buffer = TraceBuffer(rules, position, memory, self._columned)
        self._next = self.restored_low

    def take(self, offset: int, value: bytes | None) -> Joined | None:
        """Take the record at ``offset``. One that was taken before only brings back what is still open.

        Returns:
            What it led to; None for one from before.

        Raises:
            ValueError: the record is not one of the spans topic (``msgspec.DecodeError`` is one); it is passed over.
        """
        if offset < self._next:
            return None
        self._next = offset + 1
        is_new = offset >= self.buffer.position
        try:
            record = _decode(value or b"")
        except (ValueError, RecursionError) as error:  # (text that is no UTF-8 is no DecodeError)
            if is_new:
                self.buffer.pass_over(offset)
                raise ValueError(f"A record of the spans topic must be a SpanBatch or Tick: {error}.") from error
            return None
        if not is_new:
            self.buffer.replay(offset, record)
            return None
        joined = Joined(self.buffer.take(offset, record))
        if joined.closings:
            joined.executions = in_order(self._executions(joined.closings))
        watermark_ms = self.buffer.memory.clocks.watermark_ms
        if self._calls.due(watermark_ms):
            joined.graphs = self._calls.tell(f"{self.partition}/{offset}", watermark_ms)
        return joined

    def _executions(self, closings: Sequence[Closing]) -> list[Told]:
        """All executions that traces led to; whom they called is named, and their calls are counted."""
        told: list[Told] = []
        at = 0
        while at < len(closings):
            closing = closings[at]
            at += 1
            if closing.column < 0 or self._columned is None:
                told += self._named_and_counted(closing)
                continue
            first = last = closing.column
            while at < len(closings) and closings[at].column >= 0:
                last = closings[at].column
                at += 1
            while first <= last:
                first, written = self._columned.write(first, last + 1)
                told += written
                if first <= last:  # something new is to be learned of it, or it is too large
                    closing = next(one for one in closings if one.column == first)
                    closing.assembled = assembled(closing, self.buffer.memory.sent.sent_at)
                    closing.written = closing.clipped_there = 0
                    told += self._named_and_counted(closing)
                    first += 1
        return told

    def _named_and_counted(self, closing: Closing) -> Sequence[Execution]:
        self._peers.name(closing.assembled.executions, closing.assembled.joined)
        closing.assembled.spans = closing.assembled.joined = ()  # (they take more room than what was made)
        self._calls.count(closing.assembled.executions, closing.others)
        return closing.assembled.executions

    @property
    def next(self) -> int:
        """The offset of the next record wanted: lower than the position while a checkpoint is caught up with."""
        return self._next

    def checkpoint(self) -> JoinCheckpoint | None:
        """All that is needed to go on from here; None while the last checkpoint has not been caught up with."""
        buffer = self.buffer
        if self._next < buffer.position:
            return None
        clocks = buffer.memory.clocks
        return JoinCheckpoint(
            buffer.position,
            buffer.low,
            clocks.now_ms,
            clocks.watermark_ms if clocks.watermark_ms != BEGINNING else None,
            [(*name, one.clock_ms, one.heard_ms, one.sequence) for name, one in clocks.sources.items()],
            list(buffer.memory.exceptions.items()),
            sorted(buffer.memory.late),
            *buffer.memory.closed.pack(),
            self._calls.told_ms,
            self._calls.untold(),
            *buffer.memory.closed.pack_marks(),
            buffer.told(),
            buffer.long(),
            buffer.memory.sent.pack(),
            self._peers.packed(),
            self._topic_id,
            [one.topic_id for one in clocks.sources.values()],
        )


def _check_within(extent: Extent, partition: int, checkpoint: JoinCheckpoint) -> None:
    if not extent.is_of(checkpoint.topic_id):
        raise ValueError(
            f"The checkpoint of partition {partition} must be of the spans topic {extent.topic_id}. "
            f"Got {checkpoint.topic_id} instead: the topic was made anew"
        )
    if extent.within(partition, checkpoint.position) < checkpoint.position:
        raise ValueError(
            f"The checkpoint of partition {partition} must be of a position up to its end, {extent.ends[partition]}. "
            f"Got {checkpoint.position} instead"
        )


def _memory(rules: JoinRules, checkpoint: JoinCheckpoint) -> JoinMemory:
    clocks = SourceClocks(rules.patience_ms)
    clocks.now_ms = checkpoint.now_ms
    clocks.watermark_ms = BEGINNING if checkpoint.watermark_ms is None else checkpoint.watermark_ms
    ids = chain(checkpoint.source_ids, repeat(""))
    for (topic, partition, clock_ms, heard_ms, sequence), topic_id in zip(checkpoint.sources, ids, strict=False):
        clocks.sources[topic, partition] = Source(clock_ms, heard_ms, sequence, topic_id)
    closed = ClosedTraces.unpack(
        checkpoint.closed,
        checkpoint.closed_offsets,
        checkpoint.closed_watermarks_ms,
        checkpoint.closed_counts,
        checkpoint.closed_marks,
    )
    told = {trace: dict(marks) for trace, marks in checkpoint.told}
    sent = SentMessages.unpack(checkpoint.sent)
    return JoinMemory(clocks, closed, dict(checkpoint.exceptions), set(checkpoint.late), told, checkpoint.long, sent)
