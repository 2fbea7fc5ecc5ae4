"""The README's first programs do what it says: what they publish is accepted, and they read what a worker writes."""

import re

import pytest
from confluent_kafka import Consumer, Producer

from tests.checkout import PROJECT
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics

README = PROJECT / "README.md"
PUBLISH, CONSUME = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
EVENT = b'{"data": {"severity": "major", "reason": "GET /cart now takes 940 ms."}}'


@pytest.fixture(autouse=True)
def no_broker_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


@pytest.fixture
def topics(any_kafka: Broker, prefix: str) -> Topics:
    made = Topics(prefix, 3)
    any_kafka.create_topics(made)
    return made


def adapted(program: str, broker: Broker, topics: Topics) -> str:
    return program.replace("localhost:9092", broker.bootstrap_servers).replace("tracehound.", topics.prefix)


@pytest.mark.parametrize("named", ["in the program", "in the environment"])
def test_the_published_execution_is_valid(
    any_kafka: Broker, topics: Topics, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = adapted(PUBLISH, any_kafka, topics)
    if named == "in the environment":
        program = PUBLISH.replace("tracehound.", topics.prefix)
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", any_kafka.bootstrap_servers)
    exec(program, {})
    consumer = Consumer(
        {"bootstrap.servers": any_kafka.bootstrap_servers, "group.id": topics.prefix, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topics.executions.name])
    try:
        message = consumer.poll(30)
        assert message is not None
        assert message.key() == b"shop"
        decoded = decode_record(message.value(), Limits(), message.timestamp()[1] / 1000)
        assert decoded.rejected == []
        assert [execution.operation for execution in decoded.executions] == ["GET /cart"]
    finally:
        consumer.close()


class EnoughReadError(Exception):
    """Ends the README's endless loop."""


def test_the_consumer_prints_severity_and_reason(any_kafka: Broker, topics: Topics) -> None:
    producer = Producer({"bootstrap.servers": any_kafka.bootstrap_servers})
    producer.produce(topics.anomalies.name, EVENT, key="shop")
    assert producer.flush(120) == 0
    printed = []

    def once(*shown: object) -> None:
        printed.append(shown)
        raise EnoughReadError

    with pytest.raises(EnoughReadError):
        exec(adapted(CONSUME, any_kafka, topics), {"print": once})
    assert printed == [("major", "GET /cart now takes 940 ms.")]
