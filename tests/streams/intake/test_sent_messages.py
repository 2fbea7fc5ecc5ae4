"""Messages whose senders' traces are closed, or in other partitions, are known to whoever takes them."""

from itertools import chain

import msgspec
import pytest

from tests.streams.intake.conftest import RULES, START_NS, make_batch, make_chunk, make_span
from tests.tracers.recorded import pieces_of
from tracehound.schemas.execution import QueueWait
from tracehound.schemas.spans import Message, Resource, Span, Tick, TraceChunk
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.partition_join import PartitionJoin
from tracehound.streams.intake.sent_messages import REMEMBERED, TOLD_AT_ONCE, SentMessages, newest, told_of

_encode = msgspec.msgpack.Encoder().encode
SENT = ("shop", make_span("p", "a", 0, 5, "producer", "orders send", message=Message("kafka orders", does="send")))


def chunk_of(spans: list[Span]) -> TraceChunk:
    return TraceChunk([(Resource("shop"), spans)])


def taken(trace: str, links: bool) -> Span:
    message = Message("kafka orders", "billing", links=((trace, "p"),) if links else ())
    parent = "" if links else "p"
    return make_span("k", parent, 4_005, 3, "consumer", "process", remote_parent=True, message=message)


def test_what_sends_is_told_and_nothing_else() -> None:
    published = make_span("q", kind="client", message=Message("kafka orders", does="send"))
    others = [make_span("b"), make_span("c", kind="client"), make_span("d", kind="consumer", message=Message("kafka"))]

    sent = SentMessages()
    sent.add(told_of("t", chunk_of([SENT[1], published, *others])))

    assert [sent.sent_at("t", span.id) for span in (SENT[1], published)] == [
        START_NS + 5_000_000,
        START_NS + 10_000_000,
    ]
    assert [sent.sent_at("t", span.id) for span in others] == [None, None, None]
    assert sent.sent_at("other", "p") is None


def test_the_newest_are_remembered_and_kept_in_checkpoints() -> None:
    sent, count = SentMessages(), REMEMBERED + 10_000
    spans = [make_span(str(number), start_ms=number, kind="producer") for number in range(count)]
    for first in range(0, count, 1_000):
        sent.add(told_of("t", chunk_of(spans[first : first + 1_000])))

    for one in (sent, SentMessages.unpack(sent.pack())):
        known = [one.sent_at("t", str(number)) for number in (0, 5_000, 20_000, count - 1)]
        assert known == [None, None, START_NS + 20_010_000_000, START_NS + (count + 9) * 1_000_000]
        assert len(one.pack()) <= 16 * (REMEMBERED + 4_096)


def test_a_tick_tells_of_the_newest_and_damage_is_none() -> None:
    spans = [make_span(str(number), kind="producer") for number in range(TOLD_AT_ONCE + 1)]
    sent = SentMessages()
    sent.add(newest(told_of("t", chunk_of(spans))))
    sent.add(b"no whole number of entries")

    assert sent.sent_at("t", "0") is None
    assert sent.sent_at("t", str(TOLD_AT_ONCE)) is not None


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_consumer_that_is_seconds_behind_knows_how_long_its_message_waited(links: bool, restarted: bool) -> None:
    """Its sender's trace is closed, and may have been one of another partition."""
    join = PartitionJoin(0, RULES, 20)
    join.take(0, _encode(Tick(1_000, [("otlp_spans", 0, 1_000)], told_of("t", make_chunk(SENT)))))
    join.take(1, _encode(make_batch(1, 1_000, ("t", make_chunk(SENT)))))
    closed = join.take(2, _encode(Tick(1_500, [("otlp_spans", 0, 1_500)])))
    assert closed is not None
    assert [one.trace_id for one in closed.closings] == ["t"]
    if restarted:
        join = PartitionJoin(0, RULES, 20, join.checkpoint())

    trace = "u" if links else "t"
    join.take(3, _encode(make_batch(2, 5_000, (trace, make_chunk(("billing", taken("t", links)))))))
    joined = join.take(4, _encode(Tick(5_500, [("otlp_spans", 0, 5_500)])))

    assert joined is not None
    assert [getattr(one, "queue_wait", None) for one in joined.executions] == [
        QueueWait("kafka orders", 4_000.0, "billing")
    ]


@pytest.mark.parametrize(
    ("cases", "consumer", "expected"),
    [
        (
            ["sdk-node/kafkajs.pb", "sdk-node/kafkajs-batch.pb"],
            "90efd354b2143b86",
            QueueWait("kafka orders", 13_779.977424),
        ),
        (["sdk-python/kafka-clients.pb"], "c67d91cba6dbc76a", QueueWait("kafka pyorders", 7.636753)),
    ],
)
def test_recorded_consumers_that_link_their_messages_know_how_long_these_waited(
    cases: list[str], consumer: str, expected: QueueWait
) -> None:
    """kafkajs takes a batch, confluent-kafka a message, both in traces of their own."""
    pieces, sent = [piece for case in cases for piece in pieces_of(case)], SentMessages()
    for trace_id, chunk in pieces:
        sent.add(told_of(trace_id, chunk))

    made = chain.from_iterable(assemble(trace, [chunk], sent_at=sent.sent_at).executions for trace, chunk in pieces)

    (found,) = [one.queue_wait for one in made if one.span_id == consumer]
    assert found == expected
