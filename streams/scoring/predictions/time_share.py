"""Keeps work to a share of the time of an event loop that has more important things to do."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class TimeShare:
    """What the loop was held for, and how long to rest after it.

    Parameters:
        share: of the time, above 0 and at most 1.
        spend: told the seconds that the loop was held.
        elapsed: seconds that pass.
    """

    def __init__(
        self, share: float, spend: Callable[[float], object], elapsed: Callable[[], float] = time.perf_counter
    ) -> None:
        self._share = share
        self._spend = spend
        self._elapsed = elapsed
        self._owed_s = 0.0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """What is done within is counted; nothing is awaited there."""
        begun = self._elapsed()
        try:
            yield
        finally:
            held_s = self._elapsed() - begun
            self._owed_s += held_s * (1.0 / self._share - 1.0)
            self._spend(held_s)

    async def rest(self) -> None:
        """Wait until what was done since the last rest is the share of what has passed."""
        owed_s, self._owed_s = self._owed_s, 0.0
        await asyncio.sleep(owed_s)
