"""Connections that say nothing, slowly or too many of them keep nobody from asking for long."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

from aiohttp import web

from tests.streams.conftest import until
from tracehound.streams.worker.short_connections import ShortConnections, answer_once

ASKS = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def answered(port: int, *said: bytes, pause_s: float = 0.0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in said:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@asynccontextmanager
async def listening(longest_s: float) -> AsyncIterator[tuple[int, Callable[[int], Awaitable[None]]]]:
    """A server of three connections: its port, and what waits until so many are open."""

    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    application = web.Application()
    application.router.add_get("/", hello)
    application.on_response_prepare.append(answer_once)
    runner = web.AppRunner(application)
    await runner.setup()
    server = runner.server
    assert server is not None
    loop = asyncio.get_running_loop()
    listens = await loop.create_server(ShortConnections(server, 3, longest_s), "127.0.0.1", 0)
    try:
        yield (
            listens.sockets[0].getsockname()[1],
            lambda count: until(lambda: len(server.connections) == count, f"{count} connections are open", 60.0),
        )
    finally:
        listens.close()
        await runner.cleanup()


def test_one_request_each_and_few_at_a_time() -> None:
    async def test() -> None:
        async with listening(longest_s=600.0) as (port, opened):
            assert (await answered(port, ASKS, ASKS)).count(b"hello") == 1
            await opened(0)
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            await opened(3)
            assert await answered(port, ASKS) == b""
            for _, writer in silent:
                writer.close()
            await opened(0)
            assert b"hello" in await answered(port, ASKS)

    asyncio.run(test())


def test_headers_that_come_slowly_are_cut_off() -> None:
    async def test() -> None:
        async with listening(longest_s=0.3) as (port, opened):
            slow = [answered(port, *[b"GET / HTTP/1.1\r\n"] * 10_000, pause_s=0.02) for _ in range(3)]
            assert not any(b"hello" in one for one in await asyncio.gather(*slow))
            await opened(0)

    asyncio.run(test())


def test_who_asks_while_the_loop_hangs_is_answered_after_it() -> None:
    async def test() -> None:
        async with listening(longest_s=1.0) as (port, opened):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with closing(writer):
                await opened(1)
                writer.write(ASKS)
                time.sleep(2.5)  # noqa: ASYNC251 (the loop is to hang)
                assert b"hello" in await reader.read()

    asyncio.run(test())
