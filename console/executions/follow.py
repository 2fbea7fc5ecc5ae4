"""Follows the topic of executions in a consumer group, and has them kept; what goes wrong is said and tried again."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from aiokafka import ConsumerRecord
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from tracehound.console.executions.kafka_topics import KafkaTopics
from tracehound.console.executions.keeper import Keeper, SupersededError
from tracehound.console.executions.metrics import ExecutionMetrics
from tracehound.console.executions.recent import Recent
from tracehound.console.executions.records import Counted, Message, RecordReader
from tracehound.console.store.engine import StoreError
from tracehound.schemas.drill import DRILL_APPLICATION
from tracehound.schemas.errors import BrokerError
from tracehound.streams.kafka.bounded_consumer import BoundedConsumer
from tracehound.streams.kafka.record_time import EARLIEST_MS

_DECODED_AT_ONCE = 4_000_000
_TOLD_AT_ONCE = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is read at once, and how often what is done; times in seconds.

    What takes long to store is stored less often: ``store_share`` is the share of time for that, within
    ``longest_store_s`` between two times.
    ``back`` records of each partition are read again when it is taken over: not to be counted, but for anomalies that
    are told after that.
    """

    records: int = 2_000
    wait_s: float = 0.25
    store_s: float = 2.0
    store_share: float = 0.1
    longest_store_s: float = 20.0
    coarsen_s: float = 60.0
    retry_s: float = 1.0
    back: int = 2_000

    def next_store_s(self, took_s: float) -> float:
        """How long to wait before the next storing, after one that took so long.

        >>> [Pace().next_store_s(took_s) for took_s in (0.01, 0.5, 60.0)]
        [2.0, 5.0, 20.0]
        """
        return min(max(self.store_s, took_s / self.store_share), max(self.store_s, self.longest_store_s))


class Watcher(Protocol):
    """Does something with the newest executions after each storing."""

    def look(self, recent: Recent) -> None:
        """Look at them.

        Raises:
            StoreError: the database is away.
        """


@dataclass(slots=True)
class Parts:
    """What following is made of: the makers are asked anew after each failure and each change of partitions.

    ``consumer`` is the member of the group, of which it learns its partitions; ``records`` reads them, for
    librdkafka unpacks without a bound.
    """

    topic: str
    consumer: Callable[[Callable[[KafkaError], None]], Consumer]
    records: Callable[[], BoundedConsumer]
    topics: Callable[[Consumer], KafkaTopics]
    reader: Callable[[KafkaTopics], RecordReader]
    keeper: Callable[[], Keeper]
    recent: Callable[[], Recent]
    watcher: Watcher
    metrics: ExecutionMetrics


@dataclass(slots=True)
class _Owned:
    """The partitions that are read now; ``counted_from`` are the offsets below which executions are counted."""

    keeper: Keeper
    recent: Recent
    counted_from: dict[int, int] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)


class Follower:
    """One thread that reads executions of the partitions that its group gives it."""

    def __init__(self, parts: Parts, pace: Pace = Pace()) -> None:
        self._parts, self._pace = parts, pace
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="executions", daemon=True)
        self._trouble = "It has not begun to read executions."
        self._owned: _Owned | None = None
        self._store_at_s = self._coarsened_s = 0.0

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Store what was read, and end; returns when it has ended."""
        self._stop.set()
        self._thread.join()

    def is_alive(self) -> bool:
        """Whether it goes on by itself: what ``/livez`` says."""
        return self._thread.is_alive()

    def trouble(self) -> str:
        """Why nothing is kept now, in a sentence: what ``/readyz`` says; empty where all is well."""
        return self._trouble

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except SupersededError as error:
                log.info("executions_moved", sentence=str(error))
            except (StoreError, BrokerError) as error:
                self._failed(str(error))
            except KafkaException as error:
                self._failed(f"Kafka refuses to be read: {error.args[0]}.")
            except Exception as error:
                log.exception("executions_failed")
                self._failed(f"{type(error).__name__}: {error}")

    def _failed(self, why: str) -> None:
        if why != self._trouble:
            log.warning("executions_wait", sentence=f"No executions are kept: {why} Trying again.")
        self._trouble = why
        self._parts.metrics.failures.inc()
        self._stop.wait(self._pace.retry_s)

    def _follow(self) -> None:
        consumer = self._parts.consumer(self._told)
        records = self._parts.records()
        topics = self._parts.topics(consumer)
        reader = self._parts.reader(topics)
        self._owned = None
        try:
            consumer.subscribe(
                [self._parts.topic],
                on_assign=lambda _, given: self._assigned(consumer, records, topics, given),
                on_revoke=lambda *_: self._revoked(consumer, records),
                on_lost=lambda *_: self._lost(records),
            )
            while not self._stop.is_set():
                self._hear(consumer)
                self._take(consumer, reader, records.consume(self._pace.records, self._pace.wait_s))
                self._keep(consumer)
            self._store(consumer)
        finally:
            self._owned = None
            consumer.close()
            records.close()

    def _assigned(
        self, consumer: Consumer, records: BoundedConsumer, topics: KafkaTopics, given: Sequence[TopicPartition]
    ) -> None:
        owned = _Owned(self._parts.keeper(), self._parts.recent())
        topic_id = topics.id_of(self._parts.topic) if given else ""
        offsets = {}
        for one in given:
            earliest, end = topics.offsets(one.topic, one.partition)
            begin = owned.keeper.begin(one.partition, topic_id, earliest, end)
            owned.counted_from[one.partition] = begin
            offsets[one.topic, one.partition] = max(earliest, begin - self._pace.back)
        consumer.assign([])  # a member it is all the same
        records.assign(offsets)
        self._owned, self._trouble = owned, ""
        log.info("executions_assigned", partitions=sorted(owned.counted_from))

    def _revoked(self, consumer: Consumer, records: BoundedConsumer) -> None:
        try:
            self._store(consumer)
        except (StoreError, SupersededError) as error:  # whoever takes it over goes on at what is stored
            log.warning("executions_not_stored", sentence=str(error))
        self._lost(records)

    def _lost(self, records: BoundedConsumer) -> None:
        records.assign({})
        self._owned = None

    def _told(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN or error.fatal():
            self._trouble = f"Kafka cannot be used: {error.str()}."

    def _hear(self, consumer: Consumer) -> None:
        """What the group has to say: changes of partitions, in their callbacks, and errors."""
        for said in consumer.consume(_TOLD_AT_ONCE, 0.0):
            error = said.error()
            if error is not None:
                self._told(error)

    def _take(self, consumer: Consumer, reader: RecordReader, records: Sequence[ConsumerRecord]) -> None:
        by_partition: dict[int, list[Message]] = {}
        for record in records:
            by_partition.setdefault(record.partition, []).append(_message(record))
        owned = self._owned
        if owned is None:
            return
        if by_partition:
            self._trouble = ""
        for partition, read in by_partition.items():
            begin = owned.counted_from[partition]
            back = [message for message in read if message.offset < begin]
            for some in _some_at_once(back):
                self._remember(owned, reader.read(partition, some, owned.keeper.origins))
            for some in _some_at_once(read[len(back) :]):
                self._count(reader, owned, partition, some)
                if owned.keeper.is_full:
                    self._store(consumer)

    def _count(self, reader: RecordReader, owned: _Owned, partition: int, messages: Sequence[Message]) -> None:
        counted = reader.read(partition, messages, owned.keeper.origins)
        reached = messages[-1].offset + 1
        kept = [one for one in counted.executions if one.application != DRILL_APPLICATION]
        owned.keeper.take(partition, kept, reached, counted.origins)
        owned.reached[partition] = reached
        self._remember(owned, counted)
        self._parts.metrics.count(counted)

    @staticmethod
    def _remember(owned: _Owned, counted: Counted) -> None:
        for key, execution in RecordReader.recent(counted):
            owned.recent.add(key, execution)

    def _keep(self, consumer: Consumer) -> None:
        owned = self._owned
        if owned is None:
            return
        if owned.keeper.is_full or time.monotonic() >= self._store_at_s:
            self._store(consumer)
            self._parts.watcher.look(owned.recent)
        if time.monotonic() - self._coarsened_s >= self._pace.coarsen_s and not owned.keeper.coarsen():
            self._coarsened_s = time.monotonic()

    def _store(self, consumer: Consumer) -> None:
        owned = self._owned
        if owned is None:
            return
        begun_s = time.monotonic()
        with self._parts.metrics.storing.time():
            owned.keeper.store()
        ended_s = time.monotonic()
        self._store_at_s = ended_s + self._pace.next_store_s(ended_s - begun_s)
        if owned.reached:  # only so that others see how far it is: where it goes on is in the database
            at = [TopicPartition(self._parts.topic, number, offset) for number, offset in owned.reached.items()]
            consumer.commit(offsets=at, asynchronous=True)
            owned.reached.clear()


def _some_at_once(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Messages in lists that are not too long to be decoded at once: that takes many times their bytes."""
    first = size = 0
    for number, message in enumerate(messages):
        length = len(message.value or b"")
        if size + length > _DECODED_AT_ONCE and number > first:
            yield messages[first:number]
            first, size = number, 0
        size += length
    if first < len(messages):
        yield messages[first:]


def _message(record: ConsumerRecord) -> Message:
    written_s = record.timestamp / 1_000.0 if record.timestamp >= EARLIEST_MS else time.time()
    return Message(record.offset, written_s, record.value, record.headers)
