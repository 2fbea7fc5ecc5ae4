from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tracehound.infra.kafka.embedded import EmbeddedBroker, library_candidates, load_library
from tracehound.schemas.errors import BrokerError

QUIET = {"log_level": 0}


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(topics={"seen": 3}) as broker:
        yield broker


def produce(broker: EmbeddedBroker, value: bytes, **config: object) -> KafkaError | None:
    outcome: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, **QUIET, **config})
    producer.produce("seen", value, partition=2, on_delivery=lambda error, _message: outcome.append(error))
    assert producer.flush(120) == 0
    return outcome[0]


def consume(broker: EmbeddedBroker) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "readers", **QUIET})
    consumer.assign([TopicPartition("seen", 2, 0)])
    message = consumer.poll(20)
    consumer.close()
    return message.value() if message is not None else None


def test_records_come_back(broker: EmbeddedBroker) -> None:
    assert produce(broker, b"hello") is None
    assert consume(broker) == b"hello"


def test_topics_have_their_partitions_and_are_created_once(broker: EmbeddedBroker) -> None:
    assert broker.create_topic("later", 5)
    assert not broker.create_topic("later", 7)
    topics = Producer({"bootstrap.servers": broker.bootstrap_servers, **QUIET}).list_topics(timeout=120).topics
    assert {name: len(topic.partitions) for name, topic in topics.items()} == {"seen": 3, "later": 5}


def test_a_broker_that_is_down_answers_again_when_up(broker: EmbeddedBroker) -> None:
    broker.broker_down()
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, **QUIET})
    with pytest.raises(KafkaException):
        producer.list_topics(timeout=1)
    broker.broker_up()
    assert "seen" in producer.list_topics(timeout=120).topics


def test_a_failing_request_is_seen_by_the_client(broker: EmbeddedBroker) -> None:
    broker.fail_requests(api_key=0, errors=[KafkaError.TOPIC_AUTHORIZATION_FAILED])
    error = produce(broker, b"refused")
    assert error is not None
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert produce(broker, b"accepted") is None


def test_failures_can_be_cleared(broker: EmbeddedBroker) -> None:
    broker.fail_requests(api_key=0, errors=[KafkaError.TOPIC_AUTHORIZATION_FAILED] * 100)
    broker.clear_failures(api_key=0)
    assert produce(broker, b"accepted") is None


def test_deleted_records_move_the_low_watermark(broker: EmbeddedBroker) -> None:
    produce(broker, b"one")
    produce(broker, b"two")
    broker.delete_records("seen", 2, before_offset=1)
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "readers", **QUIET})
    assert consumer.get_watermark_offsets(TopicPartition("seen", 2), timeout=120) == (1, 2)
    consumer.close()


def test_a_round_trip_time_longer_than_the_timeout_times_out(broker: EmbeddedBroker) -> None:
    broker.set_round_trip_time(30_000)
    with pytest.raises(KafkaException):
        Producer({"bootstrap.servers": broker.bootstrap_servers, **QUIET}).list_topics(timeout=0.5)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda broker: broker.broker_down(9), "Broker not available"),
        (lambda broker: broker.create_topic("none", 0), "at least 1 partition"),
        (lambda broker: broker.call("telepathy"), "no function 'telepathy'"),
        (lambda broker: broker.delete_records("unknown", 0, 1), "delete_records"),
    ],
)
def test_what_it_refuses_it_names(broker: EmbeddedBroker, act: Callable[[EmbeddedBroker], object], words: str) -> None:
    with pytest.raises(BrokerError, match=words):
        act(broker)


def test_no_brokers_is_refused() -> None:
    with pytest.raises(BrokerError, match=r"at least 1\. Got 0 instead"):
        EmbeddedBroker(brokers=0)


def test_it_closes_twice_and_then_says_closed() -> None:
    broker = EmbeddedBroker()
    broker.close()
    broker.close()
    with pytest.raises(BrokerError, match="closed"):
        broker.broker_down()


@pytest.mark.parametrize(
    "file",
    [
        "site-packages/confluent_kafka.libs/librdkafka-0cb94173.so.1",
        "site-packages/confluent_kafka/.dylibs/librdkafka.1.dylib",
        "site-packages/confluent_kafka.libs/librdkafka-abc.dll",
    ],
)
def test_the_library_is_found_as_each_platform_names_it(tmp_path: Path, file: str) -> None:
    library = tmp_path / file
    library.parent.mkdir(parents=True)
    library.touch()
    assert library_candidates(tmp_path / "site-packages" / "confluent_kafka") == [library]


def test_a_missing_library_is_said(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="pip install"):
        load_library(tmp_path / "confluent_kafka")


def test_a_broken_library_is_said(tmp_path: Path) -> None:
    library = tmp_path / "confluent_kafka.libs" / "librdkafka.so.1"
    library.parent.mkdir()
    library.write_text("not a library")
    with pytest.raises(BrokerError, match=r"librdkafka\.so\.1"):
        load_library(tmp_path / "confluent_kafka")
