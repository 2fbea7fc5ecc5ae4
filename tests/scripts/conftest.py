"""Topics of their own on the embedded broker, a way to run commands against them, and made-up anomalies."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from tests.console.asking import Asking, asking
from tests.console.served import served_in_thread
from tracehound.console.store.engine import Store
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent, AnomalyKind, ModelStamp
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.topics import Topics
from tracehound.scripts.kafka.clients import producer_config
from tracehound.streams.settings.settings import CONSOLE_KEY, CONSOLE_URL, Settings

Run = Callable[..., Result]


@pytest.fixture
def topics(embedded_kafka: Broker, prefix: str) -> Topics:
    """All topics, with three partitions each."""
    created = Topics(prefix, 3)
    embedded_kafka.create_topics(created)
    return created


@pytest.fixture
def environment(embedded_kafka: Broker, prefix: str) -> Mapping[str, str]:
    """The environment variables that point the commands to the test's topics."""
    return {"KAFKA_BOOTSTRAP_SERVERS": embedded_kafka.bootstrap_servers, "TRACEHOUND_TOPIC_PREFIX": prefix}


@pytest.fixture
def run(environment: Mapping[str, str]) -> Run:
    """Runs a command with arguments; ``input`` is what is typed."""

    def invoke(command: click.Command, *arguments: str, **options: Any) -> Result:
        return CliRunner(env=environment).invoke(command, arguments, **options)

    return invoke


@pytest.fixture
def send(embedded_kafka: Broker) -> Callable[..., None]:
    """Sends one record and waits until it is stored."""
    producer = Producer(producer_config(Settings(bootstrap_servers=embedded_kafka.bootstrap_servers)))

    def produce(topic: str, value: bytes | None, **record: Any) -> None:
        producer.produce(topic, value, **record)
        assert producer.flush(120) == 0

    return produce


@pytest.fixture
def make_anomaly() -> Callable[..., AnomalyEvent]:
    """Makes an anomaly of an application and kind at an event time in epoch seconds."""

    def make(
        application: str, kind: AnomalyKind, at_s: float, *, id: str | None = None, reason: str = "It is slow."
    ) -> AnomalyEvent:
        data = Anomaly(
            application=application,
            operation="GET /",
            environment="",
            version="",
            kind=kind,
            score=9.0,
            sigma=6.5,
            severity="minor",
            confidence=1.0,
            signal="self_ms",
            typical=1.0,
            actual=9.0,
            bounds=(0.5, 2.0),
            unit="ms",
            contributions={"its own code": 1.0},
            reason=reason,
            exemplar_trace_ids=[],
            window=None,
            model=ModelStamp("chart", "1", 500, None, warming=False),
            incident_key="k",
        )
        return AnomalyEvent(id or f"{application} {kind} {at_s}", "/test", "anomaly", application, rfc3339(at_s), data)

    return make


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    """A real console with an empty store, which the environment names, with a viewer's key."""
    store = Store(f"sqlite:///{tmp_path}/kept.db")
    store.migrate()
    with asking(store) as asked, served_in_thread(asked.client.app) as url:
        monkeypatch.setenv(CONSOLE_URL, url)
        monkeypatch.setenv(CONSOLE_KEY, asked.keys["viewer"].key)
        yield asked
    store.close()
