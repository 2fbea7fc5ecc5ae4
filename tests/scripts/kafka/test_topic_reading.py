"""Topics as commands read them: to their end, and past what is not unpacked, which is told."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.streams.kafka.bounded_batches import bound_batches
from tracehound.streams.settings.settings import Settings


@pytest.fixture(autouse=True)
def bound() -> Iterator[None]:
    """The bound holds for the process, so it is taken back."""
    yield
    bound_batches(Settings().batch_bytes)


def test_a_batch_that_is_too_large_is_told_and_passed_over(
    any_kafka: Broker, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = Topics(prefix, 1)
    any_kafka.create_topics(topics)
    topic = topics.anomalies.name
    packing = Producer({**any_kafka.client_config, "compression.type": "gzip", "linger.ms": 200_000})
    for _ in range(200):
        packing.produce(topic, b"x" * 1_000, partition=0)
    assert packing.flush(120) == 0
    plain = Producer(any_kafka.client_config)
    plain.produce(topic, b"behind", partition=0)
    assert plain.flush(120) == 0
    settings = Settings(bootstrap_servers=any_kafka.bootstrap_servers, max_record_bytes=10_000, max_event_bytes=10_000)
    with TopicReader(settings, timeout_s=120.0) as reader:
        found = list(reader.scan(topic, reader.ends(topic)))
    assert [record.value for record in found] == [b"behind"]
    said = capsys.readouterr()
    assert f"Passed over, up to offset 199 of {topic}-0: A batch of " in said.err
    assert "packed with gzip" in said.err
    assert not said.out
