"""How fast the console's reader stores what is on Kafka into a store that is full already."""

import os
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Producer
from sqlalchemy import select

from tracehound.console.store.engine import Store
from tracehound.console.store.tables import kept
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.api.filling import told_anew
from tracehound.scripts.benchmarks.measured_process import Program, measure

_PARTITIONS = 4
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Events per second of its CPU time and of wall time; the most memory that its process had resident."""

    per_cpu_second: float
    per_second: float
    peak_mb: float


def publish(broker: Broker, count: int) -> Topics:
    """Write so many anomalies to a topic of Kafka; gives the topics, whose prefix nobody else has."""
    topics = Topics(f"api-{uuid.uuid4().hex[:8]}.", _PARTITIONS)
    broker.create_topics(topics)
    producer = Producer({**broker.client_config, "linger.ms": 20, "compression.type": "lz4"})
    for number, value in enumerate(told_anew(count)):
        producer.produce(topics.anomalies.name, value, partition=number % _PARTITIONS)
        if number % 1_000 == 0:
            producer.poll(0)
    if producer.flush(60):
        raise RuntimeError("Kafka does not acknowledge the anomalies.")
    return topics


def read(broker: Broker, topics: Topics, count: int, store: Store, url: str, log: Path) -> Reading:
    """Have the console store them."""
    before = _stored(store)
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "TRACEHOUND_BROKER_IS_EMBEDDED": str(broker.embedded),
        "TRACEHOUND_TOPIC_PREFIX": topics.prefix,
        "TRACEHOUND_CONSOLE__DATABASE_URL": url,
        "TRACEHOUND_CONSOLE__PORT": "0",
        "TRACEHOUND_CONSOLE__KEEP_DAYS": "36500",
    }
    command = [sys.executable, "-m", "tracehound", "console"]
    core = max(os.sched_getaffinity(0))
    found = measure(
        Program(command, environment, log, lambda: _stored(store) - before, poll_s=0.1),
        count,
        core,
        _TIMEOUT_S,
        warm_share=0.1,
    )
    return Reading(found.executions_per_cpu_second, found.executions_per_second, found.peak_mb)


def _stored(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(kept.c.rows).where(kept.c.table == "anomalies")).scalar() or 0
