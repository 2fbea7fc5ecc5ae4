"""Messages of each system, by the libraries that record them: where they went, who took them, and how long that took.

Names and attributes are those of the libraries' own code (November 2026): OpenTelemetry for Node (aws-sdk 0.78.0,
amqplib 0.70.0), for Python (botocore 0.66b2, boto3sqs, pika and aio-pika 0.66b1) and for Java, Spring for Kafka 3.3.4,
for RabbitMQ 4.0.1 and for Pulsar 2.0.1, and of version 1.45 of the semantic conventions.
"""

from typing import Any

import pytest

from tests.tracers.otlp_spans import executions_of, recorded
from tracehound.schemas.execution import Execution

Attributes = dict[str, str | int | bool]
REQUEST = recorded("shop", "1", "", "GET /cart", "server", 0, 20, {"http.request.method": "GET", "http.route": "/cart"})


def aws(method: str, system: str = "aws_sqs", name: str = "orders", **more: str) -> Attributes:
    return {
        "rpc.system": "aws-api",
        "rpc.method": method,
        "rpc.service": "SQS",
        "messaging.system": system,
        "messaging.destination.name": name,
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def about(system: str, name: str, operation: str = "", **more: str) -> Attributes:
    operations: Attributes = {"messaging.operation": operation} if operation else {}
    others = {f"messaging.{key.replace('__', '.')}": value for key, value in more.items()}
    return {"messaging.system": system, "messaging.destination.name": name, **operations, **others}


def old(system: str, name: str, **more: str | bool) -> Attributes:
    others = {f"messaging.{key.replace('__', '.')}": value for key, value in more.items()}
    return {"messaging.system": system, "messaging.destination": name, **others}


def sent(name: str, attributes: Attributes) -> dict[str, Any]:
    return recorded("shop", "2", "1", name, "producer", 2, 5, attributes)


def taken(name: str, attributes: Attributes, start_ms: float = 15, duration_ms: float = 300) -> dict[str, Any]:
    return recorded("billing", "b", "2", name, "consumer", start_ms, duration_ms, attributes)


def told(*spans: dict[str, Any]) -> tuple[Execution, Execution]:
    """The producer's and the consumer's execution, and no more."""
    shop, billing = executions_of(REQUEST, *spans)
    assert (shop.application, billing.application, billing.kind) == ("shop", "billing", "consumer")
    return shop, billing


SQS_URL = "https://sqs.eu-west-1.amazonaws.com/1234/orders"
PULSAR = "persistent://public/default/orders"
SYSTEMS = {
    "SQS, Java": (
        sent("orders publish", aws("SendMessage", "AmazonSQS", messaging_operation="publish")),
        taken("orders process", aws("ReceiveMessage", "AmazonSQS", messaging_operation="process")),
        ("aws_sqs orders", "orders process", "aws_sqs orders", ""),
    ),
    "SQS by its URL": (
        sent("orders send", aws("SendMessage", "aws.sqs", SQS_URL)),
        taken("orders process", about("aws_sqs", "orders", "process")),
        ("aws_sqs orders", "orders process", "aws_sqs orders", ""),
    ),
    "SNS to SQS, Node": (
        sent("prices send", aws("Publish", "aws.sns", "arn:aws:sns:eu-west-1:1234:prices")),
        taken("orders process", about("aws_sqs", "orders", "process")),
        ("aws.sns prices", "orders process", "aws_sqs orders", "aws.sns prices"),
    ),
    "Spring for Kafka until 3.3": (
        sent("orders send", about("kafka", "orders", "publish")),
        taken(
            "orders receive",
            {
                "messaging.system": "kafka",
                "messaging.operation": "receive",
                "messaging.source.name": "orders",
                "messaging.kafka.consumer.group": "bills",
            },
        ),
        ("kafka orders", "orders receive [bills]", "kafka orders", ""),
    ),
    "aio-pika": (
        sent("orders send", old("rabbitmq", "orders", temp_destination=True)),
        taken("orders receive", old("rabbitmq", "orders", operation="receive")),
        ("rabbitmq orders", "orders receive", "rabbitmq orders", ""),
    ),
    "amqplib, an exchange": (
        sent("publish shop", old("rabbitmq", "shop", rabbitmq__routing_key="orders.new")),
        taken("bills process", old("rabbitmq", "shop", rabbitmq__routing_key="orders.new", operation="process")),
        ("rabbitmq shop", "bills process", "rabbitmq shop", ""),
    ),
    "amqplib, the default exchange": (
        sent("publish <default>", old("rabbitmq", "", rabbitmq__routing_key="orders")),
        taken("orders process", old("rabbitmq", "", rabbitmq__routing_key="orders", operation="process")),
        ("rabbitmq orders", "orders process", "rabbitmq orders", ""),
    ),
    "RabbitMQ, Java: exchange and queue": (
        sent("shop publish", about("rabbitmq", "shop", "publish")),
        taken("bills process", about("rabbitmq", "bills", "process")),
        ("rabbitmq shop", "bills process", "rabbitmq bills", "rabbitmq shop"),
    ),
    "RabbitMQ by today's convention": (
        sent("send shop:orders.new", about("rabbitmq", "shop:orders.new", operation__type="send")),
        taken("consume shop:orders.new:bills", about("rabbitmq", "shop:orders.new:bills", operation__type="process")),
        (
            *("rabbitmq shop:orders.new", "consume shop:orders.new:bills"),
            *("rabbitmq shop:orders.new:bills", "rabbitmq shop:orders.new"),
        ),
    ),
    "Pulsar, a partitioned topic": (
        sent(f"{PULSAR}-partition-3 publish", about("pulsar", f"{PULSAR}-partition-3", "publish")),
        taken(f"{PULSAR}-partition-3 process", about("pulsar", f"{PULSAR}-partition-3", "process")),
        (f"pulsar {PULSAR}", f"{PULSAR} process", f"pulsar {PULSAR}", ""),
    ),
    "NATS": (
        sent("orders.new send", about("nats", "orders.new", operation__type="publish")),
        taken("orders.new receive", about("nats", "orders.new", operation__type="receive", consumer__group__name="w")),
        ("nats orders.new", "orders.new receive [w]", "nats orders.new", ""),
    ),
    "Google Pub/Sub": (
        sent("send orders", about("gcp_pubsub", "orders", operation__type="send")),
        taken("bills subscribe", about("google_pubsub", "bills", "receive")),
        ("gcp_pubsub orders", "bills subscribe", "gcp_pubsub bills", "gcp_pubsub orders"),
    ),
    "a subscription": (
        sent("send orders", about("servicebus", "orders", operation__type="send")),
        taken("process orders", about("AzureServiceBus", "orders", "process", destination__subscription__name="bills")),
        ("servicebus orders", "process orders [bills]", "servicebus orders", ""),
    ),
    "Sidekiq": (
        sent("default publish", old("sidekiq", "default", sidekiq__job_class="MailJob")),
        taken("default process", old("sidekiq", "default", sidekiq__job_class="MailJob", operation="process")),
        ("sidekiq default", "default process", "sidekiq default", ""),
    ),
}


@pytest.mark.parametrize("remote", [True, False])
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_message_goes_from_its_producer_by_its_queue_to_its_consumer(system: str, remote: bool) -> None:
    send, take, (peer, operation, destination, sent_to) = SYSTEMS[system]
    (taking,) = take["scopeSpans"][0]["spans"]
    taking["flags"] = 0x300 if remote else 0  # 0: from before libraries said which process a parent is of

    shop, billing = told(send, take)

    assert [(one.kind, one.peer, one.remote_ms) for one in shop.segments] == [("queue", peer, None)]
    assert (billing.operation, billing.duration_ms) == (operation, 300.0)
    wait = billing.queue_wait
    assert wait is not None
    assert (wait.destination, wait.sent_to, wait.waited_ms) == (destination, sent_to, 8.0)


def test_what_ends_when_it_has_received_lasts_until_the_work_is_done() -> None:
    _, billing = told(
        sent("orders send", old("rabbitmq", "orders", temp_destination=True)),
        taken("orders receive", old("rabbitmq", "orders", operation="receive"), duration_ms=0.1),  # pika
        recorded("billing", "c", "b", "SELECT a", "client", 16, 200, {"db.system": "postgresql"}),
    )

    assert (billing.duration_ms, [one.kind for one in billing.segments]) == (201.0, ["db"])


def test_work_beside_an_sqs_poll_is_in_executions_of_their_own() -> None:
    shop, billing = told(
        sent("orders send", old("aws.sqs", "orders", url=SQS_URL)),
        recorded("shop", "3", "2", "SQS.SendMessage", "client", 2.5, 4, aws("SendMessage", "aws.sqs")),
        recorded(
            "billing", "6", "", "orders receive", "consumer", 5, 30, old("aws.sqs", "orders", operation="receive")
        ),
        recorded(
            *("billing", "7", "6", "orders process", "consumer", 35, 80),
            old("aws.sqs", "orders", operation="process"),
            links=[("a", "2")],
        ),
    )

    assert {one.peer for one in shop.segments} == {"aws_sqs orders"}
    assert (billing.operation, billing.duration_ms) == ("orders process", 80.0)
    assert billing.queue_wait is not None
    assert billing.queue_wait.waited_ms == 28.0


def test_what_polls_takes_no_time_and_what_deletes_begins_nothing() -> None:
    poll = aws("ReceiveMessage", messaging_operation_type="receive")
    _, billing = told(
        sent("orders send", aws("SendMessage")),
        recorded("billing", "6", "", "orders receive", "consumer", 5, 30, poll, links=[("a", "2")], trace="b"),
        recorded("billing", "7", "", "SQS DeleteMessage", "client", 50, 3, aws("DeleteMessage"), trace="c"),
    )

    assert (billing.operation, billing.duration_ms) == ("orders receive", 0.0)


def test_a_receive_that_waited_begins_when_the_message_was_sent() -> None:
    _, billing = sorted(
        executions_of(
            REQUEST,
            sent(f"{PULSAR} publish", about("pulsar", PULSAR, "publish")),
            taken(f"{PULSAR} receive", about("pulsar", PULSAR, "receive"), start_ms=-5_000, duration_ms=5_010),
        ),
        key=lambda one: one.started_s,
    )

    assert (billing.application, billing.duration_ms) == ("billing", 3.0)


def test_a_reply_to_an_inbox_names_no_queue() -> None:
    inbox = "_INBOX.Ab3dE9xYz1.7"
    _, billing = told(
        sent("orders.new send", about("nats", "orders.new")),
        taken("orders.new process", about("nats", "orders.new", "process")),
        recorded("billing", "c", "b", f"{inbox} send", "producer", 40, 1, about("nats", inbox)),
    )

    assert [(one.name, one.peer) for one in billing.segments] == [("{generated} send", "nats")]


def test_work_on_a_message_within_its_consumer_is_its_own() -> None:
    _, billing = told(
        sent("OrderSubmitted send", about("rabbitmq", "OrderSubmitted", "send")),
        taken("bills receive", about("rabbitmq", "bills", "receive")),
        recorded("billing", "c", "b", "OrderConsumer process", "internal", 20, 30, about("rabbitmq", "", "process")),
        recorded("billing", "d", "b", "orders send", "internal", 60, 3, about("rabbitmq", "orders")),
    )

    assert [(one.name, one.kind) for one in billing.segments] == [
        ("OrderConsumer process", "code"),
        ("orders send", "queue"),
    ]
