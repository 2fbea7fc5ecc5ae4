"""What a stream holds ready, taken together: the next item and those that came while the last ones were dealt with."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
_END = object()


async def at_hand(
    items: AsyncIterable[T], joins: Callable[[Sequence[T], T], bool], most: int, linger_s: Callable[[T], float]
) -> AsyncGenerator[Sequence[T], None]:
    """The items in their order, one or several at a time.

    Parameters:
        items: read in a task of its own; what it raises, this raises.
        joins: whether an item may go with those before it.
        most: items that are read ahead, at the most.
        linger_s: how many seconds the next may take to follow, where an item waits for others; 0 where it does not.
    """
    waiting: asyncio.Queue[T | object] = asyncio.Queue(most)
    reading = asyncio.create_task(_read(items, waiting))
    try:
        following: T | object = await waiting.get()
        while following is not _END:
            together: list[T] = [following]  # type: ignore[list-item]  # (not the end)
            following = None
            if pause_s := linger_s(together[0]):
                await _lull(waiting, pause_s)
            while following is None and not waiting.empty():
                one = waiting.get_nowait()
                if one is _END or not joins(together, one):  # type: ignore[arg-type]
                    following = one
                else:
                    together.append(one)  # type: ignore[arg-type]
            yield together
            if following is None:
                following = await waiting.get()
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError, Exception):  # what it raised was raised above
            await reading


async def _lull(waiting: "asyncio.Queue[T | object]", pause_s: float) -> None:
    """Return once nothing more has come for so long, or no more is read ahead."""
    known = -1
    while known < waiting.qsize() and not waiting.full():
        known = waiting.qsize()
        await asyncio.sleep(pause_s)


async def _read(items: AsyncIterable[T], waiting: "asyncio.Queue[T | object]") -> None:
    try:
        async for item in items:
            await waiting.put(item)
    except asyncio.CancelledError:  # nobody waits for an end
        raise
    except BaseException:
        await waiting.put(_END)
        raise
    await waiting.put(_END)
