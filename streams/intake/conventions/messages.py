"""What a span does with messages, and with which."""

import re

import msgspec

from tracehound.schemas.spans import Links, Message, MessagingOperation, SpanKind
from tracehound.streams.intake.conventions.names import FOREIGN_DESTINATIONS
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS, Get, number_within, text

_RECEIVES = frozenset(("receive", "poll", "recv"))
_SENDS = frozenset(("send", "publish", "create"))
_SETTLES = frozenset(("settle", "ack", "nack", "reject", "commit", "complete", "abandon", "defer", "dead_letter"))
_LONGEST_MS, _EARLIEST_S, _LATEST_S = 1e12, 1e9, 1e11
_DEFAULT_EXCHANGES = frozenset(("", "<default>", "(AMQP default)", "amq.default"))
_GENERATED = re.compile(
    r"(?<=[._-])(?:gen-|tmp-)?(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|(?=\w*\d)\w{16,}|\d{4,})"
    r"|^(?:amq|spring|jms)[._](?:gen|tmp|temp)\b.*|^ID:.*|^anonymous\.\S+|^tmp-queue\S*"
)
"""Names that libraries make up for queues of one connection: RabbitMQ, Spring, JMS."""


def message_of(name: str, kind: SpanKind | None, get: Get) -> Message | None:
    """What a producer, consumer or client does with messages; None for other spans.

    >>> message_of("poll", "consumer", {"messaging": "kafka", "destination": "orders"}.get)
    Message(destination='kafka orders', group='', does='receive', by_consumer=False, links=(), \
waited_ms=None, queued_s=None)
    """
    if kind not in ("producer", "consumer", "client"):
        return None
    said = text(get("messaging operation type") or get("messaging operation") or get("messaging operation name"))
    said = said.casefold()
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
    destination = f"{system} {where}".strip() if where else ""
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
    return name.replace(destination, "{generated}") if destination and _GENERATED.fullmatch(destination) else name


def of_group(operation: str, message: Message) -> str:
    """A consumer's operation with its group, as far as that was not made up: two groups of one topic do two things.

    >>> of_group("process orders", Message("kafka orders", "billing")), of_group("process orders", Message())
    ('process orders [billing]', 'process orders')
    """
    group = message.group
    return operation if not group or group in operation else f"{operation} [{_GENERATED.sub('{id}', group)}]"
