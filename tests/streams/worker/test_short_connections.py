"""Connections that say nothing, slowly or too many of them keep nobody from asking for long."""

import asyncio

from aiohttp import web

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


def test_one_request_each_few_at_a_time_and_not_for_long() -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def test() -> None:
        application = web.Application()
        application.router.add_get("/", hello)
        application.on_response_prepare.append(answer_once)
        runner = web.AppRunner(application)
        await runner.setup()
        assert runner.server is not None
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(ShortConnections(runner.server, 3, 0.5), "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        try:
            assert (await answered(port, ASKS, ASKS)).count(b"hello") == 1
            begun = loop.time()
            slow = [asyncio.create_task(answered(port, *[b"GET / HTTP/1.1\r\n"] * 9, pause_s=0.2)) for _ in range(3)]
            await asyncio.sleep(0.2)
            assert await answered(port, ASKS) == b""
            assert not any(b"hello" in one for one in await asyncio.gather(*slow))
            assert loop.time() - begun < 5.0
            assert b"hello" in await answered(port, ASKS)
        finally:
            listening.close()
            await runner.cleanup()

    asyncio.run(test())
