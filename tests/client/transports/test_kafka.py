"""The way to Kafka itself: keyed and partitioned as workers expect, and counted by acknowledgements."""

from collections.abc import Callable

import pytest

from tests.client.conftest import Reached
from tracehound.infra.kafka.ports import free_ports
from tracehound_client import Bounds, Client, Kafka

Make = Callable[..., Client]
MURMUR2 = 0
"""Of "straight", modulo two; CRC32, librdkafka's own choice, would be the other one."""


def record(client: Client, count: int) -> None:
    for _ in range(count):
        with client.execution("GET /"):
            pass


def test_executions_are_written_where_workers_expect_them(gateway: Reached, clients: Make) -> None:
    topic = gateway.field.topics.executions.name
    client = clients("straight", Kafka(gateway.field.broker.bootstrap_servers, topic))
    record(client, 1)
    assert client.flush(120)
    record(client, 250)
    assert client.flush(120)
    assert client.counts.sent == 251
    gateway.executions("straight", 251)
    written = gateway.field.read(topic, lambda read: any(one.key() == b"straight" for one in read))
    assert {one.partition() for one in written if one.key() == b"straight"} == {MURMUR2}


def test_a_broker_that_is_away_is_waited_for(clients: Make) -> None:
    (port,) = free_ports(1)
    kafka = Kafka(f"127.0.0.1:{port}", options={"message.timeout.ms": 300, "log_level": 0})
    client = clients("shop", kafka, bounds=Bounds(wait_s=0.01))
    record(client, 3)
    assert not client.flush(1.0)
    assert (client.counts.waiting, client.counts.sent) == (3, 0)


def test_what_kafka_will_never_take_is_refused(
    gateway: Reached, clients: Make, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"message.max.bytes": 1_000, "compression.type": "none"}
    kafka = Kafka(gateway.field.broker.bootstrap_servers, gateway.field.topics.executions.name, options)
    client = clients("too-large", kafka)
    with client.execution("x" * 1_000) as execution:
        execution.attributes["more"] = "x" * 1_000
    assert client.flush(120)
    assert client.counts.refused == 1
    assert "too large" in caplog.text
