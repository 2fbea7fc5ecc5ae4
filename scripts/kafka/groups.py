"""What a consumer group is doing: its members, and the records that it has not dealt with."""

from collections.abc import Iterable
from contextlib import closing

from confluent_kafka import Consumer, KafkaException, TopicPartition

from tracehound.infra.kafka.topics import Client
from tracehound.scripts.kafka.clients import consumer_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.settings.settings import Settings

_TIMEOUT_S = 5.0


def members_of(group: str, client: Client) -> int | None:
    """How many are in a consumer group; None on a broker that does not tell (the embedded one)."""
    try:
        described = client.admin.describe_consumer_groups([group], request_timeout=_TIMEOUT_S)[group].result()
    except KafkaException:
        return None
    return len(described.members)


def waiting_for(group: str, topics: Iterable[str], reader: TopicReader, settings: Settings) -> int:
    """Records of these topics that a group has not dealt with.

    Raises:
        BrokerError: no broker answers, or a topic does not exist.
    """
    ends = {(topic, number): end for topic in topics for number, end in reader.ends(topic).items()}
    if not ends:
        return 0
    committed = committed_of(group, ends, settings)
    return sum(high - max(low, committed.get(of, low)) for of, (low, high) in ends.items())


def committed_of(group: str, partitions: Iterable[tuple[str, int]], settings: Settings) -> dict[tuple[str, int], int]:
    """The offsets that a group has committed, of those of these partitions (topic and number) that have one."""
    asked = [TopicPartition(*of) for of in partitions]
    with closing(Consumer(consumer_config(settings, group_id=group))) as consumer:  # which joins no group
        try:
            found = consumer.committed(asked, _TIMEOUT_S)
        except KafkaException:  # a new cluster has no coordinator yet
            return {}
    return {(one.topic, one.partition): one.offset for one in found if one.offset >= 0}
