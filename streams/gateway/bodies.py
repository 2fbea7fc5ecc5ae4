"""Reads bodies of requests within bounds: of bytes, of memory taken by all of them together, and of time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from tracehound.streams.gateway.unpacking import too_large, unpacked
from tracehound.streams.http.refusal import RequestRefusedError, put_off
from tracehound.streams.settings.gateway import GatewaySettings

T = TypeVar("T")
P = ParamSpec("P")

LARGE_BYTES = 200_000
"""What is larger is worked on in a thread, so that other requests need not wait for it."""


def media_type(request: Request) -> str:
    """The media type of a request's body, without parameters, in lower case; empty where it says none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def of_media_type(request: Request, choices: Mapping[str, T]) -> T:
    """The choice that the media type of a request's body names.

    Raises:
        RequestRefusedError: it names none (415).
    """
    # what browsers send without asking (forms, plain text) is refused: any web page could write to this machine
    given = media_type(request)
    found = choices.get(given)
    if found is None:
        named = ", ".join(choices)
        raise RequestRefusedError(
            415,
            "media_type",
            f"The Content-Type must be one of {named}. Got {given[:100]!r} instead.",
            {"Accept": named},
        )
    return found


async def read_body(
    content: bytes, large_bytes: int, read: Callable[Concatenate[bytes, P], T], *more: P.args, **named: P.kwargs
) -> T:
    """What ``read`` makes of a body and of ``more``: in a thread where the body is longer than ``large_bytes``."""
    if len(content) > large_bytes:
        return await run_in_threadpool(read, content, *more, **named)
    return read(content, *more, **named)


class Bodies:
    """The bodies that are in memory at once.

    Parameters:
        settings: the bounds.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._most_in_flight = int(settings.max_mb_in_flight * 1e6)
        self.bytes_in_flight = 0

    @asynccontextmanager
    async def content(self, request: Request) -> AsyncIterator[bytes]:
        """The unpacked body of a request, which counts as in memory for as long as the block.

        Raises:
            RequestRefusedError: it is too long (413), takes too long (408), cannot be unpacked (400, 415), its client
                went away, or too many are in memory (503).
        """
        taken = _Share(self)
        try:
            body = await self._read(request, taken)
            encoding = ",".join(request.headers.getlist("content-encoding"))
            if encoding:
                most = self._settings.max_body_bytes
                body = await read_body(body, LARGE_BYTES, unpacked, encoding, most)
                taken.add(len(body))
            yield body
        finally:
            self.bytes_in_flight -= taken.size

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """So many bytes that somebody else has read count as in memory for as long as the block.

        Raises:
            RequestRefusedError: too many are in memory already.
        """
        self.take(size)
        try:
            yield
        finally:
            self.bytes_in_flight -= size

    async def _read(self, request: Request, taken: "_Share") -> bytes:
        most = self._settings.max_body_bytes
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > most:
            raise too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.read_timeout_s):
                async for piece in request.stream():
                    taken.add(len(piece))
                    body += piece
                    if len(body) > most:
                        raise too_large(most)
        except TimeoutError:
            raise RequestRefusedError(
                408,
                "too_slow",
                f"The body must arrive within {self._settings.read_timeout_s:g} s (setting 'gateway.read_timeout_s'). "
                f"Got {len(body)} bytes of it until then.",
                {"Connection": "close"},
            ) from None
        except ClientDisconnect:
            raise RequestRefusedError(
                400, "disconnected", f"The client went away after {len(body)} bytes of the body."
            ) from None
        return bytes(body)

    def take(self, size: int) -> None:
        """So many bytes more are in memory.

        Raises:
            RequestRefusedError: that is too much; they are not counted.
        """
        if self.bytes_in_flight + size > self._most_in_flight:
            raise put_off(
                "busy",
                f"Bodies of {self._settings.max_mb_in_flight:g} MB are in memory already "
                "(setting 'gateway.max_mb_in_flight').",
                self._settings.retry_after_s,
            )
        self.bytes_in_flight += size


class _Share:
    """What one request has in memory."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.size = 0

    def add(self, size: int) -> None:
        self._bodies.take(size)
        self.size += size
