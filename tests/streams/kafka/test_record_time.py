"""Timestamps of records that are none: what is in the future is then judged by the reader's clock."""

import msgspec
import pytest
from aiokafka import ConsumerRecord

from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.spans import SpanBatch
from tracehound.streams.intake.read_source import SourceReader, SourceReading
from tracehound.streams.kafka.record_time import EARLIEST_MS, judged_at_s, written_ms
from tracehound.streams.scoring.read_run import Reading, RunReader
from tracehound.streams.states.partitions import Partition

NOW_S = 1_795_963_000.0
NO_TIME = pytest.mark.parametrize("timestamp_ms", [-1, 0, 1, 1_000, int(NOW_S), -62_135_596_800_000])


def record(timestamp_ms: int, started_s: float, topic: str = "executions", partition: int = 0) -> ConsumerRecord:
    value = b'{"application":"shop","operation":"a","started_at":%f,"duration_ms":1,"trace_id":"t"}' % started_s
    return ConsumerRecord(topic, partition, 3, timestamp_ms, 0, b"shop", value, None, -1, -1, ())


@NO_TIME
def test_a_timestamp_that_is_none_is_told(timestamp_ms: int) -> None:
    assert written_ms(record(timestamp_ms, NOW_S)) is None
    assert judged_at_s(record(timestamp_ms, NOW_S), NOW_S) == NOW_S


@pytest.mark.parametrize("timestamp_ms", [EARLIEST_MS, int(NOW_S * 1000)])
def test_a_timestamp_that_is_one_is_taken(timestamp_ms: int) -> None:
    assert written_ms(record(timestamp_ms, NOW_S)) == timestamp_ms
    assert judged_at_s(record(timestamp_ms, NOW_S), 5.0) == timestamp_ms / 1000


@NO_TIME
@pytest.mark.parametrize("together", [True, False])
def test_workers_judge_the_future_of_such_records_by_their_clock(timestamp_ms: int, together: bool) -> None:
    def read(started_s: float) -> Reading:
        reader, reading = RunReader("executions", 1, Limits(), clock=lambda: NOW_S), Reading()
        if together:
            reader.read_all(Partition(0), [record(timestamp_ms, started_s)], reading)
        else:
            reader.read(Partition(0), record(timestamp_ms, started_s), reading)
        return reading

    assert len(read(NOW_S + 299).executions) == 1
    assert [letter.error for letter in read(NOW_S + 301).dead_letters] == ["FutureTime"]


@NO_TIME
def test_a_record_without_a_time_is_forwarded_without_one(timestamp_ms: int) -> None:
    reader, reading = RunReader("executions", 12, Limits(), clock=lambda: NOW_S), Reading()
    for partition in range(12):
        reader.read(Partition(partition), record(timestamp_ms, NOW_S, partition=partition), reading)

    assert len(reading.forwards) == 11
    assert {outgoing.timestamp_ms for outgoing in reading.forwards} == {None}


@NO_TIME
def test_intake_judges_native_executions_alike(timestamp_ms: int) -> None:
    reader, reading = SourceReader("traces", "spans", 1, Limits(), now=lambda: NOW_S), SourceReading()
    for started_s in (NOW_S + 299, NOW_S + 301):
        reader.read(record(timestamp_ms, started_s, "traces"), 5, reading)

    (outgoing,) = reading.outgoing
    assert len(msgspec.msgpack.decode(outgoing.value or b"", type=SpanBatch).traces) == 1
    assert [letter.error for letter in reading.dead_letters] == ["FutureTime"]
