"""Items that are ready are taken together, in their order, and what the stream raises is raised."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from tests.virtual_time import run_in_virtual_time
from tracehound.streams.kafka.runs.at_hand import at_hand


def few(before: Sequence[int], item: int) -> bool:
    return len(before) < 3 and item != 100


def a_moment(item: int) -> float:
    return 0.02 if item < 50 else 0.0


async def numbers(*items: int, ends_with: Exception | None = None) -> AsyncIterator[int]:
    for item in items:
        yield item
    if ends_with is not None:
        raise ends_with


async def taken(items: AsyncIterator[int], pause_s: float = 0.0) -> list[list[int]]:
    found = []
    async with aclosing(at_hand(items, few, 4, a_moment)) as ready:
        async for together in ready:
            found.append(list(together))
            await asyncio.sleep(pause_s)
    return found


def test_what_came_meanwhile_is_taken_together_in_order_as_far_as_it_goes_together() -> None:
    assert run_in_virtual_time(taken(numbers(1, 2, 3, 4, 5), 0.01)) == [[1, 2, 3], [4, 5]]
    assert run_in_virtual_time(taken(numbers(1, 100, 2, 100), 0.01)) == [[1], [100, 2], [100]]
    assert run_in_virtual_time(taken(numbers())) == []


def test_an_item_that_comes_alone_is_taken_alone() -> None:
    async def slow() -> AsyncIterator[int]:
        for item in range(3):
            yield item
            await asyncio.sleep(0.1)

    assert run_in_virtual_time(taken(slow())) == [[0], [1], [2]]


def test_an_item_that_does_not_wait_is_taken_at_once() -> None:
    async def in_haste(first: int) -> AsyncIterator[int]:
        yield first
        await asyncio.sleep(0.001)
        yield 2

    assert run_in_virtual_time(taken(in_haste(1))) == [[1, 2]]
    assert run_in_virtual_time(taken(in_haste(51))) == [[51], [2]]


def test_what_the_stream_raises_is_raised_after_its_items() -> None:
    found: list[int] = []

    async def test() -> None:
        async with aclosing(at_hand(numbers(1, 2, ends_with=RuntimeError("lost")), few, 4, a_moment)) as ready:
            async for together in ready:
                found.extend(together)

    with pytest.raises(RuntimeError, match="lost"):
        run_in_virtual_time(test())
    assert found == [1, 2]


def test_reads_no_further_ahead_than_it_may_and_stops_reading_when_closed() -> None:
    read = 0

    async def endless() -> AsyncIterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    async def test() -> None:
        async with aclosing(at_hand(endless(), lambda before, item: False, 4, a_moment)) as ready:
            async for together in ready:
                await asyncio.sleep(0.01)
                assert read <= together[0] + 6
                if together[0] == 5:
                    break
        stopped_at = read
        await asyncio.sleep(0.01)
        assert read == stopped_at
        assert len(asyncio.all_tasks()) == 1

    run_in_virtual_time(test())
