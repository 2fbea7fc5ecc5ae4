"""Create and check topics as ``schemas.topics`` wants them, by confluent-kafka's AdminClient."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    TopicMetadata,
)

from tracehound.infra.kafka.asking import ask_until, is_final
from tracehound.schemas.errors import BrokerError, ConfigurationError, NotAdmittedError
from tracehound.schemas.topics import Topic, Topics

ClientConfig = str | Mapping[str, Any]

DEFAULT_TIMEOUT_S = 30.0
_POLL_S = 0.1
_REPLICAS_FOR_TWO_IN_SYNC = 3
_MIGRATION = (
    "Records of one key would end on different partitions, and models with them, so this is never done in place. "
    "Migrate instead: create topics with the new count under a new prefix (setting 'topic_prefix'), have senders "
    "write there, let the workers finish the old ones and end, then bring what they knew: tracehound migrate."
)


def ensure_topics(
    kafka: ClientConfig,
    topics: Topics | Iterable[Topic],
    replication_factor: int,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> list[str]:
    """Make topics exist as they must be; doing it again changes nothing.

    Parameters:
        kafka: bootstrap servers, or a configuration of librdkafka (with SASL and TLS as needed).
        topics: the topics wanted.
        replication_factor: replicas of topics created now; with 3 and more, ``min.insync.replicas`` is 2.
        timeout_s: how long the brokers may take to answer, and to make the new topics known.

    Returns:
        A sentence for each change, and one for each topic that needed none.

    Raises:
        ConfigurationError: a keyed topic exists with another partition count; nothing has been changed.
            Or the client's configuration is wrong.
        BrokerError: no broker answers, or the cluster refuses; the message says where and why.
    """
    wanted = _as_list(topics)
    client = connect(kafka)
    existing = _existing(client, kafka, timeout_s)
    problems = [
        f"{problem} {_MIGRATION}"
        for topic in wanted
        if topic.key is not None and (problem := _partition_problem(topic, existing))
    ]
    if problems:
        raise ConfigurationError("\n".join(problems))
    said = _create(client, [t for t in wanted if t.name not in existing], replication_factor, timeout_s)
    for topic in wanted:
        if topic.name in existing and topic.foreign:
            said.append(f"unchanged {topic.name}: it belongs to others")
        elif topic.name in existing:
            said += _adjust(client, topic, existing[topic.name], replication_factor, timeout_s)
    _wait_until_known(client, kafka, wanted, timeout_s)
    return said


def check_topics(
    kafka: ClientConfig, topics: Topics | Iterable[Topic], timeout_s: float = DEFAULT_TIMEOUT_S
) -> list[str]:
    """What is wrong with the topics on the broker: missing ones and other partition counts; empty if nothing.

    Raises:
        BrokerError: no broker answers.
    """
    existing = _existing(connect(kafka), kafka, timeout_s)
    problems = []
    for topic in _as_list(topics):
        if topic.name not in existing:
            problems.append(_missing(topic))
        elif problem := _partition_problem(topic, existing):
            problems.append(f"{problem} Set 'partitions' to what the topics have.")
    return problems


def check_there(kafka: ClientConfig, topic: Topic, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
    """Make sure that a topic is there: where brokers make those that are asked for, a wrong name would be one.

    Raises:
        BrokerError: no broker answers.
        ConfigurationError: it is not there.
    """
    if topic.name not in _existing(connect(kafka), kafka, timeout_s):
        raise ConfigurationError(f"{_missing(topic)}.")


def _missing(topic: Topic) -> str:
    return (
        f"The topic {topic.name!r} does not exist; create it by: tracehound topics. Or this user may not see "
        "it; grant access by: tracehound acls"
    )


def topic_id(kafka: ClientConfig, topic: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> str | None:
    """The id that the cluster gave the topic when it was created; None on a broker that gives none."""
    return topic_ids(kafka, [topic], timeout_s).get(topic)


def topic_ids(kafka: ClientConfig, topics: Sequence[str], timeout_s: float = DEFAULT_TIMEOUT_S) -> dict[str, str]:
    """The ids of topics by their names, without those that have none or that are not there."""
    if not topics:
        return {}
    client = connect(kafka)  # kept until the answers are there
    found: dict[str, str] = {}
    for topic, future in client.admin.describe_topics(TopicCollection(list(topics)), request_timeout=timeout_s).items():
        try:
            known = re.sub(r"[^A-Za-z0-9_-]", "", str(future.result().topic_id))
        except (KafkaException, ValueError):
            continue
        if known:
            found[topic] = known
    return found


def count_brokers(kafka: ClientConfig, timeout_s: float = DEFAULT_TIMEOUT_S) -> int:
    """How many brokers the cluster has.

    Raises:
        BrokerError: none answers.
    """
    return len(_metadata(connect(kafka), kafka, timeout_s).brokers)


def connect(kafka: ClientConfig) -> "Client":
    """An admin client that remembers why it could not connect. It connects when first asked something."""
    return Client({"bootstrap.servers": kafka} if isinstance(kafka, str) else kafka)


class _Met:
    """The errors that a client met: the last one, and whether one of them was final."""

    def __init__(self) -> None:
        self.last = ""
        self.is_refused = False

    def remember(self, error: KafkaError) -> None:
        """What librdkafka calls back."""
        self.is_refused |= is_final(error)
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # says less than the error before it
            self.last = error.str()


class Client:
    """An AdminClient, quiet on standard error, that keeps the last connection error it met.

    It ends with its last reference, with its threads and connections: what librdkafka calls back must not refer to it,
    or it lives on until Python looks for cycles.

    Raises:
        ConfigurationError: librdkafka does not accept the configuration.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._met = _Met()
        try:
            self.admin = AdminClient({"log_level": 0, **config, "error_cb": self._met.remember})
        except (KafkaException, TypeError, ValueError) as error:
            cause = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            raise ConfigurationError(f"The Kafka client's configuration is wrong: {cause}.") from error

    @property
    def is_refused(self) -> bool:
        """Whether one of the errors was final."""
        return self._met.is_refused

    def metadata(self, timeout_s: float) -> Any:
        """The brokers and topics that there are.

        Raises:
            KafkaException: there was no answer within so many seconds, or none will come with these settings.
        """

        def is_refused() -> bool:
            self.admin.poll(0)
            return self.is_refused

        return ask_until(lambda patience_s: self.admin.list_topics(timeout=patience_s), is_refused, timeout_s)

    def why(self, error: KafkaException) -> str:
        """The cause of a failed request, as far as it is known."""
        self.admin.poll(0)
        own: KafkaError = error.args[0]
        return self._met.last or own.str()


def _as_list(topics: Topics | Iterable[Topic]) -> list[Topic]:
    return list(topics.all() if isinstance(topics, Topics) else topics)


def _servers(kafka: ClientConfig) -> str:
    return kafka if isinstance(kafka, str) else str(kafka.get("bootstrap.servers", "(no bootstrap.servers)"))


def _metadata(client: Client, kafka: ClientConfig, timeout_s: float) -> Any:
    try:
        return client.metadata(timeout_s)
    except KafkaException as error:
        why = client.why(error).rstrip(".")
        if client.is_refused:
            raise NotAdmittedError(
                f"Kafka at {_servers(kafka)} cannot be used: {why} (settings 'security_protocol', 'sasl_…', 'ssl_…')."
            ) from error
        raise BrokerError(
            f"No Kafka broker answers at {_servers(kafka)} within {timeout_s:g} s: {why}. "
            "Is it running, and is the address right (KAFKA_BOOTSTRAP_SERVERS)?"
        ) from error


def _existing(client: Client, kafka: ClientConfig, timeout_s: float) -> dict[str, TopicMetadata]:
    topics: dict[str, TopicMetadata] = _metadata(client, kafka, timeout_s).topics
    return topics


def _partition_problem(topic: Topic, existing: Mapping[str, TopicMetadata]) -> str | None:
    if topic.name not in existing or topic.foreign:
        return None
    count = len(existing[topic.name].partitions)
    if count == topic.partitions:
        return None
    return f"The topic {topic.name!r} has {count} partitions, and {topic.partitions} are wanted."


def _config(topic: Topic, replicas: int) -> dict[str, str]:
    config = {"retention.ms": str(topic.retention_ms), **topic.config}
    if replicas >= _REPLICAS_FOR_TWO_IN_SYNC:
        config["min.insync.replicas"] = "2"
    return config


def _create(client: Client, topics: Sequence[Topic], replication_factor: int, timeout_s: float) -> list[str]:
    if not topics:
        return []
    new = [NewTopic(t.name, t.partitions, replication_factor, config=_config(t, replication_factor)) for t in topics]
    futures = client.admin.create_topics(new, operation_timeout=timeout_s, request_timeout=timeout_s)
    said = []
    for topic in topics:
        try:
            futures[topic.name].result()
            said.append(f"created {topic.name}: {_partitions(topic.partitions)}, {_replicas(replication_factor)}")
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise _refused(f"create the topic {topic.name!r}", error) from error
            said.append(f"unchanged {topic.name}: created by another at the same time")
    return said


def _partitions(count: int) -> str:
    return "1 partition" if count == 1 else f"{count} partitions"


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"


def _adjust(client: Client, topic: Topic, found: TopicMetadata, replication_factor: int, timeout_s: float) -> list[str]:
    replicas = min(len(partition.replicas) for partition in found.partitions.values())
    said = _adjust_partitions(client, topic, len(found.partitions), timeout_s)
    said += _adjust_config(client, topic, replicas, timeout_s)
    if replicas != replication_factor:
        said.append(
            f"left {topic.name} at {_replicas(replicas)} though {replication_factor} are wanted: "
            "that takes Kafka's partition reassignment"
        )
    return said or [f"unchanged {topic.name}"]


def _adjust_partitions(client: Client, topic: Topic, count: int, timeout_s: float) -> list[str]:
    if count == topic.partitions:
        return []
    if count > topic.partitions:
        return [f"left {topic.name} at {count} partitions though {topic.partitions} are wanted: none can be removed"]
    futures = client.admin.create_partitions(
        [NewPartitions(topic.name, topic.partitions)], operation_timeout=timeout_s, request_timeout=timeout_s
    )
    _result(f"add partitions to the topic {topic.name!r}", futures[topic.name])
    return [f"changed partitions of {topic.name} from {count} to {topic.partitions}"]


def _adjust_config(client: Client, topic: Topic, replicas: int, timeout_s: float) -> list[str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic.name)
    future = client.admin.describe_configs([resource], request_timeout=timeout_s)[resource]
    found: Mapping[str, ConfigEntry] = _result(f"read the settings of the topic {topic.name!r}", future)
    changes = {
        name: value
        for name, value in _config(topic, replicas).items()
        if name not in found or found[name].value != value
    }
    if not changes:
        return []
    resource = ConfigResource(
        ConfigResource.Type.TOPIC,
        topic.name,
        incremental_configs=[
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in changes.items()
        ],
    )
    future = client.admin.incremental_alter_configs([resource], request_timeout=timeout_s)[resource]
    _result(f"change {', '.join(changes)} of the topic {topic.name!r}", future)
    return [
        f"changed {name} of {topic.name} from {found[name].value if name in found else 'unset'} to {value}"
        for name, value in changes.items()
    ]


def _result(what: str, future: Any) -> Any:
    try:
        return future.result()
    except KafkaException as error:
        raise _refused(what, error) from error


def _refused(what: str, error: KafkaException) -> BrokerError:
    cause: KafkaError = error.args[0]
    return BrokerError(f"Kafka refuses to {what}: {cause.str()} ({cause.name()}).")


def _wait_until_known(client: Client, kafka: ClientConfig, topics: Sequence[Topic], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        existing = _existing(client, kafka, timeout_s)
        missing = [topic.name for topic in topics if not _has_leaders(existing.get(topic.name))]
        if not missing:
            return
        if time.monotonic() > deadline:
            raise BrokerError(f"Topics have no leader after {timeout_s:g} s: {', '.join(missing)}.")
        time.sleep(_POLL_S)


def _has_leaders(topic: TopicMetadata | None) -> bool:
    return topic is not None and all(partition.leader >= 0 for partition in topic.partitions.values())
