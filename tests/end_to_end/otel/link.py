"""A network between two services, which can become slow."""

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Self

_CHUNK_BYTES = 65_536
_FAREWELL_S = 10.0


class Link:
    """Carries TCP connections from a free port of loopback to ``port``, ``delay_s`` seconds later each way.

    The delay must not fall while there is traffic: what is sent later would overtake.
    """

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self.url = ""
        self._port = port
        self._listening: Future[int] = Future()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = Thread(target=asyncio.run, args=(self._serve(),))

    def __enter__(self) -> Self:
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._listening.result(10)}"
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._listening.set_result(server.sockets[0].getsockname()[1])
        await self._ended.wait()
        server.close()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_FAREWELL_S)

    def _accept(self, from_caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._connect(from_caller, to_caller))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _connect(self, from_caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        from_callee, to_callee = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(self._carry(from_caller, to_callee), self._carry(from_callee, to_caller))
            await asyncio.sleep(self.delay_s)
        finally:
            to_caller.close()
            to_callee.close()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # a reset ends the connection as a farewell does
            while chunk := await source.read(_CHUNK_BYTES):
                self._loop.call_later(self.delay_s, target.write, chunk)
        self._loop.call_later(self.delay_s, target.close)
