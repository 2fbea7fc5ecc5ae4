"""Records that are read without librdkafka: unpacked within a bound, committed ones alone, and told where they end."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from confluent_kafka import Producer

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.streams.kafka.bounded_batches import BATCHES_REFUSED, bound_batches, packed_sentence
from tracehound.streams.kafka.bounded_consumer import BoundedConsumer
from tracehound.streams.kafka.bounded_parts import BoundedPart
from tracehound.streams.kafka.librdkafka import longest_record
from tracehound.streams.settings.settings import Settings

FEW = 10_000
"""Bytes of the largest record: a batch may unpack to 16 times as many."""
WAIT_S = 150.0


@pytest.fixture(autouse=True)
def bound() -> Iterator[None]:
    """The bound holds for the process, so it is taken back."""
    yield
    bound_batches(Settings().batch_bytes)


def produce(broker: Broker, topic: str, values: list[bytes], codec: str = "none") -> None:
    """All in one batch: what is flushed goes at once, and nothing before it."""
    producer = Producer({**broker.client_config, "compression.type": codec, "linger.ms": 200_000})
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(WAIT_S) == 0


def read(consumer: BoundedConsumer, enough: Callable[[list[ConsumerRecord]], bool]) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    until_s = time.monotonic() + WAIT_S
    while not enough(found):
        assert time.monotonic() < until_s, (found, consumer.trouble())
        found += consumer.consume(100, 0.5)
    return found


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_beyond_the_bound_is_one_record_and_told(any_kafka: Broker, prefix: str, codec: str) -> None:
    topics = Topics(prefix, 1)
    any_kafka.create_topics(topics)
    topic = topics.anomalies.name
    produce(any_kafka, topic, [b"within"] * 2, codec)
    produce(any_kafka, topic, [b"x" * 1_000] * 200, codec)
    produce(any_kafka, topic, [b"behind"])
    settings = Settings(bootstrap_servers=any_kafka.bootstrap_servers, max_record_bytes=FEW, max_event_bytes=FEW)
    told: list[tuple[Any, ...]] = []

    def tell(record: ConsumerRecord, sentence: str) -> None:
        told.append((record.topic, record.partition, record.offset, sentence))

    before = BATCHES_REFUSED._value.get()
    with closing(BoundedConsumer(settings, "test", tell=tell)) as consumer:
        consumer.assign({(topic, 0): 0})
        found = read(consumer, lambda found: bool(found) and found[-1].value == b"behind")
        read(consumer, lambda _: consumer.at_end() == {(topic, 0)})
    assert [record.offset for record in found] == [0, 1, 201, 202]
    assert [packed_sentence(record.headers) is not None for record in found] == [False, False, True, False]
    assert BATCHES_REFUSED._value.get() == before + 1
    [(named, partition, offset, sentence)] = told
    assert (named, partition, offset) == (topic, 0, 201)
    assert f"packed with {codec}" in sentence
    assert "at most 160000 bytes" in sentence


def test_what_was_aborted_is_not_read_and_a_partition_that_ends_in_control_records_ends(
    kafka: Broker, prefix: str
) -> None:
    topics = Topics(prefix, 1)
    kafka.create_topics(topics)
    topic = topics.anomalies.name
    producer = Producer({**kafka.client_config, "transactional.id": f"{prefix}one"})
    producer.init_transactions(WAIT_S)
    for value, end in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value, partition=0)
        assert producer.flush(WAIT_S) == 0
        end(WAIT_S)
    with closing(BoundedConsumer(Settings(bootstrap_servers=kafka.bootstrap_servers), "test")) as consumer:
        consumer.assign({(topic, 0): 0})
        found = read(consumer, lambda _: consumer.at_end() == {(topic, 0)})
    assert [record.value for record in found] == [b"committed"]


def test_it_goes_on_trying_and_says_why() -> None:
    with closing(BoundedConsumer(Settings(bootstrap_servers="127.0.0.1:1"), "test")) as consumer:
        assert consumer.consume(1, 0.0) == ()
        assert consumer.trouble() == ""
        consumer.assign({("any", 0): 0})
        assert consumer.consume(1, 0.0) == ()
        assert consumer.trouble().startswith("Kafka at 127.0.0.1:1 cannot be read: ")


def test_a_value_is_not_cut_that_is_as_long_as_a_record_may_be() -> None:
    settings = Settings(max_record_bytes=20_000_000)
    with closing(BoundedConsumer(settings, "test")):
        assert BoundedPart.longest == longest_record(settings) == 21_000_000
