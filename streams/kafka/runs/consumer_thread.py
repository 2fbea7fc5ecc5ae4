"""The thread in which aiokafka's consumer lives: how long brokers may wait, and what is known of a partition."""

import asyncio
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from tracehound.schemas.errors import TracehoundError
from tracehound.streams.kafka.reading_aside import ReadingAside
from tracehound.streams.kafka.runs.answer_times import LONGEST_WAIT_MS, AnswerTimes
from tracehound.streams.kafka.runs.embedded_group import PatientAssignor

_BROKER_WAITS_FLOWING_MS = 50

log = structlog.get_logger(__name__)


class ConsumerEndedError(TracehoundError):
    """What fetches records ended by itself."""


class FetchState:
    """What aiokafka knows of one partition; ``known`` is False where it is not assigned or being positioned.

    ``highwater`` is the offset after the last record, as far as known, and ``stable`` that after the last one that may
    be read: those of a transaction that is open, and all behind them, may not.
    """

    def __init__(self, state: Any, told_ms: int | None = None) -> None:
        self._state = state
        self._told_ms = told_ms
        self.known = state is not None and state.has_valid_position
        self.highwater: int | None = state.highwater if state else None
        self.stable = self.highwater
        last_stable: int | None = state.lso if state else None
        if last_stable is not None and last_stable >= 0 and self.highwater is not None:
            self.stable = min(self.highwater, last_stable)

    def position_or(self, unknown: int) -> int:
        """The offset that the fetcher asks for next."""
        return int(self._state.position) if self.known else unknown

    @property
    def heard_ms(self) -> int | None:
        """When an answer of the broker to a fetch was last read, epoch milliseconds."""
        return int(self._state.timestamp) if self._state is not None and self._state.timestamp else None

    @property
    def told_ms(self) -> int | None:
        """When that answer was given, at the latest: a process that was stopped reads old ones."""
        return self.heard_ms if self._told_ms is None else self._told_ms


class RunConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread, for a consumer that reads in runs. It sends heartbeats, and so nothing long is unpacked in it."""

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._answers = AnswerTimes()
        self._aside: ReadingAside | None = None

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # What a transaction wrote that was aborted did not happen; Faust reads so only where it writes transactions.
        consumer._isolation_level = "read_committed"
        if self.app.broker_is_embedded:
            consumer._partition_assignment_strategy = (PatientAssignor,)
        self._answers.watch(consumer._client)
        return consumer

    async def on_start(self) -> None:
        """Start the consumer; its fetches are paced."""
        await super().on_start()
        consumer = self._ensure_consumer()
        self._aside = ReadingAside(consumer._fetcher)
        self.app.pace.watch(consumer)
        consumer._fetcher._fetch_task.add_done_callback(self._fetching_ended)

    def _fetching_ended(self, task: "asyncio.Task[None]") -> None:
        """Have the app end if that was an error: aiokafka tells nobody, and nothing would be read any more."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        ended = ConsumerEndedError(f"What fetches records for this process ended by an error: {error.__cause__!r}")
        asyncio.run_coroutine_threadsafe(self.app.crash(ended), self.parent_loop)

    async def on_thread_stop(self) -> None:
        """Stop the consumer."""
        try:
            await super().on_thread_stop()
        except KafkaError as error:  # a part of it ended before
            log.warning("consumer_did_not_close", cause=repr(error))
        if self._aside is not None:
            self._aside.stop()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's check for streams that hang, which itself crashes the app while a position is being reset."""
        if self.fetch_state(tp).known:
            super().verify_event_path(now, tp)

    def note_flow(self, flowing: bool) -> None:
        """Whether records are coming in: decides how long a broker may hold back its answer to the next fetch.

        aiokafka has one fetch at a time under way to a broker, of the partitions of which it has nothing left. One of
        partitions that are all at their ends, for 1.5 s as Faust asks, would hold up those that are not.
        """
        self._ensure_consumer()._fetcher._fetch_max_wait_ms = _BROKER_WAITS_FLOWING_MS if flowing else LONGEST_WAIT_MS

    def fetch_state(self, tp: TP) -> FetchState:
        """What is known of a partition now."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription else None
        if assignment is None or tp not in assignment.tps:
            return FetchState(None)
        state = assignment.state_value(driver.ensure_aiokafka_TP(tp))
        return FetchState(state, self._answers.bounded(tp, int(state.timestamp)) if state and state.timestamp else None)
