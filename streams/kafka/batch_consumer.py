"""A Faust app that hands over one event for each fetched run of a partition; everything else is stock Faust.

Stock Faust spends some 80 µs on each message. Here a *run* (all records of one partition that one fetch
returned, in order) is one event, and the rest of Faust (group, rebalances, commits, tables, timers) is kept.

What this module promises:

- Between two seeks, every record of a partition is handed over exactly once and in order. Records that were
  fetched but could not be handed over (a pause, a rebalance, a seek) are fetched again.
- The commit position is the last record of the leading acknowledged runs, plus one. Gaps in offsets (control
  records, compaction) do not matter to it.
- ``Run.ack`` counts only while the run is outstanding: after a rebalance or seek its records come again.
- Before partitions are revoked, and before the app stops, ``RunListener.finish_runs`` is awaited and what it
  acknowledged is committed.
- An offset out of range (retention passed us, the topic was made anew) is announced, never skipped silently.
- A fetcher that no longer asks for a partition shows in ``unheard_s``.

Written against faust-streaming 0.15.3 and aiokafka 0.14, whose private names it overrides.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Protocol

import faust
import structlog
from aiokafka import ConsumerRecord
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.serializers.schemas import Schema
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.services import ServiceT
from mode.utils.queues import FlowControlEvent

_BUFFER_WAIT_S = 0.2
_BUFFERED_POLL_S = 0.01
_EMBEDDED_SYNC_DELAY_S = 0.4
_BROKER_WAITS_IDLE_MS = 500
_BROKER_WAITS_FLOWING_MS = 50

log = structlog.get_logger(__name__)


class Run:
    """Consecutive records of one partition, as fetched. Acknowledge it once all that follows is safe.

    ``start`` is the offset of the first record, ``end`` the one after the last.
    """

    __slots__ = ("acked", "done", "end", "outstanding", "records", "start", "tp")

    def __init__(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        self.tp = tp
        self.records = records
        self.start = int(records[0].offset)
        self.end = int(records[-1].offset) + 1
        self.done = False
        self.acked = False
        self.outstanding = True

    def finish(self) -> None:
        """All records of the run are dealt with; the acknowledgement waits for something else."""
        self.done = True

    def release(self) -> None:
        """Let go of the records: they have been read, and only the acknowledgement is still to come."""
        self.records = ()

    def ack(self) -> None:
        """The run need not be read again; has no effect once the run is no longer outstanding."""
        self.done = self.acked = True


class RunListener(Protocol):
    """What an app wants to know about the partitions that it consumes in runs."""

    async def finish_runs(self) -> None:
        """Partitions are about to be revoked, or the app stops; until this returns nothing is handed over.

        Must return in good time, with every run acknowledged that it could finish. Called in the app's loop.
        """
        ...

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at these committed offsets (None: nothing was committed yet, so at the start).

        Called after every assignment and whenever the consumer went back to what is committed.
        """
        ...

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:
        """The broker no longer has offset ``wanted``; reading goes on at ``resumed_at``."""
        ...


class PatientAssignor(RoundRobinPartitionAssignor):
    """Round robin for the embedded broker, which refuses a follower whose SyncGroup comes after the leader's.

    Only the leader assigns, so only its SyncGroup is late; the pause holds up the consumer's own thread.
    """

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        """Assign after a pause in which the followers' SyncGroups arrive."""
        time.sleep(_EMBEDDED_SYNC_DELAY_S)
        return super().assign(cluster, members)


class _RunSchema(Schema):
    """Hands the run over as the event's value; there is nothing to decode."""

    def compile(self, app: Any, **_: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 (Faust's signature)
            return app.create_event(None, message.value, None, message)

        return decode


class _RunMessage(ConsumerMessage):
    """A message that ignores acknowledgements by Faust, which also acknowledges events that it skips."""

    def on_final_ack(self, consumer: Any) -> bool:  # noqa: ARG002 (Faust's signature)
        return True


class _RunConsumerThread(driver.AIOKafkaConsumerThread):
    mundane_level = "debug"

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        if self.app.broker_is_embedded:
            consumer._partition_assignment_strategy = (PatientAssignor,)
        return consumer

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's check for streams that hang, which itself crashes the app while a position is being reset."""
        if _fetch_state(self, tp).known:
            super().verify_event_path(now, tp)

    def note_flow(self, flowing: bool) -> None:
        """Whether records are coming in: decides how long a broker may hold back its answer to the next fetch.

        aiokafka has one fetch at a time under way to a broker, of the partitions of which it has nothing left. One of
        partitions that are all at their ends, for 1.5 s as Faust asks, would hold up those that are not.
        """
        self._ensure_consumer()._fetcher._fetch_max_wait_ms = (
            _BROKER_WAITS_FLOWING_MS if flowing else _BROKER_WAITS_IDLE_MS
        )


class RunConsumer(driver.Consumer):
    """Faust's consumer, reading ``app.run_topics`` in runs."""

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    app: "RunApp"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._runs: defaultdict[TP, deque[Run]] = defaultdict(deque)
        self._next: dict[TP, int | None] = {}  # where handing over goes on; None: at the start
        self._processed: dict[TP, int] = {}  # the offset after the leading acknowledged runs
        self._seeks: defaultdict[TP, int] = defaultdict(int)
        self._sought_at: dict[TP, float] = {}
        self._unproven: set[TP] = set()  # sought, and nothing handed over since
        self._passed: dict[TP, int] = {}  # the fetcher's position while all that it had taken was handed over
        self._buffer_dropped = asyncio.Event()

    def _new_consumer_thread(self) -> _RunConsumerThread:
        return _RunConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # --- handing over

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 (Faust's name)
        """Fetch, and yield one message for each run, whose value is the ``Run``."""
        self._note_positions()
        seeks = dict(self._seeks)
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
            elif not wanted or seeks.get(tp, 0) != self._seeks[tp] or self._leaves_out(tp, records):
                await self._rewind(tp)
            elif message := self._new_run(tp, records):
                self._read_offset[tp] = None  # Faust's own bookkeeping of gaps is not used for runs
                yield tp, message

    def _note_positions(self) -> None:
        """Records that are not for consumers (of transactions, say) move the fetcher on without a run."""
        for tp in self._next:
            state = _fetch_state(self._thread, tp)
            if state.known:
                self._passed[tp] = state.position_or(0)

    def _following(self, tp: TP) -> int | None:
        """The offset of the next record that may be handed over; None where reading begins at the start."""
        following = self._next.get(tp)
        return following if following is None else max(following, self._passed.get(tp, 0))

    def _leaves_out(self, tp: TP, records: Sequence[ConsumerRecord]) -> bool:
        """Whether the first records after a seek begin beyond what was sought: said once, since there may be none."""
        start = self._next.get(tp)
        if tp not in self._unproven or start is None:
            return False
        self._unproven.discard(tp)
        return bool(records[0].offset > start)

    def _new_run(self, tp: TP, records: Sequence[ConsumerRecord]) -> _RunMessage | None:
        start = self._next.get(tp)
        if start is not None and records[0].offset < start:
            records = [record for record in records if record.offset >= start]
        if not records:
            return None
        run = Run(tp, records)
        self._runs[tp].append(run)
        self._next[tp] = run.end
        first = records[0]
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
        try:
            fetched = await super()._getmany(active_partitions, timeout)
            if fetched or timeout > _BUFFERED_POLL_S:  # nothing within a short poll says nothing
                self._thread.note_flow(bool(fetched))
            return fetched
        except OffsetOutOfRangeError as error:
            for tp, wanted in error.args[0].items():
                await self._resume_after_loss(ensure_TP(tp), wanted)
        except NoOffsetForPartitionError as error:
            await self._seek_to_start(ensure_TP(error.args[0]))
        return {}

    # --- positions

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to what is committed. Outstanding runs are given up: their records come again."""
        committed: Mapping[TP, int] = await super().seek_to_committed()
        positions: dict[TP, int | None] = {}
        for raw_tp, offset in committed.items():
            tp = ensure_TP(raw_tp)
            if tp.topic not in self.app.run_topics:
                continue
            self._give_up_runs([tp])
            self._next[tp] = positions[tp] = offset
            self._seeks[tp] += 1
            self._sought_at[tp] = time.time()
            self._unproven.add(tp)
        # Again: a rebalance may be over before a fetch from before it is, and what that took after aiokafka's own seek
        # (which is to positive offsets only) would be neither handed over nor fetched again.
        await asyncio.gather(*map(self._rewind, positions))
        self.app.runs.positioned(positions)
        return committed

    async def _seek(self, partition: TP, offset: int) -> None:
        tp = ensure_TP(partition)
        self._give_up_runs([tp])
        self._next[tp] = offset
        await self._rewind(tp)

    async def _rewind(self, tp: TP) -> None:
        """Let the fetcher go on where handing over stopped. Unknown: a seek is still to come."""
        self._seeks[tp] += 1
        self._passed.pop(tp, None)
        if tp not in self._next or tp not in self.assignment():
            return
        start = self._next[tp]
        try:
            if start is None:
                await self._seek_to_start(tp)
            else:
                await self._thread.seek_wait({driver.ensure_aiokafka_TP(tp): start})
        except IllegalStateError:  # revoked meanwhile
            pass
        except TimeoutError:
            log.warning("seek_not_confirmed", topic=tp.topic, partition=tp.partition, offset=start)
        self._read_offset[tp] = None

    async def _seek_to_start(self, tp: TP) -> None:
        self._next[tp] = None
        await self._thread.seek_to_beginning(driver.ensure_aiokafka_TP(tp))

    async def _resume_after_loss(self, tp: TP, wanted: int) -> None:
        try:
            start = (await self.earliest_offsets(tp))[tp]
        except KafkaError as error:  # the position is still out of range, so this is tried again
            log.warning("cannot_read_log_start", topic=tp.topic, partition=tp.partition, error=repr(error))
            return
        if start < wanted:  # the partition was made anew or truncated: older commits mean nothing
            self._give_up_runs([tp])
            self._committed_offset[tp] = None
        self._next[tp] = start
        log.error(
            "offset_out_of_range",
            sentence=f"Kafka no longer has offset {wanted} of {tp.topic}-{tp.partition}: "
            f"records were deleted before they were scored. Reading goes on at offset {start}.",
            topic=tp.topic,
            partition=tp.partition,
            wanted=wanted,
            resumed_at=start,
        )
        self.app.runs.offsets_lost(tp, wanted, start)
        await self._rewind(tp)

    def _give_up_runs(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            for run in self._runs.pop(tp, ()):
                run.outstanding = False
            self._processed.pop(tp, None)

    # --- commits

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in list(self._runs):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self.app.run_topics:
            stock: int | None = super()._new_offset(tp)
            return stock
        runs = self._runs[tp]
        while runs and runs[0].acked:
            self._processed[tp] = runs.popleft().end
        return self._processed.get(tp)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the listener finish and commit first: stock Faust drops pending acknowledgements at once."""
        if revoked:
            await self.app.finish_runs()
            await self.commit()
        self._give_up_runs(revoked)
        for tp in revoked:
            self._next.pop(tp, None)
            self._sought_at.pop(tp, None)
            self._unproven.discard(tp)
            self._passed.pop(tp, None)
        self._buffered_partitions.difference_update(revoked)
        await super().on_partitions_revoked(revoked)

    # --- what others ask

    def lag(self, tp: TP) -> int:
        """Records between what was dealt with and the end of the partition, as far as known."""
        state = _fetch_state(self._thread, tp)
        highwater = state.highwater or 0
        undone = next((run for run in self._runs.get(tp, ()) if not run.done), None)
        start = undone.start if undone else state.position_or(highwater)
        return max(0, highwater - int(start))

    def partition_count(self, topic: str) -> int | None:
        """How many partitions the topic has, as far as the client knows."""
        known = self._thread._ensure_consumer().partitions_for_topic(topic)
        return len(known) if known else None

    def unread(self, tp: TP) -> int:
        """Records between what was handed over and the end of the partition, as far as known."""
        state = _fetch_state(self._thread, tp)
        highwater = state.highwater or 0
        following = self._following(tp)
        return max(0, highwater - (state.position_or(highwater) if following is None else following))

    def unheard_s(self, tp: TP) -> float:
        """Seconds since the broker last told of a partition of which nothing is left to do.

        aiokafka's fetcher can stop asking without an error, and what waits is then not known: its last answer, which
        comes every half second where nothing is new, is what tells.
        """
        sought_at = self._sought_at.get(tp)
        if sought_at is None or tp in self._buffered_partitions or not all(run.done for run in self._runs.get(tp, ())):
            return 0.0
        told_ms = _fetch_state(self._thread, tp).told_ms or 0
        return max(0.0, time.time() - max(sought_at, told_ms / 1000.0))

    def empty_at_ms(self, tp: TP) -> int | None:
        """When the broker last said that no record is left, epoch milliseconds; None if some are not dealt with."""
        state = _fetch_state(self._thread, tp)
        if not state.known or state.highwater is None:
            return None
        following = self._following(tp)  # (the fetcher's position is ahead of what was handed over)
        if state.highwater > 0 and (following is None or following < state.highwater):
            return None
        return state.told_ms if all(run.done for run in self._runs.get(tp, ())) else None

    def at_end(self, tp: TP, known_since_s: float) -> bool:
        """Whether the partition was read and dealt with to its end, and the broker said so recently.

        ``known_since_s``: the broker's last answer may be this old, in seconds.
        """
        told_ms = self.empty_at_ms(tp)
        return told_ms is not None and time.time() - told_ms / 1000.0 <= known_since_s


class _FetchState:
    """What aiokafka knows of one partition; ``known`` is False where it is not assigned or being positioned."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self.known = state is not None and state.has_valid_position
        self.highwater: int | None = state.highwater if state else None

    def position_or(self, unknown: int) -> int:
        return int(self._state.position) if self.known else unknown

    @property
    def told_ms(self) -> int | None:
        """When the broker last answered a fetch, epoch milliseconds."""
        return int(self._state.timestamp) if self._state is not None and self._state.timestamp else None


def _fetch_state(thread: driver.AIOKafkaConsumerThread, tp: TP) -> _FetchState:
    subscription = thread._ensure_consumer()._subscription.subscription
    assignment = subscription.assignment if subscription else None
    if assignment is None or tp not in assignment.tps:
        return _FetchState(None)
    return _FetchState(assignment.state_value(driver.ensure_aiokafka_TP(tp)))


class _KeepingFlowControl(FlowControlEvent):
    """Faust's, but going on does not empty the buffers.

    At the end of a rebalance Faust first seeks and then resumes. A run that was fetched in between would be
    dropped without a word: its records are never handed over, and commits stop before them. Runs from before
    the seek may stay in the buffers: they are no longer outstanding, so nobody takes them.
    """

    def resume(self) -> None:
        """Let messages into the buffers again."""
        self._suspend.clear()
        self._resume.set()


class _RunTransport(driver.Transport):
    Consumer = RunConsumer


class RunApp(faust.App):
    """A Faust app that reads some topics in runs.

    Parameters (beyond Faust's):
        run_topics: names of the topics whose events are runs.
        runs: told of revocations, positions and losses.
        services_first: started before everything else of the app, and stopped last.
        broker_is_embedded: delay the group leader, see ``PatientAssignor``.
    """

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    def __init__(
        self,
        name: str,
        *,
        run_topics: Collection[str],
        runs: RunListener,
        services_first: Sequence[ServiceT] = (),
        broker_is_embedded: bool = False,
        **options: Any,
    ) -> None:
        self.run_topics = frozenset(run_topics)
        self.runs = runs
        self.services_first = services_first
        self.broker_is_embedded = broker_is_embedded
        # The policies of aiokafka skip lost records in silence; the consumer above announces them.
        super().__init__(name, consumer_auto_offset_reset="none", stream_wait_empty=False, **options)

    def run_topic(self, *names: str, **options: Any) -> Any:
        """Topics of ``run_topics`` as a channel for agents; the events' values are ``Run``."""
        return self.topic(*names, schema=_RunSchema(), **options)

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Our services first, then Faust's."""
        return [*self.services_first, *super().on_init_dependencies()]

    @cached_property
    def flow_control(self) -> FlowControlEvent:
        """What suspends and resumes the flow into the buffers."""
        return _KeepingFlowControl(loop=self.loop)

    async def finish_runs(self) -> None:
        """Hand nothing more over, and let the listener finish what it has."""
        self.consumer.stop_flow()
        self.flow_control.suspend()
        self.flow_control.clear()
        await self.runs.finish_runs()

    async def _stop_consumer(self) -> None:
        if self._consumer is not None and self._consumer.started:
            try:
                await self.finish_runs()
                with suppress(KafkaError):
                    await self._consumer.commit()
            except Exception as error:  # noqa: BLE001 (the app must stop all the same, and its status says so)
                await self.crash(error)
        await super()._stop_consumer()

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""

    def _new_transport(self) -> _RunTransport:
        return _RunTransport(self.conf.broker_consumer, self)

    def _new_consumer(self) -> RunConsumer:
        consumer: RunConsumer = super()._new_consumer()
        return consumer
