"""CPU time of values on the ways that records take, without a broker: read and scored, or read and joined."""

import time
from collections.abc import Sequence

from aiokafka import ConsumerRecord

from tracehound.detectors.columns.segment_columns import ColumnedExecutions
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.operations import normalize_operation
from tracehound.scripts.benchmarks.cost.executions import goods
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import decode_spans
from tracehound.streams.intake.formats.decoded import SpanLimits
from tracehound.streams.scoring.read_run import Reading, RunReader
from tracehound.streams.states.partitions import Partition

FRAMING = 16
"""Bytes that Kafka keeps of a record beside its value, at the least, with a short key."""
_TOGETHER, _CHUNK = 500, 1_000  # as a worker reads and scores


def nanoseconds_a_byte(values: Sequence[bytes], seconds: float) -> float:
    """What a byte of these records cost."""
    return seconds * 1e9 / sum(len(value) + FRAMING for value in values)


class Scoring:
    """A worker's way without Kafka: records are read, and their executions scored."""

    def __init__(self) -> None:
        self._reader = RunReader("executions", 1, Limits(), normalize_operation)
        self._scorer = Scorer(DetectionSettings(), InlineFitter())
        self._partition = Partition(0)
        self._offset = 0
        self.cost(goods())

    def cost(self, values: Sequence[bytes]) -> float:
        """CPU nanoseconds a byte."""
        records = [self._record(value) for value in values]
        begun = time.process_time()
        reading = Reading()
        for first in range(0, len(records), _TOGETHER):
            self._reader.read_all(self._partition, records[first : first + _TOGETHER], reading)
        executions = ColumnedExecutions.joined(reading.parts)
        for first in range(0, len(executions), _CHUNK):
            self._scorer.score(executions[first : first + _CHUNK])
        return nanoseconds_a_byte(values, time.process_time() - begun)

    def _record(self, value: bytes) -> ConsumerRecord:
        self._offset += 1
        return ConsumerRecord(
            *("executions", 0, self._offset, 1_790_000_000_000, 0), b"shop", value, None, 4, len(value), ()
        )


class Joining:
    """Intake's way without Kafka: spans are decoded, joined by trace, and their executions encoded."""

    def cost(self, values: Sequence[bytes]) -> float:
        """CPU nanoseconds a byte."""
        begun = time.process_time()
        for value in values:
            for trace_id, chunk in decode_spans(value, SpanLimits()).traces.items():
                for execution in assemble(trace_id, [chunk]).executions:
                    encode(execution)
        return nanoseconds_a_byte(values, time.process_time() - begun)
