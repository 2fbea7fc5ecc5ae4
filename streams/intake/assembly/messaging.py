"""Spans that wait for messages, or only take them, are no executions: what is done with the messages is.

| a span that receives (``receive``, ``poll``, ``recv``), or a consumer's without a length | becomes |
|---|---|
| and what it takes is worked on in spans below it, beyond its end | nothing: they begin executions, with its parent |
| and has a parent, who sent the message (Spring and others call listeners so) | the execution, since it was sent |
| and encloses what is done with the messages, or only calls are below it | the execution, from the first of them on |
| and nothing is below it, with links: a message was taken | an execution of no length: waiting is no work |
| and nothing is below it, without either | nothing: nothing came |

Source: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/, and what kafkajs, confluent-kafka,
aiokafka, pika, Brave, Spring for Kafka until 3.3 and OpenTelemetry's agent for Java (Pulsar) record.
"""

from collections.abc import Sequence

from tracehound.schemas.spans import Message, Span
from tracehound.streams.intake.assembly.identity import MOMENT_US, ROOT
from tracehound.streams.intake.assembly.queues import is_send, sending_ended_ns
from tracehound.streams.intake.assembly.removal import without

_TOLERANCE_NS = 1_000_000
"""By so much what a batch does may seem to end after it: ends of spans are written one after the other."""


def without_hops(spans: Sequence[Span]) -> list[Span]:
    """The spans of a trace without those that only wait or take; parents are indexes into them.

    Those that stay are changed where the table says so.
    """
    waiting = [place for place, span in enumerate(spans) if _may_be_hop(span)]
    if not waiting:
        return list(spans)
    below: dict[int, list[int]] = {place: [] for place in waiting}
    for place, span in enumerate(spans):
        if span.parent in below and spans[span.parent].service == span.service:
            below[span.parent].append(place)
    gone: dict[int, int] = {}  # and its parent
    for place in waiting:
        if _vanishes(spans, place, below[place]):
            gone[place] = spans[place].parent
            for child in below[place]:
                _begin(spans[child], spans[place])
    return without(spans, gone)


def _may_be_hop(span: Span) -> bool:
    if span.kind == "consumer" and span.duration_us <= MOMENT_US:
        return True
    return span.message is not None and span.message.does == "receive" and span.kind in ("consumer", "client")


def _vanishes(spans: Sequence[Span], place: int, below: Sequence[int]) -> bool:
    """Whether the span becomes nothing; else it is changed into what it becomes."""
    span = spans[place]
    receives = span.message is not None and span.message.does == "receive"
    if not below:
        linked = span.message is not None and bool(span.message.links)
        if not receives or (span.kind == "client" and span.parent != ROOT):
            return False
        if span.parent == ROOT and not linked:
            return True
        _begin_at(span, _ended_ns(span) if span.parent == ROOT else _came_ns(spans, span))
        return False
    outlasted = max(_ended_ns(spans[child]) for child in below) > _ended_ns(span) + _TOLERANCE_NS
    if outlasted and all(spans[child].kind not in ("client", "producer") for child in below):
        return True
    if not receives or (span.kind == "client" and span.parent != ROOT):
        return False  # a request or job that asks for messages
    first_ns = min(spans[child].start_ns for child in below)
    _begin_at(span, first_ns if span.parent == ROOT else min(first_ns, _came_ns(spans, span)))
    span.kind, span.segment = "consumer", None
    return False


def _came_ns(spans: Sequence[Span], span: Span) -> int:
    """When a message came, at the earliest: whoever received it before had been waiting."""
    parent = spans[span.parent] if span.parent >= 0 else None
    return sending_ended_ns(parent) if parent is not None and is_send(parent) else span.start_ns


def _begin_at(span: Span, begun_ns: int) -> None:
    """Let a span begin later, but no later than it ended. (In whole numbers: floats of such times are rounded.)"""
    ended_ns = _ended_ns(span)
    span.start_ns = min(max(span.start_ns, begun_ns), ended_ns)
    span.duration_us = (ended_ns - span.start_ns) / 1e3


def _ended_ns(span: Span) -> int:
    return span.start_ns + round(span.duration_us * 1e3)


def _begin(span: Span, hop: Span) -> None:
    """What a hop hands on becomes an execution."""
    said = hop.message
    if span.kind not in ("server", "consumer"):
        span.kind = "consumer"
    if span.message is None and said is not None:
        span.message = Message(said.destination, said.group, "process", said.by_consumer, said.links)
    span.parent_id, span.remote_parent = hop.parent_id, True if hop.parent_id else None
