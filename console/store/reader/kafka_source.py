"""Reads the output topics by partitions that it is told, from offsets that it is told; the group joins nothing."""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic, time_ns
from typing import Any, Final, Protocol

from aiokafka import ConsumerRecord
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from tracehound.console.store.reader.positions import Extent, Partition
from tracehound.console.store.reader.record import Record
from tracehound.infra.kafka.topics import topic_ids
from tracehound.schemas.errors import BrokerError, ConfigurationError
from tracehound.streams.kafka.bounded_consumer import BoundedConsumer
from tracehound.streams.kafka.librdkafka import FETCH_BYTES, librdkafka_options
from tracehound.streams.settings.settings import Settings

_TIMEOUT_S: Final = 10.0
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
    """Asks what there is by confluent-kafka, and reads it by aiokafka, which unpacks within a bound.

    Parameters:
        topics: are read; those that do not exist yet, once they do.

    Raises:
        ConfigurationError: a client does not accept the settings.
    """

    def __init__(self, settings: Settings, topics: Iterable[str]) -> None:
        self._settings, self._topics = settings, list(topics)
        self._trouble = ""
        self._answered_ms = 0
        self._options: dict[str, Any] = {**librdkafka_options(settings), "log_level": 0}
        try:
            self._consumer = Consumer(
                {
                    **self._options,
                    "client.id": "tracehound-console",
                    "group.id": settings.console.group_id,
                    "enable.auto.commit": False,
                    "error_cb": self._remember,
                }
            )
        except (KafkaException, TypeError, ValueError) as error:
            raise ConfigurationError(f"The Kafka client's configuration is wrong: {error}.") from error
        self._records = BoundedConsumer(settings, "tracehound-console", FETCH_BYTES)

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
        self._records.assign(offsets)

    def fetch(self, most: int, most_bytes: int, wait_s: float) -> Sequence[Record]:
        """See ``Source``."""
        records: list[Record] = []
        size, until_s = 0, monotonic() + wait_s
        while len(records) < most and size < most_bytes:
            left_s = until_s - monotonic()
            found = self._records.consume(min(_AT_ONCE, most - len(records)), max(0.0, left_s))
            for one in found:
                records.append(_record(one))
                size += records[-1].bytes
            if left_s <= 0 or (records and not found):
                break
        self._look_after_brokers(bool(records))
        return records

    def at_end(self) -> set[Partition]:
        """See ``Source``."""
        return set(self._records.at_end())

    def trouble(self) -> str:
        """See ``Source``."""
        return self._trouble or self._records.trouble()

    def close(self) -> None:
        """See ``Source``."""
        self._records.close()
        self._consumer.close()

    def _look_after_brokers(self, came: bool) -> None:
        """What went wrong with them is over once one answers."""
        self._consumer.poll(0)  # serves the error callback: it is assigned nothing
        answered_ms = self._records.answered_ms()
        if came or answered_ms > self._answered_ms:
            self._trouble = ""
        self._answered_ms = answered_ms

    def _remember(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self._trouble:  # says less than the error before it
            self._trouble = error.str()


def _record(found: ConsumerRecord) -> Record:
    # no later than now: what is too old is removed up to the first row that is not
    told_us = max(0, min(found.timestamp * 1_000, time_ns() // 1_000))
    return Record(found.topic, found.partition, found.offset, told_us, found.key, found.value, found.headers)
