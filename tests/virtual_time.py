"""An event loop whose time goes on only when nothing is left to do: what runs in it knows no slow machine.

A sleep is over once all others have done what they can until then. Not for what waits for threads, processes or
sockets, which are no part of the loop: its time would pass without them.
"""

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")


class _SkippedWaits(selectors.DefaultSelector):
    """Counts the seconds that it should have waited, instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout else timeout)
        if not ready and timeout:
            self.skipped_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Begins at what ``time.monotonic`` says."""

    def __init__(self) -> None:
        self._waits = _SkippedWaits()
        self._begun_s = time.monotonic()
        super().__init__(self._waits)

    def time(self) -> float:
        """Seconds that everything in the loop believes in."""
        return self._begun_s + self._waits.skipped_s


def run_in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run to its end, with ``time.monotonic`` of the loop.

    >>> async def nap() -> float:
    ...     begun_s = time.monotonic()
    ...     await asyncio.gather(asyncio.sleep(3_600.0), asyncio.sleep(60.0))
    ...     return time.monotonic() - begun_s
    >>> round(run_in_virtual_time(nap()))
    3600
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        with mock.patch.object(time, "monotonic", loop.time):
            return runner.run(main)
