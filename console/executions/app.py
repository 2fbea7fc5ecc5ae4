"""The one place where the keeping of executions is put together; nothing connects before it starts."""

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException
from prometheus_client import CollectorRegistry

from tracehound.console.executions.believed_origins import BelievedOrigins
from tracehound.console.executions.follow import Follower, Pace, Parts, Watcher
from tracehound.console.executions.kafka_topics import KafkaTopics
from tracehound.console.executions.keeper import Bounds, Keeper
from tracehound.console.executions.metrics import ExecutionMetrics
from tracehound.console.executions.recent import Recent
from tracehound.console.executions.records import RecordReader
from tracehound.console.executions.times import Ages
from tracehound.console.executions.windows import DAY_S, HOUR_S
from tracehound.console.store.engine import Store
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.operations import normalize_operation
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas
from tracehound.streams.kafka.bounded_consumer import BoundedConsumer
from tracehound.streams.kafka.forwarding import NUMBERS_PER_OFFSET, OriginTopic
from tracehound.streams.kafka.librdkafka import FETCH_BYTES, librdkafka_options
from tracehound.streams.settings.settings import Settings

_MB = 1_000_000


def build_follower(
    settings: Settings,
    store: Store,
    watcher: Watcher,
    registry: CollectorRegistry,
    pace: Pace | None = None,
    wall: Callable[[], float] = time.time,
) -> Follower:
    """Assemble what keeps executions.

    Parameters:
        store: migrated.
        watcher: looks at the newest executions after each storing.
        wall: wall time in epoch seconds.
    """
    topics, given = settings.topics, settings.kept_executions
    partitions_of = {
        topics.executions.name: OriginTopic(topics.executions.partitions),
        topics.spans.name: OriginTopic(topics.spans.partitions, NUMBERS_PER_OFFSET),
        topics.log_events.name: OriginTopic(topics.log_events.partitions, NUMBERS_PER_OFFSET),
    }
    executions = ExecutionReader(
        settings.limits, RegisteredSchemas(settings.schemas_dir), FieldMapping(settings.execution_fields)
    )
    private = frozenset(settings.detection.private_attributes)

    def reader(cluster: KafkaTopics) -> RecordReader:
        believed = BelievedOrigins(
            partitions_of, lambda name: cluster.extent(name, range(partitions_of[name].partitions)), time.monotonic
        )
        normalize = normalize_operation if settings.normalize_operations else None
        return RecordReader(settings.partitions, settings.limits, executions, normalize, believed)

    return Follower(
        Parts(
            topic=topics.executions.name,
            consumer=lambda told: _consumer(settings, told),
            records=lambda: BoundedConsumer(settings, "tracehound-console-executions", FETCH_BYTES),
            topics=lambda consumer: KafkaTopics(settings, consumer),
            reader=reader,
            keeper=lambda: Keeper(store, topics.executions.name, private, _bounds(settings), wall),
            recent=lambda: Recent(given.recent_memory_mb * _MB),
            watcher=watcher,
            metrics=ExecutionMetrics(registry),
        ),
        pace or Pace(),
    )


def _bounds(settings: Settings) -> Bounds:
    given = settings.kept_executions
    ages = Ages(given.minutes_hours * HOUR_S, given.hours_days * DAY_S, given.days * DAY_S, given.late_hours * HOUR_S)
    return Bounds(given.operations, given.applications, given.window_memory_mb * _MB, ages=ages)


def _consumer(settings: Settings, told: Callable[[KafkaError], None]) -> Consumer:
    options: dict[str, Any] = {
        **librdkafka_options(settings),
        "log_level": 0,
        "client.id": "tracehound-console-executions",
        "group.id": settings.kept_executions.group_id,
        "enable.auto.commit": False,
        "session.timeout.ms": round(settings.session_timeout_s * 1_000),
        "error_cb": told,
    }
    try:
        return Consumer(options)
    except (KafkaException, TypeError, ValueError) as error:
        raise ConfigurationError(f"The Kafka client's configuration is wrong: {error}.") from error
