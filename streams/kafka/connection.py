"""How a worker's Kafka clients connect: addresses and security from the settings, and the wait for a broker."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError
from confluent_kafka import KafkaException
from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials

from tracehound.infra.kafka.topics import connect
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.kafka.aiokafka_options import by_token, client_options, ssl_context, tokens
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.settings.settings import Settings

_RETRY_S = 3.0
_ATTEMPT_S = 10.0
_EXPLANATION_S = 3.0

log = structlog.get_logger(__name__)


def faust_credentials(settings: Settings) -> Any:
    """Credentials for the Faust app, or None on a plain connection."""
    context = ssl_context(settings)
    if by_token(settings):
        return OAuthCredentials(oauth_cb=tokens(settings), ssl_context=context)
    if settings.security_protocol.startswith("SASL"):
        return SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password.get_secret_value(),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


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


async def may_use_group(settings: Settings, group: str) -> bool:
    """Whether this user may use a consumer group; one that may not is left waiting by clients without a word.

    True where that cannot be found out: a group has no coordinator before the first one of a cluster is used.
    """
    client = AIOKafkaClient(**client_options(settings), request_timeout_ms=int(_ATTEMPT_S * 1000))
    try:
        await client.bootstrap()
        await client.coordinator_lookup(CoordinationType.GROUP, group)
    except GroupAuthorizationFailedError:
        return False
    except (KafkaError, OSError, TimeoutError) as error:
        log.info("group_not_checked", group=group, cause=repr(error))
    finally:
        await client.close()
    return True


async def why_unreachable(settings: Settings) -> str:
    """Why the cluster cannot be used, as librdkafka says it: aiokafka does not tell a wrong password from a wrong port.

    Empty if librdkafka has no difficulty.
    """

    def ask() -> str:
        client = connect(librdkafka_options(settings))
        try:
            client.admin.list_topics(timeout=_EXPLANATION_S)
        except KafkaException as error:
            return client.why(error).rstrip(".")
        return ""

    try:
        return await asyncio.to_thread(ask)
    except ConfigurationError as error:
        return str(error).rstrip(".")


async def wait_for_broker(
    settings: Settings,
    stop: asyncio.Event,
    retry_s: float = _RETRY_S,
    reach: Callable[[Settings], Awaitable[None]] = reach_broker,
    explain: Callable[[Settings], Awaitable[str]] = why_unreachable,
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
                cause = await explain(settings) or str(error) or type(error).__name__
                log.warning(
                    "broker_unreachable",
                    sentence=f"Kafka at {settings.bootstrap_servers} cannot be used: {cause}. "
                    f"Trying again in {retry_s:g} s (settings 'bootstrap_servers', 'security_protocol', 'sasl_…', "
                    "'ssl_…').",
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
