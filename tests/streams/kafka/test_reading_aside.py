"""What is compressed is read in another thread, as it would be in this one, and no two large batches at once."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from tests.streams.kafka.test_bounded_batches import batch
from tests.streams.kafka.test_bounded_parts import Assignment
from tracehound.streams.kafka import bounded_batches, bounded_parts
from tracehound.streams.kafka.bounded_batches import BoundedRecords, bound_batches
from tracehound.streams.kafka.bounded_parts import BoundedPart, NoMemoryError, PlainRecords
from tracehound.streams.kafka.columned_batches import ColumnedPartition, ColumnedResult
from tracehound.streams.kafka.librdkafka import longest_record
from tracehound.streams.kafka.reading_aside import SMALL_BYTES, ReadingAside
from tracehound.streams.settings.settings import Settings

ZSTD = 4
LARGE = [bytes(7_000_000)] * 3
"""More than may be unpacked of several batches at once."""
A, B = (TopicPartition("executions", number) for number in range(2))


@pytest.fixture(autouse=True)
def as_in_every_worker() -> None:
    """What one may unpack to."""
    bound()


class Fetcher:
    """The part of aiokafka's that gives what was fetched, of partitions from their first record on."""

    _closed = False
    _subscriptions = SimpleNamespace(reassignment_in_progress=False)

    def __init__(self, **fetched: bytes) -> None:
        self.assignments = {A: Assignment(), B: Assignment()}
        self._records: dict[TopicPartition, BoundedPart] = {}
        for tp, content in zip((A, B), fetched.values(), strict=False):
            self.add(tp, content)

    def add(self, tp: TopicPartition, content: bytes, columned: bool = False) -> None:
        kind, result = (ColumnedPartition, ColumnedResult) if columned else (PlainRecords, BoundedPart)
        records: Any = kind(tp, BoundedRecords(content), [], 0, None, None, True, 1)
        records._columned, records._content = columned, content
        self.assignments[tp] = Assignment()
        self._records[tp] = result(tp, assignment=self.assignments[tp], partition_records=records, backoff=0)

    async def fetched_records(self, partitions: Any, timeout: float, max_records: int) -> dict[Any, Any]:  # noqa: ASYNC109
        assert timeout == 0
        drained = {}
        for tp, part in [*self._records.items()]:
            if partitions and tp not in partitions:
                continue
            records = part.getall(max_records)
            if not part.has_more():
                del self._records[tp]
            if records:
                drained[tp] = records
                max_records -= len(records)
                assert max_records >= 0
        return drained

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()


def reading(fetcher: Fetcher, use: Callable[[ReadingAside], Awaitable[None]]) -> None:
    async def test() -> None:
        aside = ReadingAside(fetcher)
        try:
            async with asyncio.timeout(60):
                await use(aside)
        finally:
            aside.stop()

    asyncio.run(test())


async def read_to_the_end(fetcher: Fetcher, aside: ReadingAside) -> list[ConsumerRecord]:
    given: list[ConsumerRecord] = []
    while fetcher._records:
        for records in (await aside.fetched_records(None, 0.05, 100)).values():
            given.extend(records)
    return given


def values(records: Sequence[ConsumerRecord]) -> list[bytes | None]:
    return [one.value for one in records]


@pytest.fixture
def unpacked_by(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    threads: set[int] = set()
    unpack = bounded_batches.unpack_zstd

    def noted(packed: Any, most: int) -> memoryview:
        threads.add(threading.get_ident())
        return unpack(packed, most)

    monkeypatch.setattr(bounded_batches, "unpack_zstd", noted)
    return threads


def test_what_is_compressed_is_read_in_another_thread_and_the_rest_at_once(unpacked_by: set[int]) -> None:
    fetcher = Fetcher(a=batch(ZSTD, [b"1", b"2", b"3"]) + batch(ZSTD, [b"4"], base=3), b=batch(0, [b"plain"]))

    async def use(aside: ReadingAside) -> None:
        assert values((await aside.fetched_records(None, 0.0, 10))[B]) == [b"plain"]
        found = await aside.fetched_records(None, 30.0, 10)
        assert values(found[A]) == [b"1", b"2", b"3", b"4"]
        assert fetcher.assignments[A].position == 4
        assert not fetcher._records

    reading(fetcher, use)
    assert len(unpacked_by) == 1
    assert threading.get_ident() not in unpacked_by


@pytest.mark.parametrize("codec", [1, 2, 3])
def test_what_cannot_unpack_to_much_is_read_at_once(codec: int) -> None:
    fetcher = Fetcher(a=batch(codec, [b"x"] * 20))

    async def use(aside: ReadingAside) -> None:
        assert values((await aside.fetched_records(None, 0.0, 100))[A]) == [b"x"] * 20

    reading(fetcher, use)


@pytest.mark.parametrize("codec", [1, 2, 3])
def test_no_codec_unpacks_to_more_than_is_believed(codec: int) -> None:
    for content in (bytes(5_000_000), b"ab" * 2_000_000, b"x" * 5_000_000):
        packed = batch(codec, [content])
        assert BoundedRecords(packed).packed_bytes >= len(content)
    assert BoundedRecords(batch(0, [content])).packed_bytes == 0
    assert BoundedRecords(batch(ZSTD, [content])).packed_bytes > 128_000_000


def test_a_part_is_given_when_there_is_room_for_all_of_it() -> None:
    fetcher = Fetcher(a=batch(ZSTD, [b"x"] * 8), b=batch(ZSTD, [b"y"] * 8))

    async def use(aside: ReadingAside) -> None:
        seen = [await aside.fetched_records(None, 30.0, 10) for _ in range(2)]
        await asyncio.sleep(0)
        assert sorted(len(records) for found in seen for records in found.values()) == [8, 8]

    reading(fetcher, use)


def test_what_was_sought_meanwhile_is_not_given() -> None:
    fetcher = Fetcher(a=batch(ZSTD, [b"x"] * 8))

    async def use(aside: ReadingAside) -> None:
        assert await aside.fetched_records(None, 0.0, 10) == {}
        fetcher.assignments[A].position = 5
        assert await aside.fetched_records(None, 0.2, 10) == {}
        assert not fetcher._records

    reading(fetcher, use)


def test_of_two_large_batches_the_second_waits_until_the_first_was_taken() -> None:
    small = batch(ZSTD, [b"small"])
    fetcher = Fetcher(a=batch(ZSTD, LARGE), b=small + batch(ZSTD, LARGE, base=1))
    given: list[tuple[TopicPartition, int]] = []

    async def use(aside: ReadingAside) -> None:
        while fetcher._records:
            held = [part.held_bytes for part in fetcher._records.values()]
            assert sum(one > SMALL_BYTES for one in held) <= 1
            for tp, records in (await aside.fetched_records(None, 0.05, 100)).items():
                given.extend((tp, one.offset) for one in records)

    reading(fetcher, use)
    assert [offset for tp, offset in given if tp == A] == [0, 1, 2]
    assert [offset for tp, offset in given if tp == B] == [0, 1, 2, 3]


@pytest.fixture
def without_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[float]]:
    """There is no memory so many times; gives when it was asked for."""
    monkeypatch.setattr(bounded_parts, "AGAIN_S", 0.0)

    def lacking(times: int) -> list[float]:
        unpack, tried = bounded_batches.unpack_zstd, list[float]()

        def unpack_or_not(packed: Any, most: int) -> memoryview:
            tried.append(time.monotonic())
            if len(tried) <= times:
                raise MemoryError
            return unpack(packed, most)

        monkeypatch.setattr(bounded_batches, "unpack_zstd", unpack_or_not)
        monkeypatch.setitem(bounded_batches._UNPACK, ZSTD, unpack_or_not)
        monkeypatch.delitem(bounded_batches._INTO, ZSTD)
        bound()
        return tried

    return lacking


def bound() -> None:
    settings = Settings()
    bound_batches(settings.batch_bytes, longest=longest_record(settings))


@pytest.mark.parametrize("columned", [False, True])
def test_a_batch_for_which_there_is_no_memory_is_tried_again_and_read_whole(
    without_memory: Callable[[int], list[float]], columned: bool
) -> None:
    tried = without_memory(bounded_parts.TRIES - 1)
    fetcher = Fetcher()
    content = batch(0, [b"before"]) + batch(ZSTD, [b"x", b"y"], base=1) + batch(0, [b"behind"], base=3)
    fetcher.add(A, content, columned)
    given: list[ConsumerRecord] = []

    async def use(aside: ReadingAside) -> None:
        given.extend(await read_to_the_end(fetcher, aside))

    reading(fetcher, use)
    assert [(one.offset, one.value) for one in given] == [(0, b"before"), (1, b"x"), (2, b"y"), (3, b"behind")]
    assert len(tried) == bounded_parts.TRIES


def test_where_there_never_is_any_the_reader_ends_and_no_record_is_given_in_its_place(
    without_memory: Callable[[int], list[float]],
) -> None:
    tried = without_memory(1_000)
    fetcher = Fetcher(a=batch(0, [b"before"]) + batch(ZSTD, [b"x", b"y"], base=1))
    given: list[ConsumerRecord] = []

    async def use(aside: ReadingAside) -> None:
        sentence = "no memory to unpack what follows offset 1 of executions-0, and was none 30 times"
        given.extend((await aside.fetched_records(None, 0.05, 100))[A])
        with pytest.raises(NoMemoryError, match=sentence):
            await read_to_the_end(fetcher, aside)

    reading(fetcher, use)
    assert [one.value for one in given] == [b"before"]
    assert len(tried) == bounded_parts.TRIES


def test_it_is_tried_again_once_in_a_while(
    without_memory: Callable[[int], list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = without_memory(1_000)
    monkeypatch.setattr(bounded_parts, "AGAIN_S", 3_600.0)
    fetcher = Fetcher(a=batch(ZSTD, [b"x"]), b=batch(0, [b"plain"]))

    async def use(aside: ReadingAside) -> None:
        seen = [await aside.fetched_records(None, 0.05, 100) for _ in range(5)]
        assert [values(found[B]) for found in seen if found] == [[b"plain"]]
        assert A in fetcher._records

    reading(fetcher, use)
    assert len(tried) == 1


@pytest.mark.parametrize("change", [{"paused": True}, {"active": False}])
def test_what_was_paused_or_revoked_meanwhile_is_not_given(change: dict[str, bool]) -> None:
    fetcher = Fetcher(a=batch(ZSTD, [b"x"] * 8))

    async def use(aside: ReadingAside) -> None:
        assert await aside.fetched_records(None, 0.0, 10) == {}
        for name, value in change.items():
            setattr(fetcher.assignments[A], name, value)
        assert await aside.fetched_records(None, 0.2, 10) == {}
        assert not fetcher._records

    reading(fetcher, use)


def test_the_event_loop_goes_on_while_much_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()
    unpack = bounded_batches.unpack_zstd

    def slow(packed: Any, most: int) -> memoryview:
        assert going_on.wait(30), "the event loop waits for what is unpacked"
        return unpack(packed, most)

    monkeypatch.setattr(bounded_batches, "unpack_zstd", slow)
    fetcher = Fetcher(a=batch(ZSTD, LARGE))

    async def use(aside: ReadingAside) -> None:
        assert await aside.fetched_records(None, 0.05, 10) == {}
        fetcher.add(B, batch(0, [b"plain"]))
        assert values((await aside.fetched_records(None, 0.05, 10))[B]) == [b"plain"]
        going_on.set()
        assert (await aside.fetched_records(None, 30.0, 10))[A]

    reading(fetcher, use)


@pytest.mark.parametrize("codec", [1, 2, 3, ZSTD])
def test_a_large_batch_is_unpacked_once(monkeypatch: pytest.MonkeyPatch, codec: int) -> None:
    name = {1: "unpack_gzip", 2: "unpack_snappy", 3: "unpack_lz4", 4: "unpack_zstd"}[codec]
    unpack, times = getattr(bounded_batches, name), []

    def noted(packed: Any, most: int) -> Any:
        times.append(most)
        return unpack(packed, most)

    monkeypatch.setattr(bounded_batches, name, noted)
    fetcher = Fetcher(a=batch(codec, LARGE))
    given: list[bytes | None] = []

    async def use(aside: ReadingAside) -> None:
        given.extend(values(await read_to_the_end(fetcher, aside)))

    reading(fetcher, use)
    assert given == LARGE
    assert len(times) == 1
