"""A server around an app: uvicorn, with bounds that uvicorn does not have, and its mistakes in sentences."""

import asyncio
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11
import structlog
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.worker.process import keep_what_is_there

_SLACK_S = 5.0
_ABSOLUTE = ("http://", "https://")
_IDLE_S = 75
"""How long a connection may wait for its next request: longer than the pauses of tracers (5 s) and load balancers."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a server listens; ``part`` is that of the settings, which errors name.

    ``finish_s`` is how long requests under way may take when it stops; a read takes ``read_timeout_s`` at most.
    """

    part: str
    host: str
    port: int
    read_timeout_s: float
    max_connections: int
    max_header_bytes: int
    finish_s: float
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None


def bounded_protocol(read_timeout_s: float, max_connections: int) -> type[H11Protocol]:
    """A protocol that closes connections whose request does not arrive in time, whose answers are not taken in time,
    and those that are too many.

    Parameters:
        read_timeout_s: from a request's first byte (a connection's beginning) to its last; and how long a client may
            take nothing of what is answered.
        max_connections: at once.
    """

    class BoundedProtocol(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None
        _untaken: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > max_connections:
                log.warning("too_many_connections", sentence="A connection was closed: there are too many.")
                transport.abort()
                return
            self._expect()

        def data_received(self, data: bytes) -> None:
            self._expect()
            super().data_received(data)
            if self.conn.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR):
                self._arrived()

        def connection_lost(self, exc: Exception | None) -> None:
            self._arrived()
            self._taken()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._untaken = self.loop.call_later(read_timeout_s, self.transport.abort)

        def resume_writing(self) -> None:
            self._taken()
            super().resume_writing()

        def _taken(self) -> None:
            if self._untaken is not None:
                self._untaken.cancel()
                self._untaken = None

        def _expect(self) -> None:
            if self._deadline is None:
                self._deadline = self.loop.call_later(read_timeout_s, self._too_slow)

        def _arrived(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _too_slow(self) -> None:
            if self.conn.their_state is not h11.DONE:
                self.transport.abort()

    return BoundedProtocol


class Server(uvicorn.Server):
    """Uvicorn's server, which says where it listens and leaves signals to us.

    Parameters:
        app: answers the requests.
        place: where and how it listens.

    Raises:
        ConfigurationError: the certificate or its key cannot be used.
    """

    def __init__(self, app: Any, place: Place) -> None:
        super().__init__(_config(app, place))
        self.part, self._place = place.part, place
        self.url = ""
        """Where it listens, once it does."""

    async def startup(self, sockets: Any = None) -> None:
        """Begin to listen."""
        await super().startup(sockets=sockets)
        if self.started:
            keep_what_is_there()
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            scheme = "https" if self.config.is_ssl else "http"
            shown = f"[{host}]" if ":" in host else host
            self.url = f"{scheme}://{shown}:{port}"
            log.info(f"{self.part}_listening", url=self.url)

    async def until_stopped(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            ConfigurationError: it cannot listen there.
        """
        for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises what it has caught once more when it has ended
            signal.signal(number, lambda *_: None)
        try:
            await self.serve()
        except SystemExit as error:  # uvicorn's way to say that it could not listen
            part, place = self.part, self._place
            raise ConfigurationError(
                f"The settings '{part}.host' and '{part}.port' must be an address that is free. "
                f"Got {place.host}:{place.port} instead."
            ) from error


def by_the_letter(app: ASGIApp) -> ASGIApp:
    """Does before ``app`` what HTTP asks of servers, and uvicorn with h11 does not.

    Requests that say their length in two ways are refused, and their connections end: what is one request to us may be
    two to a proxy before us (RFC 9112, 6.1). Targets in absolute form have their path (3.2.2).
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        names = [name for name, _ in scope["headers"]]
        if b"transfer-encoding" in names and b"content-length" in names:
            said = "A request must have a Content-Length or a Transfer-Encoding. Got both."
            await PlainTextResponse(said, 400, {"Connection": "close"})(scope, receive, send)
        else:
            path: str = scope["path"]
            if path.startswith(_ABSOLUTE):
                scope = {**scope, "path": "/" + path.partition("://")[2].partition("/")[2]}
            await app(scope, receive, send)

    return answer


def _config(app: Any, place: Place) -> uvicorn.Config:
    config = uvicorn.Config(
        by_the_letter(app),
        host=place.host,
        port=place.port,
        http=bounded_protocol(place.read_timeout_s + _SLACK_S, place.max_connections),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=int(place.finish_s + _SLACK_S),
        h11_max_incomplete_event_size=place.max_header_bytes,
        ssl_certfile=_given(place.tls_certificate_file),
        ssl_keyfile=_given(place.tls_key_file),
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The settings '{place.part}.tls_certificate_file' and '{place.part}.tls_key_file' must be a certificate "
            f"and its private key, PEM. They cannot be used: {error}."
        ) from error
    return config


def _given(path: Path | None) -> str | None:
    return None if path is None else str(path)
