"""Faust's consumer, handing over runs; the promises stand in the package's docstring."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from tracehound.streams.kafka.runs.consumer_thread import RunConsumerThread
from tracehound.streams.kafka.runs.handover import Handover
from tracehound.streams.kafka.runs.read_topics import ReadTopics
from tracehound.streams.kafka.runs.reading_app import ReadingApp

_BUFFER_WAIT_S = 0.2
_BUFFERED_POLL_S = 0.01
_HELD_BYTES = 32_000_000
"""Nothing more is taken of a partition while so much of it waits to be read: 16 runs of large records are too many."""

log = structlog.get_logger(__name__)


class _RunMessage(ConsumerMessage):
    """A message that ignores acknowledgements by Faust, which also acknowledges events that it skips."""

    def on_final_ack(self, consumer: Any) -> bool:  # noqa: ARG002 (Faust's signature)
        return True


class RunConsumer(driver.Consumer):
    """Faust's consumer, reading ``app.run_topics`` in runs."""

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    app: ReadingApp

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._handovers: defaultdict[TP, Handover] = defaultdict(lambda: Handover(self.app.make_run))
        self._buffer_dropped = asyncio.Event()
        self._read_topics = ReadTopics(self.app.topic_id)

    def _new_consumer_thread(self) -> RunConsumerThread:
        return RunConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # --- handing over

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 (Faust's name)
        """Fetch, and yield one message for each run, whose value is the ``Run``."""
        self._note_positions()
        seeks = self._seeks_done()
        generation = self.app.consumer_generation_id
        fetched, active = await self._wait_next_records(timeout)
        for raw_tp, records in (fetched or {}).items():
            if self.should_stop:
                return
            tp = ensure_TP(raw_tp)
            wanted = (
                self.flow_active
                and generation == self.app.consumer_generation_id
                and (active is None or tp in active or tp in self._buffered_partitions)
            )
            if wanted:
                self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            if tp.topic not in self.app.run_topics:
                for record in records if wanted else ():
                    yield tp, self._to_message(tp, record)
                continue
            handover = self._handovers[tp]
            wanted = wanted and handover.positioned  # or one that was dropped before may be missing, until the seek
            if not wanted or seeks.get(tp) != handover.seeks or handover.leaves_out(records):
                await self._rewind(tp)
            elif message := self._new_run(tp, handover, records):
                self._read_offset[tp] = None  # Faust's own bookkeeping of gaps is not used for runs
                yield tp, message

    def _seeks_done(self) -> dict[TP, int]:
        """The number of the last seek of each partition whose fetcher has come to where it was sent."""
        return {tp: handover.seeks for tp, handover in self._handovers.items() if handover.sought}

    def _note_positions(self) -> None:
        """Records that are not for consumers (of transactions, say) move the fetcher on without a run."""
        for tp, handover in self._handovers.items():
            if handover.positioned and (state := self._thread.fetch_state(tp)).known:
                handover.pass_to(state.position_or(0))

    def _new_run(self, tp: TP, handover: Handover, records: Sequence[ConsumerRecord]) -> _RunMessage | None:
        run = handover.new_run(tp, records)
        if run is None:
            return None
        first = run.records[0]
        return _RunMessage(
            tp.topic,
            tp.partition,
            first.offset,
            (first.timestamp or 0) / 1000.0,
            first.timestamp_type,
            None,
            None,
            run,
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109 (Faust's name)
        # Stock Faust sleeps a second where all buffers are full, and where only some are it waits a second for
        # the other partitions, however soon the full ones are empty again.
        if self.flow_active and self._buffered_partitions:
            if not self._get_active_partitions():
                self._buffer_dropped.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._buffer_dropped.wait(), _BUFFER_WAIT_S)
                return {}, set()
            timeout = _BUFFERED_POLL_S
        fetched: tuple[Any, Any] = await super()._wait_next_records(timeout)
        return fetched

    def on_buffer_drop(self, tp: TP) -> None:
        """Fetch from the partition again, unless it was paused meanwhile (which stock Faust forgets)."""
        if tp in self._paused_partitions:
            self._buffered_partitions.discard(tp)
        else:
            super().on_buffer_drop(tp)
        self._buffer_dropped.set()

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109
        seeks = self._seeks_done()
        if heavy := {tp for tp, handover in self._handovers.items() if handover.held_bytes() > _HELD_BYTES}:
            active_partitions = (self.assignment() if active_partitions is None else active_partitions) - heavy
            timeout = _BUFFERED_POLL_S
            if not active_partitions:  # (aiokafka would take that for all)
                await asyncio.sleep(timeout)
                return {}
        try:
            fetched = await super()._getmany(active_partitions, timeout)
            if fetched or timeout > _BUFFERED_POLL_S:  # nothing within a short poll says nothing
                self._thread.note_flow(bool(fetched))
            return fetched
        except OffsetOutOfRangeError as error:
            for raw_tp, wanted in error.args[0].items():
                tp = ensure_TP(raw_tp)
                if tp.topic in self.app.run_topics and seeks.get(tp) != self._handovers[tp].seeks:
                    # it was out of range of where the fetcher stood before, of another topic maybe
                    await self._rewind(tp)
                else:
                    await self._resume_after_loss(tp, wanted)
        except NoOffsetForPartitionError as error:
            tp = ensure_TP(error.args[0])
            number = self._handovers[tp].begin_seek()
            if tp.topic in self.app.run_topics:  # records may be handed over before committed offsets were sought
                await self._read_topics.learn([tp.topic])
            with suppress(IllegalStateError):  # revoked meanwhile
                await self._seek_to_start(tp)
                self._handovers[tp].end_seek(number)
        return {}

    # --- positions

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """Go back to what is committed. Outstanding runs are given up: their records come again."""
        committed = await self._seek_to_committed_of_known_topics()
        positions: dict[TP, int | None] = {}
        for raw_tp, offset in committed.items():
            tp = ensure_TP(raw_tp)
            if tp.topic not in self.app.run_topics:
                continue
            positions[tp] = offset
            self._committed_offset[tp] = offset or None  # Faust keeps the last one where nothing is committed any more
            self._handovers[tp].go_back_to(offset, time.time())
            if self._read_topics.is_of_another(tp):
                self._begin_anew(tp, offset or 0)
        self.app.positioned(positions)  # before any record of there can be handed over, as it may once one is sought
        # Again: a rebalance may be over before a fetch from before it is, and what that took after aiokafka's own seek
        # (which is to positive offsets only) would be neither handed over nor fetched again.
        await asyncio.gather(*map(self._rewind, positions))
        return committed

    async def _seek_to_committed_of_known_topics(self) -> Mapping[TP, int | None]:
        """What is committed, of the topics whose ids are known then: one may be made anew between both answers."""
        while True:
            known = self._read_topics.known_ids()
            committed: Mapping[TP, int | None] = await super().seek_to_committed()
            await self._read_topics.learn({tp.topic for tp in committed if tp.topic in self.app.run_topics})
            if self._read_topics.known_ids() == known:
                return committed

    def _begin_anew(self, tp: TP, offset: int) -> None:
        """What was read of the partition before means nothing any more."""
        log.error(
            "topic_made_anew",
            sentence=f"{tp.topic} was made anew. Reading of {tp.topic}-{tp.partition} begins at offset {offset}.",
            topic=tp.topic,
            partition=tp.partition,
            resumed_at=offset,
        )
        self.app.offsets_lost(tp, 0, 0)  # what is committed of it already, another worker has read

    def known_topic_id(self, topic: str) -> str:
        """The id of a topic as of when reading last began; empty where the cluster gives none."""
        return self._read_topics.known_id(topic)

    async def _seek(self, partition: TP, offset: int) -> None:
        tp = ensure_TP(partition)
        handover = self._handovers[tp]
        handover.give_up()
        handover.go_on_at(offset)
        await self._rewind(tp)

    async def _rewind(self, tp: TP) -> None:
        """Let the fetcher go on where handing over stopped. Unknown: a seek is still to come."""
        handover = self._handovers[tp]
        number = handover.begin_seek()
        if not handover.positioned or tp not in self.assignment():
            return
        start = handover.next
        try:
            own = driver.ensure_aiokafka_TP(tp)
            await (self._seek_to_start(tp) if start is None else self._thread.seek_wait({own: start}))
            handover.end_seek(number)
        except IllegalStateError:  # revoked meanwhile
            pass
        except TimeoutError:
            log.warning("seek_not_confirmed", topic=tp.topic, partition=tp.partition, offset=start)
        self._read_offset[tp] = None

    async def _seek_to_start(self, tp: TP) -> None:
        self._handovers[tp].go_on_at(None)
        await self._thread.seek_to_beginning(driver.ensure_aiokafka_TP(tp))

    async def _resume_after_loss(self, tp: TP, wanted: int) -> None:
        handover = self._handovers[tp]
        seeks = handover.seeks
        try:
            start, end = (await self.earliest_offsets(tp))[tp], (await self.highwaters(tp))[tp]
        except KafkaError as error:  # the position is still out of range, so this is tried again
            log.warning("cannot_read_log_start", topic=tp.topic, partition=tp.partition, error=repr(error))
            return
        begins_again, why = start < wanted, "records were deleted before they were scored"
        if begins_again:
            why = "the topic was made anew"
            if await self._read_topics.is_of_the_same(tp):
                start, why = end, "the brokers have lost the last records"
        if handover.seeks != seeks:  # it was sent elsewhere meanwhile
            return
        if begins_again:  # older commits mean nothing
            handover.give_up()
            self._committed_offset[tp] = None
        handover.go_on_at(start)
        log.error(
            "offset_out_of_range",
            sentence=f"Kafka no longer has offset {wanted} of {tp.topic}-{tp.partition}: "
            f"{why}. Reading goes on at offset {start}.",
            topic=tp.topic,
            partition=tp.partition,
            wanted=wanted,
            resumed_at=start,
        )
        self.app.offsets_lost(tp, wanted, start)
        await self._rewind(tp)

    # --- commits

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in list(self._handovers):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self.app.run_topics:
            stock: int | None = super()._new_offset(tp)
            return stock
        return self._handovers[tp].processed()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the listener finish and commit first: stock Faust drops pending acknowledgements at once."""
        if revoked:
            await self.app.finish_runs()
            await self.commit()
        for tp in revoked:
            self._handovers[tp].revoke()
        self._buffered_partitions.difference_update(revoked)
        await super().on_partitions_revoked(revoked)

    # --- what others ask

    def lag(self, tp: TP) -> int:
        """Records between what was dealt with and the last that may be read, as far as known."""
        state = self._thread.fetch_state(tp)
        stable = state.stable or 0
        undone = self._handovers[tp].undone_from
        return max(0, stable - (state.position_or(stable) if undone is None else undone))

    def partition_count(self, topic: str) -> int | None:
        """How many partitions the topic has, as far as the client knows."""
        known = self._thread._ensure_consumer().partitions_for_topic(topic)
        return len(known) if known else None

    def unread(self, tp: TP) -> int:
        """Records between what was handed over and the last that may be read, as far as known."""
        state = self._thread.fetch_state(tp)
        stable = state.stable or 0
        following = self._handovers[tp].following
        return max(0, stable - (state.position_or(stable) if following is None else following))

    def unheard_s(self, tp: TP) -> float:
        """Seconds since the broker last told of a partition of which nothing is left to do.

        aiokafka's fetcher can stop asking without an error, and what waits is then not known: its last answer, which
        comes every half second where nothing is new, is what tells.
        """
        handover = self._handovers[tp]
        if handover.sought_at is None or tp in self._buffered_partitions or not handover.all_done:
            return 0.0
        heard_ms = self._thread.fetch_state(tp).heard_ms or 0
        return max(0.0, time.time() - max(handover.sought_at, heard_ms / 1000.0))

    def empty_at_ms(self, tp: TP) -> int | None:
        """When the broker last said that no record is left, epoch milliseconds; None if some are not dealt with.

        What a transaction holds that is still open is left: nobody can say that it is nothing.
        """
        state, handover = self._thread.fetch_state(tp), self._handovers[tp]
        if not state.known or state.highwater is None:
            return None
        following = handover.following  # (the fetcher's position is ahead of what was handed over)
        if state.highwater > 0 and (following is None or following < state.highwater):
            return None
        return state.told_ms if handover.all_done else None

    def at_end(self, tp: TP, known_since_s: float) -> bool:
        """Whether the partition was read and dealt with to its end, and the broker said so recently.

        ``known_since_s``: the broker's last answer may be this old, in seconds.
        """
        told_ms = self.empty_at_ms(tp)
        return told_ms is not None and time.time() - told_ms / 1000.0 <= known_since_s
