"""Few connections, and short ones: one request each, for a server that a probe or a scrape asks now and then."""

import asyncio
from typing import Any, Protocol

from aiohttp import web


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
        asyncio.get_running_loop().call_later(self._longest_s, _cut_off, handler)
        return handler


class _Refused(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _cut_off(handler: Any) -> None:
    if handler.transport is not None:
        handler.transport.abort()


async def answer_once(_request: web.Request, response: web.StreamResponse) -> None:
    """For aiohttp's signal ``on_response_prepare``: the connection ends with its first answer."""
    response.force_close()
