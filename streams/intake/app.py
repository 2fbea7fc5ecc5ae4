"""The one place where an intake worker is put together: settings in, a Faust app out."""

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any

import structlog
from faust.types import TP
from prometheus_client import CollectorRegistry

from tracehound.schemas.join_checkpoint import pack_checkpoint, unpack_checkpoint
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.join_traces import Joining, join_traces
from tracehound.streams.intake.metrics import BufferCollector, IntakeMetrics
from tracehound.streams.intake.read_source import SourceReader
from tracehound.streams.intake.rekey_spans import Rekeying, rekey_spans
from tracehound.streams.intake.trace_buffer import JoinRules
from tracehound.streams.intake.vitals import IntakeVitals
from tracehound.streams.kafka.changelog import KafkaChangelogReader
from tracehound.streams.kafka.publisher import KafkaPublisher
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.settings.settings import Settings
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.worker.health import HealthServer
from tracehound.streams.worker.worker_app import WorkerApp, faust_options, limits_of

log = structlog.get_logger(__name__)


class _Listener:
    """Tells both agents what the consumer has to say (``RunListener``)."""

    def __init__(self, spans_topic: str, metrics: IntakeMetrics, patience_s: float) -> None:
        self._spans_topic = spans_topic
        self._metrics = metrics
        self._patience_s = patience_s
        self.parts: tuple[Rekeying, Joining] | None = None
        self.load: Callable[[list[int]], None] = lambda _: None

    async def finish_runs(self) -> None:
        """Finish what is at hand and save it, or give up after the patience."""
        if self.parts is None:
            return
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.gather(*(part.finish() for part in self.parts))
        except TimeoutError:
            log.warning(
                "runs_given_up",
                sentence=f"Not everything could be delivered within {self._patience_s:g} s; "
                "it will be read and delivered again.",
            )

    def positioned(self, committed: Mapping[TP, int | None]) -> None:
        """Reading begins at these offsets."""
        if self.parts is not None:
            spans = {tp.partition: offset for tp, offset in committed.items() if tp.topic == self._spans_topic}
            self.load(self.parts[1].positioned(spans))

    def offsets_lost(self, tp: TP, wanted: int, resumed_at: int) -> None:  # noqa: ARG002 (signature of the protocol)
        """Records were deleted before they were read."""
        self._metrics.offsets_lost.inc(max(0, resumed_at - wanted))


def build_intake(
    settings: Settings, clock: Callable[[], float] = time.time, registry: CollectorRegistry | None = None
) -> WorkerApp:
    """Assemble an intake worker.

    Parameters:
        settings: everything that can be set.
        clock: wall time in epoch seconds.
        registry: takes the metrics; without it a new one.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    topics, intake = settings.topics, settings.intake
    checkpoints = topics.join_checkpoints.name
    metrics = IntakeMetrics(registry or CollectorRegistry())
    sources = {topic.name for topic in (*topics.otlp, topics.traces)}
    listener = _Listener(topics.spans.name, metrics, settings.finish_timeout_s)
    app = WorkerApp(intake.group_id, runs=listener, **faust_options(settings, {*sources, topics.spans.name}))
    app.topics_needed = topics.intake()
    publisher = KafkaPublisher(settings)
    vitals = IntakeVitals(app, topics.spans.name, clock)

    def delivery() -> Delivery:
        return Delivery(publisher, topics.dead_letters.name, metrics, settings.max_runs_in_flight, crash)

    def crash(error: BaseException) -> None:
        app.add_future(app.crash(error))

    rekeying = Rekeying(
        SourceReader(topics.traces.name, topics.spans.name, topics.spans.partitions, limits_of(settings)),
        delivery(),
        publisher,
        topics,
        metrics,
        vitals.partitions_of,
        vitals.empty_at_ms,
        clock,
    )
    joining = Joining(
        rules_of(settings),
        int(intake.call_graph_interval_s * 1000),
        Emitter(topics.spans.name, topics.executions.name, topics.executions.partitions),
        CheckpointLog(
            checkpoints, KafkaChangelogReader(settings, checkpoints), publisher, pack_checkpoint, unpack_checkpoint
        ),
        delivery(),
        topics,
        metrics,
        vitals.seek,
        vitals.generation,
    )
    vitals.rekeying, vitals.joining = rekeying, joining
    listener.parts = (rekeying, joining)
    app.health = HealthServer(
        metrics.registry, vitals, settings.http_host, intake.http_port, settings.stall_timeout_s, crash
    )
    app.services_first = (app.health, publisher)
    metrics.registry.register(BufferCollector(joining.buffered, vitals.waiting_by_topic, vitals.behind_s))

    async def rekey(stream: AsyncIterable[Run]) -> None:
        await app.or_crash(rekey_spans(stream, rekeying))

    async def join(stream: AsyncIterable[Run]) -> None:
        await app.or_crash(join_traces(stream, joining))

    def load(numbers: list[int]) -> None:
        if numbers:
            app.add_future(joining.load(numbers))

    async def assigned(_app: Any, assigned: set[TP], **_: Any) -> None:
        rekeying.assign(tp for tp in assigned if tp.topic in sources)
        load(joining.assign(tp.partition for tp in assigned if tp.topic == topics.spans.name))

    async def tell_clocks() -> None:
        if vitals.partitions() is not None:
            await rekeying.tell_clocks()

    listener.load = load
    app.agent(app.run_topic(*sorted(sources)), name="rekey_spans")(rekey)
    app.agent(app.run_topic(topics.spans.name), name="join_traces")(join)
    app.on_partitions_assigned.connect(assigned)
    app.task(lambda: app.every(intake.tick_interval_s, tell_clocks))
    app.task(lambda: app.every(intake.checkpoint_interval_s, joining.checkpoint))
    return app


def rules_of(settings: Settings) -> JoinRules:
    """When traces are closed, by the settings; the buffer is shared equally by all partitions."""
    intake = settings.intake
    return JoinRules(
        wait_ms=int(intake.trace_wait_s * 1000),
        incomplete_wait_ms=int(intake.incomplete_trace_wait_s * 1000),
        max_trace_ms=int(intake.max_trace_s * 1000),
        max_trace_spans=intake.max_trace_spans,
        buffer_bytes=int(intake.buffer_mb * 1e6 / settings.partitions),
        memory_ms=int(intake.closed_trace_memory_s * 1000),
        patience_ms=int(intake.source_patience_s * 1000),
    )
