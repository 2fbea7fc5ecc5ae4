"""How a worker's Kafka clients connect: addresses and security from the settings, and the wait for a broker."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from faust.auth import SASLCredentials, SSLCredentials

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.settings.settings import Settings

_RETRY_S = 3.0
_ATTEMPT_S = 10.0

log = structlog.get_logger(__name__)


def broker_urls(settings: Settings) -> list[str]:
    """The brokers as Faust wants them.

    Raises:
        ConfigurationError: an address is not ``host:port``.

    >>> broker_urls(Settings(bootstrap_servers="a:9092, b:9093"))
    ['kafka://a:9092', 'kafka://b:9093']
    """
    urls = []
    for address in settings.bootstrap_servers.split(","):
        host, colon, port = address.strip().rpartition(":")
        if not host or not colon or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ConfigurationError(
                "The setting 'bootstrap_servers' must be host:port, several separated by commas. "
                f"Got {settings.bootstrap_servers!r} instead."
            )
        urls.append(f"kafka://{host}:{port}")
    return urls


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context of all clients, or None without TLS.

    Raises:
        ConfigurationError: the certificate authority's file cannot be read.
    """
    if "SSL" not in settings.security_protocol.split("_")[-1]:
        return None
    try:
        return ssl.create_default_context(cafile=settings.ssl_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The setting 'ssl_ca_file' must be a file of PEM certificates. "
            f"Got {str(settings.ssl_ca_file)!r} instead: {error}"
        ) from error


def faust_credentials(settings: Settings) -> Any:
    """Credentials for the Faust app, or None on a plain connection."""
    context = ssl_context(settings)
    if settings.security_protocol.startswith("SASL"):
        return SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password.get_secret_value(),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


def client_options(settings: Settings) -> dict[str, Any]:
    """Constructor arguments that every aiokafka client shares."""
    options: dict[str, Any] = {
        "bootstrap_servers": [url.removeprefix("kafka://") for url in broker_urls(settings)],
        "security_protocol": settings.security_protocol,
        "ssl_context": ssl_context(settings),
    }
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    return options


async def reach_broker(settings: Settings) -> None:
    """Connect to the cluster once and read its metadata.

    Raises:
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    client = AIOKafkaClient(**client_options(settings), request_timeout_ms=int(_ATTEMPT_S * 1000))
    try:
        await client.bootstrap()
    finally:
        await client.close()


async def wait_for_broker(
    settings: Settings,
    stop: asyncio.Event,
    retry_s: float = _RETRY_S,
    reach: Callable[[Settings], Awaitable[None]] = reach_broker,
) -> bool:
    """Try until a broker answers, and say so in a sentence each time it does not.

    Returns:
        True once reached, False if ``stop`` was set before.
    """
    while not stop.is_set():
        with _quiet("aiokafka"):
            try:
                await reach(settings)
                return True
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning(
                    "broker_unreachable",
                    sentence=f"Kafka at {settings.bootstrap_servers} cannot be reached; "
                    f"trying again in {retry_s:g} s (setting 'bootstrap_servers').",
                    cause=str(error) or type(error).__name__,
                )
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), retry_s)
    return False


class _quiet:  # noqa: N801 (used like a function)
    """Silence a library's own log while we say the same in one sentence."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def __enter__(self) -> None:
        self._level = self._logger.level
        self._logger.setLevel(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
