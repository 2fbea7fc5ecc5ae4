"""Access control of Kafka: what a user may do with topics and groups, written by confluent-kafka's AdminClient."""

from collections.abc import Iterable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from tracehound.infra.kafka.topics import ClientConfig, connect
from tracehound.schemas.errors import BrokerError

Grant = tuple[str, str, str]
"""An operation (``READ``, ``WRITE``, ``DESCRIBE``) on a kind of resource (``TOPIC``, ``GROUP``) of a name."""


def grant(kafka: ClientConfig, principal: str, grants: Iterable[Grant], timeout_s: float = 30.0) -> None:
    """Let a principal (``User:name``), from anywhere, do these; doing it again changes nothing.

    Raises:
        BrokerError: no broker answers, it has no authorizer, or this user may not do that; says why.
    """
    client = connect(kafka)
    bindings = [
        AclBinding(
            *(ResourceType[kind], name, ResourcePatternType.LITERAL, principal, "*"),
            *(AclOperation[operation], AclPermissionType.ALLOW),
        )
        for operation, kind, name in grants
    ]
    for future in client.admin.create_acls(bindings, request_timeout=timeout_s).values():
        try:
            future.result()
        except KafkaException as error:
            raise BrokerError(f"Kafka refuses to grant {principal} access: {client.why(error)}.") from error
