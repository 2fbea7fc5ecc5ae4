"""CPU time of values on the ways that records take, without a broker: read, scored and buried, or read and joined."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from prometheus_client import CollectorRegistry

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.operations import normalize_operation
from tracehound.scripts.strangers.executions import goods
from tracehound.scripts.strangers.values import Given, Records, given
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.intake.assembly.assemble import assemble
from tracehound.streams.intake.formats.decode import decode_spans
from tracehound.streams.intake.formats.decoded import SpanLimits
from tracehound.streams.kafka.bounded_batches import BoundedRecords
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.kafka.columned_batches import ColumnedPartition, read_in_columns
from tracehound.streams.kafka.publisher import KafkaPublisher
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.scoring.read_run import Reading, RunReader
from tracehound.streams.settings.settings import Settings
from tracehound.streams.states.partitions import Partition

FRAMING = 16
"""Bytes that Kafka keeps of a record beside its value, at the least, with a short key."""
_FRAMING_OF_HEADER = 2
_TOGETHER, _CHUNK = 500, 1_000  # as a worker reads and scores
_TOPIC, _KEY, _TIME_MS = "executions", b"shop", 1_790_000_000_000
_BATCH_BYTES = 1_000_000


def nanoseconds_a_byte(records: Records, seconds: float) -> float:
    """What a byte of these records cost."""
    return seconds * 1e9 / sum(map(_length, given(records)))


def _length(one: Given) -> int:
    of_headers = sum(_FRAMING_OF_HEADER + len(name) + len(content) for name, content in one.headers)
    return len(one.value or b"") + FRAMING + of_headers


class _Acknowledging:
    """A producer whose batches are acknowledged as soon as their bytes stand."""

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(_BATCH_BYTES, 0)

    async def partitions_for(self, _: str) -> set[int]:
        return {0}

    async def send_batch(self, batch: BatchBuilder, *_: Any, **__: Any) -> asyncio.Future[None]:
        batch._build()
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class _Clients(KafkaClients):
    def producer(self, **_: Any) -> Any:
        return _Acknowledging()


class Scoring:
    """A worker's way without Kafka: records are taken out of their batches and read, their executions are scored, and
    what is refused becomes dead letters in batches of their own.
    """

    def __init__(self) -> None:
        read_in_columns(_TOPIC)
        self._reader = RunReader(_TOPIC, 1, Limits(), normalize_operation)
        self._scorer = Scorer(DetectionSettings(), InlineFitter())
        self._partition = Partition(0)
        self._metrics = Metrics(CollectorRegistry())
        self.cost(goods())

    def cost(self, records: Records) -> float:
        """CPU nanoseconds a byte."""
        return asyncio.run(self._cost(given(records)))

    def buried(self) -> float:
        """How many dead letters there were so far."""
        metrics = self._metrics.dead_letters.collect()
        return sum(one.value for metric in metrics for one in metric.samples if one.name.endswith("_total"))

    async def _cost(self, records: Sequence[Given]) -> float:
        batches = [self._batch(records[first : first + _TOGETHER]) for first in range(0, len(records), _TOGETHER)]
        settings = Settings()
        publisher = KafkaPublisher(settings, _Clients(settings))
        await publisher.on_start()
        delivery = Delivery(publisher, "dead-letters", self._metrics, 16, _raise)
        begun = time.process_time()
        reading = Reading()
        for batch in batches:
            for taken in _fetched(batch):
                self._reader.read_all(self._partition, taken, reading)
        executions = reading.executions
        for first in range(0, len(executions), _CHUNK):
            self._scorer.score(executions[first : first + _CHUNK])
        await delivery.send(Parcel(0, dead_letters=reading.dead_letters, alike_letters=reading.alike_letters))
        await delivery.idle()
        spent_s = time.process_time() - begun
        await publisher.on_stop()
        return nanoseconds_a_byte(records, spent_s)

    def _batch(self, records: Sequence[Given]) -> bytes:
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 2**30)
        for at, one in enumerate(records):
            builder.append(at, _TIME_MS, _KEY, one.value, list(one.headers))
        return bytes(builder.build())


def _fetched(batch: bytes) -> Iterator[Sequence[ConsumerRecord]]:
    """As a worker takes them out of what was fetched."""
    tp = TopicPartition(_TOPIC, 0)
    fetched = ColumnedPartition(tp, BoundedRecords(batch), None, 0, None, None, True, READ_UNCOMMITTED)
    while records := fetched.take(_TOGETHER):
        yield records
    if not fetched.taken:
        yield list(fetched)


def _raise(error: BaseException) -> None:
    raise error


class Joining:
    """Intake's way without Kafka: spans are decoded, joined by trace, and their executions encoded."""

    def cost(self, records: Records) -> float:
        """CPU nanoseconds a byte."""
        begun = time.process_time()
        for one in given(records):
            for trace_id, chunk in decode_spans(one.value, SpanLimits()).traces.items():
                for execution in assemble(trace_id, [chunk]).executions:
                    encode(execution)
        return nanoseconds_a_byte(records, time.process_time() - begun)
