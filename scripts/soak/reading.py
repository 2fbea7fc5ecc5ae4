"""Reads what workers left on a broker: executions in their order, the highest states, anomalies, commits."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from typing import Any

from aiokafka import ConsumerRecord
from confluent_kafka import Consumer, TopicPartition

from tracehound.schemas.dead_letter import HEADER_PREFIX
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.stored_states import stored_states
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.scripts.soak.checker import Logged, Replay, Verdict
from tracehound.streams.kafka.forwarding import Origin
from tracehound.streams.settings.settings import Settings

_TIMEOUT_S = 10.0


def client(servers: str) -> dict[str, Any]:
    """Properties of librdkafka for reading whole topics."""
    return {
        "bootstrap.servers": servers,
        "group.id": "tracehound-soak",
        "log_level": 0,  # what fails is said by whoever waits for it
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.message.max.bytes": 10_000_000,
        "receive.message.max.bytes": 1_000_000_000,  # also what a batch may unpack to
    }


def verdict_on(servers: str, topics: Topics, judged: Collection[ApplicationKey] | None = None) -> Verdict:
    """Replay the executions topic, and compare it with the states, anomalies and dead letters on the broker.

    ``judged`` are the only applications that are looked at; None for all.

    Call it once all workers have ended.

    Raises:
        BrokerError: the broker does not answer.
        TracehoundError: the broker has deleted executions.
    """
    with TopicReader(Settings(bootstrap_servers=servers)) as reader:
        ends = reader.ends(topics.executions.name)

        def believes(origin: Origin) -> bool:
            return origin.topic != topics.executions.name or origin.offset < ends.get(origin.partition, (0, 0))[1]

        replay = Replay(
            *(topics.executions.name, topics.partitions, (topics.spans.name,)), judged=judged, believes=believes
        )
        if any(low for low, _ in ends.values()):
            raise TracehoundError(f"{topics.executions.name} has lost its beginning, so that nothing can be proved.")
        for message in reader.scan(topics.executions.name, ends):
            replay.take(logged(message))
        stored, _ = stored_states(_all(reader, topics.model_states.name))
        anomalies = [message.value for message in _all(reader, topics.anomalies.name)]
        buried = {
            place
            for message in _all(reader, topics.dead_letters.name)
            if (place := _place(message, topics.executions.name)) is not None
        }
    return replay.compare({key: one.state for key, one in stored.items()}, anomalies, buried)


def _place(letter: ConsumerRecord, topic: str) -> tuple[int, int] | None:
    """Where the record was that a dead letter is about; None if on another topic."""
    said = dict(letter.headers)
    if said.get(HEADER_PREFIX + "topic") != topic.encode():
        return None
    return int(said[HEADER_PREFIX + "partition"]), int(said[HEADER_PREFIX + "offset"])


def _all(reader: TopicReader, topic: str) -> Iterator[ConsumerRecord]:
    return reader.scan(topic, reader.ends(topic))


def logged(message: ConsumerRecord) -> Logged:
    """A message of the executions topic."""
    return Logged(message.partition, message.offset, message.timestamp, message.value, message.headers)


def ends_and_commits(servers: str, group: str, topic: str) -> Mapping[int, tuple[int, int]]:
    """End of each partition that holds anything, and what the group has committed of it (0: nothing yet).

    Raises:
        BrokerError: the broker does not answer.
        confluent_kafka.KafkaException: the group's coordinator does not answer.
    """
    with TopicReader(Settings(bootstrap_servers=servers), _TIMEOUT_S) as reader:
        ends = reader.ends(topic)
    with closing(Consumer(client(servers) | {"group.id": group})) as consumer:
        wanted = [TopicPartition(topic, partition) for partition in ends]
        committed = {one.partition: max(0, one.offset) for one in consumer.committed(wanted, timeout=_TIMEOUT_S)}
    return {partition: (high, committed[partition]) for partition, (_, high) in ends.items()}
