"""How a worker's Kafka clients connect: addresses and security from the settings, and the wait for a broker."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import structlog
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError
from confluent_kafka import KafkaException
from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials

from tracehound.infra.kafka.topics import connect
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.kafka.tokens import ClientCredentials
from tracehound.streams.settings.settings import Settings

_RETRY_S = 3.0
_ATTEMPT_S = 10.0
_EXPLANATION_S = 3.0

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
        ConfigurationError: the certificate authority's file, or the client's certificate or key, cannot be read.
    """
    if "SSL" not in settings.security_protocol.split("_")[-1]:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ssl_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The setting 'ssl_ca_file' must be a file of PEM certificates. "
            f"Got {str(settings.ssl_ca_file)!r} instead: {error}"
        ) from error
    if settings.ssl_certificate_file is not None:
        try:
            password = settings.ssl_key_password.get_secret_value()
            context.load_cert_chain(settings.ssl_certificate_file, settings.ssl_key_file, lambda: password)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                "The settings 'ssl_certificate_file' and 'ssl_key_file' must be files of PEM, with the password of "
                f"the key in 'ssl_key_password' if it has one. Got {str(settings.ssl_certificate_file)!r} and "
                f"{str(settings.ssl_key_file)!r} instead: {error}"
            ) from error
    elif settings.ssl_key_file is not None:
        raise ConfigurationError("The setting 'ssl_certificate_file' must come with 'ssl_key_file'. Got none instead.")
    return context


def _by_token(settings: Settings) -> bool:
    return settings.security_protocol.startswith("SASL") and settings.sasl_mechanism == "OAUTHBEARER"


def _tokens(settings: Settings) -> ClientCredentials:
    password = settings.sasl_password.get_secret_value()
    if not (settings.sasl_oauth_token_url and settings.sasl_username and password):
        raise ConfigurationError(
            "The settings 'sasl_oauth_token_url', 'sasl_username' and 'sasl_password' must be given with OAUTHBEARER. "
            f"Got {settings.sasl_oauth_token_url!r}, {settings.sasl_username!r} and "
            f"{'a password' if password else 'none'} instead."
        )
    return _provider(settings.sasl_oauth_token_url, settings.sasl_username, password, settings.sasl_oauth_scope)


@lru_cache(maxsize=4)  # so that all clients of a process share tokens
def _provider(url: str, client_id: str, secret: str, scope: str) -> ClientCredentials:
    return ClientCredentials(url, client_id, secret, scope)


def faust_credentials(settings: Settings) -> Any:
    """Credentials for the Faust app, or None on a plain connection."""
    context = ssl_context(settings)
    if _by_token(settings):
        return OAuthCredentials(oauth_cb=_tokens(settings), ssl_context=context)
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
    if _by_token(settings):
        options |= {"sasl_mechanism": settings.sasl_mechanism, "sasl_oauth_token_provider": _tokens(settings)}
    elif settings.security_protocol.startswith("SASL"):
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
