"""Who asks gets the first answer with the id of the request, an error in time, and is kept within bounds."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pytest
from confluent_kafka import KafkaError, KafkaException

from tracehound.schemas.errors import BrokerError
from tracehound.schemas.score import ScoreAnswer, read_score_request
from tracehound.streams.scoring.predictions.asking import (
    MOST_BYTES,
    PredictionClient,
    TooMuchAskedError,
    UnansweredError,
)
from tracehound.streams.settings.settings import Settings

SHOP = ("shop", "test")


class Wire:
    """What a client is connected to: keeps what is produced, and may refuse it."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.refusal: Any = None

    def produce(self, topic: str, value: bytes, key: bytes, on_delivery: Any) -> None:
        self.sent.append((topic, key, read_score_request(value)))
        if self.refusal is not None:
            on_delivery(self.refusal, None)


class Refusal:
    def str(self) -> str:
        return "Broker: Message size too large"


class Failed:
    def poll(self, _: float) -> None:
        raise KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "Cluster authorization failed", True))


class Ended:
    closed = False

    def close(self) -> None:
        self.closed = True


class Answered(NamedTuple):
    """A record of the topic of answers."""

    key: bytes | None
    value: bytes | None


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def client(wire: Wire) -> Iterator[PredictionClient]:
    made = PredictionClient(Settings(topic_prefix="acme."), most=2, clock=lambda: 1_000.0)
    made._producer = wire
    yield made
    made.close()


def test_a_request_is_keyed_by_its_application_and_expires_with_the_wait(client: PredictionClient, wire: Wire) -> None:
    client.ask(SHOP, b'[{"a": 1}]', 30.0)
    [(topic, key, asked)] = wire.sent
    assert (topic, key) == ("acme.score-requests.v1", b"shop")
    assert (asked.application, asked.environment, asked.expires_at) == ("shop", "test", 1_030.0)
    assert bytes(asked.executions) == b'[{"a": 1}]'


def test_the_first_answer_with_its_id_counts(client: PredictionClient, wire: Wire) -> None:
    future, other = client.ask(SHOP, b"{}", 30.0), client.ask(SHOP, b"{}", 30.0)
    mine = ScoreAnswer(wire.sent[0][2].id, *SHOP, None, [])
    for key, value in [
        (None, None),
        (b"\xff", b"{"),
        (b"somebody else's", msgspec.json.encode(mine)),
        (mine.id.encode(), b"no answer"),
        (mine.id.encode(), msgspec.json.encode(mine)),
        (mine.id.encode(), msgspec.json.encode(msgspec.structs.replace(mine, application="later"))),
    ]:
        client._take(Answered(key, value))
    assert future.result(0) == mine
    assert not other.done()


def test_nobody_waits_for_ever(client: PredictionClient) -> None:
    with pytest.raises(UnansweredError, match=r"No worker answered for shop within 0\.01 s: none that owns it runs"):
        client.ask(SHOP, b"{}", 0.01).result(60.0)


def test_what_kafka_refuses_is_told(client: PredictionClient, wire: Wire) -> None:
    wire.refusal = Refusal()
    with pytest.raises(BrokerError, match="Kafka did not take the request: Broker: Message size too large"):
        client.ask(SHOP, b"{}", 30.0).result(0)


def test_a_producer_that_has_failed_for_good_is_given_up(client: PredictionClient, wire: Wire) -> None:
    """So does librdkafka where a right to write is taken away: whoever asks next connects anew."""
    asked = client.ask(SHOP, b"[{}]", 60.0)
    reader = Ended()
    client._listen(reader, Failed())
    assert reader.closed
    with pytest.raises(BrokerError, match="Cluster authorization failed"):
        asked.result(0)
    assert client._producer is None


def test_so_many_may_wait_and_no_more(client: PredictionClient, wire: Wire) -> None:
    first, _ = client.ask(SHOP, b"{}", 30.0), client.ask(SHOP, b"{}", 30.0)
    with pytest.raises(TooMuchAskedError, match="At most 2 requests may wait"):
        client.ask(SHOP, b"{}", 30.0)
    first.cancel()
    client.ask(SHOP, b"{}", 30.0)
    assert len(wire.sent) == 3


def test_what_is_too_large_is_not_sent(client: PredictionClient, wire: Wire) -> None:
    with pytest.raises(TooMuchAskedError, match=r"at most 1,000,000 bytes\. Got 1,000,001 instead"):
        client.ask(SHOP, b" " * (MOST_BYTES + 1), 30.0)
    assert wire.sent == []


def test_without_a_broker_it_is_said() -> None:
    client = PredictionClient(Settings(bootstrap_servers="127.0.0.1:9"))
    with pytest.raises(BrokerError, match=r"Kafka at 127\.0\.0\.1:9 cannot be asked for predictions"):
        client.ask(SHOP, b"{}", 1.0)
    with pytest.raises(BrokerError, match=r"Kafka at 127\.0\.0\.1:9 is not connected to yet"):
        client.ask(SHOP, b"{}", 1.0)
    client.close()
