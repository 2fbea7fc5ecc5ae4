"""What tests of the consumer share: which brokers they run on, and how long they may take."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

PARTITIONS = 4
Wait = Callable[..., Awaitable[None]]
MakeReader = Callable[..., Any]
ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
"""Half of the tests run on one broker only, to be quick; the others prove the embedded one."""


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(480):
            await test

    asyncio.run(limited())


async def commits(reading: Any, expected: Mapping[int, int | None]) -> None:
    """Wait until exactly this is committed, and see that no more is in the next two intervals."""
    async with asyncio.timeout(120):
        while (found := await reading.committed()) != expected:
            assert all((found[number] or 0) <= (offset or 0) for number, offset in expected.items()), found
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.6)
    assert await reading.committed() == expected


def all_offsets(count: int) -> list[tuple[int, int]]:
    return [(partition, offset) for partition in range(PARTITIONS) for offset in range(count)]
