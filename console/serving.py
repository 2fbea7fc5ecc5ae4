"""Serves the console, from start to end: the first key, Kafka's client, and a server with bounds."""

import asyncio
import logging
import time
from collections.abc import Callable

import anyio.to_thread
import click
import structlog
from confluent_kafka import KafkaException

from tracehound.console.app import build_console
from tracehound.console.demo_data.feeding import Simulate
from tracehound.console.keys.queries import has_keys
from tracehound.console.keys.ring import first_key
from tracehound.console.process import Parts
from tracehound.console.store.engine import Store
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.http.sending import KafkaSender, Patience
from tracehound.streams.http.server import Place, Server
from tracehound.streams.settings.console import ConsoleSettings
from tracehound.streams.settings.gateway import is_loopback
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.process import EXIT_CLEAN, EXIT_FAILED

_THREADS = 8
"""Requests that ask the store at once; as many connections it has, and some for the reader."""
_READ_S = 30.0
_HEAD_BYTES = 16_384
_PATIENCE = Patience(kafka_timeout_s=10.0, max_mb_in_flight=64.0, retry_after_s=5)

log = structlog.get_logger(__name__)


def serve_api(parts: Parts, simulate: Simulate | None = None) -> int:
    """Serve until SIGTERM or SIGINT; ``simulate`` makes the demo's data.

    Returns:
        The exit status for the process: 0 after a signal, 1 after a fatal error.

    Raises:
        ConfigurationError: it cannot listen there, or would without any key.
    """
    settings = parts.settings
    logging.getLogger("uvicorn").setLevel("DEBUG" if settings.log_level == "debug" else "WARNING")
    tell_first_key(settings.console, parts.store)
    return asyncio.run(_serve(parts, simulate))


def tell_first_key(console: ConsoleSettings, store: Store) -> None:
    """Make the first key, where there is none, and print it: this once, to standard output, and to no log.

    Raises:
        ConfigurationError: it would listen to others, who must not find a door that nobody holds a key of.
    """
    with store.read() as connection:
        known = has_keys(connection)
    if not known and not is_loopback(console.host):
        raise ConfigurationError(
            "The setting 'console.host' must be an address of loopback while there are no keys. "
            f"Got {console.host!r} instead. A key is made by: tracehound console --first-key."
        )
    print_first_key(store)


def print_first_key(store: Store) -> None:
    """Make an admin's key where there is none, and print it: this once, to standard output, and to no log."""
    first = first_key(store, time.time_ns() // 1_000)
    if first is not None:
        click.echo(f"The first key of the console, an admin's. It is shown this once: {first.key}")


def document_of(settings: Settings) -> dict[str, object]:
    """The OpenAPI document of what would be served."""
    store = Store("sqlite:///:memory:")
    store.migrate()
    app = build_console(settings, store, console_sender(settings, lambda _: None))
    document: dict[str, object] = app.openapi()
    store.close()
    return document


def console_sender(settings: Settings, failed: Callable[[str], None]) -> KafkaSender:
    """What sends what people say, and dead letters again; ``failed`` is told of what no record survives."""
    topics = settings.topics
    written = (topics.feedback.name, topics.maintenance.name)
    return KafkaSender(settings, "tracehound-console", _PATIENCE, written, failed)


async def _serve(parts: Parts, simulate: Simulate | None) -> int:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    loop = asyncio.get_running_loop()
    failures: list[str] = []
    server: Server

    def failed(why: str) -> None:  # (called by another thread)
        failures.append(why)
        loop.call_soon_threadsafe(setattr, server, "should_exit", True)

    sender = console_sender(parts.settings, failed)
    app = build_console(
        *(parts.settings, parts.store, sender), registry=parts.registry, trouble=parts.trouble, simulate=simulate
    )
    server = Server(app, _place(parts.settings.console))
    try:
        await sender.start()
    except KafkaException as error:
        raise ConfigurationError(f"Kafka's client does not take the settings: {error.args[0].str()}.") from error
    try:
        await server.until_stopped()
    finally:
        await app.state.demo.stop()
        await sender.stop()
    for why in failures:
        log.critical("console_failed", sentence=why)
    return EXIT_FAILED if failures else EXIT_CLEAN


def _place(console: ConsoleSettings) -> Place:
    return Place("console", console.host, console.port, _READ_S, console.max_connections, _HEAD_BYTES, 0.0)
