"""Reads incidents from Kafka and hands them to the receivers' queues; commits what was told or given up."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from tracehound.schemas.dead_letter import DeadLetter
from tracehound.streams.notify.delivery_queue import DeliveryQueue, QueuedNotice
from tracehound.streams.notify.metrics import NotifyMetrics
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.offsets import Commit, Debts, read_commit
from tracehound.streams.notify.partition import DEAD_LETTERS, IncidentPartition
from tracehound.streams.notify.routing import Routes

_POLL_MS = 500
_RECORDS_PER_POLL = 100
_RETRY_S = 1.0

log = structlog.get_logger(__name__)


async def _unknown() -> str:
    return ""


class Notifier(ConsumerRebalanceListener):
    """Reads as a member of a consumer group, and delivers at least once.

    Input: incidents, keyed by incident. Output: messages to receivers, and dead letters. An offset is committed once
    every message of the records before it was taken or is a dead letter; what is not yet done of later ones is named
    beside it, so that a restart repeats only what was under way; and so is the topic's id, so that it counts for no
    topic that was made anew.

    Parameters:
        consumer: an ``AIOKafkaConsumer`` of a group that commits nothing by itself.
        queues: by receiver's name.
        bury: sends a dead letter; returns once it is safe.
        remember_s: how far back is read to know what is open; infinite: everything.
        finish_timeout_s: how long attempts that are under way may take when partitions are taken away.
        fail: called with an error that no retry can mend.
        clock: wall time in epoch seconds.
        topic_id: asked for the id of the topic of incidents; empty where nobody knows.
    """

    def __init__(
        self,
        consumer: Any,
        routes: Routes,
        queues: Mapping[str, DeliveryQueue],
        bury: Callable[[DeadLetter], Awaitable[None]],
        metrics: NotifyMetrics,
        remember_s: float,
        commit_interval_s: float,
        finish_timeout_s: float,
        fail: Callable[[BaseException], None],
        clock: Callable[[], float] = time.time,
        topic_id: Callable[[], Awaitable[str]] = _unknown,
    ) -> None:
        self._consumer = consumer
        self._routes = routes
        self._queues = queues
        self._bury = bury
        self._metrics = metrics
        self._remember_s = remember_s
        self._commit_interval_s = commit_interval_s
        self._finish_timeout_s = finish_timeout_s
        self._fail = fail
        self._clock = clock
        self._topic_id = topic_id
        self._topic = ""
        self._began_with = ""
        self._assigned: set[TopicPartition] | None = None
        self._partitions: dict[TopicPartition, IncidentPartition] = {}
        self._behind: set[TopicPartition] = set()
        self._committed: dict[TopicPartition, Commit] = {}
        self._committing = asyncio.Lock()  # one that outlives a rebalance would go back behind the next owner's
        self._burials: set[asyncio.Future[None]] = set()
        self._next_commit_s = 0.0
        self._last_read_s = time.monotonic()
        self._held_up = False

    async def run(self, stop: asyncio.Event) -> None:
        """Read until ``stop`` is set, then finish what is under way and commit."""
        await self._made_anew()  # whichever topic it is now: partitions of it may come much later
        while not stop.is_set():
            await self._prepare()
            self._hold_up()
            read = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS_PER_POLL)
            for tp, records in read.items():
                for record in records:
                    self._take(tp, record)
            self._release()
            if time.monotonic() >= self._next_commit_s:
                await self._commit(list(self._partitions))
                self._next_commit_s = time.monotonic() + self._commit_interval_s
        await self._leave(list(self._partitions))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish what is under way and commit, before others take over."""
        await self._leave(list(revoked))
        self._assigned = None

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing is read of these before it is known what is owed of them."""
        self._assigned = set(assigned)
        self._consumer.pause(*self._assigned)

    def partitions(self) -> list[int] | None:
        """See ``health.Vitals``."""
        if self._assigned is None or self._assigned - self._partitions.keys():
            return None
        return sorted(tp.partition for tp in self._partitions)

    def waiting(self) -> int:
        """See ``health.Vitals``: records that wait to be read."""
        return sum(
            max(0, int(self._consumer.highwater(tp) or 0) - partition.position)
            for tp, partition in list(self._partitions.items())
            if tp in self._consumer.assignment()
        )

    def last_progress(self) -> float:
        """See ``health.Vitals``: when a record was last read, or taken by a receiver."""
        return max((self._last_read_s, *(queue.last_taken_s for queue in self._queues.values())))

    def unheard_s(self) -> float:
        """See ``health.Vitals``: not watched here; what is not read is read by whoever the group gives it to next."""
        return 0.0

    async def _prepare(self) -> None:
        assigned = self._assigned
        for tp in sorted((assigned or set()) - self._partitions.keys()):
            try:
                partition, is_known = await self._find_debts(tp)
                if not is_known and self._assigned is assigned:
                    await self._begin(tp, partition.commit())
                if self._assigned is not assigned:  # it was taken away meanwhile, and has maybe come back, paused
                    return
                self._consumer.seek(tp, partition.position)
                self._consumer.resume(tp)
            except IllegalStateError:  # it was taken away meanwhile
                return
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("partition_not_ready", partition=tp.partition, cause=repr(error))
                await asyncio.sleep(_RETRY_S)
                return
            self._partitions[tp] = partition
            self._behind.add(tp)
            self._held_up = False
        self._catch_up()

    async def _find_debts(self, tp: TopicPartition) -> tuple[IncidentPartition, bool]:
        """The partition, at the first record that is to be read again to know what is open, and whether anything is
        committed of it."""
        # the consumer's own ``committed`` leaves the metadata out
        known = (await self._consumer._coordinator.fetch_committed_offsets([tp])).get(tp)
        end = int((await self._consumer.end_offsets([tp]))[tp])
        made_anew = await self._made_anew()  # asked after the two: ids do not come back, so they are of this topic too
        first = int((await self._consumer.beginning_offsets([tp]))[tp])
        recent = await self._recent(tp, first, end)
        is_known = known is not None and known.offset >= 0
        if is_known:
            committed, debts = max(first, int(known.offset)), read_commit(int(known.offset), known.metadata or "")
            another = bool(debts.topic_id and self._topic) and debts.topic_id != self._topic
            made_anew = another or known.offset > end
        else:  # the group's first start: what happened before is not told
            committed, debts = end, Debts(end)
        if made_anew:  # all that it holds is to be told; of no topic that is no more is anything remembered
            committed, debts, recent = first, Debts(first), first
        begin = max(first, min(recent, committed))
        return IncidentPartition(tp.partition, self._routes, begin, committed, debts, self._topic), is_known

    async def _begin(self, tp: TopicPartition, commit: Commit) -> None:
        """Commit what a partition begins with, so that whoever has it next does not take its start for the first."""
        async with self._committing:
            await self._consumer.commit({tp: OffsetAndMetadata(commit.offset, commit.metadata)})

    async def _made_anew(self) -> bool:
        """Whether the topic was made anew since this process began, as far as the cluster says so."""
        self._topic = await self._topic_id()
        self._began_with = self._began_with or self._topic
        return bool(self._topic) and self._topic != self._began_with

    async def _recent(self, tp: TopicPartition, first: int, end: int) -> int:
        """The first offset that is worth remembering."""
        if self._remember_s == math.inf:
            return first
        since_ms = max(0, int((self._clock() - self._remember_s) * 1000))
        found = (await self._consumer.offsets_for_times({tp: since_ms})).get(tp)
        return end if found is None else int(found.offset)

    def _hold_up(self) -> None:
        """Read on only while every receiver that takes messages has room for more."""
        full = any(queue.is_full() for queue in self._queues.values())
        mine = self._consumer.assignment() & self._partitions.keys()
        if full and not self._held_up:
            self._consumer.pause(*mine)
        elif self._held_up and not full:
            self._consumer.resume(*mine)
        self._held_up = full

    def _take(self, tp: TopicPartition, record: ConsumerRecord) -> None:
        partition = self._partitions.get(tp)
        if partition is None or partition.gone.is_set():
            return
        self._last_read_s = time.monotonic()
        self._metrics.events.inc()
        taken = partition.take(record)
        if taken.dead_letter is not None:
            self._spawn(self._bury_record(partition, taken.dead_letter))
        self._send(partition, taken.notices)
        self._catch_up()

    def _catch_up(self) -> None:
        """Tell receivers that tell again what is open, once it is known."""
        for tp in list(self._behind):
            partition = self._partitions[tp]
            if partition.caught_up():
                self._behind.discard(tp)
                for notice in partition.told_before():
                    self._queues[notice.receiver].receiver.remember(notice)

    def _release(self) -> None:
        for tp, partition in self._partitions.items():
            if tp not in self._behind:
                self._send(partition, partition.release(self._clock()))

    def _send(self, partition: IncidentPartition, notices: Iterable[Notice]) -> None:
        for notice in notices:

            def done(notice: Notice = notice) -> None:
                partition.done(notice.receiver, notice.offset)

            self._queues[notice.receiver].put(QueuedNotice(notice, done, partition.gone))

    async def _bury_record(self, partition: IncidentPartition, letter: DeadLetter) -> None:
        await self._bury(letter)
        partition.done(DEAD_LETTERS, letter.offset)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._burials.add(task)
        task.add_done_callback(self._buried)

    def _buried(self, task: "asyncio.Future[None]") -> None:
        self._burials.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _leave(self, tps: list[TopicPartition]) -> None:
        leaving = [self._partitions[tp] for tp in tps if tp in self._partitions]
        for partition in leaving:
            partition.gone.set()
        await asyncio.gather(*(queue.settle(self._finish_timeout_s) for queue in self._queues.values()))
        await self._commit(tps)
        for partition in leaving:
            for queue in self._queues.values():
                queue.receiver.forget(partition.number)
        for tp in tps:
            self._partitions.pop(tp, None)
            self._committed.pop(tp, None)
            self._behind.discard(tp)

    async def _commit(self, tps: Iterable[TopicPartition]) -> None:
        async with self._committing:
            await self._commit_due(tps)

    async def _commit_due(self, tps: Iterable[TopicPartition]) -> None:
        due = {
            tp: partition.commit()
            for tp in tps
            if (partition := self._partitions.get(tp)) is not None and partition.caught_up()
        }
        changed = {tp: commit for tp, commit in due.items() if self._committed.get(tp) != commit}
        if not changed:
            return
        try:
            await self._consumer.commit(
                {tp: OffsetAndMetadata(commit.offset, commit.metadata) for tp, commit in changed.items()}
            )
            self._committed |= changed
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning(
                "commit_failed",
                sentence="Offsets were not committed; they will be, or messages repeat.",
                cause=repr(error),
            )
