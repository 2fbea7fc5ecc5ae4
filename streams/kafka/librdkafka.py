"""How confluent-kafka's clients connect: apart from Faust's, so that commands need not import Faust."""

from typing import Any

from tracehound.streams.settings.settings import Settings


def librdkafka_options(settings: Settings) -> dict[str, Any]:
    """Addresses and security, as every confluent-kafka client takes them. May hold a password: never log it."""
    options: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL") and settings.ssl_ca_file is not None:
        options["ssl.ca.location"] = str(settings.ssl_ca_file)
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": settings.sasl_password.get_secret_value(),
        }
    return options
