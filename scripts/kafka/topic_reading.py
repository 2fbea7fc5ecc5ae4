"""Reading topics outside of any consumer group: partitions found, ends known, every failure a sentence."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tracehound.infra.kafka.asking import ask_until, is_final
from tracehound.schemas.errors import BrokerError, ConfigurationError
from tracehound.scripts.kafka.clients import ClientConfig

TIMEOUT_S = 10.0
_POLL_S = 1.0
_LEADER_POLL_S = 0.1
_LEADER_MOVES = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


class TopicReader:
    """A consumer that is told what to read and commits nothing. Close it when done.

    Parameters:
        config: of librdkafka, from ``scripts.kafka.clients.consumer_config``.
        timeout_s: how long a broker may take to answer before that is an error.

    Raises:
        ConfigurationError: librdkafka does not accept the configuration, as where a certificate cannot be read.
    """

    def __init__(self, config: ClientConfig, timeout_s: float = TIMEOUT_S) -> None:
        self.servers = str(config["bootstrap.servers"])
        self._timeout_s = timeout_s
        self._trouble = ""
        self._refused = False
        try:
            self._consumer = Consumer({**config, "error_cb": self._remember})
        except KafkaException as error:
            raise ConfigurationError(f"The Kafka client's configuration is wrong: {error.args[0].str()}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
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

    def newest(self, positions: Iterable[TopicPartition], until_s: float) -> Iterator[Message]:
        """What lies from these positions to the ends of their partitions, as far as it comes until then (monotonic).

        A partition that cannot be read gives one message, with its error.
        """
        missing = {(each.topic, each.partition): each for each in positions}
        self.start(missing.values())
        while missing and (left_s := until_s - time.monotonic()) > 0:
            message = self._consumer.poll(min(left_s, _POLL_S))
            if message is None:
                continue
            error = message.error()
            if error is None:
                yield message
            elif message.topic() is None:
                self._remember(error)
            else:
                missing.pop((message.topic(), message.partition()), None)
                if error.code() != KafkaError._PARTITION_EOF:
                    yield message

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

    def scan_since(self, topic: str, since_s: float) -> Iterator[Message]:
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
        return (one for one in self.scan(topic, windows) if one.timestamp()[1] >= since_s * 1000)

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

    def scan(self, topic: str, ends: dict[int, tuple[int, int]]) -> Iterator[Message]:
        """Every record that lies within ``ends``, as given by that method.

        Raises:
            BrokerError: the broker stopped answering.
        """
        missing = dict(ends)
        self.start(TopicPartition(topic, partition, low) for partition, (low, _) in ends.items())
        heard_s = time.monotonic()
        while missing:
            message = self._consumer.poll(_POLL_S)
            if message is None:
                if time.monotonic() - heard_s > self._timeout_s:
                    raise self._unreachable(self.take_trouble() or "no answer")
                continue
            heard_s = time.monotonic()
            partition = message.partition()
            if message.error() is not None:
                if message.error().code() != KafkaError._PARTITION_EOF:
                    raise self._unreachable(message.error().str())
                missing.pop(partition, None)
                continue
            if partition in missing and message.offset() < missing[partition][1]:
                yield message
            if partition in missing and message.offset() + 1 >= missing[partition][1]:
                del missing[partition]

    def start(self, positions: Iterable[TopicPartition]) -> None:
        """Read from these positions on."""
        self._consumer.assign(list(positions))

    def poll(self, timeout_s: float = _POLL_S) -> Message | None:
        """The next record, or None if there is none yet; ends of partitions are passed over.

        Troubles of the connection are not raised, since the client goes on trying: see ``take_trouble``.
        """
        message: Message | None = self._consumer.poll(timeout_s)
        if message is None or message.error() is None:
            return message
        if message.error().code() != KafkaError._PARTITION_EOF:
            self._remember(message.error())
        return None

    def _unreachable(self, why: str) -> BrokerError:
        return BrokerError(f"No Kafka broker answers at {self.servers}: {why}.")

    @contextmanager
    def _broker_errors(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            self._consumer.poll(0)  # serves the error callback, which knows more
            raise self._unreachable(self.take_trouble() or error.args[0].str()) from error
