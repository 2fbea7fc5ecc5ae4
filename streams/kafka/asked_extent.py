"""The extent of a topic, asked of the brokers by a worker's own clients."""

from collections.abc import Sequence

from tracehound.streams.kafka.changelog import KafkaChangelogReader
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.kafka.extent import Extent, ExtentOf


def extent_of(clients: KafkaClients, topic: str) -> ExtentOf:
    """How the extent of a topic is asked for; waits while no broker answers."""
    reader = KafkaChangelogReader(clients, topic)

    async def ask(partitions: Sequence[int]) -> Extent:
        return Extent(await clients.topic_id(topic), await reader.ends(partitions))

    return ask
