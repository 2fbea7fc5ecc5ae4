"""Two workers on Kafka find what the offline core finds: the same anomalies with the same ids."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message

from tests.end_to_end.conftest import wait_until_within
from tests.end_to_end.moments import ago
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.codec import encode
from tracehound.schemas.execution import Execution
from tracehound.schemas.operations import normalize_operation
from tracehound.scripts.simulator.applications import build_system
from tracehound.scripts.simulator.faults import Fault
from tracehound.scripts.simulator.simulation import Simulation

wait_until = partial(wait_until_within, timeout_s=180.0)

ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
LENGTH_S, RATE = 400.0, 60.0


def simulated(start_s: float) -> list[Execution]:
    """A simulated past with three faults."""
    simulation = Simulation(build_system(), 7, RATE, start_s)
    simulation.inject(Fault("network_delay", "gateway", start_s + 200, 60.0, 90.0, peer="catalog"))
    simulation.inject(Fault("error_burst", "cart", start_s + 270, 60.0, 0.6))
    simulation.inject(Fault("n_plus_one", "catalog", start_s + 340, 60.0, 30.0, peer="catalog-db"))
    made: list[Execution] = []
    for emitted in simulation:
        if emitted.at_s >= start_s + LENGTH_S:
            return made
        made.append(emitted.execution)
    return made


def offline(executions: Sequence[Execution]) -> dict[str, dict[str, Any]]:
    scorer = Scorer(DetectionSettings(), InlineFitter())
    named = [
        msgspec.structs.replace(execution, operation=normalize_operation(execution.operation))
        for execution in executions
    ]
    return {event.id: json.loads(encode(event)) for _, event in scorer.score(named).anomalies}


def partitions(worker: Any) -> list[int]:
    status, body = worker.get("/readyz")
    found: list[int] = json.loads(body)["partitions"] if status == 200 else []
    return found


@ON_APACHE_KAFKA
def test_two_workers_find_what_the_offline_core_finds(field: Any, worker: Callable[[Mapping[str, str]], Any]) -> None:
    executions = simulated(ago(3_600))
    expected = offline(executions)
    assert len(expected) >= 3
    one, other = worker(field.environment), worker(field.environment)

    def share() -> bool:
        mine, theirs = partitions(one), partitions(other)
        return bool(mine) and bool(theirs) and sorted(mine + theirs) == list(range(field.topics.partitions))

    wait_until(share, "each worker has partitions")
    field.send([(execution.application.encode(), encode(execution)) for execution in executions])
    wait_until(
        lambda: one.counted("executions_total") + other.counted("executions_total") == len(executions),
        "everything is scored",
    )
    assert one.counted("executions_total") > 0
    assert other.counted("executions_total") > 0

    def all_there(found: list[Message]) -> bool:
        return {json.loads(message.value())["id"] for message in found} >= expected.keys()

    found = {
        event["id"]: event
        for message in field.read(field.topics.anomalies.name, all_there)
        for event in [json.loads(message.value())]
    }
    assert found == expected
    assert (one.end(), other.end()) == (0, 0)
