"""The publisher on brokers that take, refuse and fail."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.producer.sender import Sender
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from tracehound.detectors.columns.short_values import SHORT
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.embedded import EmbeddedControl
from tracehound.streams.delivery.alike_letters import AlikeLetters
from tracehound.streams.envelopes.short_values import REFUSED
from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.publisher import KafkaPublisher, Outgoing, RefusedError
from tracehound.streams.settings.settings import Settings

_PRODUCE = 0


def read(broker: Broker, topic: str, partition: int, count: int) -> list[Any]:
    consumer = Consumer({**broker.client_config, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    try:
        found = consumer.consume(count, 20)
    finally:
        consumer.close()
    return list(found)


def read_all(broker: Broker, topic: str, count: int) -> list[Any]:
    consumer = Consumer({**broker.client_config, "group.id": topic, "enable.auto.commit": False})
    found: list[Any] = []
    try:
        numbers = consumer.list_topics(topic, 60).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
        until_s = time.monotonic() + 120
        while len(found) < count and time.monotonic() < until_s:
            found += [one for one in consumer.consume(count, 1) if one.error() is None]
    finally:
        consumer.close()
    return found


def publishing(broker: Broker, use: Callable[[KafkaPublisher], Awaitable[None]], **settings: Any) -> None:
    async def test() -> None:
        publisher = KafkaPublisher(Settings(bootstrap_servers=broker.bootstrap_servers, **settings))
        await publisher.start()
        try:
            async with asyncio.timeout(120):
                await use(publisher)
        finally:
            await publisher.stop()

    asyncio.run(test())


def test_records_arrive_as_given(any_kafka: Broker, topic: str) -> None:
    async def use(publisher: KafkaPublisher) -> None:
        await publisher.publish(Outgoing(topic, b"k", b"v", [("h", b"1")], partition=2, timestamp_ms=1_700_000_000_000))
        await publisher.publish(Outgoing(topic, None, None, partition=2))

    publishing(any_kafka, use)
    first, second = read(any_kafka, topic, 2, 2)
    assert (first.key(), first.value(), first.headers()) == (b"k", b"v", [("h", b"1")])
    assert first.timestamp()[1] == 1_700_000_000_000
    assert (second.key(), second.value()) == (None, b"")


def test_a_sequence_larger_than_a_batch_arrives_in_order(any_kafka: Broker, topic: str) -> None:
    async def use(publisher: KafkaPublisher) -> None:
        outgoing = [Outgoing(topic, b"k", b"%04d" % n + b"x" * 1_000, partition=1) for n in range(600)]
        await publisher.publish_in_order(outgoing)

    publishing(any_kafka, use)
    assert [int(one.value()[:4]) for one in read(any_kafka, topic, 1, 600)] == list(range(600))


def test_records_sent_together_arrive_where_their_keys_belong(any_kafka: Broker, topic: str) -> None:
    keys = [b"a", b"b", b"c", b"d", None]
    given = [Outgoing(topic, keys[n % 5], b"%04d" % n + b"x" * 1_000, [("h", b"%d" % n)]) for n in range(600)]

    async def use(publisher: KafkaPublisher) -> None:
        for key in keys[:4]:
            await publisher.publish(Outgoing(topic, key, b"alone"))
        assert await publisher.publish_together([*given, Outgoing(topic, None, None)]) == []

    publishing(any_kafka, use)
    where: dict[bytes, set[int]] = {}
    found = read_all(any_kafka, topic, 605)
    for one in found:
        where.setdefault(one.key(), set()).add(one.partition())
    assert {len(partitions) for key, partitions in where.items() if key is not None} == {1}
    sent = {(one.key, one.value, tuple(one.headers)) for one in given} | {(None, b"", ())}
    arrived = {(one.key(), one.value(), tuple(one.headers() or ())) for one in found if one.value() != b"alone"}
    assert (arrived, len(found)) == (sent, 605)


@pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
def test_of_records_sent_together_those_that_are_too_large_are_given_back(any_kafka: Broker, topic: str) -> None:
    large = Outgoing(topic, b"k", b"x" * 10_000_000)
    others = [Outgoing(topic, b"k", b"%d" % n) for n in range(20)]

    async def use(publisher: KafkaPublisher) -> None:
        assert await publisher.publish_together([*others[:10], large, *others[10:]]) == [large]

    publishing(any_kafka, use, max_record_bytes=1_000_000)
    assert sorted(int(one.value()) for one in read_all(any_kafka, topic, 20)) == list(range(20))


@pytest.mark.parametrize("any_kafka", ["embedded"], indirect=True)
def test_what_fails_is_sent_again(any_kafka: Broker, topic: str) -> None:
    assert isinstance(any_kafka.cluster, EmbeddedControl)
    any_kafka.cluster.fail_requests(_PRODUCE, [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.REQUEST_TIMED_OUT])

    async def use(publisher: KafkaPublisher) -> None:
        await publisher.publish(Outgoing(topic, b"k", b"one", partition=0))
        await publisher.publish_in_order([Outgoing(topic, b"k", b"two", partition=0)])

    publishing(any_kafka, use)
    assert [one.value() for one in read(any_kafka, topic, 0, 2)] == [b"one", b"two"]


@pytest.mark.parametrize("any_kafka", ["embedded"], indirect=True)
def test_more_than_the_buffer_holds_waits_for_a_slow_broker(any_kafka: Broker, topic: str) -> None:
    assert isinstance(any_kafka.cluster, EmbeddedControl)
    any_kafka.cluster.set_round_trip_time(50)
    buffered = []

    async def use(publisher: KafkaPublisher) -> None:
        outgoing = [Outgoing(topic, b"k", b"%03d" % n + b"x" * 50_000, partition=3) for n in range(80)]
        sending = asyncio.gather(*map(publisher.publish, outgoing))
        while not sending.done():
            batches = publisher._connected._message_accumulator._batches.values()
            buffered.append(sum(batch.record_count for queue in batches for batch in queue))
            await asyncio.sleep(0.01)
        await sending

    publishing(any_kafka, use)
    any_kafka.cluster.set_round_trip_time(0)
    assert 0 < max(buffered) <= 10, "262 kB of 4 MB"
    assert {int(one.value()[:3]) for one in read(any_kafka, topic, 3, 80)} == set(range(80))


@pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
@pytest.mark.parametrize("max_record_bytes", [1_000_000, 20_000_000])
def test_what_is_too_large_is_refused_by_us_or_by_the_broker(
    max_record_bytes: int, any_kafka: Broker, topic: str
) -> None:
    large = Outgoing(topic, b"k", b"x" * 10_000_000, partition=0)

    async def use(publisher: KafkaPublisher) -> None:
        with pytest.raises(RefusedError, match=topic):
            await publisher.publish(large)

    async def use_in_order(publisher: KafkaPublisher) -> None:
        with pytest.raises(RefusedError, match=topic):
            await publisher.publish_in_order([large])

    publishing(any_kafka, use, max_record_bytes=max_record_bytes)
    publishing(any_kafka, use_in_order, max_record_bytes=max_record_bytes)


def test_letters_that_are_alike_arrive_as_those_that_are_sent_one_by_one(any_kafka: Broker, topic: str) -> None:
    keys = [b"a", b"b", None, b"c"]
    given = [
        ConsumerRecord("t", 0, n, 5, 0, keys[n % 4], b"%d" % n if n % 3 else None, None, 0, 0, (("h", b"x"),))
        for n in range(400)
    ]
    letters = AlikeLetters(ColumnedRecords.of(given), REFUSED[SHORT])
    outgoing = letters.outgoing(topic)

    async def use(publisher: KafkaPublisher) -> None:
        for one in (outgoing[0], outgoing[1], outgoing[3]):
            await publisher.publish(one)
        assert await publisher.publish_together(outgoing) == []

    publishing(any_kafka, use)
    found = read_all(any_kafka, topic, 403)
    where: dict[bytes, set[int]] = {}
    for one in found:
        where.setdefault(one.key(), set()).add(one.partition())
    assert {len(partitions) for key, partitions in where.items() if key is not None} == {1}
    arrived = [(dict(one.headers())["tracehound_offset"], one.key(), one.value()) for one in found if one.key()]
    sent = [(b"%d" % one.offset, one.key, one.value) for one in (*letters, letters[0], letters[1], letters[3])]
    assert Counter(arrived) == Counter(one for one in sent if one[1])
    assert len(found) == 403


@pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
def test_what_sends_is_begun_anew_where_it_ended_by_an_error(
    any_kafka: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, tries = Sender._send_produce_req, []

    async def without_memory(self: Sender, *given: Any) -> None:
        tries.append(given)
        if len(tries) == 1:
            raise MemoryError
        await send(self, *given)

    async def use(publisher: KafkaPublisher) -> None:
        first = publisher._producer
        both = (Outgoing(topic, b"k", b"%d" % n, partition=n) for n in range(2))
        await asyncio.gather(*map(publisher.publish, both))
        assert publisher._producer is not first
        assert await publisher.publish_together([Outgoing(topic, b"k", b"2", partition=0)]) == []

    monkeypatch.setattr(Sender, "_send_produce_req", without_memory)
    publishing(any_kafka, use)
    assert sorted(one.value() for one in read_all(any_kafka, topic, 3)) == [b"0", b"1", b"2"]
