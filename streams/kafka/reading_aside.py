"""Fetches that may unpack to much are unpacked and read in a thread of their own, beside the one with heartbeats."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from aiokafka import ConsumerRecord

from tracehound.streams.kafka.bounded_batches import BoundedRecords, within
from tracehound.streams.kafka.bounded_parts import BoundedPart, Part

SMALL_BYTES: Final = 16_000_000
"""What a batch may have, unpacked, while one that has more is being read."""
_TOGETHER_S: Final = 0.01
"""What was fetched together is given together, if all of it is read within so long."""

Fetched = Mapping[Any, Sequence[ConsumerRecord]]


class ReadingAside:
    """In place of a fetcher's ``fetched_records``: what is not compressed, or too little to become
    much (``BoundedPart.may_be_long``), is given as before, at once.

    Of all partitions, one batch at a time may have more than ``SMALL_BYTES`` once it is unpacked, and others that have
    wait until it was taken. What was sought, paused or revoked while it was read is not given.

    Parameters:
        fetcher: aiokafka's.
    """

    def __init__(self, fetcher: Any) -> None:
        self._fetcher, self._fetched_records = fetcher, fetcher.fetched_records
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="unpacking")
        fetcher.fetched_records = self.fetched_records

    def stop(self) -> None:
        """Read nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def fetched_records(
        self,
        partitions: Collection[Any] | None,
        timeout: float = 0,  # noqa: ASYNC109 (aiokafka's name)
        max_records: int | None = None,
    ) -> Fetched:
        """See aiokafka."""
        until_s = time.monotonic() + timeout
        while True:
            if self._fetcher._subscriptions.reassignment_in_progress:
                await self._fetcher._subscriptions.wait_for_assignment()
            under_way = self._begin(partitions, max_records)
            if under_way and timeout:
                await asyncio.wait(under_way, timeout=min(_TOGETHER_S, max(0.0, until_s - time.monotonic())))
            drained: Fetched = await self._fetched_records(partitions, 0, max_records)
            left_s = until_s - time.monotonic()
            if drained or left_s <= 0.0 or self._fetcher._closed:
                return drained
            waiter = self._fetcher._create_fetch_waiter()
            try:
                await asyncio.wait([waiter, *under_way], timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                if waiter.done():
                    waiter.result()  # it raises where the topic may not be read
            finally:
                waiter.cancel()

    def _begin(self, partitions: Collection[Any] | None, most: int | None) -> list[asyncio.Future[Part]]:
        """Have read what is fetched and may be long; returns what is under way."""
        fetched = {tp: part for tp, part in self._fetcher._records.items() if isinstance(part, BoundedPart)}
        found = []
        for tp, part in fetched.items():
            if (partitions and tp not in partitions) or not part.may_be_long:
                continue
            others = [one for one in fetched.values() if one is not part]
            if not part.is_aside and (not part.is_due or (part.lacks_room and _hold_much(others))):
                continue
            reading = part.read_aside(partial(self._run, others), most)
            if not reading.done():
                found.append(reading)
        return found

    def _run(self, others: Sequence[BoundedPart], read: Callable[[], Part]) -> asyncio.Future[Part]:
        def in_room() -> Part:
            with within(SMALL_BYTES if _hold_much(others) else BoundedRecords.most):
                return read()

        return asyncio.get_running_loop().run_in_executor(self._thread, in_room)


def _hold_much(parts: Iterable[BoundedPart]) -> bool:
    return any(part.held_bytes > SMALL_BYTES for part in parts)
