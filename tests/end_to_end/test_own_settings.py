"""Settings of an application's own over two workers: whoever comes to own it knows them before it scores."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message, Producer

from tests.end_to_end.conftest import PARTITIONS, Field, WorkerProcess, wait_until_within
from tests.end_to_end.moments import ago
from tracehound.schemas.application_settings import ApplicationSettings, settings_key
from tracehound.streams.kafka.forwarding import Partitioner

SHOP = "shop"
NUMBER = Partitioner(PARTITIONS).partition_of(SHOP)
LIKE = next(name for name in map(str, range(99)) if Partitioner(PARTITIONS).partition_of(name) == NUMBER)
"""Another application of the same partition, without settings of its own."""
START_S = ago(20_000)
COUNT = 600
DEAF = {"minimum_excess_ms": 60_000.0, "tail_score": 50.0, "least_sigma": 39.0, "major_sigma": 40.0}
DEAF |= {"certain_gap_sigma": 40.0}


def execution(application: str, number: int, duration_ms: float) -> tuple[bytes, bytes]:
    fields = {"application": application, "operation": "GET /", "trace_id": f"{application}-{number}"}
    content = fields | {"started_at": START_S + number, "duration_ms": duration_ms}
    return application.encode(), json.dumps(content).encode()


def settle(field: Field, version: int, **settings: float) -> None:
    said = ApplicationSettings(application=SHOP, version=version, settings=settings, asked_at=START_S)
    producer = Producer(field.broker.client_config)
    producer.produce(field.topics.settings.name, msgspec.json.encode(said), settings_key(said.key), NUMBER)
    assert producer.flush(120.0) == 0


def changes(found: list[Message]) -> list[tuple[str, int]]:
    told: list[dict[str, Any]] = [json.loads(one.value() or b"")["data"] for one in found]
    return [(one["change"], one["settings_version"]) for one in told if one["change"].startswith("settings_")]


@pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
def test_a_worker_that_takes_an_application_over_judges_it_by_its_settings(
    field: Field, worker: Callable[..., WorkerProcess]
) -> None:
    workers = [worker(field.environment) for _ in range(2)]
    wait_until_within(lambda: all(len(owned(one)) == PARTITIONS // 2 for one in workers), "both own partitions", 120.0)
    field.send([execution(name, n, 20.0 + n % 7) for n in range(COUNT) for name in (SHOP, LIKE)])
    settle(field, 1, **DEAF)
    settle(field, 2, least_sigma=99.0)
    settle(field, 3, **DEAF)
    wanted = [("settings_changed", 1), ("settings_refused", 2), ("settings_changed", 3)]
    told = field.read(field.topics.models.name, lambda found: len(changes(found)) >= len(wanted))
    assert changes(told) == wanted
    (owner,) = (one for one in workers if NUMBER in owned(one))
    (survivor,) = (one for one in workers if one is not owner)
    owner.kill()
    wait_until_within(lambda: NUMBER in owned(survivor), "the other owns it", 120.0)
    before = survivor.counted("executions_total")
    field.send([execution(name, COUNT + n, 2_000.0) for n in range(20) for name in (SHOP, LIKE)])
    wait_until_within(lambda: survivor.counted("executions_total") >= before + 40, "it scores them", 120.0)
    told = field.read(field.topics.anomalies.name, lambda found: len(found) >= 1)
    assert {json.loads(one.value() or b"")["data"]["application"] for one in told} == {LIKE}


def owned(one: WorkerProcess) -> list[int]:
    found = json.loads(one.get("/readyz")[1]).get("partitions") if one.said("health_listening") else None
    return found or []
