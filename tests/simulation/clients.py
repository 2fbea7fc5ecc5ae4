"""A worker's clients on the simulated cluster."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from tests.simulation.cluster import Cluster
from tests.simulation.faust_consumer import SimulatedTransport
from tests.simulation.group import Group
from tests.simulation.producer import SimulatedProducer
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.settings.settings import Settings

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


class SimulatedClients(KafkaClients):
    """Clients of one process."""

    def __init__(self, settings: Settings, cluster: Cluster, groups: dict[str, Group]) -> None:
        super().__init__(settings)
        self._cluster = cluster
        self._groups = groups
        self.transport = partial(SimulatedTransport, cluster=cluster, group_of=self._group)

    def _group(self, name: str) -> Group:
        if name not in self._groups:
            self._groups[name] = Group(self._cluster, name)
        return self._groups[name]

    def consumer(self, **options: Any) -> Any:
        return SimulatedReader(self._cluster, **options)

    def producer(self, **options: Any) -> Any:
        return SimulatedProducer(self._cluster, **options)

    async def answered(self) -> bool:
        return not self._cluster.away_s

    def present_topic_id(self, topic: str) -> str:
        return self._cluster.topics[topic].id

    async def topic_id(self, topic: str) -> str:
        await self._cluster.answers()
        return self._cluster.topics[topic].id
