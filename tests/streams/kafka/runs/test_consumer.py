"""The batch consumer against the embedded and a real broker: nothing skipped, nothing doubled, commits exact."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from faust.types import TP

from tracehound.infra.kafka.broker import Broker

PARTITIONS = 4
Wait = Callable[..., Awaitable[None]]
MakeReader = Callable[..., Any]
ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
"""Half of the tests run on one broker only, to be quick; the others prove the embedded one."""


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(limited())


def all_offsets(count: int) -> list[tuple[int, int]]:
    return [(partition, offset) for partition in range(PARTITIONS) for offset in range(count)]


def test_reads_far_more_records_than_its_buffers_hold_once_each_and_commits_behind_the_last(
    reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader(broker_max_poll_records=100, stream_buffer_maxsize=2)
        reading.pause_s = 0.001
        async with reading:
            await wait_until(lambda: len(reading.seen) >= PARTITIONS * 2_500, "all was read")
            await asyncio.sleep(0.6)
            assert sorted(reading.seen) == all_offsets(2_500)
            assert all(reading.offsets(number) == list(range(2_500)) for number in range(PARTITIONS))
            assert len(reading.runs) < len(reading.seen) / 10
            assert await reading.committed() == dict.fromkeys(range(PARTITIONS), 2_500)

    produce(count=2_500)
    run(test())


def test_a_new_reader_goes_on_where_the_last_one_stopped(
    reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def read_until(total: int) -> list[tuple[int, int]]:
        reading = reader()
        async with reading:
            await wait_until(lambda: len(reading.seen) >= total, f"{total} records were read")
        seen: list[tuple[int, int]] = reading.seen
        return seen

    async def test() -> None:
        produce(count=50)
        first = await read_until(PARTITIONS * 50)
        produce(count=30)
        second = await read_until(PARTITIONS * 30)
        assert sorted(first + second) == all_offsets(80)

    run(test())


@ON_APACHE_KAFKA
def test_a_fetch_of_partitions_at_their_ends_does_not_hold_up_the_others(
    reader: MakeReader, produce: Callable[..., None], wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_ms: list[int] = []
    request = fetcher.FetchRequest

    def noting(wait_ms: int, *rest: Any, **named: Any) -> Any:
        asked_ms.append(wait_ms)
        return request(wait_ms, *rest, **named)

    async def test() -> None:
        reading = reader(broker_max_poll_records=20, stream_buffer_maxsize=2)
        reading.pause_s = 0.005
        async with reading:
            await wait_until(lambda: len(reading.seen) >= 20, "something was read")
            first = len(asked_ms)
            await wait_until(lambda: len(reading.seen) >= 1_000, "half was read")
            assert set(asked_ms[first:]) == {50}, "a fetch may wait for the end of others"
            await wait_until(lambda: len(reading.seen) >= 2_000, "all was read")
            await wait_until(lambda: asked_ms[-1] == 500, "an idle reader asks seldom")

    monkeypatch.setattr(fetcher, "FetchRequest", noting)
    produce(values=[b"%d" % number for number in range(2_000)], partition=1)
    run(test())


@ON_APACHE_KAFKA
def test_commits_stop_before_a_run_that_is_not_acknowledged(
    reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader(broker_max_poll_records=10)
        reading.keep = lambda run: run.records[0].offset >= 20
        async with reading:
            await wait_until(lambda: len(reading.seen) >= PARTITIONS * 60, "all was read")
            kept = [run for run in reading.runs if run.records[0].offset >= 20]
            for later in kept[PARTITIONS:]:  # acknowledged, but a run before is not
                later.ack()
            await asyncio.sleep(0.6)
            behind = {
                number: min(run.records[0].offset for run in kept if run.tp.partition == number) for number in range(4)
            }
            unacked = [run for run in kept if not run.acked]
            expected = {
                number: min([run.records[0].offset for run in unacked if run.tp.partition == number], default=60)
                for number in behind
            }
            assert await reading.committed() == expected
        again = reader()
        async with again:
            await wait_until(
                lambda: len(again.seen) >= sum(60 - offset for offset in expected.values()), "the rest was read"
            )
            assert sorted(again.seen) == [(p, o) for p in range(PARTITIONS) for o in range(expected[p], 60)]

    produce(count=60)
    run(test())


def test_pausing_a_partition_neither_loses_nor_repeats_records(
    reader: MakeReader, produce: Callable[..., None], topic: str, wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader(broker_max_poll_records=20)
        reading.pause_s = 0.005
        async with reading:
            paused = {TP(topic, 0), TP(topic, 1)}
            for _ in range(5):
                reading.app.consumer.pause_partitions(paused)
                await asyncio.sleep(0.1)
                still = len(reading.offsets(0))
                await asyncio.sleep(0.15)
                assert len(reading.offsets(0)) <= still + 4 * 20, "a paused partition is read on"
                reading.app.consumer.resume_partitions(paused)
                await asyncio.sleep(0.05)
            await wait_until(lambda: len(reading.seen) >= PARTITIONS * 1_000, "all was read")
            await asyncio.sleep(0.3)
            assert sorted(reading.seen) == all_offsets(1_000)

    produce(count=1_000)
    run(test())


def test_a_second_reader_takes_partitions_over_without_gap_or_overlap(
    any_kafka: Broker, reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        first, second = reader(broker_max_poll_records=50), reader(broker_max_poll_records=50)
        first.pause_s = second.pause_s = 0.002

        def read(count: int) -> bool:
            return set(first.seen + second.seen) == set(all_offsets(count))

        def assert_none_twice() -> None:
            # The embedded broker takes no commits during a rebalance: what came since the last one is repeated.
            assert any_kafka.embedded or len(first.seen + second.seen) == len(set(first.seen + second.seen))

        async with first:
            await wait_until(lambda: len(first.seen) > 500, "the first reads")
            async with second:
                await wait_until(lambda: len(second.partitions()) == 2, "the second has its share")
                await asyncio.to_thread(produce, count=500)
                await wait_until(lambda: read(2_000), "all was read")
                await asyncio.sleep(0.3)
                assert_none_twice()
                assert len(first.partitions()) == 2
            await wait_until(lambda: len(first.partitions()) == PARTITIONS, "the first has all again")
            await asyncio.to_thread(produce, count=100)
            await wait_until(lambda: read(2_100), "the new ones were read")
            assert_none_twice()

    produce(count=1_500)
    run(test())


@ON_APACHE_KAFKA
def test_acknowledging_after_the_partition_was_given_up_commits_nothing(
    reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        first, second = reader(), reader()
        first.keep = lambda run: True
        async with first:
            await wait_until(lambda: len(first.seen) == PARTITIONS * 10, "all was read")
            old = list(first.runs)
            async with second:
                await wait_until(lambda: len(second.seen) >= 2 * 10, "the second was given what is not committed")
            await wait_until(
                lambda: len({run.tp for run in first.runs if run.outstanding}) == 2 and len(first.partitions()) == 4,
                "the first was given again what the second did not commit",
            )
            for run in old:
                run.ack()
            await asyncio.sleep(0.6)
            # The second one acknowledged its two partitions; nothing else was, for the old runs are void.
            assert sorted(offset or 0 for offset in (await first.committed()).values()) == [0, 0, 10, 10]
            assert not any(run.outstanding for run in old)

    produce(count=10)
    run(test())


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


@ON_APACHE_KAFKA
@pytest.mark.parametrize("compression", ["gzip", "lz4", "snappy", "zstd"])
def test_reads_compressed_batches(
    compression: str, reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader(broker_max_poll_records=70)
        async with reading:
            await wait_until(lambda: len(reading.seen) >= 500, "all was read")
            assert reading.values == [b"value %d" % number for number in range(500)]
            await asyncio.sleep(0.6)
            assert (await reading.committed())[0] == 500

    produce([b"value %d" % number for number in range(500)], compression=compression)
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
            await asyncio.sleep(0.6)
            assert reading.offsets(0) == produced
            assert (await reading.committed())[0] == end
            consumer = reading.app.consumer
            await wait_until(lambda: consumer.at_end(TP(topic, 0), 5.0), "the end is known")

    run(test())


def in_transactions(any_kafka: Broker, topic: str, transactions: int) -> list[int]:
    """Offsets of three records in each transaction; on Apache Kafka a control record follows each."""
    producer = Producer({**any_kafka.client_config, "transactional.id": f"{topic}-writer"})
    offsets: list[int] = []
    producer.init_transactions(30)
    for _ in range(transactions):
        producer.begin_transaction()
        for number in range(3):
            producer.produce(topic, b"%d" % number, partition=0, on_delivery=lambda _, m: offsets.append(m.offset()))
        producer.commit_transaction(30)
    return sorted(offsets)


def delete_records(any_kafka: Broker, topic: str, partition: int, before: int) -> None:
    admin = AdminClient(dict(any_kafka.client_config))
    for future in admin.delete_records([TopicPartition(topic, partition, before)]).values():
        future.result(30)


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
            await asyncio.sleep(0.6)
            assert second.lost == [(1, 10, 60)]
            assert second.lost_records == [50]
            assert second.offsets(1) == list(range(60, 100))
            assert second.offsets(0) == list(range(10, 100))
            assert await second.committed() == dict.fromkeys(range(PARTITIONS), 100)

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
            await wait_until(lambda: consumer.at_end(TP(topic, 1), 5.0), "partition 1 is at its end")
            assert not consumer.at_end(TP(topic, 0), 5.0)
            assert (consumer.lag(TP(topic, 0)), consumer.lag(TP(topic, 1))) == (25, 0)
            assert consumer.unheard_s(TP(topic, 0)) == 0.0, "there is something to do"
            assert 0.0 < consumer.unheard_s(TP(topic, 1)) < 5.0
            assert consumer.unheard_s(TP("another", 0)) == 0.0
            for kept in reading.runs:
                kept.ack()
            assert consumer.at_end(TP(topic, 0), 5.0)
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
            await wait_until(lambda: consumer.at_end(TP(topic, 1), 5.0), "partition 1 is at its end")
            await asyncio.sleep(0.6)
            seek, fetch = consumer._thread.seek_to_committed, consumer._thread._fetch_records
            owned = {TP(topic, number) for number in range(PARTITIONS)}
            taken: dict[Any, Any] = {}

            async def seek_before_the_fetch_ends() -> Any:
                committed = await seek()
                deadline = asyncio.get_running_loop().time() + 20
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
