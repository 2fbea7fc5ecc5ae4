"""What the reader gets of Kafka."""

import os
from contextlib import closing

import pytest
from confluent_kafka import Producer

from tracehound.console.store.reader.kafka_source import KafkaSource
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.streams.settings.settings import Settings

LARGE = os.urandom(4_000_000)
"""More than is asked for at once."""


@pytest.fixture
def filled(any_kafka: Broker, prefix: str) -> tuple[Settings, str]:
    """A topic with a large record between small ones."""
    topics = Topics(prefix, 1)
    any_kafka.create_topics(topics)
    producer = Producer({**any_kafka.client_config, "message.max.bytes": 8_000_000})
    for value in (b"before", LARGE, b"after"):
        producer.produce(topics.anomalies.name, value)
        assert producer.flush(120) == 0
    servers = any_kafka.bootstrap_servers
    return Settings(bootstrap_servers=servers, broker_is_embedded=any_kafka.embedded), topics.anomalies.name


def test_a_record_that_is_larger_than_what_is_asked_for_at_once_is_read_whole(filled: tuple[Settings, str]) -> None:
    settings, topic = filled
    with closing(KafkaSource(settings, [topic])) as source:
        source.start({(topic, 0): 0})
        found: list[bytes | None] = []
        for _ in range(60):
            found += [record.value for record in source.fetch(10, 50_000_000, 2.0)]
            if len(found) >= 3:
                break
    assert found == [b"before", LARGE, b"after"]
