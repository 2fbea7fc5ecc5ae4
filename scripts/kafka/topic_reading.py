"""Reading topics outside of any consumer group: partitions found, ends known, every failure a sentence."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import click
from aiokafka import ConsumerRecord
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from tracehound.infra.kafka.asking import ask_until, is_final
from tracehound.schemas.errors import BrokerError, ConfigurationError
from tracehound.scripts.kafka.clients import consumer_config
from tracehound.streams.kafka.bounded_batches import packed_sentence
from tracehound.streams.kafka.bounded_consumer import BoundedConsumer, RefusedError
from tracehound.streams.settings.settings import Settings

TIMEOUT_S = 10.0
_POLL_S = 1.0
_AT_ONCE = 500
_LEADER_POLL_S = 0.1
_LEADER_MOVES = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


class Unreadable(NamedTuple):
    """A topic that may not be read, and why."""

    topic: str
    why: str


class TopicReader:
    """A consumer that is told what to read and commits nothing. Close it when done.

    What there is it asks of librdkafka, which says in sentences what is wrong; records are read by aiokafka, for it can
    be kept from unpacking without a bound. A batch that holds more is told, and passed over.

    Parameters:
        settings: where the brokers are, and how to talk to them.
        timeout_s: how long a broker may take to answer before that is an error.
        from_beginning: where partitions start without an offset.

    Raises:
        ConfigurationError: a client does not accept the settings, as where a certificate cannot be read.
    """

    def __init__(self, settings: Settings, timeout_s: float = TIMEOUT_S, *, from_beginning: bool = True) -> None:
        self.servers = settings.bootstrap_servers
        self._timeout_s = timeout_s
        self._trouble = ""
        self._refused = False
        try:
            self._consumer = Consumer({**consumer_config(settings), "error_cb": self._remember})
        except KafkaException as error:
            raise ConfigurationError(f"The Kafka client's configuration is wrong: {error.args[0].str()}.") from error
        self._records = BoundedConsumer(settings, "tracehound", from_beginning=from_beginning, tell=_tell)
        self._read: deque[ConsumerRecord] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._records.close()
        self._consumer.close()

    def _remember(self, error: KafkaError) -> None:
        self._refused |= is_final(error)
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # says less than the error before it
            self._trouble = error.str()

    def take_trouble(self) -> str:
        """What the client last complained about, once; empty if nothing."""
        trouble, self._trouble = self._trouble, ""
        return trouble

    def _metadata(self, *topic: str) -> Any:
        def ask(patience_s: float) -> Any:
            return self._consumer.list_topics(*topic, timeout=patience_s)

        def is_refused() -> bool:
            self._consumer.poll(0)  # (nothing is assigned yet: errors alone come)
            return self._refused

        return ask_until(ask, is_refused, self._timeout_s)

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic, in order.

        Raises:
            BrokerError: no broker answers, or the topic does not exist.
        """
        with self._broker_errors():
            found = self._metadata(topic).topics[topic]
        if found.error is not None or not found.partitions:
            raise BrokerError(
                f"The topic {topic} does not exist at {self.servers}: create it with `tracehound topics`."
            )
        return sorted(found.partitions)

    def topics(self) -> dict[str, list[int]]:
        """The partitions of each topic that the broker tells of.

        Raises:
            BrokerError: no broker answers.
        """
        with self._broker_errors():
            found = self._metadata().topics
        return {name: sorted(topic.partitions) for name, topic in found.items()}

    def newest(self, positions: Iterable[TopicPartition], until_s: float) -> Iterator[ConsumerRecord | Unreadable]:
        """What lies from these positions to the ends of their partitions, as far as it comes until then (monotonic).

        A topic that may not be read gives one ``Unreadable``.
        """
        missing = {(each.topic, each.partition) for each in positions}
        self.start(positions)
        while missing and (left_s := until_s - time.monotonic()) > 0:
            try:
                found = self._consume(min(left_s, _POLL_S))
            except RefusedError as error:
                missing = {one for one in missing if one[0] != error.topic}
                yield Unreadable(error.topic, str(error))
                continue
            ended = self._records.at_end()
            yield from found
            missing -= ended

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """First offset and offset after the last of each partition, empty partitions left out.

        Raises:
            BrokerError: as for ``partitions``.
        """
        ends = {}
        for partition in self.partitions(topic):
            with self._broker_errors():
                low, high = self._watermarks(TopicPartition(topic, partition))
            if low < high:
                ends[partition] = (low, high)
        return ends

    def scan_since(self, topic: str, since_s: float) -> Iterator[ConsumerRecord]:
        """Every record stored until now, by Kafka's timestamps from ``since_s`` (epoch seconds) on.

        Raises:
            BrokerError: as for ``partitions``, or the broker stopped answering.
        """
        ends = self.ends(topic)
        first = self._first_since(topic, ends, since_s)
        if not first and not self._first_since(topic, ends, 0.0):  # the embedded broker finds nothing by its time
            first = {partition: low for partition, (low, _) in ends.items()}
        windows = {
            partition: (max(ends[partition][0], offset), ends[partition][1]) for partition, offset in first.items()
        }
        return (one for one in self.scan(topic, windows) if one.timestamp >= since_s * 1000)

    def _first_since(self, topic: str, partitions: Iterable[int], since_s: float) -> dict[int, int]:
        asked = [TopicPartition(topic, partition, int(since_s * 1000)) for partition in partitions]
        with self._broker_errors():
            found = self._consumer.offsets_for_times(asked, timeout=self._timeout_s) if asked else []
        return {one.partition: one.offset for one in found if one.offset >= 0}

    def from_now_on(self, topic: str) -> list[TopicPartition]:
        """Where reading has to start so that everything is seen that is stored after this call.

        Raises:
            BrokerError: as for ``partitions``.
        """
        positions = []
        for partition in self.partitions(topic):
            with self._broker_errors():
                positions.append(
                    TopicPartition(topic, partition, self._watermarks(TopicPartition(topic, partition))[1])
                )
        return positions

    def _watermarks(self, partition: TopicPartition) -> tuple[int, int]:
        """First and following offset; a partition that was just created, or moves, may have no leader for a moment."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                low, high = self._consumer.get_watermark_offsets(partition, timeout=self._timeout_s)
                return int(low), int(high)
            except KafkaException as error:
                if error.args[0].code() not in _LEADER_MOVES or time.monotonic() > deadline:
                    raise
            time.sleep(_LEADER_POLL_S)

    def scan(self, topic: str, ends: dict[int, tuple[int, int]]) -> Iterator[ConsumerRecord]:
        """Every record that lies within ``ends``, as given by that method.

        Raises:
            BrokerError: the broker stopped answering, or refuses to be read.
        """
        missing = dict(ends)
        self.start(TopicPartition(topic, partition, low) for partition, (low, _) in ends.items())
        heard_s, answered_ms = time.monotonic(), 0
        while missing:
            found, ended = self._consume(_POLL_S), self._records.at_end()
            if found or self._records.answered_ms() > answered_ms:
                heard_s, answered_ms = time.monotonic(), self._records.answered_ms()
            elif time.monotonic() - heard_s > self._timeout_s:
                raise self._unreachable(self.take_trouble() or "no answer")
            for record in found:
                high = missing.get(record.partition, (0, 0))[1]
                if record.offset < high:
                    yield record
                if record.offset + 1 >= high:
                    missing.pop(record.partition, None)
            for _, partition in ended:
                missing.pop(partition, None)
            heard_s = max(heard_s, time.monotonic()) if found else heard_s  # (whoever takes them may take long)

    def start(self, positions: Iterable[TopicPartition]) -> None:
        """Read from these positions on."""
        self._read.clear()
        self._records.assign({(one.topic, one.partition): one.offset for one in positions})

    def poll(self, timeout_s: float = _POLL_S) -> ConsumerRecord | None:
        """The next record, or None if there is none yet.

        Troubles of the connection are not raised, since the client goes on trying: see ``take_trouble``.
        """
        if not self._read:
            try:
                self._read.extend(self._consume(timeout_s))
            except RefusedError as error:
                self._trouble = str(error)
        return self._read.popleft() if self._read else None

    def _consume(self, wait_s: float) -> list[ConsumerRecord]:
        found = self._records.consume(_AT_ONCE, wait_s)
        self._consumer.poll(0)  # serves the error callback: it is assigned nothing
        return [one for one in found if not one.headers or packed_sentence(one.headers) is None]

    def _unreachable(self, why: str) -> BrokerError:
        return BrokerError(f"No Kafka broker answers at {self.servers}: {why}.")

    @contextmanager
    def _broker_errors(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            self._consumer.poll(0)  # serves the error callback, which knows more
            raise self._unreachable(self.take_trouble() or error.args[0].str()) from error


def _tell(record: ConsumerRecord, sentence: str) -> None:
    where = f"offset {record.offset} of {record.topic}-{record.partition}"
    click.echo(f"tracehound: Passed over, up to {where}: {sentence}", err=True)
