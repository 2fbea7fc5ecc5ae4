from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.broker import Broker, broker, why_no_real_broker
from tracehound.infra.kafka.embedded_process import EmbeddedBrokerProcess
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.topics import Topics


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with no broker, no Docker engine and no Java."""
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))


def test_what_is_produced_is_consumed_on_every_kind(any_kafka: Broker, prefix: str) -> None:
    topics = Topics(prefix, 2, ())
    any_kafka.create_topics(topics)
    producer = Producer({**any_kafka.client_config, "acks": "all", "partitioner": "murmur2_random"})
    failures: list[object] = []
    for number in range(20):
        producer.produce(
            topics.executions.name,
            str(number).encode(),
            key=f"application-{number}".encode(),
            on_delivery=lambda error, _message: failures.append(error) if error else None,
        )
    assert producer.flush(120) == 0
    assert failures == []
    consumer = Consumer({**any_kafka.client_config, "group.id": f"{prefix}readers", "auto.offset.reset": "earliest"})
    consumer.subscribe([topics.executions.name])
    seen: set[int] = set()
    while len(seen) < 20:
        message = consumer.poll(30)
        assert message is not None, f"only {len(seen)} of 20 records came back"
        assert message.error() is None
        seen.add(int(message.value()))
    consumer.close()
    assert seen == set(range(20))


def test_topics_are_created_once_on_every_kind(any_kafka: Broker, prefix: str) -> None:
    topics = Topics(prefix, 2, ())
    assert all(sentence.startswith("created ") for sentence in any_kafka.create_topics(topics))
    assert any_kafka.create_topics(topics) == [f"unchanged {topic.name}" for topic in topics.all()]


def test_the_embedded_one_says_so() -> None:
    with broker("embedded", topics=Topics("here.", partitions=1)) as started:
        assert started.embedded
        assert started.kind == "embedded"
        assert isinstance(started.cluster, EmbeddedBrokerProcess)
        assert "here.executions.v1" in Producer(dict(started.client_config)).list_topics(timeout=120).topics


def test_the_real_one_is_real(kafka: Broker) -> None:
    assert not kafka.embedded
    assert kafka.kind in {"external", "docker", "jvm"}
    assert isinstance(kafka.cluster, ApacheKafka) == (kafka.kind == "jvm")
    assert why_no_real_broker() is None


def test_an_external_one_is_used_as_it_is(embedded_kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", embedded_kafka.bootstrap_servers)
    for kind in ("external", "real", "auto"):
        with broker(kind) as found:
            assert (found.kind, found.bootstrap_servers) == ("external", embedded_kafka.bootstrap_servers)
            assert found.cluster is None
            assert found.replication_factor == 1
    assert why_no_real_broker() is None


def test_everything_that_was_tried_is_said(nothing_installed: None) -> None:
    with pytest.raises(BrokerError) as caught, broker("real"):
        raise AssertionError("nothing can have started")
    said = str(caught.value)
    for part in ("asked for 'real'", "KAFKA_BOOTSTRAP_SERVERS is not set", "no Docker engine", "there is no java"):
        assert part in said
    reason = why_no_real_broker()
    assert reason is not None
    assert "there is no java" in reason


def test_without_a_real_one_auto_is_embedded(nothing_installed: None) -> None:
    with broker("auto") as started:
        assert started.kind == "embedded"


def test_a_named_broker_is_never_replaced(monkeypatch: pytest.MonkeyPatch, nothing_installed: None) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with (
        pytest.raises(BrokerError, match=r"No Kafka broker answers at 127\.0\.0\.1:1"),
        broker("auto", timeout_s=1),
    ):
        raise AssertionError("nothing can have started")


def test_an_unknown_kind_is_refused() -> None:
    imaginary: Any = "imaginary"
    with pytest.raises(BrokerError, match=r"must be one of auto, .*Got 'imaginary' instead"), broker(imaginary):
        raise AssertionError("nothing can have started")


def test_the_embedded_one_has_no_choice_of_port() -> None:
    with pytest.raises(BrokerError, match="chooses its port"), broker("embedded", port=9092):
        raise AssertionError("nothing can have started")
