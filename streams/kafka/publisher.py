"""Sends records to Kafka and says when they are safe; what the broker does not take is tried again, never dropped.

Uses aiokafka's producer directly: Faust's wraps each record in a channel, a future and a buffer of its own
(3,700 records/s measured, and ``flush`` gives up early), while here each send must be awaited until the broker
has acknowledged it, and forwarded records must keep their order.
"""

import asyncio
import time
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
)
from aiokafka.partitioner import murmur2
from mode import Service

from tracehound.schemas.errors import TracehoundError
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.kafka.made_sequence import MadeSequence
from tracehound.streams.kafka.written_batch import WrittenBatch
from tracehound.streams.settings.settings import Settings

_LINGER_MS = 5
_BATCH_BYTES = 262_144
_REQUEST_OVERHEAD_BYTES = 1_000_000
_REQUEST_TIMEOUT_MS = 30_000
_FIRST_RETRY_S = 0.2
_LONGEST_RETRY_S = 5.0
_CLOSE_TIMEOUT_S = 5.0
_REFUSALS = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidTimestampError)

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One record to send. Without ``partition`` the key decides (murmur2); without ``timestamp_ms`` it is now."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


class WrittenPart(NamedTuple):
    """Records for one partition (None: any), by their places among all of them, and as a batch holds them."""

    partition: int | None
    rows: list[int]
    content: memoryview


class WrittenRecords(MadeSequence[Outgoing]):
    """Records of one topic that can be written into batches without an object for any; they are sent at this time."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    @abstractmethod
    def written(self, partitions: int, room: int) -> Iterator[WrittenPart]:
        """All of them, where their keys belong among so many partitions; no more than ``room`` bytes at once, unless a
        single one is longer.
        """


class RefusedError(TracehoundError):
    """The broker will never take this record (too large, impossible timestamp); the message says why."""


class Publisher(Protocol):
    """Sends records; both verbs return once the broker has acknowledged everything."""

    async def publish(self, outgoing: Outgoing) -> None:
        """Send one record, again and again until it is acknowledged.

        Raises:
            RefusedError: the broker will never take it.
        """
        ...

    async def publish_in_order(self, outgoing: Sequence[Outgoing]) -> None:
        """Send records of one topic and partition so that they arrive in this order, whatever is sent again.

        Raises:
            RefusedError: the broker will never take one of them; the others may have been sent.
        """
        ...

    async def publish_together(self, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        """Send records of one topic as few batches, in whatever order: far cheaper than one by one, and than that
        ``WrittenRecords``.

        Returns:
            Those that the broker will never take; all others are acknowledged.
        """
        ...


class KafkaPublisher(Service):
    """The publisher of a worker: acks from all in-sync replicas, retries without end."""

    mundane_level = "debug"  # mode says at this level that a service starts and stops

    def __init__(self, settings: Settings, clients: KafkaClients | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._clients = clients or KafkaClients(settings)
        self._producer: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()

    async def on_start(self) -> None:
        """Connect; the broker must be reachable."""
        self._producer = await self._connect()

    async def _connect(self) -> AIOKafkaProducer:
        producer = self._clients.producer(
            client_id=f"{self._settings.group_id}-publisher",
            acks="all",
            linger_ms=_LINGER_MS,
            max_batch_size=_BATCH_BYTES,
            max_request_size=self._settings.max_record_bytes + _REQUEST_OVERHEAD_BYTES,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
        )
        try:
            await producer.start()
        except BaseException:
            await _close(producer)
            raise
        return producer

    async def on_stop(self) -> None:
        """Disconnect. What was not acknowledged by now is read again by the next worker."""
        if self._producer is not None:
            await _close(self._producer)

    async def _renew(self) -> None:
        """Connect anew if the task of aiokafka's that sends has ended: whatever is sent by that producer fails then."""
        async with self._renewing:
            old = self._connected
            if old._closed or not old._sender.sender_task.done():
                return
            self._producer = await self._connect()
            log.error("publisher_renewed", sentence="The task that sends to Kafka ended by an error; another one does.")
            await _close(old)

    async def publish(self, outgoing: Outgoing) -> None:
        """See ``Publisher``."""
        value = outgoing.value
        if value is None and outgoing.key is None:
            value = b""  # aiokafka sends no record without key and value

        async def send() -> None:
            acknowledged = await self._connected.send(
                outgoing.topic,
                value=value,
                key=outgoing.key,
                partition=outgoing.partition,
                timestamp_ms=outgoing.timestamp_ms,
                headers=list(outgoing.headers),
            )
            await acknowledged

        await self._retry(send, outgoing.topic)

    async def publish_in_order(self, outgoing: Sequence[Outgoing]) -> None:
        """See ``Publisher``. A batch is acknowledged as a whole before the next one is sent."""
        for batch, records in self._batches(outgoing):
            await self._send_batch(batch, records[0].topic, records[0].partition)

    async def publish_together(self, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        """See ``Publisher``. Keys decide about partitions as they do with ``publish``."""
        topic = outgoing[0].topic
        partitions = len(await self._retry(lambda: self._connected.partitions_for(topic), topic))
        if isinstance(outgoing, WrittenRecords):
            refused = await asyncio.gather(
                *(self._send_written(outgoing, part) for part in outgoing.written(partitions, _BATCH_BYTES))
            )
            return list(chain.from_iterable(refused))
        by_key: defaultdict[bytes | None, list[Outgoing]] = defaultdict(list)
        for one in outgoing:
            by_key[one.key].append(one)
        targets: defaultdict[int | None, list[Outgoing]] = defaultdict(list)
        for key, records in by_key.items():
            targets[None if key is None else (murmur2(key) & 0x7FFFFFFF) % partitions] += records
        refused = await asyncio.gather(*(self._send_to(where, records) for where, records in targets.items()))
        return list(chain.from_iterable(refused))

    async def _send_to(self, partition: int | None, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        refused: list[Outgoing] = []
        for batch, records in self._batches(outgoing):
            try:
                await self._send_batch(batch, records[0].topic, partition)
            except RefusedError:
                refused += await self._refused_of(records)
        return refused

    async def _send_written(self, outgoing: WrittenRecords, part: WrittenPart) -> list[Outgoing]:
        batch = WrittenBatch(part.content, len(part.rows), int(time.time() * 1000))
        try:
            await self._send_batch(batch, outgoing.topic, part.partition)
        except RefusedError:
            return await self._refused_of([outgoing[row] for row in part.rows])
        return []

    async def _refused_of(self, records: Sequence[Outgoing]) -> list[Outgoing]:
        """Those that are to blame that a batch was refused, of which none was taken."""
        refused: list[Outgoing] = []
        for one in records:
            try:
                await self.publish(one)
            except RefusedError:
                refused.append(one)
        return refused

    def _batches(self, outgoing: Sequence[Outgoing]) -> Iterator[tuple[Any, Sequence[Outgoing]]]:
        begin = 0
        while begin < len(outgoing):
            batch, end = self._connected.create_batch(), begin
            for one in islice(outgoing, begin, None):
                key, value, headers = one.key, one.value, one.headers
                if value is None and key is None:
                    value = b""  # as in ``publish``
                if not isinstance(headers, list):
                    headers = list(headers)
                if batch.append(key=key, value=value, timestamp=one.timestamp_ms, headers=headers) is None:
                    break
                end += 1
            batch.close()
            yield batch, outgoing[begin:end]
            begin = end

    async def _send_batch(self, batch: Any, topic: str, partition: int | None) -> None:
        async def send() -> None:
            await (await self._connected.send_batch(batch, topic, partition=partition))

        await self._retry(send, topic)

    async def _retry(self, send: Callable[[], Awaitable[T]], topic: str) -> T:
        pause_s, failed = _FIRST_RETRY_S, False
        while True:
            try:
                if failed:
                    await self._renew()
                return await send()
            except ProducerClosed:
                raise
            except _REFUSALS as error:
                raise RefusedError(f"Kafka refuses a record for {topic}: {error}") from error
            except (KafkaError, OSError, TimeoutError, MemoryError) as error:
                log.warning(
                    "send_failed",
                    sentence=f"A record for {topic} was not acknowledged; sending it again in {pause_s:g} s.",
                    topic=topic,
                    cause=repr(error),
                )
            await asyncio.sleep(pause_s)
            failed = True
            pause_s = min(2 * pause_s, _LONGEST_RETRY_S)

    @property
    def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("The publisher must be started before it can send.")
        return self._producer


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), _CLOSE_TIMEOUT_S)
    except (TimeoutError, KafkaError) as error:
        log.warning("publisher_did_not_close", cause=repr(error))
