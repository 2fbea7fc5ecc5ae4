"""Removes topics and consumer groups again, of whoever made them: never anything outside of its own prefix."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from tracehound.infra.kafka.topics import DEFAULT_TIMEOUT_S, ClientConfig, connect
from tracehound.schemas.errors import BrokerError

_GONE = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND)


def remove_topics(
    kafka: ClientConfig, topics: Iterable[str], prefix: str, timeout_s: float = DEFAULT_TIMEOUT_S
) -> None:
    """Delete topics; one that is gone already is no error.

    Parameters:
        kafka: bootstrap servers, or a configuration of librdkafka.
        topics: their names.
        prefix: what each of them must begin with.

    Raises:
        ValueError: a name does not begin with the prefix, or the prefix is empty; nothing has been deleted.
        BrokerError: the cluster refuses; the message says what.
    """
    names = list(topics)
    if outside := [name for name in names if not prefix or not name.startswith(prefix)]:
        raise ValueError(f"Topics to delete must begin with a prefix of ours. Got {outside} for {prefix!r} instead.")
    if names:
        client = connect(kafka)
        _await("topic", client.admin.delete_topics(names, operation_timeout=timeout_s, request_timeout=timeout_s))


def remove_groups(kafka: ClientConfig, groups: Collection[str], timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
    """Delete consumer groups that nobody is in any more; one that is gone already is no error.

    Raises:
        BrokerError: the cluster refuses, as it does while somebody is in a group; the message says which.
    """
    if groups:
        client = connect(kafka)
        _await("consumer group", client.admin.delete_consumer_groups(list(groups), request_timeout=timeout_s))


def _await(what: str, futures: Mapping[str, Any]) -> None:
    refused = []
    for name, future in futures.items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() not in _GONE:
                refused.append(f"{name!r} ({error.args[0].str()})")
    if refused:
        raise BrokerError(f"Kafka refuses to delete the {what} {', '.join(refused)}.")
