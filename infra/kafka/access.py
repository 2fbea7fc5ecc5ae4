"""Access control of Kafka: what a user may do with topics and groups, written by confluent-kafka's AdminClient."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from tracehound.infra.kafka.topics import ClientConfig, connect
from tracehound.schemas.errors import BrokerError

_DENIED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)

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


def lacking(kafka: ClientConfig, grants: Iterable[Grant], timeout_s: float = 30.0) -> list[Grant]:
    """Which of these the user of ``kafka`` may not do, as far as the cluster says.

    Nothing is said of topics that are not there, of groups that have no coordinator yet, and by brokers without an
    authorizer (the embedded one, say).
    """
    wanted = list(dict.fromkeys(grants))
    client = connect(kafka)
    options = {"include_authorized_operations": True, "request_timeout": timeout_s}
    topics = list(dict.fromkeys(name for _, kind, name in wanted if kind == "TOPIC"))
    groups = list(dict.fromkeys(name for _, kind, name in wanted if kind == "GROUP"))
    allowed = {
        ("TOPIC", name): _allowed(future)
        for name, future in (client.admin.describe_topics(TopicCollection(topics), **options) if topics else {}).items()
    } | {
        ("GROUP", name): _allowed(future)
        for name, future in (client.admin.describe_consumer_groups(groups, **options) if groups else {}).items()
    }
    found = []
    for grant_ in wanted:
        operation, kind, name = grant_
        may = allowed.get((kind, name))
        if may is not None and operation not in may:
            found.append(grant_)
    return found


def _allowed(future: Any) -> set[str] | None:
    """The operations that a description tells of; None where it tells of none."""
    try:
        operations = future.result().authorized_operations
    except KafkaException as error:
        return set() if error.args[0].code() in _DENIED else None
    return {operation.name for operation in operations} if operations else None
