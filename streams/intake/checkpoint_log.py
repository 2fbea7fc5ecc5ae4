"""Keeps the checkpoints of the join in a compacted topic: one writer per partition, any number of readers."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.join_checkpoint import JoinCheckpoint, pack_checkpoint, unpack_checkpoint
from streams.connection import client_options
from streams.publisher import Outgoing, Publisher
from streams.settings import Settings

_RETRY_S = 1.0
_POLL_MS = 1_000
_FETCH_BYTES = 8_000_000

log = structlog.get_logger(__name__)


class CheckpointReader(Protocol):
    """Reads all records of the checkpoint topic's partitions."""

    async def read(self, partitions: Iterable[int]) -> Mapping[int, Mapping[bytes, bytes]]:
        """By partition the latest value of every key; waits while no broker answers."""
        ...


class KafkaCheckpointReader:
    """The reader of a worker; connects for every reading, outside of any consumer group."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def read(self, partitions: Iterable[int]) -> Mapping[int, Mapping[bytes, bytes]]:
        """See ``CheckpointReader``."""
        wanted = list(partitions)
        while True:
            try:
                return await self._read(wanted)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning(
                    "checkpoints_unreadable",
                    sentence=f"The checkpoints of {len(wanted)} partitions could not be read; trying again.",
                    cause=repr(error),
                )
                await asyncio.sleep(_RETRY_S)

    async def _read(self, partitions: Iterable[int]) -> Mapping[int, Mapping[bytes, bytes]]:
        topic = self._settings.topics.join_checkpoints.name
        tps = {number: TopicPartition(topic, number) for number in partitions}
        latest: dict[int, dict[bytes, bytes]] = {number: {} for number in tps}
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        await consumer.start()
        try:
            ends = await consumer.end_offsets(list(tps.values()))
            begins = await consumer.beginning_offsets(list(tps.values()))
            unread = {tp for tp in tps.values() if ends[tp] > begins[tp]}
            consumer.assign(list(unread))
            while unread:
                for tp, records in (await consumer.getmany(*unread, timeout_ms=_POLL_MS)).items():
                    for record in records:
                        if record.key is not None and record.value:
                            latest[tp.partition][record.key] = record.value
                        elif record.key is not None:
                            latest[tp.partition].pop(record.key, None)
                for tp in list(unread):  # (the last records may have been compacted away)
                    if await consumer.position(tp) >= ends[tp]:
                        unread.discard(tp)
            return latest
        finally:
            await consumer.stop()


class CheckpointLog:
    """Loads and saves checkpoints.

    A key names partition, generation of the consumer group, turn and piece. So a writer that has lost its
    partition without knowing cannot replace what its successor wrote, and an interrupted checkpoint leaves the
    one before it whole. Every checkpoint is right for its position; the one with the highest is taken.
    """

    def __init__(self, topic: str, reader: CheckpointReader, publisher: Publisher) -> None:
        self._topic = topic
        self._reader = reader
        self._publisher = publisher
        self._turns: dict[int, int] = {}
        self._outdated: dict[int, set[bytes]] = {}

    async def load(self, partitions: Iterable[int]) -> dict[int, JoinCheckpoint | None]:
        """The latest whole checkpoint of each partition; what is unusable is logged and left out."""
        loaded: dict[int, JoinCheckpoint | None] = {}
        for partition, values in (await self._reader.read(partitions)).items():
            loaded[partition], problems = unpack_checkpoint(partition, values.values())
            self._outdated[partition] = set(values)
            for problem in problems:
                log.warning("checkpoint_refused", partition=partition, sentence=problem)
        return loaded

    async def save(self, partition: int, generation: int, checkpoint: JoinCheckpoint) -> int:
        """Write a checkpoint, then remove those of earlier generations; returns its bytes, once all is acknowledged.

        Only one ``save`` of a partition may be under way.

        Raises:
            RefusedError: the broker does not take a record of this size.
        """
        turn = self._turns[partition] = 1 - self._turns.get(partition, 1)
        pieces = pack_checkpoint(partition, checkpoint)
        written: set[bytes] = set()
        for index, piece in enumerate(pieces):
            key = f"{partition}/{generation}/{turn}/{index}".encode()
            written.add(key)
            await self._publisher.publish(Outgoing(self._topic, key, piece, partition=partition))
        own = f"{partition}/{generation}/".encode()
        outdated = self._outdated.pop(partition, set())
        for key in outdated - written:
            if not key.startswith(own):
                await self._publisher.publish(Outgoing(self._topic, key, None, partition=partition))
        return sum(map(len, pieces))
