"""Executions of a topic are counted exactly once, by readers that share partitions and are killed at any moment."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from tests.console.executions.kept import NOW_S, counts, execution
from tests.end_to_end.conftest import Field, WorkerProcess, wait_until_within
from tracehound.console.executions.app import build_follower
from tracehound.console.executions.follow import Follower, Pace
from tracehound.console.executions.recent import Recent
from tracehound.console.executions.rows import upsert
from tracehound.console.store.engine import Store
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.topics import Topics
from tracehound.streams.settings.kept_executions import KeptExecutionSettings
from tracehound.streams.settings.settings import Settings

CODE = """
import sys, threading
from prometheus_client import CollectorRegistry
from tracehound.console.executions.app import build_follower
from tracehound.console.executions.follow import Pace
from tracehound.console.store.engine import Store
from tracehound.streams.settings.settings import load_settings
from tracehound.streams.worker.logging import configure_logging

class Nobody:
    def look(self, recent): pass

settings = load_settings()
configure_logging(settings)
pace = Pace(records=50, wait_s=0.05, store_s=0.1, store_share=1.0, coarsen_s=0.2)
store = Store(settings.console.database_url.get_secret_value())
follower = build_follower(settings, store, Nobody(), CollectorRegistry(), pace)
follower.start()
threading.Event().wait()
"""
PATIENCE_S = 150.0


@dataclass
class Looking:
    """Remembers what it was shown."""

    starts: list[float] = field(default_factory=list)
    looked: threading.Event = field(default_factory=threading.Event)

    def look(self, recent: Recent) -> None:
        self.starts = sorted({one.started_s for name in range(8) for one in recent.of((f"shop-{name}", ""))})
        self.looked.set()


def values(first: int, count: int) -> list[tuple[bytes, bytes]]:
    """Executions of eight applications, a second after each other."""
    found = []
    for number in range(first, first + count):
        one = execution(NOW_S + number, f"shop-{number % 8}", f"op-{number % 3}", duration_ms=1.0 + number % 50)
        found.append((one.application.encode(), msgspec.json.encode(one)))
    return found


@contextmanager
def following(settings: Settings, store: Store, watcher: Looking, **pace: Any) -> Iterator[Follower]:
    paced = Pace(**{"store_s": 0.1, "wait_s": 0.05} | pace)
    made = build_follower(settings, store, watcher, CollectorRegistry(), paced)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def settings_of(field_: Field, database_url: str) -> Settings:
    return Settings(
        bootstrap_servers=field_.broker.bootstrap_servers,
        topic_prefix=field_.topics.prefix,
        partitions=field_.topics.partitions,
        broker_is_embedded=field_.broker.embedded,
        session_timeout_s=6,
        kept_executions=KeptExecutionSettings(group_id=field_.topics.prefix + "kept"),
    )


@pytest.fixture
def there(embedded_kafka: Broker, prefix: str) -> Field:
    topics = Topics(prefix, 2, (prefix + "otlp_spans",))
    embedded_kafka.create_topics(topics)
    return Field(embedded_kafka, topics)


def total(store: Store) -> int:
    return sum(counts(store).values())


def test_what_was_sent_is_kept_and_the_next_reader_goes_on(store: Store, there: Field, database_url: str) -> None:
    settings, looking = settings_of(there, database_url), Looking()
    there.send(values(0, 500))
    with following(settings, store, looking):
        wait_until_within(lambda: total(store) >= 500, "all are stored", PATIENCE_S)
        there.send(values(500, 100))
        wait_until_within(lambda: total(store) >= 600, "these too", PATIENCE_S)
    assert looking.starts == [NOW_S + number for number in range(600)]

    there.send(values(600, 30))
    again = Looking()
    with following(settings, store, again, back=20) as follower:
        wait_until_within(lambda: total(store) >= 630, "the rest is stored", PATIENCE_S)
        assert follower.trouble() == ""
        assert follower.is_alive()
    assert counts(store) == {f"op-{number}": 210 for number in range(3)}
    # twenty of each partition are read again, and not counted again
    assert len(again.starts) in range(31, 71)
    assert again.starts[-30:] == [NOW_S + number for number in range(600, 630)]


def test_a_database_that_fails_is_tried_again_and_nothing_is_lost(
    there: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, chance = Store(f"sqlite:///{tmp_path}/tracehound.db"), random.Random(2)
    store.migrate()

    def fails_often(*given: Any, **named: Any) -> None:
        if chance.random() < 0.3:
            raise OSError("The disk is full.")
        upsert(*given, **named)

    monkeypatch.setattr("tracehound.console.executions.keeper.upsert", fails_often)
    there.send(values(0, 400))
    with following(settings_of(there, ""), store, Looking(), retry_s=0.01, records=40):
        wait_until_within(lambda: total(store) >= 400, "all are stored", PATIENCE_S)
    assert counts(store) == {"op-0": 134, "op-1": 133, "op-2": 133}
    store.close()


@pytest.fixture
def start(kafka: Broker, prefix: str, store_url: str) -> Iterator[Callable[[], WorkerProcess]]:
    started: list[WorkerProcess] = []

    def one() -> WorkerProcess:
        environment = {
            **Field(kafka, Topics(prefix, 4)).environment,
            "TRACEHOUND_CONSOLE__DATABASE_URL": store_url,
            "TRACEHOUND_KEPT_EXECUTIONS__GROUP_ID": prefix + "kept",
            "TRACEHOUND_KEPT_EXECUTIONS__MINUTES_HOURS": "0.2",
        }
        started.append(WorkerProcess(environment, code=CODE))
        return started[-1]

    yield one
    for process in started:
        process.kill()


def test_killed_readers_count_everything_once(
    kafka: Broker, prefix: str, store: Store, start: Callable[[], WorkerProcess]
) -> None:
    topics, chance = Topics(prefix, 4, (prefix + "otlp_spans",)), random.Random(6)
    kafka.create_topics(topics)
    there, running = Field(kafka, topics), [start(), start()]
    sent = 0
    for _ in range(2):
        there.send(values(sent, 6_000))
        sent += 6_000
        time.sleep(chance.random() * 3.0)  # (anywhere: before it has partitions, or between two storings)
        running.pop(0).kill()
        running.append(start())
    there.send(values(sent, 600))
    sent += 600
    wait_until_within(lambda: total(store) >= sent, "all are stored", PATIENCE_S)
    assert counts(store) == {f"op-{number}": sent // 3 for number in range(3)}
