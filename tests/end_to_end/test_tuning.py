"""Tuning over two workers on a real Kafka: one that is killed in the middle of a candidate costs nothing."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import PARTITIONS, Field, WorkerProcess, wait_until_within
from tests.end_to_end.moments import ago
from tracehound.infra.inherited import inherited
from tracehound.schemas.tuning import TuningResult, read_tuning_result
from tracehound.streams.scoring.tuning.plan import best_of

COUNT = 4_000
MORE = 10
START_S = ago(20_000)


def execution(number: int) -> bytes:
    fields = {"application": "shop", "operation": f"GET /{'abc'[number % 3]}", "started_at": START_S + number}
    slow = 40.0 if number % 500 == 499 else 0.0
    return json.dumps(fields | {"duration_ms": 20.0 + number % 7 + slow, "trace_id": str(number)}).encode()


@pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
def test_a_tuning_survives_the_kill_of_a_worker_in_the_middle_of_a_task(
    field: Field, worker: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    workers = [worker(field.environment) for _ in range(2)]
    wait_until_within(lambda: all(len(owned(one)) == PARTITIONS // 2 for one in workers), "both own partitions", 120.0)
    field.send([(b"shop", execution(number)) for number in range(COUNT)])
    asking = subprocess.Popen(
        [
            *(sys.executable, "-m", "tracehound", "tune", "shop", "--json", "--timeout", "400"),
            *("--set", "least_sigma=4,5,6", "--set", "minimum_excess_ms=5,1000"),
        ],
        env={**inherited(), **field.environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        killed = killed_in_the_middle(workers)
        shown, _ = asking.communicate(timeout=500)
    finally:
        asking.kill()
        asking.wait()
    results = [read_tuning_result(line.encode()) for line in shown.splitlines()]
    assert sorted(one.number for one in results) == list(range(7))
    assert {(one.state, one.executions) for one in results} == {("done", COUNT)}
    (survivor,) = (one for one in workers if one is not killed)
    lost = began(killed) - finished(killed)
    assert lost
    assert lost <= finished(survivor)
    told = {one.number: one.anomalies for one in results}
    lenient = [one.number for one in results if one.settings.get("minimum_excess_ms") == 1_000.0]
    assert all(told[number] <= told[0] for number in lenient)
    assert best_of(results) is not None
    assert total_cpu_s(results) > 0.0
    assert tried_on_a_file(field, tmp_path) == {("done", 200)}
    scored = survivor.counted("executions_total")
    field.send([(b"shop", execution(number)) for number in range(COUNT, COUNT + MORE)])
    wait_until_within(lambda: survivor.counted("executions_total") >= scored + MORE, "it scores as well", 120.0)


def killed_in_the_middle(workers: list[WorkerProcess]) -> WorkerProcess:
    """The worker that was killed while it ran a task: frozen first, so that the task cannot end before the kill."""
    deadline = time.monotonic() + 120.0
    while time.monotonic() < deadline:
        for one in workers:
            if not began(one) - finished(one):
                continue
            one.signal(signal.SIGSTOP)
            time.sleep(0.2)  # what it wrote before it was frozen is read meanwhile
            if began(one) - finished(one):
                one.kill()
                return one
            one.signal(signal.SIGCONT)
        time.sleep(0.02)
    raise AssertionError("no worker was found in the middle of a task")


def tried_on_a_file(field: Field, folder: Path) -> set[tuple[str, int]]:
    """States and counts of candidates that were tried on 200 executions that Kafka never had."""
    file = folder / "recorded.jsonl"
    file.write_bytes(b"\n".join(execution(number).replace(b'"shop"', b'"filed"') for number in range(200)))
    command = ("tune", "filed", "--json", "--timeout", "300", "--set", "least_sigma=4,5", "--file", str(file))
    shown = subprocess.run(
        [sys.executable, "-m", "tracehound", *command],
        env={**inherited(), **field.environment},
        stdout=subprocess.PIPE,
        timeout=400,
        check=True,
    ).stdout
    results = [read_tuning_result(line) for line in shown.splitlines()]
    assert len(results) == 3
    return {(one.state, one.executions) for one in results}


def owned(one: WorkerProcess) -> list[int]:
    found = json.loads(one.get("/readyz")[1]).get("partitions") if one.said("health_listening") else None
    return found or []


def began(one: WorkerProcess) -> set[Any]:
    return {line["task"] for line in list(one.log) if line["event"] == "tuning_task_begins"}


def finished(one: WorkerProcess) -> set[Any]:
    return {line["task"] for line in list(one.log) if line["event"] == "tuning_task"}


def total_cpu_s(results: list[TuningResult]) -> float:
    return sum(one.cpu_s for one in results)
