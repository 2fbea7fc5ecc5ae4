"""Ends a process whose event loop hangs, from outside of the loop and of the interpreter."""

import asyncio
import faulthandler
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_BEATS_PER_TIMEOUT = 5


@asynccontextmanager
async def loop_watch(timeout_s: float) -> AsyncIterator[None]:
    """While it is open, a loop that does not get round for ``timeout_s`` ends the process with status 1.

    Where it hangs is written to standard error before, for each thread. A thread of the C library waits for that
    (``faulthandler``), which needs no lock of the interpreter: compiled code that never comes back is noticed too.
    """

    async def beat() -> None:
        while True:
            faulthandler.dump_traceback_later(timeout_s, exit=True)
            await asyncio.sleep(min(1.0, timeout_s / _BEATS_PER_TIMEOUT))

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        faulthandler.cancel_dump_traceback_later()
