"""What tests of the consumer share: which brokers they run on, and how long they may take."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

PARTITIONS = 4
Wait = Callable[..., Awaitable[None]]
MakeReader = Callable[..., Any]
ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
"""Half of the tests run on one broker only, to be quick; the others prove the embedded one."""


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(120):
            await test

    asyncio.run(limited())


def all_offsets(count: int) -> list[tuple[int, int]]:
    return [(partition, offset) for partition in range(PARTITIONS) for offset in range(count)]
