"""OTLP logs among spans: taken as log events where that is set, told as another signal where it is not."""

import gzip
import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from tests.streams.gateway.test_otlp_logs import as_json, request
from tests.streams.intake.formats.otlp.otlp_records import as_protobuf, good_span, record_of
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.intake.logs.from_topics import LogRequestReader
from tracehound.streams.intake.read_source import SourceReader, SourceReading
from tracehound.streams.kafka.forwarding import Partitioner

PARTITIONS = 3
AT_MS = 1_795_962_270_000
WHOLE = request("disk is full", "disk is fuller")


def read(value: bytes, header: bytes | None = None, wanted: bool = True, offset: int = 7) -> SourceReading:
    logs = LogRequestReader("log-events", PARTITIONS, "system", Limits(), with_namespace=True) if wanted else None
    headers = [] if header is None else [("otelcol.signal", header)]
    reading = SourceReading()
    reader = SourceReader("traces", "spans", PARTITIONS, Limits(), topic_id=lambda _: "id", logs=logs)
    reader.read(ConsumerRecord("otlp_logs", 0, offset, AT_MS, 0, None, value, None, -1, -1, headers), 5, reading)
    return reading


def events(reading: SourceReading) -> list[dict[str, Any]]:
    assert {one.topic for one in reading.outgoing} == {"log-events"}
    assert {one.partition for one in reading.outgoing} == {Partitioner(PARTITIONS).partition_of("shop")}
    return [event for one in reading.outgoing for event in json.loads(one.value or b"")]


@pytest.mark.parametrize("header", [None, b"logs"])
@pytest.mark.parametrize(
    "value",
    [
        WHOLE.SerializeToString(),
        as_json(WHOLE),
        b"[" + as_json(WHOLE) + b"]",
        gzip.compress(WHOLE.SerializeToString()),
    ],
)
def test_requests_of_logs_become_log_events_however_they_are_told_and_packed(
    value: bytes, header: bytes | None
) -> None:
    reading = read(value, header)
    assert [(event["message"], event["level"]) for event in events(reading)] == [
        ("disk is full", "warning"),
        ("disk is fuller", "warning"),
    ]
    assert (reading.dead_letters, reading.skipped, reading.formats["OTLP logs"]) == ([], 0, 1)


def test_the_same_record_has_the_same_ids_and_another_has_others() -> None:
    first, again, other = (
        {event["id"] for event in events(read(WHOLE.SerializeToString(), offset=offset))} for offset in (7, 7, 8)
    )
    assert first == again
    assert len(first | other) == 4


def test_they_are_told_as_before_where_nobody_wants_them() -> None:
    reading = read(WHOLE.SerializeToString(), wanted=False)
    assert (reading.outgoing, [letter.error for letter in reading.dead_letters]) == ([], ["OtherSignal"])
    assert read(WHOLE.SerializeToString(), b"logs", wanted=False).skipped == 1


def test_spans_and_metrics_are_what_they_were() -> None:
    spans = read(as_protobuf(record_of(good_span())))
    assert (spans.spans, {one.topic for one in spans.outgoing}) == (1, {"spans"})
    assert [letter.error for letter in read(b'{"resourceMetrics":[]}').dead_letters] == ["OtherSignal"]
    assert read(b"anything", b"metrics").skipped == 1


def test_wrong_records_among_good_ones_are_a_dead_letter_with_all_bytes() -> None:
    value = request("disk is full", empty=2).SerializeToString()
    reading = read(value)
    assert len(reading.outgoing) == 1
    (letter,) = reading.dead_letters
    assert (letter.value, letter.error) == (value, "InvalidField")
    assert letter.reason.endswith("1 others of the record were taken, 2 were not.")


@pytest.mark.parametrize(
    "value", [b"\xff\xff", b"[{]", b'{"resourceLogs":5}', b'{"resourceLogs":[{"scopeLogs":5}]}', b"["]
)
def test_what_a_header_calls_logs_and_is_none_is_a_dead_letter(value: bytes) -> None:
    reading = read(value, b"logs")
    assert (reading.outgoing, [letter.value for letter in reading.dead_letters]) == ([], [value])
