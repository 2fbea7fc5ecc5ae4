"""A reader that is killed at any point, under load, stores everything that was told, and nothing twice."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer
from sqlalchemy import Table, func, select

from tests.console.store.reader.told import anomaly, call, call_graph, incident, progress, scored_log
from tracehound.console.store.engine import Store
from tracehound.console.store.tables import (
    anomalies,
    applications,
    calls,
    incident_events,
    incidents,
    kept,
    scored_logs,
    unreadable,
)
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topic, Topics

ROUNDS, EACH, PARTITIONS = 4, 1_500, 3


@contextmanager
def reading(broker: Broker, topics: Topics, url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that reads; killed in the end, if it is not by then."""
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "TRACEHOUND_BROKER_IS_EMBEDDED": str(broker.embedded),
        "TRACEHOUND_TOPIC_PREFIX": topics.prefix,
        "TRACEHOUND_CONSOLE__DATABASE_URL": url,
    }
    process = subprocess.Popen([sys.executable, "-m", "tests.console.store.reader.reading"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def count(store: Store, table: Table) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def ids(store: Store, table: Table) -> Counter[str]:
    with store.read() as connection:
        return Counter(connection.execute(select(table.c.id)).scalars())


@pytest.fixture
def publish(any_kafka: Broker) -> Callable[[Topic, Sequence[bytes]], None]:
    producer = Producer({**any_kafka.client_config, "linger.ms": 5, "acks": "all"})

    def send(topic: Topic, values: Sequence[bytes]) -> None:
        for number, value in enumerate(values):
            producer.produce(topic.name, value, partition=number % PARTITIONS)
            if number % 500 == 0:
                producer.poll(0)
        assert producer.flush(60) == 0

    return send


def test_no_kill_loses_or_repeats_anything(
    any_kafka: Broker,
    prefix: str,
    store: Store,
    store_url: str,
    publish: Callable[[Topic, Sequence[bytes]], None],
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    topics, chance = Topics(prefix, PARTITIONS), random.Random(7)
    any_kafka.create_topics(topics)
    for number in range(ROUNDS):
        numbers = range(number * EACH, (number + 1) * EACH)
        before = count(store, anomalies)
        with reading(any_kafka, topics, store_url) as process:
            publish(topics.anomalies, [anomaly(one) for one in numbers])
            publish(topics.scored_logs, [scored_log(one) for one in numbers])
            publish(topics.severity, [incident(f"i{one % 50}", one, "updated") for one in numbers])
            publish(topics.progress, [progress(one, 2) for one in numbers])
            publish(topics.call_graph, [call_graph(f"{one}", call(3)) for one in numbers])
            publish(topics.anomalies, [b"no event"] * PARTITIONS)
            enough = before + chance.randrange(1, EACH)
            assert eventually(lambda wanted=enough: count(store, anomalies) >= wanted)  # type: ignore[misc]
            os.kill(process.pid, signal.SIGKILL)
    total = ROUNDS * EACH
    with reading(any_kafka, topics, store_url):
        tables = {anomalies: total, scored_logs: total, incident_events: total, unreadable: ROUNDS * PARTITIONS}
        assert eventually(lambda: all(count(store, table) == wanted for table, wanted in tables.items()))
        assert eventually(lambda: sums(store) == (2 * total, 3 * total))
    assert ids(store, anomalies) == Counter({f"anomaly-{one}": 1 for one in range(total)})
    assert ids(store, scored_logs) == Counter({f"log-{one}": 1 for one in range(total)})
    assert ids(store, incident_events) == Counter({f"i{one % 50}-{one}": 1 for one in range(total)})
    with store.read() as connection:
        found = connection.execute(select(incidents.c.incident_id, incidents.c.revision)).all()
        counted = {row.table: (row.rows, row.bytes) for row in connection.execute(select(kept))}
        for table in (anomalies, scored_logs, incident_events, unreadable):
            size = connection.execute(select(func.sum(table.c.bytes))).scalar_one()
            assert counted[table.name] == (tables[table], size)
    assert {row.incident_id: row.revision for row in found} == {f"i{one}": total - 50 + one for one in range(50)}


def sums(store: Store) -> tuple[int, int]:
    """Executions and calls, as they were added up."""
    with store.read() as connection:
        executions = connection.execute(select(func.sum(applications.c.executions))).scalar()
        called = connection.execute(select(func.sum(calls.c.count))).scalar()
    return int(executions or 0), int(called or 0)
