import os
import sys
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AdminClient, ConfigResource

from tests.processes import running
from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.topics import count_brokers, ensure_topics
from tracehound.schemas.topics import Topics

PARENT = """
import time
from tracehound.infra.kafka.apache import ApacheKafka
cluster = ApacheKafka()
print(cluster.pids[1], cluster.folder, flush=True)
time.sleep(600)
"""


def undelivered(servers: str, topic: str, partitions: int) -> list[KafkaError]:
    """Errors of writing one record to each partition, acknowledged by all replicas in sync."""
    errors: list[KafkaError] = []
    producer = Producer({"bootstrap.servers": servers, "acks": "all", "message.max.bytes": 9_000_000, "log_level": 0})
    for partition in range(partitions):
        producer.produce(
            topic,
            b"x" * 5_000_000,
            partition=partition,
            on_delivery=lambda error, _message: errors.append(error) if error else None,
        )
    assert producer.flush(120) == 0
    return errors


def test_topics_have_three_replicas_of_which_two_must_be_in_sync(kafka_cluster: ApacheKafka, prefix: str) -> None:
    topics = Topics(prefix, partitions=1)
    client = AdminClient({"bootstrap.servers": kafka_cluster.bootstrap_servers})
    ensure_topics(kafka_cluster.bootstrap_servers, topics, 3)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topics.executions.name)
    settings = client.describe_configs([resource])[resource].result()
    assert settings["min.insync.replicas"].value == "2"
    (partition,) = client.list_topics(timeout=120).topics[topics.executions.name].partitions.values()
    assert sorted(partition.replicas) == [1, 2, 3]
    assert ensure_topics(kafka_cluster.bootstrap_servers, [topics.executions], 2) == [
        f"left {topics.executions.name} at 3 replicas though 2 are wanted: that takes Kafka's partition reassignment"
    ]


def test_a_cluster_survives_the_crash_of_a_broker(
    kafka_cluster: ApacheKafka, prefix: str, ended: Callable[[int], bool]
) -> None:
    topics = Topics(prefix, partitions=3)
    servers = kafka_cluster.bootstrap_servers
    ensure_topics(servers, topics, 3)
    assert undelivered(servers, topics.executions.name, 3) == []

    victim = kafka_cluster.pids[2]
    kafka_cluster.kill_broker(2)
    assert ended(victim)
    assert sorted(kafka_cluster.pids) == [1, 3]
    assert undelivered(servers, topics.executions.name, 3) == []

    kafka_cluster.start_broker(2)
    assert count_brokers(servers) == 3
    kafka_cluster.restart_broker(3)
    assert count_brokers(servers) == 3
    assert undelivered(servers, topics.executions.name, 3) == []


def test_it_dies_with_a_parent_that_is_killed_and_leaves_no_data(
    kafka: Broker,  # so that this test is skipped, or fails in CI, where no Kafka can run
    ended: Callable[[int], bool],
    eventually: Callable[[Callable[[], bool]], bool],
    tmp_path: Path,
) -> None:
    temporary = tmp_path / "a path with spaces"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with running([sys.executable, "-c", PARENT], env=environment, stderr=None) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().rstrip("\n").split(" ", 1)
        parent.kill()
    assert Path(folder).parent == temporary
    assert ended(int(pid))
    assert eventually(lambda: not Path(folder).exists())


def test_closing_stops_every_process_and_removes_the_data(kafka: Broker, ended: Callable[[int], bool]) -> None:
    with ApacheKafka() as cluster:
        (pid,) = cluster.pids.values()
        folder = cluster.folder
        assert "Kafka Server started" in cluster.log_file(1).read_text()
    cluster.close()
    assert ended(pid)
    assert not folder.exists()
