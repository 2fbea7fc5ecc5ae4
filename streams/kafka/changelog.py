"""Reads partitions of a compacted topic from an offset to their end, outside of any consumer group."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from tracehound.streams.kafka.clients import KafkaClients

_RETRY_S = 1.0
_POLL_MS = 1_000
_FETCH_BYTES = 16_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one partition in their order; ``following`` is the offset after them.

    ``anew``: what was read of the partition before means nothing, since its offsets begin again.
    """

    partition: int
    records: Sequence[ConsumerRecord]
    following: int
    anew: bool = False


class ChangelogReader(Protocol):
    """Reads a compacted topic."""

    def read(self, begins: Mapping[int, int]) -> AsyncIterator[Page]:
        """Pages of each partition from the offset given up to its present end; waits while no broker answers.

        The last page of a partition may hold no records (they were compacted away), and names its end.
        """
        ...


class KafkaChangelogReader:
    """The reader of a worker for one topic; connects for every reading."""

    def __init__(self, clients: KafkaClients, topic: str) -> None:
        self._clients = clients
        self._topic = topic

    async def read(self, begins: Mapping[int, int]) -> AsyncIterator[Page]:
        """See ``ChangelogReader``."""
        left = dict(begins)
        while left:
            try:
                async for page in self._read(dict(left)):
                    left[page.partition] = page.following
                    yield page
                return
            except (KafkaError, OSError, TimeoutError) as error:
                await self._complain(error)

    async def ends(self, partitions: Sequence[int]) -> dict[int, int]:
        """The offset after the last record of each partition; waits while no broker answers."""
        while True:
            try:
                return await self._ends(partitions)
            except (KafkaError, OSError, TimeoutError) as error:
                await self._complain(error)

    async def _ends(self, partitions: Sequence[int]) -> dict[int, int]:
        consumer = self._clients.consumer()
        try:
            await consumer.start()
            ends = await consumer.end_offsets([TopicPartition(self._topic, number) for number in partitions])
            return {tp.partition: int(end) for tp, end in ends.items()}
        finally:
            await consumer.stop()

    async def _complain(self, error: BaseException) -> None:
        log.warning(
            "changelog_unreadable",
            sentence=f"{self._topic} could not be read; trying again in {_RETRY_S:g} s.",
            topic=self._topic,
            cause=repr(error),
        )
        await asyncio.sleep(_RETRY_S)

    async def _read(self, begins: Mapping[int, int]) -> AsyncIterator[Page]:
        consumer = self._clients.consumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        await consumer.start()
        try:
            tps = [TopicPartition(self._topic, number) for number in begins]
            ends = await consumer.end_offsets(tps)
            firsts = await consumer.beginning_offsets(tps)
            unread: set[TopicPartition] = set()
            for tp in tps:
                begin = begins[tp.partition]
                if begin > ends[tp]:
                    begin = firsts[tp]
                    yield Page(tp.partition, (), begin, anew=True)
                if max(begin, firsts[tp]) < ends[tp]:
                    unread.add(tp)
            consumer.assign(list(unread))
            for tp in unread:
                begin = begins[tp.partition]
                consumer.seek(tp, max(firsts[tp], begin if begin <= ends[tp] else 0))
            while unread:
                for tp, records in (await consumer.getmany(*unread, timeout_ms=_POLL_MS)).items():
                    yield Page(tp.partition, records, int(records[-1].offset) + 1)
                for tp in list(unread):
                    if await consumer.position(tp) >= ends[tp]:
                        unread.discard(tp)
                        yield Page(tp.partition, (), int(ends[tp]))
        finally:
            await consumer.stop()
