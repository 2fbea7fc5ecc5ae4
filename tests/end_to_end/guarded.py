"""A real Kafka with an authorizer, where nobody may do anything yet, and the environment of its users."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.ports import free_ports
from tracehound.infra.kafka.topics import ensure_topics
from tracehound.schemas.topics import Topics
from tracehound.streams.settings.roles import roles
from tracehound.streams.settings.settings import Settings

PREFIX = "acme."
_USERS = [*roles(Settings()), "nobody", "groupless"]
_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


class Guarded(NamedTuple):
    """Addresses of a broker for administrators, who may do all, and for users with a password."""

    admin: str
    servers: str


@contextmanager
def guarded_broker() -> Iterator[Guarded]:
    """The broker; each role is a user's name."""
    (port,) = free_ports(1)
    users = " ".join(f'user_{name}="{name}-secret"' for name in _USERS)
    more = {
        "listeners": f"{{own}},SASL://127.0.0.1:{port}",
        "advertised.listeners": f"{{own}},SASL://127.0.0.1:{port}",
        "listener.security.protocol.map": "{own},SASL:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl.plain.sasl.jaas.config": f"{_LOGIN} {users};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with ApacheKafka(more=more) as cluster:
        ensure_topics(cluster.bootstrap_servers, Topics(PREFIX, 2), 1)
        yield Guarded(cluster.bootstrap_servers, f"127.0.0.1:{port}")


def environment(servers: str, user: str = "") -> dict[str, str]:
    """Settings of a process of a user; without one, of an administrator."""
    shared = {"KAFKA_BOOTSTRAP_SERVERS": servers, "TRACEHOUND_TOPIC_PREFIX": PREFIX, "TRACEHOUND_PARTITIONS": "2"}
    given = {
        "TRACEHOUND_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "TRACEHOUND_SASL_USERNAME": user,
        "TRACEHOUND_SASL_PASSWORD": f"{user}-secret",
    }
    return shared | (given if user else {})
