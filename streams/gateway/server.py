"""Runs the gateway, from start to end."""

import asyncio
import logging
from collections.abc import Callable

import anyio.to_thread
import structlog
from confluent_kafka import KafkaException

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.gateway.app import build_gateway, written_topics
from tracehound.streams.gateway.otlp.grpc_server import grpc_served
from tracehound.streams.http.sending import KafkaSender, Patience
from tracehound.streams.http.server import Place, Server
from tracehound.streams.kafka.permissions import check_permissions
from tracehound.streams.settings.gateway import GatewaySettings
from tracehound.streams.settings.settings import Settings
from tracehound.streams.worker.logging import configure_logging
from tracehound.streams.worker.process import EXIT_CLEAN, EXIT_FAILED, EXIT_MISCONFIGURED, collect_seldom

_THREADS = 2
"""Threads that large bodies are worked on in: they take turns with the event loop, which waits for all of them."""

log = structlog.get_logger(__name__)


def run_gateway(settings: Settings) -> int:
    """Run the gateway until SIGTERM or SIGINT, or until it fails.

    Returns:
        The exit status for the process: 0 after a signal, 1 after a fatal error, 2 if a setting is wrong.
    """
    configure_logging(settings)
    logging.getLogger("uvicorn").setLevel("DEBUG" if settings.log_level == "debug" else "WARNING")
    try:
        check_permissions(settings, "gateway")
        return asyncio.run(_run(settings))
    except ConfigurationError as error:
        log.critical("configuration_error", sentence=str(error))
        return EXIT_MISCONFIGURED


def kafka_sender(settings: Settings, failed: Callable[[str], None]) -> KafkaSender:
    """What sends the gateway's records; ``failed`` is told of an error that no record survives."""
    gateway = settings.gateway
    patience = Patience(gateway.kafka_timeout_s, gateway.max_mb_in_flight, gateway.retry_after_s)
    return KafkaSender(settings, "tracehound-gateway", patience, written_topics(settings), failed)


async def _run(settings: Settings) -> int:
    collect_seldom()
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    loop = asyncio.get_running_loop()
    failures: list[str] = []
    server: Server

    def failed(why: str) -> None:  # (called by another thread)
        failures.append(why)
        loop.call_soon_threadsafe(setattr, server, "should_exit", True)

    sender = kafka_sender(settings, failed)
    gateway = build_gateway(settings, sender)
    server = Server(gateway.app, _place(settings.gateway))
    try:
        await sender.start()
    except KafkaException as error:
        raise ConfigurationError(f"Kafka's client does not take the settings: {error.args[0].str()}.") from error
    try:
        async with grpc_served(gateway.calls, settings.gateway):
            await server.until_stopped()
    finally:
        await sender.stop()
    for why in failures:
        log.critical("gateway_failed", sentence=why)
    log.info("gateway_stopped")
    return EXIT_FAILED if failures else EXIT_CLEAN


def _place(gateway: GatewaySettings) -> Place:
    return Place(
        "gateway",
        gateway.host,
        gateway.port,
        gateway.read_timeout_s,
        gateway.max_connections,
        gateway.max_header_bytes,
        gateway.kafka_timeout_s,
        gateway.tls_certificate_file,
        gateway.tls_key_file,
    )
