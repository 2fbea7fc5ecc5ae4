"""What each stage of intake costs in one process: CPU time per span, without Kafka around it."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec
from aiokafka import ConsumerRecord

from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.spans import Tick
from tracehound.scripts.benchmarks.intake.workload import Record
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.otlp.columned import ColumnedDecoder
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.partition_join import Joined, PartitionJoin
from tracehound.streams.intake.read_source import SourceReader, SourceReading
from tracehound.streams.kafka.publisher import Outgoing

PARTITIONS: Final = 12
WAIT_S: Final = 2.0
"""How long a trace must have been quiet, in event time, before it is closed."""
_OTLP, _SPANS = "otlp_spans", "spans"
_CALL_INTERVAL_MS = 30_000
_GC_THRESHOLDS = (100_000, 20, 50)  # as in a worker

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class StageCost:
    """CPU microseconds per span of each stage.

    ``rekey`` begins with bytes of OTLP and ends with records of the spans topic, so it contains the decoding.
    ``join`` and ``emit`` go on from there to records of executions.
    """

    decode: float
    rekey: float
    join: float
    emit: float
    spans_per_execution: float

    @property
    def whole(self) -> float:
        """From bytes of OTLP to records of executions."""
        return self.rekey + self.join + self.emit

    def figures(self) -> dict[str, float]:
        """All of it, for JSON."""
        return asdict(self) | {
            "whole": self.whole,
            "whole_per_execution": self.whole * self.spans_per_execution,
            "spans_per_cpu_second": 1e6 / self.whole,
            "executions_per_cpu_second": 1e6 / (self.whole * self.spans_per_execution),
        }


def measure_stages(records: Sequence[Record], rounds: int, cpu_s: Callable[[], float] = time.process_time) -> StageCost:
    """The median cost of each stage over ``rounds`` (and one before, which does not count).

    Raises:
        RuntimeError: a span or an execution was lost on the way.
    """
    gc.set_threshold(*_GC_THRESHOLDS)
    costs = [_round(records, cpu_s) for _ in range(rounds + 1)][1:]
    return StageCost(
        **{name: statistics.median(cost[name] for cost in map(asdict, costs)) for name in asdict(costs[0])}
    )


def run_once(records: Sequence[Record]) -> int:
    """Take the records all the way without measuring, for a profiler; returns how many executions there were."""
    joined = _join(_rekey(records))
    _emit(joined)
    return sum(len(one.executions) for _, one in joined)


def _round(records: Sequence[Record], cpu_s: Callable[[], float]) -> StageCost:
    wanted = sum(record.spans for record in records)
    gc.collect()
    gc.freeze()
    begun = cpu_s()
    limits = SpanLimits()
    columned = ColumnedDecoder()
    decoded = sum(decode_spans(record.value, limits, columned=columned).spans for record in records)
    ends = [cpu_s()]
    outgoing = _rekey(records)
    ends.append(cpu_s())
    joined = _join(outgoing)
    ends.append(cpu_s())
    _emit(joined)
    ends.append(cpu_s())
    closed = sum(closing.spans for _, one in joined for closing in one.closings)
    if not decoded == closed == wanted:
        raise RuntimeError(f"{wanted} spans must be decoded and joined. Got {decoded} and {closed} instead.")
    decode, rekey, join, emit = ((end - start) / wanted * 1e6 for start, end in zip([begun, *ends], ends, strict=False))
    return StageCost(decode, rekey, join, emit, wanted / sum(len(one.executions) for _, one in joined))


def _rekey(records: Sequence[Record]) -> list[Outgoing]:
    reader = SourceReader("traces", _SPANS, PARTITIONS, Limits())
    reading = SourceReading()
    for offset, record in enumerate(records):
        reader.read(_as_consumed(offset, record), record.timestamp_ms, reading)
    return reading.outgoing


def _as_consumed(offset: int, record: Record) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord(_OTLP, 0, offset, record.timestamp_ms, 0, None, record.value, None, -1, len(record.value), ())


_Place = tuple[int, int]


def _join(outgoing: Sequence[Outgoing]) -> list[tuple[_Place, Joined]]:
    wait_ms = int(WAIT_S * 1000)
    rules, limits = JoinRules(wait_ms=wait_ms), Limits()
    joins = [PartitionJoin(number, rules, _CALL_INTERVAL_MS, limits=limits) for number in range(PARTITIONS)]
    led_to: list[tuple[_Place, Joined]] = []
    for one in outgoing:
        _take(joins[one.partition or 0], one.value, led_to)
    end = _encode(Tick(2**42, [(_OTLP, 0, 2**42)]))
    for join in joins:
        _take(join, end, led_to)
    return led_to


def _take(join: PartitionJoin, value: bytes | None, led_to: list[tuple[_Place, Joined]]) -> None:
    offset = join.next
    joined = join.take(offset, value)
    if joined is not None and joined.closings:
        led_to.append(((join.partition, offset), joined))


def _emit(joined: Sequence[tuple[_Place, Joined]]) -> list[Outgoing]:
    emitter = Emitter(_SPANS, "executions", PARTITIONS)
    return [
        record for (partition, offset), one in joined for record in emitter.records(partition, offset, one.executions)
    ]
