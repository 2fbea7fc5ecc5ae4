"""How confluent-kafka's clients connect: apart from Faust's, so that commands need not import Faust."""

from typing import Any, Final

from tracehound.streams.settings.settings import Settings

FETCH_BYTES: Final = 250_000
"""Of a partition at a time, for those who read many: what is fetched is compressed, and takes several times that."""


def librdkafka_options(settings: Settings) -> dict[str, Any]:
    """Addresses and security, as every confluent-kafka client takes them. May hold a password: never log it."""
    options: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        files = {
            "ssl.ca.location": settings.ssl_ca_file,
            "ssl.certificate.location": settings.ssl_certificate_file,
            "ssl.key.location": settings.ssl_key_file,
        }
        options |= {name: str(file) for name, file in files.items() if file is not None}
        if password := settings.ssl_key_password.get_secret_value():
            options["ssl.key.password"] = password
    if settings.security_protocol.startswith("SASL") and settings.sasl_mechanism == "OAUTHBEARER":
        options |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": settings.sasl_oauth_token_url,
            "sasl.oauthbearer.client.id": settings.sasl_username,
            "sasl.oauthbearer.client.secret": settings.sasl_password.get_secret_value(),
        }
        if settings.sasl_oauth_scope:
            options["sasl.oauthbearer.scope"] = settings.sasl_oauth_scope
    elif settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": settings.sasl_password.get_secret_value(),
        }
    return options


def producer_options(settings: Settings) -> dict[str, Any]:
    """How records are sent: acknowledged by all replicas, idempotent, partitioned as Java clients do (murmur2).

    >>> producer_options(Settings())["partitioner"]
    'murmur2_random'
    """
    return {
        "partitioner": "murmur2_random",
        "acks": "all",
        "enable.idempotence": True,
        # of several on their way to a new partition a later one may be first there; the broker then takes the others
        # for repetitions, and the client counts them as delivered (measured: 17 of 400 records lost, now none)
        "max.in.flight.requests.per.connection": 1,
        "compression.type": "lz4",
        "linger.ms": 5,
        # the limit counts uncompressed bytes; a dead letter is a record of the largest size plus our headers
        "message.max.bytes": longest_record(settings),
    }


def longest_record(settings: Settings) -> int:
    """Bytes of the longest record that there is: one of the largest size as a dead letter, with our headers.

    >>> longest_record(Settings())
    9000000
    """
    return settings.max_record_bytes + 1_000_000
