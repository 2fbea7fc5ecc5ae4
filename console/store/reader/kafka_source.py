"""Reads the output topics by partitions that it is told, from offsets that it is told; the group joins nothing."""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic, time_ns
from typing import Any, Final, Protocol

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, Message, TopicPartition

from tracehound.console.store.reader.positions import Extent, Partition
from tracehound.console.store.reader.record import Record
from tracehound.infra.kafka.topics import topic_ids
from tracehound.schemas.errors import BrokerError, ConfigurationError
from tracehound.streams.kafka.librdkafka import FETCH_BYTES, fetch_options, librdkafka_options
from tracehound.streams.settings.settings import Settings

_TIMEOUT_S: Final = 10.0
_QUEUE_KB: Final = 8_192
_AT_ONCE: Final = 500


class Source(Protocol):
    """Where records come from."""

    def extents(self, known: Iterable[Partition]) -> Mapping[Partition, Extent]:
        """The partitions that there are, with what they hold where they are not among the known ones, of which the id
        of the topic alone is asked anew (their ``first`` and ``end`` are 0).

        Raises:
            BrokerError: no broker answers.
        """

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions from there on, and no others."""

    def fetch(self, most: int, most_bytes: int, wait_s: float) -> Sequence[Record]:
        """The next records, in the order of their partitions; what there is after ``wait_s``, be it none."""

    def at_end(self) -> set[Partition]:
        """Partitions that were read to their end."""

    def trouble(self) -> str:
        """Why nothing may come, in a sentence; empty where all is well."""

    def close(self) -> None:
        """Leave."""


class KafkaSource:
    """A consumer of confluent-kafka.

    Parameters:
        topics: are read; those that do not exist yet, once they do.

    Raises:
        ConfigurationError: librdkafka does not accept the settings.
    """

    def __init__(self, settings: Settings, topics: Iterable[str]) -> None:
        self._settings, self._topics = settings, list(topics)
        self._trouble = ""
        self._ends: set[Partition] = set()
        self._options: dict[str, Any] = {**librdkafka_options(settings), "log_level": 0}
        try:
            self._consumer = Consumer(
                {
                    **self._options,
                    "client.id": "tracehound-console",
                    "group.id": settings.console.group_id,
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "enable.partition.eof": True,
                    "isolation.level": "read_committed",
                    "auto.offset.reset": "earliest",
                    "queued.max.messages.kbytes": _QUEUE_KB,
                    **fetch_options(settings, FETCH_BYTES),
                    "error_cb": self._remember,
                }
            )
        except (KafkaException, TypeError, ValueError) as error:
            raise ConfigurationError(f"The Kafka client's configuration is wrong: {error}.") from error

    def extents(self, known: Iterable[Partition]) -> Mapping[Partition, Extent]:
        """See ``Source``."""
        known = set(known)
        try:
            found = self._consumer.list_topics(timeout=_TIMEOUT_S).topics
            present = [name for name in self._topics if name in found and not found[name].error]
            ids = {} if self._settings.broker_is_embedded else topic_ids(self._options, present, _TIMEOUT_S)
            extents = {}
            for name in present:
                topic_id = ids.get(name) or ""
                for number in found[name].partitions:
                    first, end = (0, 0) if (name, number) in known else self._watermarks(name, number)
                    extents[name, number] = Extent(topic_id, first, end)
        except KafkaException as error:
            self._consumer.poll(0)  # serves the error callback, which knows more
            why = self._trouble or error.args[0].str()
            raise BrokerError(f"Kafka at {self._settings.bootstrap_servers} cannot be used: {why}.") from error
        self._trouble = ""
        return extents

    def _watermarks(self, name: str, number: int) -> tuple[int, int]:
        low, high = self._consumer.get_watermark_offsets(TopicPartition(name, number), timeout=_TIMEOUT_S)
        return int(low), int(high)

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """See ``Source``."""
        self._ends.clear()
        self._consumer.assign([TopicPartition(name, number, offset) for (name, number), offset in offsets.items()])

    def fetch(self, most: int, most_bytes: int, wait_s: float) -> Sequence[Record]:
        """See ``Source``."""
        records: list[Record] = []
        size, until_s = 0, monotonic() + wait_s
        while len(records) < most and size < most_bytes:
            left_s = until_s - monotonic()
            messages = self._consumer.consume(min(_AT_ONCE, most - len(records)), max(0.0, left_s))
            for message in messages:
                record = self._record(message)
                if record is not None:
                    records.append(record)
                    size += record.bytes
            if left_s <= 0 or (records and not messages):
                break
        return records

    def at_end(self) -> set[Partition]:
        """See ``Source``."""
        return set(self._ends)

    def trouble(self) -> str:
        """See ``Source``."""
        return self._trouble

    def close(self) -> None:
        """See ``Source``."""
        self._consumer.close()

    def _record(self, message: Message) -> Record | None:
        """A message as a record; None for one that says something about the connection."""
        error = message.error()
        if error is None:
            self._trouble = ""
            self._ends.discard((message.topic(), message.partition()))
            kind, timestamp_ms = message.timestamp()
            # no later than now: what is too old is removed up to the first row that is not
            told_us = 0 if kind == TIMESTAMP_NOT_AVAILABLE else max(0, min(timestamp_ms * 1_000, time_ns() // 1_000))
            place = (message.topic(), message.partition(), message.offset(), told_us)
            return Record(*place, message.key(), message.value(), message.headers() or ())
        if error.code() == KafkaError._PARTITION_EOF:
            self._trouble = ""
            self._ends.add((message.topic(), message.partition()))
        else:
            self._remember(error)
        return None

    def _remember(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self._trouble:  # says less than the error before it
            self._trouble = error.str()
