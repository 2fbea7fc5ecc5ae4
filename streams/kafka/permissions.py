"""What a user may not do on Kafka that its role needs: said before anything waits for it without a word."""

from tracehound.infra.kafka.access import lacking
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.kafka.librdkafka import librdkafka_options
from tracehound.streams.settings.roles import roles
from tracehound.streams.settings.settings import Settings

_PATIENCE_S = 5.0


def lacking_sentences(settings: Settings, role: str, timeout_s: float = _PATIENCE_S) -> list[str]:
    """A sentence for each permission that the role needs and this user has not; waits for the answer.

    Empty where the cluster says nothing of permissions, or does not answer.
    """
    if settings.broker_is_embedded:  # it knows none
        return []
    user = principal_of(settings)
    kinds = {"TOPIC": "topic", "GROUP": "consumer group"}
    way = f"grant access by: tracehound acls {role} {user}"
    return [
        f"The user {user!r} may not {operation} the {kinds[kind]} {name!r}; {way}"
        for operation, kind, name in lacking(librdkafka_options(settings), roles(settings)[role].grants(), timeout_s)
    ]


def check_permissions(settings: Settings, role: str, *names: str) -> None:
    """Make sure that this user has what its role needs, or what the role needs of these topics and groups.

    Raises:
        ConfigurationError: it has not, and the cluster says so.
    """
    sentences = lacking_sentences(settings, role)
    if names:
        sentences = [one for one in sentences if any(f" {name!r};" in one for name in names)]
    if sentences:
        raise ConfigurationError("\n".join(sentences))


def principal_of(settings: Settings) -> str:
    """Who this is to Kafka's access control, as far as the settings tell.

    >>> principal_of(Settings(security_protocol="SASL_SSL", sasl_username="scoring"))
    'User:scoring'
    """
    if settings.security_protocol.startswith("SASL"):
        return f"User:{settings.sasl_username}"
    if settings.ssl_certificate_file is not None:
        return f"of the certificate {str(settings.ssl_certificate_file)!r}"
    return "User:ANONYMOUS"
