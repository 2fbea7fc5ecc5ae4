"""The agent that reads log events: their topic in, executions of the kind ``log`` out, templates kept on the way."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from faust.types import TP

from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.delivery.letters import failure_letter, rejection_letter
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.logs.metrics import LogMetrics
from tracehound.streams.intake.logs.partition_logs import LogRules, PartitionLogs
from tracehound.streams.kafka.extent import Extent
from tracehound.streams.kafka.record_time import judged_at_s
from tracehound.streams.kafka.runs.run import Run, RunListener
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.states.placed_states import PlacedState

_RECORDS_BETWEEN_YIELDS = 50

log = structlog.get_logger(__name__)


async def mine_logs(runs: AsyncIterable[Run], mining: "Mining") -> None:
    """Agent. Input: log events, keyed by application. Outputs: executions, dead letters.

    At least once, each execution with an origin that scoring takes once. Templates are saved after the broker
    acknowledged all that they led to, and runs are acknowledged after that.
    """
    async for run in runs:
        await mining.take(run)


@dataclass(slots=True)
class _Owned:
    """One owned partition: its logs once they are loaded, the next offset, and runs that are not saved yet."""

    number: int
    logs: PartitionLogs | None = None
    next: int = 0
    saved: int = -1
    extent: Extent = field(default_factory=Extent)
    held: deque[Run] = field(default_factory=deque)
    saving: asyncio.Lock = field(default_factory=asyncio.Lock)
    lost: bool = False


class Mining(RunListener):
    """Reads the runs of all owned partitions, and keeps what has been learned of templates in each.

    Parameters:
        rules, limits: how log events are read.
        generation: of the consumer group, asked when templates are saved.
        spawn: lets something be done beside reading, which it must not hold up.
        progressed: called when a run was dealt with.
        clock: wall time in epoch seconds; the time of records that have none.
    """

    def __init__(
        self,
        rules: LogRules,
        limits: Limits,
        emitter: Emitter,
        states: CheckpointLog[PlacedState],
        delivery: Delivery,
        metrics: LogMetrics,
        generation: Callable[[], int],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        progressed: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules, self._limits = rules, limits
        self._emitter, self._states, self._delivery = emitter, states, delivery
        self._metrics, self._generation, self._spawn = metrics, generation, spawn
        self._progressed, self._clock = progressed, clock
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

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at these committed offsets, and only now is it known of which topic they are.

        So what was saved is looked for now. Also where one lies above what was read here: another worker went on
        meanwhile.
        """
        stale = []
        for (_, number), offset in committed.items():
            owned = self._owned.get(number)
            if owned is None:
                continue
            owned.held.clear()
            if owned.logs is None or (offset or 0) > owned.next:
                owned.lost = True
                self._owned[number] = _Owned(number)
                stale.append(number)
        self._load_soon(stale)

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """Where the partition begins again, its templates are loaded anew, and their position believed within that.

        Also where nothing had been read of it: origins are of the topic that there is now.
        """
        owned = self._owned.get(tp.partition)
        if owned is not None and resumed_at <= wanted:
            owned.lost = True
            self._owned[tp.partition] = _Owned(tp.partition)
            self._load_soon([tp.partition])

    def _load_soon(self, numbers: Collection[int]) -> None:
        if numbers:
            self._spawn(self._load(numbers))

    async def _load(self, numbers: Iterable[int]) -> None:
        """Look for what was saved of these partitions; their runs wait until then."""
        waiting = {number: self._owned[number] for number in numbers if number in self._owned}
        if not waiting:
            return
        loaded, extent = await self._states.load(waiting)
        for number, owned in waiting.items():
            if not owned.lost and owned.logs is None:
                owned.extent = extent
                self._restore(owned, loaded.get(number))

    def _restore(self, owned: _Owned, state: PlacedState | None) -> None:
        logs = None
        if state is not None:
            position = owned.extent.within(owned.number, state.position) if owned.extent.is_of(state.topic_id) else 0
            try:
                logs = PartitionLogs.restore(state.snapshot, self._rules, self._limits)
                owned.next = owned.saved = position
            except SnapshotError as error:
                log.error("templates_unreadable", partition=owned.number, sentence=str(error))
        owned.logs = logs or PartitionLogs(self._rules, self._limits)

    async def finish_runs(self) -> None:
        """Save the templates of every partition, and acknowledge the runs that they know."""
        await self.save()

    # --- the work

    async def take(self, run: Run) -> None:
        """Read a run and hand what it leads to over to the delivery. Waits while too much is in flight."""
        loaded = await run.once(lambda: self._loaded(run.tp.partition))
        if loaded is None:
            return
        owned, logs = loaded
        async with self._resting:
            if run.outstanding and not owned.lost:
                await self._take(run, owned, logs)

    def _loaded(self, number: int) -> tuple[_Owned, PartitionLogs] | None:
        owned = self._owned.get(number)
        return None if owned is None or owned.logs is None else (owned, owned.logs)

    async def _take(self, run: Run, owned: _Owned, logs: PartitionLogs) -> None:
        parcel = Parcel(run.tp)
        begun = time.perf_counter()
        now_s = self._clock()
        for index, record in enumerate(run.records):
            if record.offset < owned.next:
                continue
            place = f"{owned.extent.topic_id}/{owned.number}/{record.offset}"
            try:
                read = logs.take(record.value, judged_at_s(record, now_s), place)
                made = self._emitter.records(owned.number, record.offset, read.executions, owned.extent.topic_id)
            except Exception as error:  # noqa: BLE001 (whatever it is, the records behind this one must be read)
                parcel.dead_letters.append(failure_letter(record, record.value, "logs", error))
                continue
            parcel.forwards += made
            parcel.dead_letters += [rejection_letter(record, refused) for refused in read.rejected]
            self._metrics.events.inc(len(read.executions))
            self._metrics.repeated.inc(read.repeated)
            if index % _RECORDS_BETWEEN_YIELDS == _RECORDS_BETWEEN_YIELDS - 1:
                await asyncio.sleep(0)
        owned.next = max(owned.next, run.end)
        self._metrics.seconds.observe(time.perf_counter() - begun)
        run.release()
        owned.held.append(run)
        parcel.when_safe = self._progressed
        await self._delivery.send(parcel)

    # --- saving

    async def save(self) -> None:
        """Save the templates of every owned partition that read anything, then acknowledge the runs that they know."""
        await asyncio.gather(*map(self._save, list(self._owned.values())))

    async def _save(self, owned: _Owned) -> None:
        async with owned.saving:
            async with self._resting:  # all that was read has been handed over
                if owned.lost or owned.logs is None or not owned.held:
                    return
                state = PlacedState(owned.next, owned.logs.snapshot(), owned.extent.topic_id)
                held = list(owned.held)
            if not await self._delivery.settled() or owned.lost:
                return
            if state.position > owned.saved:
                self._metrics.state_bytes.inc(await self._states.save(owned.number, self._generation(), state))
                owned.saved = state.position
            for run in held:
                run.ack()
                if owned.held and owned.held[0] is run:
                    owned.held.popleft()

    # --- what others ask

    def templates(self) -> int:
        """How many templates are kept."""
        return sum(owned.logs.templates for owned in self._owned.values() if owned.logs is not None)
