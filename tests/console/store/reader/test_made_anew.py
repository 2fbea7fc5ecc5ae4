"""On a real Kafka, a topic that is deleted and made anew is told by its id, and read from its beginning."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from tests.console.store.reader.told import anomaly
from tracehound.console.store.engine import Store
from tracehound.console.store.reader.kafka_source import KafkaSource
from tracehound.console.store.reader.metrics import ReaderMetrics
from tracehound.console.store.reader.reader import Pace, Reader
from tracehound.console.store.reader.store_batch import stored_positions
from tracehound.console.store.reader.writers import writers
from tracehound.console.store.retention import Retention
from tracehound.console.store.tables import anomalies
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.topics import ensure_topics, topic_id
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topics
from tracehound.streams.settings.settings import Settings


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(
    kafka: Broker, prefix: str, store: Store, eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    topics, producer = Topics(prefix, 1), Producer({**kafka.client_config, "acks": "all"})
    settings = Settings(bootstrap_servers=kafka.bootstrap_servers, topic_prefix=prefix, partitions=1)
    writer = writers(topics)[topics.anomalies.name]

    def tell(numbers: Iterable[int]) -> None:
        for number in numbers:
            producer.produce(topics.anomalies.name, anomaly(number), partition=0)
        assert producer.flush(60) == 0

    def read_until(numbers: Iterable[int]) -> bool:
        wanted = {f"anomaly-{number}" for number in numbers}
        reader = Reader(
            store,
            lambda: KafkaSource(settings, [topics.anomalies.name]),
            {topics.anomalies.name: writer},
            Retention(store, settings.console, lambda: time.time_ns() // 1_000),
            ReaderMetrics(CollectorRegistry()),
            replace(Pace(), retry_s=0.1),
        )
        reader.start()
        try:
            return eventually(lambda: ids(store) == wanted)
        finally:
            reader.stop()

    kafka.create_topics(topics)
    tell(range(5))
    assert read_until(range(5))
    before = stored_positions(store)[topics.anomalies.name, 0]
    assert before.topic_id
    admin = AdminClient(kafka.client_config)  # kept until the answer is there
    admin.delete_topics([topics.anomalies.name])[topics.anomalies.name].result()
    assert eventually(lambda: made_anew(kafka, topics, before.topic_id))
    tell(range(10, 30))  # longer than the old one: by its offset alone reading would go on in the midst of it
    assert read_until([*range(5), *range(10, 30)])
    after = stored_positions(store)[topics.anomalies.name, 0]
    assert (after.topic_id != before.topic_id, after.offset) == (True, 20)


def made_anew(kafka: Broker, topics: Topics, before: str) -> bool:
    """Make the topic; not yet while its deletion is under way, or brokers have not heard of that."""
    try:
        ensure_topics(kafka.bootstrap_servers, [topics.anomalies], 1)
    except BrokerError:
        return False
    return topic_id(kafka.bootstrap_servers, topics.anomalies.name) not in (None, before)


def ids(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(select(anomalies.c.id)).scalars())
