"""A worker's clients on the simulated cluster."""

from functools import partial
from typing import Any

from tests.simulation.cluster import Cluster
from tests.simulation.faust_consumer import SimulatedTransport
from tests.simulation.group import Group
from tests.simulation.group_consumer import SimulatedGroupConsumer
from tests.simulation.producer import SimulatedProducer
from tests.simulation.reader import SimulatedReader
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.settings.settings import Settings


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
        if group := options.pop("group_id", None):
            return SimulatedGroupConsumer(self._cluster, self._group(group), **options)
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
