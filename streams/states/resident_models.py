"""Which applications have their models in memory: fetched on first use, saved now and then, sent away when idle."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence, Set

import structlog

from tracehound.detectors.alarms import events
from tracehound.schemas.control import Control
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_event import ModelChange, ModelEvent
from tracehound.schemas.model_state import Head, ModelState
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.kafka.extent import Extent, ExtentOf
from tracehound.streams.states import forgetting
from tracehound.streams.states.believed_positions import bring_within
from tracehound.streams.states.memory_ceiling import MemoryCeiling
from tracehound.streams.states.model_metrics import ModelMetrics
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partition, Partitions, Seen
from tracehound.streams.states.scoring_core import ScoringCore
from tracehound.streams.states.settled_applications import SettledApplications
from tracehound.streams.states.state_batch import StateBatch
from tracehound.streams.states.used_models import UsedModels

_LIVE_AT_ONCE = 50
_READ_AT_ONCE = 32
_MOST_HELD = 20_000
MOST_PER_PARTITION = 20_000
_SLICE_S = 0.02

log = structlog.get_logger(__name__)


class ResidentModels:
    """Keeps the core's models and the stored states in step.

    A state is written after everything that its executions led to was acknowledged, and runs are acknowledged
    after the states of all applications in them were written. So a restart finds every application either as
    it was, or with the records still to come that it has not learned.

    Parameters:
        used: which applications are in memory.
        most: applications in memory; more are saved and sent away, the least recently used first.
        extent: asked how far each partition of executions goes, and of which topic it is: the positions of states are
            believed within that only.
        ceiling_bytes: of all models; above it applications are sent away as above ``most``, except those that the
            run at hand needs. 0: none.
        most_held: runs of a partition whose acknowledgement waits for states to be saved. With more of them scoring
            waits, too: it is the broker that does not take states, while it still gives executions.
        settled: settings that applications have of their own; None: they have none.
        most_per_partition: applications that are remembered of one partition.
    """

    def __init__(
        self,
        scorer: ScoringCore,
        used: UsedModels,
        partitions: Partitions,
        states: ModelStates,
        delivery: Delivery,
        metrics: ModelMetrics,
        most: int,
        extent: ExtentOf | None = None,
        ceiling_bytes: int = 0,
        most_held: int = _MOST_HELD,
        settled: SettledApplications | None = None,
        most_per_partition: int = MOST_PER_PARTITION,
    ) -> None:
        self._scorer = scorer
        self._used = used
        self._partitions = partitions
        self._states = states
        self._delivery = delivery
        self._metrics = metrics
        self._most = most
        self._extent = extent
        self._ceiling = MemoryCeiling(scorer, ceiling_bytes)
        self._most_held = most_held
        self._settled = settled
        self._most_per_partition = most_per_partition
        self._writing = asyncio.Lock()
        self._last_taken = -1

    async def assign(self, numbers: Iterable[int]) -> None:
        """These partitions are owned from now on, and no others."""
        gone = self._partitions.assign(numbers)
        if self._settled is not None:
            self._settled.release(gone)
        await self._states.release(gone)

    async def load_new(self) -> None:
        """Look for the stored states of partitions that have been assigned since the last call."""
        if unloaded := self._partitions.unloaded():
            await self.load(unloaded)

    async def load(self, partitions: Sequence[Partition]) -> None:
        """Look for the stored states of partitions that have just been assigned."""
        numbers = [partition.number for partition in partitions]
        if self._settled is not None:
            await self._settled.load(numbers)
        heads = await self._states.load(numbers)
        # asked after the states were read, for their partitions have grown meanwhile
        extent = await self._extent(numbers) if self._extent else Extent()
        for partition in partitions:
            if not partition.lost:
                bring_within(extent, partition, heads[partition.number])
                partition.load(heads[partition.number])
                self._doubt(partition, heads[partition.number])
        known = sum(map(len, heads.values()))
        log.info("states_found", partitions=len(partitions), applications=known)

    def _doubt(self, partition: Partition, heads: Mapping[ApplicationKey, Head]) -> None:
        """What is committed was learned and saved; a state that could not be read may be where that is."""
        committed = partition.scored_to
        for key, why in self._states.doubts(partition.number).items():
            known = heads[key].position if key in heads else 0
            if known >= committed:
                continue
            instead = "the one before it is used" if key in heads else "it starts cold"
            sentence = (
                f"A stored state of {key[0]} cannot be read, and {instead}: what it learned at offsets {known} to "
                f"{committed - 1} of partition {partition.number} may be lost. {why}"
            )
            log.error("model_state_doubtful", application=key[0], environment=key[1], sentence=sentence)
            partition.doubtful[key] = sentence

    async def fetch(
        self,
        partition: Partition,
        wanted: Iterable[ApplicationKey],
        event_s: float,
        keep: Set[ApplicationKey] = frozenset(),
    ) -> list[ModelEvent]:
        """Have the models of these applications in memory; call it between runs. ``event_s``: for what is to be told.

        Those of ``keep``, of other partitions maybe, are not sent away to make room.
        Returns what is to be told: states that could not be read, whose applications start cold or with an older one.
        """
        await self._save_what_is_held(partition)
        keys = set(wanted)
        new = keys - self._used.keys()
        await self._make_room(len(new), keys | keep)
        doubtful = sorted(new & partition.doubtful.keys())
        told = [_loss(key, partition.doubtful.pop(key), event_s) for key in doubtful]
        stored = sorted(new & partition.unrestored)
        for begin in range(0, len(stored), _READ_AT_ONCE):
            some = stored[begin : begin + _READ_AT_ONCE]
            for key, snapshot in zip(some, await self._states.snapshots(partition.number, some), strict=True):
                await asyncio.sleep(0)  # each may take a while
                if partition.lost:
                    return told
                partition.unrestored.discard(key)
                told += self._restored_or_lost(partition, key, snapshot, event_s)
        self._used.use(keys, partition)
        return told

    def _restored_or_lost(
        self, partition: Partition, key: ApplicationKey, snapshot: bytes | None, event_s: float
    ) -> list[ModelEvent]:
        told = [] if snapshot is None else self._restored(key, snapshot, event_s)
        skipped = partition.skipped(key) if told else None
        return told if skipped is None else [*told, _loss(key, skipped, event_s)]

    def _restored(self, key: ApplicationKey, snapshot: bytes, event_s: float) -> list[ModelEvent]:
        with self._metrics.restore_seconds.time():
            try:
                self._scorer.restore(snapshot, key)
                return []
            except SnapshotError as error:
                log.error("state_unreadable", application=key[0], environment=key[1], sentence=str(error))
                return [events.unreadable(key, str(error), event_s)]

    async def fetch_live(
        self, partition: Partition, live: Iterable[ApplicationKey], event_s: float
    ) -> list[ModelEvent]:
        """Have models in memory whose silence is to be judged, a few at a time and as far as there is room."""
        room = min(_LIVE_AT_ONCE, self._most - len(self._used), self._ceiling.room())
        wanted = [key for key in live if key in partition.unrestored][: max(0, room)]
        return await self.fetch(partition, wanted, event_s) if wanted else []

    async def _save_what_is_held(self, partition: Partition) -> None:
        while len(partition.held) >= self._most_held and not partition.lost:
            batches = self.take(_SLICE_S)
            if not (batches or self.saving) or not await self.write(batches):
                return

    async def _make_room(self, new: int, keep: set[ApplicationKey]) -> None:
        surplus = len(self._used) + new - self._most
        if surplus > 0:
            await self._send_away(surplus, keep)
        surplus = self._ceiling.surplus(urgent=new > 0)
        while surplus and await self._send_away(surplus, keep):
            surplus = self._ceiling.surplus(urgent=True)
        if surplus and self._used.keys() <= keep:
            self._ceiling.cannot_be_kept()

    async def _send_away(self, count: int, keep: set[ApplicationKey]) -> int:
        """Save and drop so many applications, if as many are idle; returns how many."""
        idle = self._used.idle(count, keep)
        sent_away = 0
        unsaved: dict[int, tuple[Partition, list[ApplicationKey]]] = {}
        for key, partition in idle:
            if key in partition.dirty:
                unsaved.setdefault(partition.number, (partition, []))[1].append(key)
        await self.write([self._take(partition, keys) for partition, keys in unsaved.values()])
        for key, partition in idle:
            if partition.lost or key not in self._used:  # it was taken away meanwhile
                continue
            if key not in partition.dirty and key not in partition.saving:
                self._used.forget(key)
                partition.unrestored.add(key)
                sent_away += 1
        self._metrics.applications_sent_away.inc(sent_away)
        return sent_away

    def obey(self, control: Control) -> list[ModelEvent]:
        """Do what a control record asks; returns what is to be told."""
        key = (control.application, control.environment)
        if control.verb == "reset":
            self._scorer.forget(key)
            return [events.reset(key, control.asked_at)]
        if control.verb == "refit":
            return self._scorer.refit(key, control.asked_at)
        if control.lesson is not None:
            return self._scorer.heed(key, control.lesson)
        return self._restored(key, control.snapshot, control.asked_at) or [events.imported(key, control.asked_at)]

    def retire(self, unused_since_s: float) -> int:
        """See ``forgetting.retire``."""
        return forgetting.retire(self._partitions, self._used, unused_since_s)

    def crowd_out(self, partition: Partition, now_s: float) -> None:
        """See ``forgetting.crowd_out``."""
        gone = forgetting.crowd_out(partition, self._used, self._most_per_partition, now_s)
        self._metrics.applications_crowded_out.inc(gone)

    async def save_soon(self, partition: Partition, keys: Collection[ApplicationKey], resting: asyncio.Lock) -> bool:
        """Save these applications before others. True once what they know is stored, False where it cannot be.

        ``resting`` is held by who changes models.
        """
        while not partition.lost:
            async with resting:
                free = [key for key in keys if key in partition.dirty and key not in partition.saving]
                batch = self._take(partition, free)
            if not free and not any(key in partition.saving for key in keys):
                return True
            if not await self.write([batch]):  # of others too: writes take turns
                return False
        return False

    def forget_lost(self) -> None:
        """Drop the models of all partitions that were taken away."""
        self._used.forget_lost()

    # --- saving

    @property
    def saving(self) -> bool:
        """Whether states are being written."""
        return any(partition.saving for partition in self._partitions)

    def take(self, longest_s: float, least: int = 1) -> list[StateBatch]:
        """States of applications that have learned since they were last saved.

        Of each partition those first that have waited longest, and the partitions take turns. Applications whose
        last state is still being written wait. Call it between runs. It ends after ``longest_s``, but not before
        ``least`` were taken.
        """
        begun = time.perf_counter()
        taken = 0
        batches: dict[int, StateBatch] = {}
        ordered = sorted(self._partitions, key=lambda one: (one.number <= self._last_taken, one.number))
        waiting = deque((one, deque(key for key in one.dirty if key not in one.saving)) for one in ordered)
        while waiting and (taken < least or time.perf_counter() - begun < longest_s):
            partition, keys = waiting.popleft()
            if keys:
                batch = batches.setdefault(partition.number, StateBatch(partition))
                batch += self._take(partition, [keys.popleft()])
                taken += 1
                self._last_taken = partition.number
                waiting.append((partition, keys))
        return list(batches.values())

    def _take(self, partition: Partition, keys: Sequence[ApplicationKey]) -> StateBatch:
        batch = StateBatch(partition)
        for key in keys:
            partition.saving[key] = partition.dirty.pop(key)
            seen = partition.applications.get(key) or Seen()
            origins = [(*source, number) for source, number in seen.origins.items()]
            times = (seen.newest_event_s, seen.scored_at_s)
            of_topic = (partition.topic_id, partition.epoch)
            head = Head(partition.known_to(key), origins, *times, *of_topic, seen.first_scored_at_s)
            with self._metrics.snapshot_seconds.time():
                try:
                    batch.states.append(ModelState(*key, head, self._scorer.snapshot(key)))
                except KeyError:  # it was reset, and nothing has come since
                    batch.removed.append(key)
        return batch

    async def write(self, batches: Iterable[StateBatch]) -> bool:
        """Write states that were taken, once all that they rest on is safe, and acknowledge what that allows.

        Writes take turns, so this returns after those before it too. False: something was not delivered, so that
        nothing may be saved any more.
        """
        rest = deque(batches)
        try:
            async with self._writing:
                while rest:
                    if not await self._write(rest[0]):
                        return False
                    rest.popleft()
                return True
        finally:
            for batch in rest:
                self._put_back(batch)

    async def _write(self, batch: StateBatch) -> bool:
        partition = batch.partition
        if not await self._delivery.settled():
            return False
        if partition.lost:
            return True
        self._metrics.state_bytes_written.inc(await self._states.save(partition.number, batch.states))
        self._metrics.states_written.inc(len(batch.states))
        await self._states.remove(partition.number, batch.removed)
        for key in batch.keys:
            partition.saving.pop(key, None)
        partition.acknowledge()
        return True

    @staticmethod
    def _put_back(batch: StateBatch) -> None:
        """What could not be written is as unsaved as before."""
        partition = batch.partition
        for key in batch.keys:
            since = partition.saving.pop(key, None)
            if since is not None:
                partition.dirty[key] = min(since, partition.dirty.get(key, since))
        partition.dirty = OrderedDict(sorted(partition.dirty.items(), key=lambda entry: entry[1]))


def _loss(key: ApplicationKey, sentence: str, event_s: float) -> ModelEvent:
    change = ModelChange(*key, "", "all", "loss", learned=0, needed=0, sentence=sentence)
    return events.model_event(event_s, change, sentence)
