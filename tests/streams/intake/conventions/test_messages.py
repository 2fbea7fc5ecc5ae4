"""What spans say of messages, in the shapes in which libraries for Kafka, RabbitMQ, SQS and Service Bus say it."""

from typing import Any

import pytest

from tracehound.schemas.spans import Message, SpanKind
from tracehound.streams.intake.conventions.describe import describe
from tracehound.streams.intake.conventions.messages import message_of
from tracehound.streams.intake.conventions.names import by_concept

KAFKA = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
RABBIT = {"messaging.system": "rabbitmq"}


def said(name: str, kind: SpanKind, **attributes: Any) -> Message | None:
    return message_of(name, kind, by_concept(attributes).get)


@pytest.mark.parametrize(
    ("name", "kind", "attributes", "expected"),
    [
        (
            "orders process",
            "consumer",
            KAFKA | {"messaging.consumer.group.name": "billing", "kafka.record.queue_time_ms": 1_250},
            Message("kafka orders", "billing", waited_ms=1_250.0),
        ),
        ("send orders", "producer", KAFKA, Message("kafka orders", does="send")),
        (
            "publish orders",
            "client",
            KAFKA | {"messaging.operation.type": "send"},
            Message("kafka orders", does="send"),
        ),
        (
            "poll orders",
            "client",
            KAFKA | {"messaging.operation.name": "poll"},
            Message("kafka orders", does="receive"),
        ),
        (
            "commit orders",
            "client",
            KAFKA | {"messaging.operation.type": "settle"},
            Message("kafka orders", does="settle"),
        ),
        (
            "orders process",
            "consumer",
            RABBIT | {"messaging.destination": "", "messaging.rabbitmq.routing_key": "orders"},
            Message("rabbitmq orders"),
        ),
        (
            "publish <default>",
            "producer",
            RABBIT
            | {"messaging.destination.name": "<default>", "messaging.rabbitmq.destination.routing_key": "orders"},
            Message("rabbitmq orders", does="send"),
        ),
        (
            "shop:order.created:billing process",
            "consumer",
            RABBIT
            | {"messaging.destination.name": "shop:order.created:billing", "messaging.operation.type": "process"},
            Message("rabbitmq shop:order.created:billing"),
        ),
        ("ack orders", "client", RABBIT | {"messaging.operation.name": "ack"}, Message("", does="settle")),
        (
            "orders receive",
            "consumer",
            {
                "messaging.system": "aws_sqs",
                "messaging.destination.name": "orders",
                "messaging.operation.type": "receive",
            },
            Message("aws_sqs orders", does="receive"),
        ),
        (
            "ServiceBus.process",
            "consumer",
            {
                "messaging.system": "servicebus",
                "messaging.destination.name": "orders",
                "messaging.operation": "process",
                "messaging.servicebus.message.enqueued_time": 1_701_393_730,
            },
            Message("servicebus orders", queued_s=1_701_393_730.0),
        ),
    ],
)
def test_each_library_is_understood(name: str, kind: SpanKind, attributes: dict[str, Any], expected: Message) -> None:
    assert said(name, kind, **attributes) == expected


@pytest.mark.parametrize("value", [-5, "soon", True, 1e300])
def test_a_time_in_the_queue_that_cannot_be_is_none(value: Any) -> None:
    found = said("orders process", "consumer", **KAFKA, **{"kafka.record.queue_time_ms": value})

    assert found is not None
    assert found.waited_ms is None


def test_the_peer_of_a_message_to_the_default_exchange_is_its_queue() -> None:
    attributes = RABBIT | {"messaging.destination": "", "messaging.rabbitmq.routing_key": "orders"}

    assert describe("publish <default>", "producer", by_concept(attributes)).peer == "rabbitmq orders"
