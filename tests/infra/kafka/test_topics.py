import gc
import weakref
from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.topics import check_topics, connect, count_brokers, ensure_topics
from tracehound.schemas.errors import BrokerError, ConfigurationError
from tracehound.schemas.topics import Topic, Topics

UNREACHABLE = "127.0.0.1:1"


def setting_of(servers: str, topic: str, name: str) -> str:
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    client = AdminClient({"bootstrap.servers": servers})
    value: str = client.describe_configs([resource])[resource].result()[name].value
    return value


def partitions_of(servers: str, topic: str) -> int:
    return len(AdminClient({"bootstrap.servers": servers}).list_topics(timeout=120).topics[topic].partitions)


def test_topics_are_created_as_wanted_and_only_once(kafka: Broker, prefix: str) -> None:
    topics = Topics(prefix, 3, ())
    first = ensure_topics(kafka.bootstrap_servers, topics, 1)
    counts = {1: "1 partition", 3: "3 partitions"}
    assert first == [f"created {topic.name}: {counts[topic.partitions]}, 1 replica" for topic in topics.all()]
    assert partitions_of(kafka.bootstrap_servers, topics.executions.name) == 3
    for topic in topics.all():
        for name, value in {"retention.ms": str(topic.retention_ms), **topic.config}.items():
            assert setting_of(kafka.bootstrap_servers, topic.name, name) == value
    assert ensure_topics(kafka.bootstrap_servers, topics, 1) == [f"unchanged {t.name}" for t in topics.all()]
    assert check_topics(kafka.bootstrap_servers, topics) == []


def test_topics_of_others_are_created_where_they_are_missing_and_never_changed(kafka: Broker, prefix: str) -> None:
    wanted = Topics(prefix, 3, (prefix + "otlp",)).otlp
    (topic,) = wanted
    assert ensure_topics(kafka.bootstrap_servers, wanted, 1) == [f"created {topic.name}: 3 partitions, 1 replica"]
    other = [replace(topic, partitions=5, retention_ms=60_000)]
    assert ensure_topics(kafka.bootstrap_servers, other, 1) == [f"unchanged {topic.name}: it belongs to others"]
    assert check_topics(kafka.bootstrap_servers, other) == []
    assert partitions_of(kafka.bootstrap_servers, topic.name) == 3
    assert setting_of(kafka.bootstrap_servers, topic.name, "retention.ms") == str(topic.retention_ms)


def test_changed_settings_are_changed_and_said(kafka: Broker, prefix: str) -> None:
    topic = Topics(prefix, partitions=1).progress
    ensure_topics(kafka.bootstrap_servers, [topic], 1)
    said = ensure_topics(kafka.bootstrap_servers, [replace(topic, retention_ms=60_000)], 1)
    assert said == [f"changed retention.ms of {topic.name} from {topic.retention_ms} to 60000"]
    assert setting_of(kafka.bootstrap_servers, topic.name, "retention.ms") == "60000"


@pytest.mark.parametrize("count", [2, 6])
def test_a_keyed_topic_never_changes_its_partitions(kafka: Broker, prefix: str, count: int) -> None:
    topics = Topics(prefix, partitions=4)
    ensure_topics(kafka.bootstrap_servers, [topics.executions], 1)
    with pytest.raises(ConfigurationError, match="under a new prefix") as caught:
        ensure_topics(kafka.bootstrap_servers, Topics(prefix, partitions=count), 1)
    assert f"has 4 partitions, and {count} are wanted" in str(caught.value)
    assert partitions_of(kafka.bootstrap_servers, topics.executions.name) == 4
    missing = check_topics(kafka.bootstrap_servers, [topics.anomalies])
    assert len(missing) == 1, "nothing may be created when anything is refused"


def test_a_topic_without_key_grows_and_never_shrinks(kafka: Broker, prefix: str) -> None:
    topic = Topic(f"{prefix}spans", None, 2, 60_000, "bytes")
    ensure_topics(kafka.bootstrap_servers, [topic], 1)
    grown = ensure_topics(kafka.bootstrap_servers, [replace(topic, partitions=5)], 1)
    assert grown == [f"changed partitions of {topic.name} from 2 to 5"]
    assert partitions_of(kafka.bootstrap_servers, topic.name) == 5
    kept = ensure_topics(kafka.bootstrap_servers, [topic], 1)
    assert kept == [f"left {topic.name} at 5 partitions though 2 are wanted: none can be removed"]


def test_what_the_cluster_refuses_is_said(kafka: Broker, prefix: str) -> None:
    too_many = count_brokers(kafka.bootstrap_servers) + 1
    with pytest.raises(BrokerError, match=r"refuses to create the topic.*INVALID_REPLICATION_FACTOR"):
        ensure_topics(kafka.bootstrap_servers, Topics(prefix, 1), too_many)


def test_missing_topics_and_other_partition_counts_are_found(any_kafka: Broker, prefix: str) -> None:
    any_kafka.create_topics(Topics(prefix, partitions=2))
    assert check_topics(any_kafka.client_config, Topics(prefix, partitions=2)) == []
    problems = check_topics(any_kafka.bootstrap_servers, Topics(prefix, partitions=3))
    assert len(problems) == sum(topic.partitions == 3 for topic in Topics(prefix, 3, ()).all())
    assert "has 2 partitions, and 3 are wanted. Set 'partitions'" in problems[0]
    (missing,) = check_topics(any_kafka.bootstrap_servers, [Topics(f"{prefix}other.").executions])
    assert "does not exist; create it by: tracehound topics." in missing


@pytest.mark.parametrize("config", [UNREACHABLE, {"bootstrap.servers": UNREACHABLE}])
def test_an_unreachable_broker_is_named_with_the_cause(config: str | dict[str, str]) -> None:
    with pytest.raises(BrokerError, match=r"answers at 127\.0\.0\.1:1 within 1 s: .*Connection refused"):
        ensure_topics(config, Topics("never."), 1, timeout_s=1)


def test_the_client_configuration_is_passed_on() -> None:
    config = {"bootstrap.servers": UNREACHABLE, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "NONE"}
    with pytest.raises(ConfigurationError, match=r"configuration is wrong.*Unsupported SASL mechanism: NONE"):
        check_topics(config, Topics("never."), timeout_s=1)


def test_a_client_ends_with_its_last_reference() -> None:
    client = connect(UNREACHABLE)
    admin = weakref.ref(client.admin)
    gc.disable()  # which would end it too, with the hundreds that workers made meanwhile
    try:
        del client
        assert admin() is None
    finally:
        gc.enable()
