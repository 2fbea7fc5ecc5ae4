"""The consumer against the embedded and a real broker: nothing skipped, nothing doubled, commits exact."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from faust.types import TP

from tests.streams.kafka.runs.reading import ON_APACHE_KAFKA, PARTITIONS, MakeReader, Wait, all_offsets, commits, run
from tracehound.infra.kafka.broker import Broker
from tracehound.streams.kafka import bounded_parts
from tracehound.streams.kafka.bounded_batches import bound_batches
from tracehound.streams.kafka.bounded_parts import BoundedPart, NoMemoryError, Part
from tracehound.streams.kafka.runs.consumer_thread import ConsumerEndedError
from tracehound.streams.settings.settings import Settings


def test_reads_far_more_records_than_its_buffers_hold_once_each_and_commits_behind_the_last(
    reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader(broker_max_poll_records=100, stream_buffer_maxsize=2)
        reading.pause_s = 0.001
        async with reading:
            await wait_until(lambda: len(reading.seen) >= PARTITIONS * 2_500, "all was read")
            await commits(reading, dict.fromkeys(range(PARTITIONS), 2_500))
            assert sorted(reading.seen) == all_offsets(2_500)
            assert all(reading.offsets(number) == list(range(2_500)) for number in range(PARTITIONS))
            assert len(reading.runs) < len(reading.seen) / 10

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
            first, reading.pause_s = len(asked_ms), 0.2  # so that records are left, however long fetches take
            await wait_until(lambda: len(asked_ms) >= first + 3, "partitions at their ends were asked for")
            assert len(reading.seen) < 1_000
            assert set(asked_ms[first:]) == {50}, "a fetch may wait for the end of others"
            reading.pause_s = 0.0
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
            behind = {
                number: min(run.records[0].offset for run in kept if run.tp.partition == number) for number in range(4)
            }
            unacked = [run for run in kept if not run.acked]
            expected = {
                number: min([run.records[0].offset for run in unacked if run.tp.partition == number], default=60)
                for number in behind
            }
            await commits(reading, expected)
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
@pytest.mark.parametrize("compression", ["gzip", "lz4", "snappy", "zstd"])
def test_reads_compressed_batches(
    compression: str, reader: MakeReader, produce: Callable[..., None], wait_until: Wait
) -> None:
    async def test() -> None:
        reading = reader(broker_max_poll_records=70)
        async with reading:
            await wait_until(lambda: len(reading.seen) >= 500, "all was read")
            assert reading.values == [b"value %d" % number for number in range(500)]
            await commits(reading, {0: 500, 1: None, 2: None, 3: None})

    produce([b"value %d" % number for number in range(500)], compression=compression)
    run(test())


@ON_APACHE_KAFKA
def test_a_reader_that_has_no_memory_for_what_it_fetched_ends(
    reader: MakeReader, produce: Callable[..., None], wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(*_: object) -> Part:
        return Part((), lacks_memory=True)

    async def test() -> None:
        reading = reader()
        async with reading:
            await wait_until(lambda: reading.app.crash_reason is not None, "it ended")
        assert isinstance(reading.app.crash_reason, NoMemoryError)
        assert not reading.seen

    bound_batches(Settings().batch_bytes)
    monkeypatch.setattr(bounded_parts, "AGAIN_S", 0.0)
    monkeypatch.setattr(BoundedPart, "_next", without_memory)
    produce(count=5)
    run(test())


@ON_APACHE_KAFKA
def test_a_reader_ends_where_what_fetches_for_it_ended(
    reader: MakeReader, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def without_memory(*_: object) -> bool:
        raise MemoryError("no memory")

    async def test() -> None:
        reading = reader()
        async with reading:
            monkeypatch.setattr(fetcher.Fetcher, "_proc_fetch_request", without_memory)
            await wait_until(lambda: reading.app.crash_reason is not None, "it ended")
        assert isinstance(reading.app.crash_reason, ConsumerEndedError)
        assert "MemoryError('no memory')" in str(reading.app.crash_reason)

    run(test())
