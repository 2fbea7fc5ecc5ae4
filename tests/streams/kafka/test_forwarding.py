"""Which partition an application belongs in, and origins in headers."""

import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.streams.kafka.forwarding import Origin, Partitioner, origin_headers, read_origin, without_origin


@given(st.integers(0, 11), st.integers(0, 10**17 - 1))
def test_an_origin_survives_its_headers(partition: int, offset: int) -> None:
    headers = origin_headers([("mine", b"1")], "t", partition, offset)
    assert read_origin(headers, {"t"}, 12) == Origin("t", partition, offset)
    assert without_origin(headers) == [("mine", b"1")]
    assert origin_headers(headers, "t", 1, 2) == origin_headers([("mine", b"1")], "t", 1, 2)


@pytest.mark.parametrize(
    ("partition", "offset"),
    [(b"12", b"1"), (b"-1", b"1"), (b"1", b"1e5"), (b"1", b"9" * 20), (b"\xff", b"1"), (b"", b"1"), (b"1", b"")],
)
def test_headers_that_we_did_not_write_are_no_origin(partition: bytes, offset: bytes) -> None:
    headers = [
        ("tracehound_origin_topic", b"t"),
        ("tracehound_origin_partition", partition),
        ("tracehound_origin_offset", offset),
    ]
    assert read_origin(headers, {"t"}, 12) is None


def test_an_origin_in_another_topic_is_none() -> None:
    assert read_origin(origin_headers([], "other", 1, 2), {"t"}, 12) is None


def test_partitions_are_those_of_producers_that_follow_our_documentation(kafka: Broker, prefix: str) -> None:
    topics = Topics(prefix, 12)
    kafka.create_topics(topics)
    producer = Producer({**kafka.client_config, "partitioner": "murmur2_random"})
    found: dict[str, int] = {}
    names = [f"app-{number}" for number in range(60)] + ["Bücher", "注文", "x" * 200]
    for name in names:
        producer.produce(
            topics.executions.name,
            b"{}",
            name.encode(),
            on_delivery=lambda _, message, name=name: found.update({name: message.partition()}),
        )
    assert producer.flush(120) == 0
    partitioner = Partitioner(12)
    assert {name: partitioner.partition_of(name) for name in names} == found


def test_the_memory_of_names_is_bounded() -> None:
    partitioner = Partitioner(3)
    first = partitioner.partition_of("0")
    for number in range(100_001):
        partitioner.partition_of(str(number))
    assert len(partitioner._known) <= 100_000
    assert partitioner.partition_of("0") == first


@given(st.integers(10**17, 2**63))
def test_a_number_that_no_topic_reaches_is_no_origin(offset: int) -> None:
    assert read_origin(origin_headers([], "t", 0, offset), {"t"}, 12) is None


def test_numbers_of_a_topic_that_was_made_anew_are_others() -> None:
    before, after = (
        read_origin(origin_headers([], "t", 3, 7, topic_id), {"t"}, 12) for topic_id in ("first", "second")
    )
    assert before is not None
    assert after is not None
    assert before.source != after.source
