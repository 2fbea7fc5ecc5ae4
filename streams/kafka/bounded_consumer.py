"""A consumer for whoever has no event loop: it is told what to read, and unpacks batches within a bound.

librdkafka, which all other things are asked of, unpacks gzip, snappy and lz4 as large as they get.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from tracehound.schemas.errors import BrokerError
from tracehound.streams.kafka.aiokafka_options import client_options, started
from tracehound.streams.kafka.bounded_batches import bound_batches, packed_sentence
from tracehound.streams.kafka.librdkafka import longest_record
from tracehound.streams.settings.settings import Settings

_AT_ONCE: Final = 8_388_608
_BROKER_MS: Final = 10_000
_RETRY_S: Final = 1.0
_Answer = TypeVar("_Answer")

Partition = tuple[str, int]
"""Topic and number."""

log = structlog.get_logger(__name__)


class RefusedError(BrokerError):
    """A topic may not be read, and will not be by trying again; ``topic`` is its name, empty if that is not told."""

    def __init__(self, sentence: str, topic: str) -> None:
        super().__init__(sentence)
        self.topic = topic


def _log(record: ConsumerRecord, sentence: str) -> None:
    about = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    log.error("batch_passed_over", sentence=sentence, bytes=len(record.value or b""), **about)


class BoundedConsumer:
    """Reads partitions that it is told in a thread of its own, and joins no group; transactions only once committed.

    It connects once it has something to read, and goes on trying. A batch that is not unpacked is one record
    (``packed_sentence`` of its headers says why). Its methods block and are called by one thread.

    Parameters:
        name: of the client and its thread.
        fetch_bytes: asked of a partition at once, as its records lie on the broker; what is larger comes alone. None:
            the longest record.
        from_beginning: where partitions begin whose offset is below 0, or is no more.
        tell: is given each batch that is not unpacked, with the reason.

    Raises:
        ConfigurationError: a file of the settings cannot be read.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        fetch_bytes: int | None = None,
        *,
        from_beginning: bool = True,
        tell: Callable[[ConsumerRecord, str], None] = _log,
    ) -> None:
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it says again and again what ``consume`` says once
        # ``tell`` knows the topic, too
        bound_batches(settings.batch_bytes, lambda *_: None, longest=longest_record(settings))
        self._servers = settings.bootstrap_servers
        self._tell = tell
        self._options: dict[str, Any] = {
            **client_options(settings),
            "client_id": name,
            "isolation_level": "read_committed",
            "auto_offset_reset": "earliest" if from_beginning else "latest",
            "max_partition_fetch_bytes": longest_record(settings) if fetch_bytes is None else fetch_bytes,
            "fetch_max_bytes": _AT_ONCE,
            "request_timeout_ms": _BROKER_MS,
            "check_crcs": False,  # of what TCP and the broker have looked over; librdkafka does not by itself either
        }
        self._consumer: AIOKafkaConsumer | None = None
        self._wanted: dict[Partition, int] = {}
        self._begun = False
        self._ends: frozenset[Partition] = frozenset()
        self._answered_ms = 0
        self._trouble = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions from there on, and no others."""
        self._wanted, self._begun, self._ends = dict(offsets), False, frozenset()

    def consume(self, most: int, wait_s: float) -> Sequence[ConsumerRecord]:
        """The next records, in the order of their partitions; as soon as there are any, and none after ``wait_s``.

        Raises:
            RefusedError: a topic may not be read; the next call reads on elsewhere.
        """
        return self._call(self._consume(most, wait_s))

    def at_end(self) -> frozenset[Partition]:
        """Partitions that had been read to their end when ``consume`` returned."""
        return self._ends

    def trouble(self) -> str:
        """Why nothing comes, in a sentence, if it could not connect; empty otherwise."""
        return self._trouble

    def answered_ms(self) -> int:
        """When a broker last answered for a partition, in milliseconds since the epoch; 0: none has."""
        return self._answered_ms

    def close(self) -> None:
        """Leave; nothing may be asked any more."""
        if self._loop.is_closed():
            return
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, asked: Coroutine[Any, Any, _Answer]) -> _Answer:
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    async def _consume(self, most: int, wait_s: float) -> Sequence[ConsumerRecord]:
        if not self._wanted:
            await asyncio.sleep(wait_s)
            return ()
        try:
            if self._consumer is None:
                self._consumer = await started(AIOKafkaConsumer(**self._options))
            consumer = self._consumer
            if not self._begun:
                self._begin(consumer)
            found = await consumer.getmany(timeout_ms=max(0, round(wait_s * 1_000)), max_records=most)
        except (KafkaError, OSError, TimeoutError) as error:
            why = (str(error) or type(error).__name__).rstrip(".")
            self._trouble = f"Kafka at {self._servers} cannot be read: {why}."
            if self._consumer is not None and not getattr(error, "retriable", True):
                raise RefusedError(self._trouble, str(error.args[0]) if error.args else "") from error
            await asyncio.sleep(min(wait_s, _RETRY_S))
            return ()
        self._trouble = ""
        self._note(consumer)
        records = [record for together in found.values() for record in together]
        for record in records:
            if record.headers and (sentence := packed_sentence(record.headers)) is not None:
                self._tell(record, sentence)
        return records

    def _begin(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign([TopicPartition(*partition) for partition in self._wanted])
        for partition, offset in self._wanted.items():
            if offset >= 0:
                consumer.seek(TopicPartition(*partition), offset)
        self._begun = True

    def _note(self, consumer: AIOKafkaConsumer) -> None:
        assignment = consumer._subscription.subscription.assignment  # (its own ``position`` may wait for ever)
        ends = set()
        for place in assignment.tps:
            state = assignment.state_value(place)
            self._answered_ms = max(self._answered_ms, state.timestamp or 0)
            end = state.highwater if state.lso in (None, -1) else state.lso
            if state.has_valid_position and end is not None and state.position >= end:
                ends.add((place.topic, place.partition))
        self._ends = frozenset(ends)

    async def _stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()
