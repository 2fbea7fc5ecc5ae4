"""What Kafka is asked, on the embedded broker, and how that is remembered."""

import threading
import time

from confluent_kafka import Producer

from tracehound.console.status.cluster import ClusterTold, KafkaCluster, ask_kafka
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topics
from tracehound.streams.settings.settings import Settings


def answered(cluster: KafkaCluster) -> ClusterTold:
    deadline = time.monotonic() + 120
    while (told := cluster.look()) is None:
        assert time.monotonic() < deadline
    return told


def test_what_waits_for_each_group_and_which_topics_lack(embedded_kafka: Broker, prefix: str) -> None:
    servers = embedded_kafka.bootstrap_servers
    topics = Topics(prefix, 3)
    embedded_kafka.create_topics(topics)
    settings = Settings(bootstrap_servers=servers, topic_prefix=prefix, group_id=f"{prefix}group", partitions=3)
    producer = Producer({"bootstrap.servers": servers})
    for number in range(5):
        producer.produce(topics.executions.name, b"{}", str(number).encode())
    producer.flush()
    told = ask_kafka(settings)
    assert told.brokers == 1
    assert told.partitions is not None
    assert told.partitions[topics.executions.name] == 3
    assert [name for name in told.missing if name.startswith(prefix)] == []
    waiting = {one.command: one.waiting for one in told.readings}
    assert waiting == {"worker": 5, "intake": 0, "incidents": 0, "notify": 0}
    elsewhere = ask_kafka(Settings(bootstrap_servers=servers, topic_prefix=f"{prefix}none."))
    assert topics.executions.name not in elsewhere.missing
    assert f"{prefix}none.executions.v1" in elsewhere.missing


def test_where_nobody_answers_that_is_what_is_told() -> None:
    (port,) = free_ports(1)
    cluster = KafkaCluster(Settings(bootstrap_servers=f"127.0.0.1:{port}"), lambda: 17.0)
    told = answered(cluster)
    assert told.at_s == 17.0
    assert told.trouble


def test_it_is_asked_once_at_a_time_and_a_failure_is_told() -> None:
    asked, go_on = list[int](), threading.Event()

    def ask(_: Settings) -> ClusterTold:
        asked.append(1)
        go_on.wait(120)
        raise BrokerError("No broker.")

    cluster = KafkaCluster(Settings(), lambda: 17.0, ask)
    assert cluster.look() is None
    assert cluster.look() is None
    go_on.set()
    told = answered(cluster)
    assert (told, len(asked)) == (ClusterTold(17.0, "No broker."), 1)
