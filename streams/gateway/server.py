"""Runs the gateway: uvicorn around it, with bounds that uvicorn does not have, from start to end."""

import asyncio
import logging
import signal
import ssl
from pathlib import Path
from typing import Any

import anyio.to_thread
import h11
import structlog
import uvicorn
from confluent_kafka import KafkaException
from uvicorn.protocols.http.h11_impl import H11Protocol

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.gateway.app import build_gateway, written_topics
from tracehound.streams.gateway.otlp.grpc_server import grpc_served
from tracehound.streams.gateway.sending import KafkaSender
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.logging import configure_logging
from tracehound.streams.worker.process import (
    EXIT_CLEAN,
    EXIT_FAILED,
    EXIT_MISCONFIGURED,
    collect_seldom,
    keep_what_is_there,
)

_SLACK_S = 5.0
_THREADS = 2
"""Threads that large bodies are worked on in: they take turns with the event loop, which waits for all of them."""
_IDLE_S = 75
"""How long a connection may wait for its next request: longer than the pauses of tracers (5 s) and load balancers."""

log = structlog.get_logger(__name__)


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
    """Uvicorn's server, which says where it listens and leaves signals to us."""

    async def startup(self, sockets: Any = None) -> None:
        """Begin to listen."""
        await super().startup(sockets=sockets)
        if self.started:
            keep_what_is_there()
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            scheme = "https" if self.config.is_ssl else "http"
            shown = f"[{host}]" if ":" in host else host
            log.info("gateway_listening", url=f"{scheme}://{shown}:{port}")


def run_gateway(settings: Settings) -> int:
    """Run the gateway until SIGTERM or SIGINT, or until it fails.

    Returns:
        The exit status for the process: 0 after a signal, 1 after a fatal error, 2 if a setting is wrong.
    """
    configure_logging(settings)
    logging.getLogger("uvicorn").setLevel("DEBUG" if settings.log_level == "debug" else "WARNING")
    try:
        return asyncio.run(_run(settings))
    except ConfigurationError as error:
        log.critical("configuration_error", sentence=str(error))
        return EXIT_MISCONFIGURED


async def _run(settings: Settings) -> int:
    collect_seldom()
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    loop = asyncio.get_running_loop()
    failures: list[str] = []
    server: Server

    def failed(why: str) -> None:  # (called by another thread)
        failures.append(why)
        loop.call_soon_threadsafe(setattr, server, "should_exit", True)

    sender = KafkaSender(settings, written_topics(settings), failed)
    gateway = build_gateway(settings, sender)
    server = Server(_config(settings, gateway.app))
    try:
        await sender.start()
    except KafkaException as error:
        raise ConfigurationError(f"Kafka's client does not take the settings: {error.args[0].str()}.") from error
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises what it has caught once more when it has ended
        signal.signal(number, lambda *_: None)
    try:
        async with grpc_served(gateway.calls, settings.gateway):
            await _serve(server, settings)
    finally:
        await sender.stop()
    for why in failures:
        log.critical("gateway_failed", sentence=why)
    log.info("gateway_stopped")
    return EXIT_FAILED if failures else EXIT_CLEAN


async def _serve(server: Server, settings: Settings) -> None:
    try:
        await server.serve()
    except SystemExit as error:  # uvicorn's way to say that it could not listen
        raise ConfigurationError(
            "The settings 'gateway.host' and 'gateway.port' must be an address that is free. "
            f"Got {settings.gateway.host}:{settings.gateway.port} instead."
        ) from error


def _config(settings: Settings, app: Any) -> uvicorn.Config:
    gateway = settings.gateway
    config = uvicorn.Config(
        app,
        host=gateway.host,
        port=gateway.port,
        http=bounded_protocol(gateway.read_timeout_s + _SLACK_S, gateway.max_connections),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=int(gateway.kafka_timeout_s + _SLACK_S),
        h11_max_incomplete_event_size=gateway.max_header_bytes,
        ssl_certfile=_given(gateway.tls_certificate_file),
        ssl_keyfile=_given(gateway.tls_key_file),
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            "The settings 'gateway.tls_certificate_file' and 'gateway.tls_key_file' must be a certificate and its "
            f"private key, PEM. They cannot be used: {error}."
        ) from error
    return config


def _given(path: Path | None) -> str | None:
    return None if path is None else str(path)
