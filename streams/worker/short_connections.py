"""Few connections, and short ones: one request each, for a server that a probe or a scrape asks now and then."""

import asyncio
from typing import Any, Final, Protocol

from aiohttp import web

_SLICES: Final = 10


class Handling(Protocol):
    """What aiohttp makes for each connection, and how many of them there are."""

    @property
    def connections(self) -> Any:
        """Those that are open."""

    def __call__(self) -> asyncio.Protocol:
        """The protocol of one more connection."""


class ShortConnections:
    """Makes the protocols of connections, of which at most ``most`` are open, each for at most ``longest_s``.

    However slowly headers are sent, whoever sends them is cut off then; one connection too many is closed at once.
    Time counts only while this loop runs: what came while it hung is read and answered.
    """

    def __init__(self, server: Handling, most: int, longest_s: float) -> None:
        self._server = server
        self._most = most
        self._longest_s = longest_s

    def __call__(self) -> asyncio.Protocol:
        """The protocol of one more connection."""
        if len(self._server.connections) >= self._most:
            return _Refused()
        handler = self._server()
        self._count(handler, 0)
        return handler

    def _count(self, handler: Any, slices: int) -> None:
        """Count a slice of time, but for one that ended late: the loop hung, and nobody could have been read."""
        loop, slice_s = asyncio.get_running_loop(), self._longest_s / _SLICES
        begun_s = loop.time()

        def ended() -> None:
            if handler.transport is None and slices:  # (the first may end before the connection is made)
                return
            counted = slices + (loop.time() - begun_s < 2 * slice_s)
            if counted < _SLICES:
                self._count(handler, counted)
            elif handler.transport is not None:
                handler.transport.abort()

        loop.call_later(slice_s, ended)


class _Refused(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def answer_once(_request: web.Request, response: web.StreamResponse) -> None:
    """For aiohttp's signal ``on_response_prepare``: the connection ends with its first answer."""
    response.force_close()
