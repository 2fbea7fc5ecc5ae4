"""How aiokafka's clients connect: apart from Faust's, so that commands need not import Faust."""

import ssl
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaConsumer

from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.kafka.tokens import ClientCredentials
from tracehound.streams.settings.settings import Settings


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


def by_token(settings: Settings) -> bool:
    """Whether clients are known by tokens."""
    return settings.security_protocol.startswith("SASL") and settings.sasl_mechanism == "OAUTHBEARER"


def tokens(settings: Settings) -> ClientCredentials:
    """Where tokens come from.

    Raises:
        ConfigurationError: a setting is missing.
    """
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


def client_options(settings: Settings) -> dict[str, Any]:
    """Constructor arguments that every aiokafka client shares."""
    options: dict[str, Any] = {
        "bootstrap_servers": [url.removeprefix("kafka://") for url in broker_urls(settings)],
        "security_protocol": settings.security_protocol,
        "ssl_context": ssl_context(settings),
    }
    if by_token(settings):
        options |= {"sasl_mechanism": settings.sasl_mechanism, "sasl_oauth_token_provider": tokens(settings)}
    elif settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    return options


async def started(consumer: AIOKafkaConsumer) -> AIOKafkaConsumer:
    """The consumer, once it is connected; where that fails, or is cut short, nothing of it is left."""
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer
