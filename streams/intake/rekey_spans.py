"""The agent that brings everything of a trace together: runs of any input topic in, records by trace out."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterable, Callable, Collection

import msgspec
import structlog
from faust.types import TP

from tracehound.schemas.spans import Tick
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.intake.metrics import IntakeMetrics
from tracehound.streams.intake.read_source import SourceReader, SourceReading
from tracehound.streams.intake.sent_messages import newest
from tracehound.streams.kafka.publisher import Outgoing, Publisher
from tracehound.streams.kafka.record_time import written_ms
from tracehound.streams.kafka.runs.run import Run, RunListener

_SPANS_BETWEEN_YIELDS = 2_000
_METADATA_POLL_S = 0.1

_encode = msgspec.msgpack.Encoder().encode
log = structlog.get_logger(__name__)


async def rekey_spans(runs: AsyncIterable[Run], rekeying: "Rekeying") -> None:
    """Agent. Input: topics of OTLP and of executions, keyed by anything. Output: spans topic, by trace id.

    At least once: a run is acknowledged after the broker acknowledged everything it led to. A repeated record has
    the same source and sequence, so that the join takes it once. It keeps no state but clocks.
    """
    async for run in runs:
        await rekeying.take(run)


class Rekeying(RunListener):
    """Re-keys runs one after the other, and tells every partition of the spans topic how far the sources were read.

    Parameters:
        partitions_of: asks the consumer how many partitions a topic has; None while it is not known.
        empty_at_ms: asks the consumer when a source was last known to hold nothing more, epoch milliseconds.
        progressed: called when a run was dealt with.
        clock: wall time in epoch seconds.
    """

    def __init__(
        self,
        reader: SourceReader,
        delivery: Delivery,
        publisher: Publisher,
        topics: Topics,
        metrics: IntakeMetrics,
        partitions_of: Callable[[str], int | None],
        empty_at_ms: Callable[[TP], int | None],
        progressed: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._delivery = delivery
        self._publisher = publisher
        self._topics = topics
        self._metrics = metrics
        self._partitions_of = partitions_of
        self._empty_at_ms = empty_at_ms
        self._progressed = progressed
        self._clock = clock
        self._clocks: dict[TP, int] = {}  # the highest Kafka timestamp read
        self._safe: dict[TP, int] = {}  # the same of the leading runs whose results are all acknowledged
        self._unsafe: defaultdict[TP, deque[tuple[Run, int]]] = defaultdict(deque)
        self._owned: set[TP] = set()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._announced = False
        self._sent = bytearray()

    async def finish_runs(self) -> None:
        """Finish the run at hand and everything in flight."""
        await self._at_rest.wait()
        await self._delivery.idle()

    async def assigned(self, partitions: Collection[TP]) -> None:
        """These sources are read here from now on, and no others."""
        self._owned = set(partitions)
        for kept in (self._clocks, self._safe, self._unsafe):
            for tp in [tp for tp in kept if tp not in self._owned]:
                del kept[tp]
        self._announced = False  # nothing may be told of new sources before all partitions know of them

    async def take(self, run: Run) -> None:
        """Re-key a run. Waits while too much is in flight, not for this one's arrival."""
        if not run.outstanding:
            return
        self._at_rest.clear()
        try:
            while not self._announced and run.outstanding:
                await self.tell_clocks()
                await asyncio.sleep(0 if self._announced else _METADATA_POLL_S)
            await self._take(run)
        finally:
            self._at_rest.set()

    async def _take(self, run: Run) -> None:
        reading = SourceReading()
        now_ms = int(self._clock() * 1000)
        read_at, seconds = 0, 0.0
        begun = time.perf_counter()
        for record in run.records:
            written = written_ms(record)
            timestamp_ms = now_ms if written is None else min(written, now_ms)  # the future would hold for ever
            self._clocks[run.tp] = clock_ms = max(self._clocks.get(run.tp, 0), timestamp_ms)
            self._reader.read(record, clock_ms, reading)
            if reading.spans - read_at > _SPANS_BETWEEN_YIELDS:
                read_at = reading.spans
                seconds += time.perf_counter() - begun
                await asyncio.sleep(0)
                begun = time.perf_counter()
        self._metrics.decode_seconds.observe(seconds + time.perf_counter() - begun)
        self._metrics.records.labels(topic=run.tp.topic).inc(len(run.records))
        self._metrics.count_reading(reading)
        self._sent += reading.sent
        clock_ms = self._clocks.get(run.tp, 0)
        run.release()
        self._unsafe[run.tp].append((run, clock_ms))
        parcel = Parcel(run.tp, dead_letters=reading.dead_letters, forwards=reading.outgoing)
        parcel.when_safe = lambda: self._acknowledge(run)
        await self._delivery.send(parcel)

    def _acknowledge(self, run: Run) -> None:
        run.ack()
        self._progressed()
        runs = self._unsafe.get(run.tp)
        while runs and (runs[0][0].acked or not runs[0][0].outstanding):
            leading, clock_ms = runs.popleft()
            if leading.acked:
                self._safe[run.tp] = max(self._safe.get(run.tp, 0), clock_ms)

    async def tell_clocks(self) -> None:
        """Write to every partition of the spans topic how far each source has been read and written there, and what was
        sent meanwhile: consumers may be in traces of any partition."""
        counts = {topic.name: self._partitions_of(topic.name) for topic in self._topics.intake_sources}
        if None in counts.values():
            return
        told = [
            (topic, partition, self._clock_of(TP(topic, partition)))
            for topic, partitions in counts.items()
            for partition in range(partitions or 0)
        ]
        sent, self._sent = newest(bytes(self._sent)), bytearray()
        value = _encode(Tick(int(self._clock() * 1000), told, sent))
        spans = self._topics.spans
        await asyncio.gather(
            *(
                self._publisher.publish(Outgoing(spans.name, None, value, partition=partition))
                for partition in range(spans.partitions)
            )
        )
        self._announced = True

    def _clock_of(self, source: TP) -> int | None:
        if source not in self._owned:
            return None
        times = (self._safe.get(source), self._empty_at_ms(source))
        return max((time_ms for time_ms in times if time_ms is not None), default=None)
