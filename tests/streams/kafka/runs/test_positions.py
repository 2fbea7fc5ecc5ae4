"""Where reading goes on after seeks, gaps and losses, and what is known of the end, on both kinds of brokers."""

import asyncio
from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from faust.types import TP

from tests.streams.kafka.runs.reading import ON_APACHE_KAFKA, PARTITIONS, MakeReader, Wait, all_offsets, commits, run
from tracehound.infra.kafka.broker import Broker


@ON_APACHE_KAFKA
def test_seeking_back_gives_the_records_again(
    reader: MakeReader, produce: Callable[..., None], topic: str, wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader()
        async with reading:
            await wait_until(lambda: len(reading.seen) == PARTITIONS * 40, "all was read")
            await reading.app.consumer.seek(TP(topic, 2), 15)
            await wait_until(lambda: len(reading.offsets(2)) >= 40 + 25, "they were read again")
            await asyncio.sleep(0.2)
            assert reading.offsets(2) == [*range(40), *range(15, 40)]

    produce(count=40)
    run(test())


@ON_APACHE_KAFKA  # the embedded one writes no control records
def test_gaps_in_offsets_are_no_obstacle(any_kafka: Broker, topic: str, reader: MakeReader, wait_until: Wait) -> None:
    produced = in_transactions(any_kafka, topic, 20)
    end = produced[-1] + 1
    assert end > len(produced), "control records should leave gaps"

    async def test() -> None:
        reading = reader(broker_max_poll_records=3)
        async with reading:
            await wait_until(lambda: len(reading.seen) >= len(produced), "all was read")
            await commits(reading, {0: end, 1: None, 2: None, 3: None})
            assert reading.offsets(0) == produced
            consumer = reading.app.consumer
            await wait_until(lambda: consumer.at_end(TP(topic, 0), 60.0), "the end is known")

    run(test())


@ON_APACHE_KAFKA
def test_records_deleted_before_they_were_read_are_announced(
    any_kafka: Broker, topic: str, reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        first = reader()
        async with first:
            await wait_until(lambda: len(first.seen) == PARTITIONS * 10, "all was read")
        produce(count=90)
        delete_records(any_kafka, topic, 1, 60)
        second = reader()
        async with second:
            await wait_until(lambda: len(second.seen) >= 3 * 90 + 40, "what is left was read")
            await commits(second, dict.fromkeys(range(PARTITIONS), 100))
            assert second.lost == [(1, 10, 60)]
            assert second.lost_records == [50]
            assert second.offsets(1) == list(range(60, 100))
            assert second.offsets(0) == list(range(10, 100))

    produce(count=10)
    run(test())


@ON_APACHE_KAFKA
def test_a_new_group_begins_at_the_start_of_what_is_left_and_announces_no_loss(
    any_kafka: Broker, topic: str, reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader()
        async with reading:
            await wait_until(lambda: len(reading.seen) >= 3 * 30 + 20, "what is left was read")
            assert reading.offsets(3) == list(range(10, 30))
            assert reading.lost == []
            assert reading.positions[0] == dict.fromkeys(range(PARTITIONS))

    produce(count=30)
    delete_records(any_kafka, topic, 3, 10)
    run(test())


@ON_APACHE_KAFKA
def test_lag_and_end_follow_acknowledgements(
    reader: MakeReader, produce: Callable[..., None], topic: str, wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader()
        reading.keep = lambda run: run.tp.partition == 0
        async with reading:
            await wait_until(lambda: len(reading.seen) == PARTITIONS * 25, "all was read")
            consumer = reading.app.consumer
            await wait_until(lambda: consumer.at_end(TP(topic, 1), 60.0), "partition 1 is at its end")
            assert not consumer.at_end(TP(topic, 0), 60.0)
            assert (consumer.lag(TP(topic, 0)), consumer.lag(TP(topic, 1))) == (25, 0)
            assert consumer.unheard_s(TP(topic, 0)) == 0.0, "there is something to do"
            assert 0.0 < consumer.unheard_s(TP(topic, 1)) < 60.0
            assert consumer.unheard_s(TP("another", 0)) == 0.0
            for kept in reading.runs:
                kept.ack()
            assert consumer.at_end(TP(topic, 0), 60.0)
            assert not consumer.at_end(TP(topic, 0), known_since_s=-1.0)

    produce(count=25)
    run(test())


def test_a_fetch_that_ends_while_committed_offsets_are_sought_loses_nothing(
    reader: MakeReader, produce: Callable[..., None], topic: str, wait_until: Wait
) -> None:
    """A rebalance can be over before a fetch from before it is: that fetch then takes records after the seek."""

    async def test() -> None:
        reading = reader()
        async with reading:
            await wait_until(lambda: len(reading.seen) == PARTITIONS * 25, "all was read")
            consumer = reading.app.consumer
            await wait_until(lambda: consumer.at_end(TP(topic, 1), 60.0), "partition 1 is at its end")
            await asyncio.sleep(0.6)
            seek, fetch = consumer._thread.seek_to_committed, consumer._thread._fetch_records
            owned = {TP(topic, number) for number in range(PARTITIONS)}
            taken: dict[Any, Any] = {}

            async def seek_before_the_fetch_ends() -> Any:
                committed = await seek()
                deadline = asyncio.get_running_loop().time() + 120
                consumer.flow_active = True  # as it was when the fetch began
                while len(taken) < PARTITIONS and asyncio.get_running_loop().time() < deadline:
                    one = await consumer._thread.call_thread(
                        fetch, consumer._thread._ensure_consumer(), owned, timeout=0.5, max_records=100
                    )
                    taken.update(one)
                consumer.flow_active = False
                return committed

            consumer._thread.seek_to_committed = seek_before_the_fetch_ends
            consumer.stop_flow()
            await consumer.wait_for_stopped_flow()
            await asyncio.sleep(1.2)
            for tp in owned:
                consumer._handovers[tp].revoke()
            produce(count=10)
            await consumer.perform_seek()
            assert len(taken) == PARTITIONS, "the fetch was to take records"
            consumer.resume_flow()
            await wait_until(lambda: len(reading.seen) >= PARTITIONS * 35, "what the fetch took was read again")
            assert sorted(reading.seen) == all_offsets(35)

    produce(count=25)
    run(test())


def in_transactions(any_kafka: Broker, topic: str, transactions: int) -> list[int]:
    """Offsets of three records in each transaction; on Apache Kafka a control record follows each."""
    producer = Producer({**any_kafka.client_config, "transactional.id": f"{topic}-writer"})
    offsets: list[int] = []
    producer.init_transactions(120)
    for _ in range(transactions):
        producer.begin_transaction()
        for number in range(3):
            producer.produce(topic, b"%d" % number, partition=0, on_delivery=lambda _, m: offsets.append(m.offset()))
        producer.commit_transaction(120)
    return sorted(offsets)


def delete_records(any_kafka: Broker, topic: str, partition: int, before: int) -> None:
    admin = AdminClient(dict(any_kafka.client_config))
    for future in admin.delete_records([TopicPartition(topic, partition, before)]).values():
        future.result(120)
