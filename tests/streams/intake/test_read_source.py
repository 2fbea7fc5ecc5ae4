"""Records of all input topics become records of the spans topic; what is none of them is told, and drowns nothing."""

from collections.abc import Sequence

import msgspec
from aiokafka import ConsumerRecord

from tests.streams.intake.formats.otlp.otlp_records import as_protobuf, good_span, record_of
from tests.tracers.recorded import values_of
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.spans import SpanBatch, TraceChunk
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.intake.read_source import SourceReader, SourceReading, partition_of
from tracehound.streams.kafka.odd_records import UNREAD_HEADER

PARTITIONS = 3
METRICS = b'{"resourceMetrics":[]}'
Headers = Sequence[tuple[str, bytes]]


def record(value: bytes | None, topic: str = "otlp_spans", offset: int = 7, headers: Headers = ()) -> ConsumerRecord:
    return ConsumerRecord(topic, 0, offset, 1_795_962_270_000, 0, None, value, None, -1, -1, headers)


def read(*records: ConsumerRecord, seconds: Sequence[float] = (), with_namespace: bool = True) -> SourceReading:
    clock = iter(seconds)
    reader = SourceReader(
        "traces", "spans", PARTITIONS, Limits(), with_namespace=with_namespace, clock=lambda: next(clock, 0.0)
    )
    reading = SourceReading()
    for each in records:
        reader.read(each, 5, reading)
    return reading


def test_spans_of_any_format_go_where_their_trace_belongs() -> None:
    values = [*values_of("zipkin-brave"), *values_of("jaeger-v1-protobuf"), *values_of("skywalking-java")]

    reading = read(*(record(value, offset=offset) for offset, value in enumerate(values)))

    written = 0
    for outgoing in reading.outgoing:
        batch = msgspec.msgpack.decode(outgoing.value or b"", type=SpanBatch)
        assert all(partition_of(trace_id, PARTITIONS) == outgoing.partition for trace_id, _, _ in batch.traces)
        written += sum(spans for _, spans, _ in batch.traces)
    assert written == reading.spans > 0
    assert (reading.dead_letters, reading.unfinished) == ([], 2)
    assert reading.formats == {"Zipkin JSON": 5, "": 1, "Jaeger Protobuf": 11, "SkyWalking": 12}


def test_a_batch_that_was_not_unpacked_is_a_dead_letter_that_says_why() -> None:
    (letter,) = read(record(b"\0\0\0\0\0\0\0\7packed", headers=[(UNREAD_HEADER, b"It is too large.")])).dead_letters
    assert (letter.error, letter.reason) == ("PackedBatch", "It is too large.")


def test_a_collectors_header_tells_other_signals() -> None:
    spans = as_protobuf(record_of(good_span()))

    reading = read(
        record(METRICS, headers=[("otelcol.signal", b"metrics")]),
        record(b"anything", headers=[("otelcol.signal", b"profiles")]),
        record(spans, headers=[("otelcol.signal", b"traces"), ("other", b"logs")]),
    )

    assert (reading.spans, reading.skipped, reading.dead_letters) == (1, 2, [])


def test_a_flood_of_a_wrong_format_is_told_once_a_second_with_a_count() -> None:
    wrong = [record(METRICS, offset=offset) for offset in range(6)]

    reading = read(*wrong, record(METRICS, topic="other"), seconds=[10.0, 10.2, 10.9, 11.0, 11.5, 13.0, 13.1])

    told = [(letter.topic, letter.offset, letter.reason.rpartition(". ")[2]) for letter in reading.dead_letters]
    assert [(topic, offset) for topic, offset, _ in told] == [
        ("otlp_spans", 0),
        ("otlp_spans", 3),
        ("otlp_spans", 5),
        ("other", 7),
    ]
    assert [more for _, _, more in told[1:3]] == [
        "2 more records of this partition were not told one by one.",
        "1 more records of this partition were not told one by one.",
    ]
    assert reading.skipped == 3
    assert all(letter.value == METRICS for letter in reading.dead_letters)


def test_what_is_damaged_is_always_told() -> None:
    broken = [record(b"\x0a\x05abc", offset=offset) for offset in range(4)]

    assert len(read(*broken).dead_letters) == 4


def test_the_namespace_of_a_service_may_be_left_out() -> None:
    spans = record_of(good_span())
    spans.resource_spans[0].resource.attributes.add(key="service.namespace").value.string_value = "bank"

    for with_namespace, expected in ((True, "bank/shop"), (False, "shop")):
        (outgoing,) = read(record(as_protobuf(spans)), with_namespace=with_namespace).outgoing
        assert expected.encode() in (outgoing.value or b"")
        assert (b"bank/" in (outgoing.value or b"")) == with_namespace


def test_refused_spans_are_read_as_the_format_of_their_record_when_they_are_sent_again() -> None:
    span = good_span(2, span_id=b"", start_time_unix_nano=0, end_time_unix_nano=0)
    reading = read(record(as_protobuf(record_of(good_span(), span))))
    (letter,) = reading.dead_letters
    alone = letter.value
    resent = [("tracehound_resent", b"t-0-1"), ("tracehound_format", letter.format.encode())]

    again = read(record(alone, headers=resent), record(alone, headers=resent[1:]))

    assert (reading.spans, letter.format, letter.error) == (1, "OTLP Protobuf", "InvalidSpan")
    assert dict(letter.wire_headers())["tracehound_format"] == b"OTLP Protobuf"
    assert again.dead_letters[0].error == "InvalidSpan"
    assert [each.format for each in again.dead_letters[:1]] == ["OTLP Protobuf"]


def test_native_executions_are_read_out_of_what_is_around_them() -> None:
    one = b'{"application":"shop","operation":"a","started_at":9,"duration_ms":5,"trace_id":"t"}'
    values = [b"\0\0\0\0\1" + one, b'{"schema":{},"payload":' + one + b"}", b'{"schema":{},"payload":{}}']

    reading = read(*(record(value, topic="traces", offset=offset) for offset, value in enumerate(values)))

    (letter,) = reading.dead_letters
    assert (reading.spans, letter.value) == (2, values[2])
    assert letter.reason.startswith("Within an envelope of Kafka Connect: the field 'application' is required.")


def test_executions_on_topics_of_others_need_no_trace_and_are_alone_without_one() -> None:
    one = b'{"svc":"shop","op":"a","at":9,"ms":5,"trace_id":"%b"}'
    mapping = FieldMapping("application=svc, operation=op, started_at=at:s, duration_ms=ms:ms")
    reader = SourceReader("traces", "spans", PARTITIONS, Limits(), mapping=mapping, execution_topics=["web"])
    values = [b"[%b,%b]" % (one % b"", one % b""), one % b"t", b'{"svc":"shop","op":"a"}']

    def batches() -> list[SpanBatch]:
        reading = SourceReading()
        for offset, value in enumerate(values):
            reader.read(record(value, topic="web", offset=offset), 5, reading)
        assert [letter.value for letter in reading.dead_letters] == values[2:]
        return [msgspec.msgpack.decode(each.value or b"", type=SpanBatch) for each in reading.outgoing]

    chunks = {
        trace_id: msgspec.msgpack.decode(raw, type=TraceChunk) for each in batches() for trace_id, _, raw in each.traces
    }
    assert chunks.keys() == {"web/0/0/0", "web/0/0/1", "t"}
    made = [execution for chunk in chunks.values() for execution in chunk.executions]
    assert {(each.application, each.operation, each.duration_ms) for each in made} == {("shop", "a", 5.0)}
    assert sorted(each.trace_id for each in made) == ["", "", "t"]
    assert batches() == batches()  # read again, the same
