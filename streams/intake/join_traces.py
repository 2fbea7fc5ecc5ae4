"""The agent that joins: runs of the spans topic in, executions and the call graph out, checkpoints on the way."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from faust.types import TP

from tracehound.schemas.codec import encode
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.join_checkpoint import JoinCheckpoint
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import failure_letter, letter_of
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.metrics import IntakeMetrics
from tracehound.streams.intake.partition_join import Joined, PartitionJoin
from tracehound.streams.kafka.extent import Extent
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.states.checkpoint_log import CheckpointLog

_RECORDS_BETWEEN_YIELDS = 50

log = structlog.get_logger(__name__)


async def join_traces(runs: AsyncIterable[Run], joining: "Joining") -> None:
    """Agent. Input: spans topic, keyed by trace id. Outputs: executions, call graph, dead letters.

    At least once, each execution with an origin that scoring takes once. State is saved in checkpoints, after
    the broker acknowledged all that it led to; a run is acknowledged when a checkpoint no longer needs it.
    """
    async for run in runs:
        await joining.take(run)


@dataclass(slots=True)
class _Owned:
    """One owned partition. ``loaded`` once its checkpoint was looked for; ``join`` is made for its first run."""

    number: int
    loaded: bool = False
    extent: Extent = field(default_factory=Extent)
    kept: JoinCheckpoint | None = None
    join: PartitionJoin | None = None
    held: deque[Run] = field(default_factory=deque)
    sought: int = -1
    saved: int = -1
    saving: asyncio.Lock = field(default_factory=asyncio.Lock)
    lost: bool = False


class Joining(RunListener):
    """Joins the runs of all owned partitions, and keeps a checkpoint of each.

    Parameters:
        seek: lets the consumer go back to an offset.
        generation: of the consumer group, asked when a checkpoint is written.
        spawn: lets something be done beside reading, which it must not hold up.
        progressed: called when a run was dealt with.
    """

    def __init__(
        self,
        rules: JoinRules,
        call_interval_ms: int,
        emitter: Emitter,
        log_of_checkpoints: CheckpointLog[JoinCheckpoint],
        delivery: Delivery,
        topics: Topics,
        metrics: IntakeMetrics,
        seek: Callable[[TP, int], Awaitable[None]],
        generation: Callable[[], int],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        progressed: Callable[[], None],
    ) -> None:
        self._rules = rules
        self._call_interval_ms = call_interval_ms
        self._emitter = emitter
        self._checkpoints = log_of_checkpoints
        self._delivery = delivery
        self._topics = topics
        self._metrics = metrics
        self._seek = seek
        self._generation = generation
        self._spawn = spawn
        self._progressed = progressed
        self._owned: dict[int, _Owned] = {}
        self._resting = asyncio.Lock()

    # --- told by the consumer (``RunListener``)

    async def assigned(self, partitions: Collection[TP]) -> None:
        """These partitions are owned from now on, and no others."""
        wanted = {tp.partition for tp in partitions}
        for number in [number for number in self._owned if number not in wanted]:
            self._owned.pop(number).lost = True
        for number in wanted - self._owned.keys():
            self._owned[number] = _Owned(number)

    def _load_soon(self, numbers: Collection[int]) -> None:
        if numbers:
            self._spawn(self._load(numbers))

    async def _load(self, numbers: Iterable[int]) -> None:
        """Read the checkpoints of these partitions; their runs wait until then."""
        waiting = {number: self._owned[number] for number in numbers if number in self._owned}
        if not waiting:
            return
        loaded, extent = await self._checkpoints.load(waiting)
        for number, owned in waiting.items():
            if not owned.lost and not owned.loaded:
                owned.kept, owned.extent, owned.loaded = loaded.get(number), extent, True

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at these committed offsets, and only now is it known of which topic they are.

        So checkpoints are looked for now. Also where one lies above what was joined here: another worker went on
        meanwhile.
        """
        stale = []
        for (_, number), offset in committed.items():
            owned = self._owned.get(number)
            if owned is None:
                continue
            owned.held.clear()
            owned.sought = -1
            if owned.join is None or (offset or 0) > owned.join.next:
                owned.lost = True
                self._owned[number] = _Owned(number)
                stale.append(number)
        self._load_soon(stale)

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """Where the partition begins again, its checkpoint is loaded anew, and believed within that.

        Also where nothing had been read of it: origins are of the topic that there is now.
        """
        owned = self._owned.get(tp.partition)
        if owned is not None and resumed_at <= wanted:
            owned.lost = True
            self._owned[tp.partition] = _Owned(tp.partition)
            self._load_soon([tp.partition])

    async def finish_runs(self) -> None:
        """Finish the run at hand, and save where every partition has got to."""
        await self.checkpoint()

    # --- the work

    async def take(self, run: Run) -> None:
        """Join a run and hand what it leads to over to the delivery. Waits while too much is in flight."""
        owned = await run.once(lambda: self._loaded(run.tp.partition))
        if owned is None:
            return
        async with self._resting:
            if owned.lost or not run.outstanding:
                return
            join = owned.join = owned.join or self._restored(owned, run.start)
            if run.start > join.next and owned.sought != join.next:
                owned.sought = join.next  # what was committed lies beyond what the checkpoint needs
                await self._seek(run.tp, join.next)
                return
            await self._take(run, owned, join)

    def _loaded(self, number: int) -> _Owned | None:
        owned = self._owned.get(number)
        return owned if owned is not None and owned.loaded else None

    async def _take(self, run: Run, owned: _Owned, join: PartitionJoin) -> None:
        parcel = Parcel(run.tp.partition)
        seconds, begun = 0.0, time.perf_counter()
        for index, record in enumerate(run.records):
            try:
                joined = join.take(record.offset, record.value)
            except ValueError as error:
                parcel.dead_letters.append(letter_of(record, record.value, "join", "InvalidSpanBatch", str(error)))
                continue
            except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be read)
                parcel.dead_letters.append(failure_letter(record, record.value, "join", error))
                continue
            if joined is not None and (joined.closings or joined.graphs):
                self._enclose(owned, record.offset, joined, parcel)
            if index % _RECORDS_BETWEEN_YIELDS == _RECORDS_BETWEEN_YIELDS - 1:
                seconds += time.perf_counter() - begun
                await asyncio.sleep(0)
                begun = time.perf_counter()
        self._metrics.join_seconds.observe(seconds + time.perf_counter() - begun)
        self._metrics.records.labels(topic=run.tp.topic).inc(len(run.records))
        run.release()
        owned.held.append(run)
        self._progressed()
        await self._delivery.send(parcel)

    def _enclose(self, owned: _Owned, offset: int, joined: Joined, parcel: Parcel) -> None:
        partition = owned.number
        self._metrics.count_closings(joined.closings)
        parcel.forwards += self._emitter.records(partition, offset, joined.executions, owned.extent.topic_id)
        topic = self._topics.call_graph.name
        parcel.outgoing += [Outgoing(topic, graph.application.encode(), encode(graph)) for graph in joined.graphs]
        for closing in joined.closings:
            if closing.cyclic:
                why = closing.why or "its spans must not be each other's ancestors"
                parcel.dead_letters.append(self._cyclic(partition, offset, closing.trace_id, closing.cyclic, why))

    def _cyclic(self, partition: int, offset: int, trace_id: str, chunks: object, why: str) -> DeadLetter:
        return DeadLetter(
            value=msgspec.json.encode(chunks),
            key=trace_id.encode(),
            topic=self._topics.spans.name,
            partition=partition,
            offset=offset,
            timestamp_ms=0,
            stage="join",
            error="CyclicTrace",
            reason=f"The trace {trace_id!r} cannot be put together: {why}.",
        )

    # --- checkpoints

    async def checkpoint(self) -> None:
        """Save where every owned partition has got to, then acknowledge the runs that are no longer needed."""
        await asyncio.gather(*map(self._save, list(self._owned.values())))

    async def _save(self, owned: _Owned) -> None:
        async with owned.saving:
            begun = time.perf_counter()
            async with self._resting:  # all that was joined has been handed over
                state = owned.join.checkpoint() if owned.join is not None and not owned.lost else None
                runs = len(owned.held)
            if state is None or (state.position == owned.saved and not runs):
                return
            if not await self._delivery.settled() or owned.lost:
                return
            if state.position != owned.saved:
                size = await self._checkpoints.save(owned.number, self._generation(), state)
                owned.saved = state.position
                self._metrics.checkpoints.inc()
                self._metrics.checkpoint_bytes.inc(size)
                self._metrics.checkpoint_seconds.observe(time.perf_counter() - begun)
            while owned.held and owned.held[0].end <= state.low:
                owned.held.popleft().ack()

    # --- what others ask

    def buffered(self) -> tuple[int, int, int]:
        """Open traces, their spans and their bytes."""
        buffers = [owned.join.buffer for owned in self._owned.values() if owned.join is not None]
        return (
            sum(map(len, buffers)),
            sum(buffer.spans for buffer in buffers),
            sum(buffer.bytes + buffer.long_bytes for buffer in buffers),
        )

    def watermarks_ms(self) -> dict[int, float]:
        """The watermark of each owned partition, epoch milliseconds."""
        joins = [owned.join for owned in self._owned.values() if owned.join is not None]
        return {join.partition: join.buffer.memory.clocks.watermark_ms for join in joins}

    def _restored(self, owned: _Owned, start: int) -> PartitionJoin:
        kept, owned.kept = owned.kept, None
        if kept is not None:
            try:
                return self._joining(owned, kept)
            except ValueError as error:
                log.error("checkpoint_refused", partition=owned.number, sentence=f"A checkpoint is unusable: {error}.")
        if start > 0:
            log.warning(
                "join_begins_anew",
                partition=owned.number,
                sentence=f"There is no checkpoint of partition {owned.number}, so joining begins at offset {start}; "
                "traces that were open there may come in two parts.",
            )
        return self._joining(owned, begin=start)

    def _joining(self, owned: _Owned, kept: JoinCheckpoint | None = None, begin: int = 0) -> PartitionJoin:
        rules, interval_ms, limits = self._rules, self._call_interval_ms, self._emitter.limits
        return PartitionJoin(owned.number, rules, interval_ms, kept, begin, owned.extent, limits)
