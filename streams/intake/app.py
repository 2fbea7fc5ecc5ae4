"""The one place where an intake worker is put together; nothing connects before it starts."""

import time
from collections.abc import Callable

from tracehound.schemas.join_checkpoint import pack_checkpoint, unpack_checkpoint
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.intake.emit import Emitter
from tracehound.streams.intake.join_rules import JoinRules
from tracehound.streams.intake.join_traces import Joining, join_traces
from tracehound.streams.intake.logs.from_topics import LogRequestReader
from tracehound.streams.intake.logs.metrics import LogMetrics
from tracehound.streams.intake.logs.mine_logs import Mining, mine_logs
from tracehound.streams.intake.logs.partition_logs import LogRules
from tracehound.streams.intake.metrics import BufferCollector, IntakeMetrics
from tracehound.streams.intake.read_source import SourceReader
from tracehound.streams.intake.rekey_spans import Rekeying, rekey_spans
from tracehound.streams.intake.vitals import IntakeVitals
from tracehound.streams.kafka.asked_extent import extent_of
from tracehound.streams.kafka.changelog import KafkaChangelogReader
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.settings.settings import Settings
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.states.placed_states import PlacedStates
from tracehound.streams.worker.foundation import Foundation
from tracehound.streams.worker.worker import Worker


def build_intake(
    settings: Settings, clock: Callable[[], float] = time.time, clients: KafkaClients | None = None
) -> Worker:
    """Assemble an intake worker.

    Parameters:
        settings: everything that can be set.
        clock: wall time in epoch seconds.
        clients: of the cluster; without them those that the settings name.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    topics, intake = settings.topics, settings.intake
    base = Foundation(settings, clients)
    metrics = IntakeMetrics(base.registry)
    app = base.app(intake.group_id, metrics.offsets_lost)
    vitals = IntakeVitals(app, topics.spans.name)

    rekeying = Rekeying(
        SourceReader(
            topics.traces.name,
            topics.spans.name,
            topics.spans.partitions,
            settings.limits,
            intake.applications_with_namespace,
            RegisteredSchemas(settings.schemas_dir),
            FieldMapping(settings.execution_fields),
            topic_id=app.known_topic_id,
            execution_topics=intake.execution_topic_names,
            logs=_log_requests(settings) if intake.otlp_logs else None,
        ),
        base.delivery(metrics),
        base.publisher,
        topics,
        metrics,
        vitals.partitions_of,
        vitals.empty_at_ms,
        vitals.progressed,
        clock,
    )
    changelog = KafkaChangelogReader(base.clients, topics.join_checkpoints.name)
    joining = Joining(
        rules_of(settings),
        int(intake.call_graph_interval_s * 1000),
        Emitter(topics.spans.name, topics.executions.name, topics.executions.partitions, settings.limits),
        CheckpointLog(
            topics.join_checkpoints.name,
            changelog,
            base.publisher,
            pack_checkpoint,
            unpack_checkpoint,
            extent_of(base.clients, topics.spans.name),
        ),
        base.delivery(metrics),
        topics,
        metrics,
        vitals.seek,
        app.generation,
        app.add_future,
        vitals.progressed,
    )
    log_metrics = LogMetrics(base.registry)
    templates = PlacedStates("logs")
    mining = Mining(
        log_rules_of(settings),
        settings.limits,
        Emitter(topics.log_events.name, topics.executions.name, topics.executions.partitions, settings.limits),
        CheckpointLog(
            topics.log_checkpoints.name,
            KafkaChangelogReader(base.clients, topics.log_checkpoints.name),
            base.publisher,
            templates.pack,
            templates.unpack,
            extent_of(base.clients, topics.log_events.name),
        ),
        base.delivery(metrics),
        log_metrics,
        app.generation,
        app.add_future,
        vitals.progressed,
        clock,
    )
    log_metrics.watch_templates(mining.templates)
    metrics.registry.register(BufferCollector(joining.buffered, vitals.waiting_by_topic, joining.watermarks_ms, clock))

    async def tell_clocks() -> None:
        if vitals.partitions() is not None:
            await rekeying.tell_clocks()

    app.read_runs({topic.name for topic in topics.intake_sources}, rekey_spans, rekeying)
    app.read_runs([topics.spans.name], join_traces, joining)
    app.read_runs([topics.log_events.name], mine_logs, mining)
    app.repeat(intake.tick_interval_s, tell_clocks)
    app.repeat(intake.checkpoint_interval_s, joining.checkpoint)
    app.repeat(intake.checkpoint_interval_s, mining.save)
    health = base.health(vitals, intake.http_port)
    return Worker("intake", intake.group_id, app, health, base.failure, topics.intake())


def _log_requests(settings: Settings) -> LogRequestReader:
    topic, intake = settings.topics.log_events, settings.intake
    return LogRequestReader(
        *(topic.name, topic.partitions, intake.log_application, settings.limits),
        intake.applications_with_namespace,
    )


def log_rules_of(settings: Settings) -> LogRules:
    """How log events are read, by the settings; the memory is shared equally by all partitions."""
    intake = settings.intake
    return LogRules(
        intake.log_application,
        intake.log_suffix,
        intake.log_templates,
        int(intake.log_memory_mb * 1e6 / settings.partitions),
    )


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
