"""A network between two services, which can become slow; in a process of its own, so that nothing else slows it."""

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

_CHUNK_BYTES = 65_536
_FAREWELL_S = 10.0


class Link:
    """Carries TCP connections from a free port of loopback to ``port``, when told so later in each direction."""

    def __init__(self, port: int) -> None:
        self._command = [sys.executable, str(Path(__file__)), str(port)]
        self.url = ""

    def delay(self, each_way_s: float) -> None:
        """From now on; must not fall while there is traffic, for what is sent later would overtake."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{each_way_s}\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._process.communicate(timeout=120)  # the end of its input ends it
        finally:
            self._process.kill()


class _Carrier:
    def __init__(self, port: int) -> None:
        self._port = port
        self._delay_s = 0.0
        self._connections: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        told = asyncio.StreamReader()
        self._loop = asyncio.get_running_loop()
        await self._loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        while line := await told.readline():
            self._delay_s = float(line)
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
            await asyncio.sleep(self._delay_s)
        finally:
            to_caller.close()
            to_callee.close()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # a reset ends the connection as a farewell does
            while chunk := await source.read(_CHUNK_BYTES):
                self._loop.call_later(self._delay_s, target.write, chunk)
        self._loop.call_later(self._delay_s, target.close)


if __name__ == "__main__":
    asyncio.run(_Carrier(int(sys.argv[1])).run())
