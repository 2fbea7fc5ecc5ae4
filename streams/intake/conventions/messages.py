"""What a span does with messages, and with which."""

import re
from functools import lru_cache

import msgspec

from tracehound.schemas.spans import Links, Message, MessagingOperation, SpanKind
from tracehound.streams.intake.conventions.names import FOREIGN_DESTINATIONS
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS, Get, number_within, text

_RECEIVES = frozenset(("receive", "poll", "recv", "receivemessage"))
_SENDS = frozenset(("send", "publish", "create", "sendmessage", "sendmessagebatch", "publishbatch"))
_SETTLES = frozenset(
    (
        *("settle", "ack", "nack", "reject", "commit", "complete", "abandon", "defer", "dead_letter"),
        *("deletemessage", "deletemessagebatch", "changemessagevisibility", "changemessagevisibilitybatch"),
    )
)
"""What is done with messages, by the conventions, libraries, and methods of AWS."""
_LONGEST_MS, _EARLIEST_S, _LATEST_S = 1e12, 1e9, 1e11
_DEFAULT_EXCHANGES = frozenset(("", "<default>", "(AMQP default)", "amq.default"))
_GENERATED = re.compile(
    r"(?<=[._-])(?:gen-|tmp-)?(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|(?=\w*\d)\w{16,}|\d{4,})"
    r"|^(?:amq|spring|jms)[._](?:gen|tmp|temp)\b.*|^ID:.*|^anonymous\.\S+|^tmp-queue\S*|^_INBOX\.\S+"
)
"""Names that libraries make up for queues of one connection: RabbitMQ, Spring, JMS, NATS."""
_SYSTEMS = {
    "sqs": "aws_sqs",
    "awssqs": "aws_sqs",
    "amazonsqs": "aws_sqs",
    "sns": "aws.sns",
    "awssns": "aws.sns",
    "amazonsns": "aws.sns",
    "pubsub": "gcp_pubsub",
    "gcppubsub": "gcp_pubsub",
    "googlepubsub": "gcp_pubsub",
    "googlecloudpubsub": "gcp_pubsub",
    "azureservicebus": "servicebus",
    "azureeventhubs": "eventhubs",
    "apachekafka": "kafka",
    "apachepulsar": "pulsar",
    "apacherocketmq": "rocketmq",
}
"""What libraries call a system, without case and punctuation, and today's conventions; other names stay."""
_PUNCTUATION = str.maketrans("", "", "._- ")
_PARTITION = re.compile(r"-partition-\d+(?=\s|$)")
"""What Pulsar adds to the name of a topic for each of its partitions."""


def message_of(name: str, kind: SpanKind | None, get: Get) -> Message | None:
    """What a producer, consumer or client does with messages; None for other spans.

    >>> message_of("poll", "consumer", {"messaging": "kafka", "destination": "orders"}.get)
    Message(destination='kafka orders', group='', does='receive', by_consumer=False, links=(), \
waited_ms=None, queued_s=None)
    """
    if kind not in ("producer", "consumer", "client"):
        return None
    said = _said(get)
    does: MessagingOperation = "process"
    if kind == "producer" or said in _SENDS:
        does = "send"
    elif said in _SETTLES:
        does = "settle"
    elif is_receive(name, said):
        does = "receive"
    system = text(get("messaging"))
    where, foreign = destination_of(get), False
    if not where:
        system, where, foreign = _foreign(system, get)
    destination = _queue(system, where) if where else ""
    group = text(get("group"))
    named = (destination[:NAME_CHARACTERS], group[:NAME_CHARACTERS])
    waited_ms = number_within(get("queue time"), 0.0, _LONGEST_MS)
    return Message(*named, does, foreign, (), waited_ms, number_within(get("queued at"), _EARLIEST_S, _LATEST_S))


def linked(message: Message | None, links: Links, by_consumer: bool = False) -> Message:
    """What a span says of messages, with what it links; see ``Message`` for ``by_consumer``."""
    known = message or Message()
    return msgspec.structs.replace(known, links=links, by_consumer=by_consumer or known.by_consumer)


def is_receive(name: str, said: str) -> bool:
    """Whether a span waits for messages: ``said`` is what the library calls it, else the name tells.

    >>> is_receive("orders receive", ""), is_receive("recv", ""), is_receive("orders receive", "process")
    (True, True, False)
    """
    if said:
        return said in _RECEIVES
    words = name.casefold().split()
    return bool(words) and (words[0] in _RECEIVES or words[-1] in _RECEIVES)


def destination_of(get: Get) -> str:
    """Topic or queue, empty where there is none, or one that a library made up for one connection.

    RabbitMQ's default exchange has no name, or one that a library gives it: the routing key is the queue's name.
    """
    template = text(get("destination template"))
    if template or get("temporary destination") is True or get("anonymous destination") is True:
        return template
    destination = text(get("destination"))
    if destination in _DEFAULT_EXCHANGES:
        destination = text(get("routing key"))
    return "" if destination and _GENERATED.fullmatch(destination) else destination


def moves_messages(name: str, get: Get) -> bool:
    """Whether a span sends or receives messages, and does not work on them."""
    said = _said(get)
    words = name.casefold().split() or [""]
    return said in _SENDS or is_receive(name, said) or (not said and not _SENDS.isdisjoint((words[0], words[-1])))


def _said(get: Get) -> str:
    """What a library calls what is done, in lower case."""
    said = get("messaging operation type") or get("messaging operation") or get("messaging operation name")
    return text(said or get("rpc method")).casefold()


@lru_cache(maxsize=10_000)
def _queue(system: str, where: str) -> str:
    """System and name of a queue, which is the same by whatever library at either of its ends.

    >>> _queue("AmazonSQS", "https://sqs.eu.example/1234/orders"), _queue("kafka", "orders"), _queue("", "a")
    ('aws_sqs orders', 'kafka orders', 'a')
    """
    if where.startswith("arn:"):
        where = where.rpartition(":")[2] or where
    elif where.startswith(("http://", "https://")):
        where = where.rstrip("/").rpartition("/")[2]
    system = _SYSTEMS.get(system.casefold().translate(_PUNCTUATION), system)
    return f"{system} {_PARTITION.sub('', where) if system == 'pulsar' else where}".strip()


def _foreign(system: str, get: Get) -> tuple[str, str, bool]:
    for concept, known_system in FOREIGN_DESTINATIONS.items():
        if where := text(get(concept)):
            return system or known_system, where, True
    return system, "", False


def messaging_operation(name: str, get: Get) -> str:
    """The operation of a span about messages."""
    doing = text(get("messaging operation name") or get("messaging operation type") or get("messaging operation"))
    if not name or name == doing:
        return f"{doing} {destination_of(get)}".strip() or text(get("messaging"))
    destination = text(get("destination"))
    if destination and _GENERATED.fullmatch(destination):
        return name.replace(destination, "{generated}")
    return _PARTITION.sub("", name) if text(get("messaging")) == "pulsar" else name


def of_group(operation: str, message: Message) -> str:
    """A consumer's operation with its group, as far as that was not made up: two groups of one topic do two things.

    >>> of_group("process orders", Message("kafka orders", "billing")), of_group("process orders", Message())
    ('process orders [billing]', 'process orders')
    """
    group = message.group
    return operation if not group or group in operation.split() else f"{operation} [{_GENERATED.sub('{id}', group)}]"
