"""aiokafka's consumer without a group, on the simulated cluster."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from tests.simulation.cluster import Cluster

_PAGE = 5


class SimulatedReader:
    """aiokafka's consumer without a group."""

    def __init__(self, cluster: Cluster, **_: Any) -> None:
        self._cluster = cluster
        self._positions: OrderedDict[TopicPartition, int] = OrderedDict()

    async def start(self) -> None:
        await self._cluster.answers()

    async def stop(self) -> None:
        await asyncio.sleep(0)

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self._cluster.answers()
        return {tp: self._cluster.log(*tp).end for tp in partitions}

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self._cluster.answers()
        return {tp: self._cluster.log(*tp).start for tp in partitions}

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self._positions = OrderedDict.fromkeys(sorted(partitions), 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int
    ) -> Mapping[TopicPartition, Sequence[ConsumerRecord]]:
        await self._cluster.answers(timeout_ms / 1000)
        found: dict[TopicPartition, Sequence[ConsumerRecord]] = {}
        for tp in sorted(partitions):
            log, most = self._cluster.log(*tp), 1 + self._cluster.draw.randrange(_PAGE)
            records = log.from_offset(self._positions[tp], most)
            if records:
                found[tp] = records
                self._positions[tp] = records[-1].offset + 1
            else:  # what is left was compacted away
                self._positions[tp] = log.end
        return found
