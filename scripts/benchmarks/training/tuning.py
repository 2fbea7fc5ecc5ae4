"""A tuning over two workers on a real Kafka, of which one is killed in the middle of a task."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec
from confluent_kafka import Producer

from tracehound.infra.kafka.broker import broker
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.topics import Topics
from tracehound.schemas.tuning import read_tuning_result
from tracehound.scripts.benchmarks.training.runs import executions
from tracehound.scripts.commands.tune import best_of
from tracehound.scripts.soak.crew import Member
from tracehound.streams.kafka.librdkafka import producer_options
from tracehound.streams.settings.settings import Settings

COUNT: Final = 20_000
_PARTITIONS: Final = 4
_SEARCH: Final = ("least_sigma=4,5,6", "minimum_excess_ms=5,50", "alarm_budget=0.5,2")
_WAIT_S: Final = 120.0
_TUNE_S: Final = 600.0


def tuned() -> dict[str, Any]:
    """What became of the tasks: how many there were, which were under way when their worker died, and what it took.

    Raises:
        TracehoundError: a worker did not begin, or the tuning did not end.
    """
    topics = Topics("bench-tuning.", _PARTITIONS)
    with ExitStack() as stack:
        kafka = stack.enter_context(broker("new", topics=topics))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TRACEHOUND_TOPIC_PREFIX": topics.prefix,
            "TRACEHOUND_PARTITIONS": str(_PARTITIONS),
            "TRACEHOUND_GROUP_ID": "bench-tuning",
            "TRACEHOUND_SESSION_TIMEOUT_S": "6",
        }
        _send(Settings(bootstrap_servers=kafka.bootstrap_servers), topics)
        workers = [Member(folder, f"worker-{number}", environment) for number in range(2)]
        for one in workers:
            stack.callback(one.close)
        _until(lambda: all(one.said("states_found") for one in workers))
        begun = time.monotonic()
        asking = subprocess.Popen(
            [
                *(sys.executable, "-m", "tracehound", "tune", "app", "--json", "--timeout", str(_TUNE_S)),
                *(part for one in _SEARCH for part in ("--set", one)),
            ],
            env={**_inherited(), **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(asking.kill)
        _until(lambda: all(_tasks(one, "tuning_task_begins") for one in workers))
        workers[0].kill()
        shown, _ = asking.communicate(timeout=_TUNE_S)
        results = [read_tuning_result(line.encode()) for line in shown.splitlines()]
        lost = _tasks(workers[0], "tuning_task_begins") - _tasks(workers[0], "tuning_task")
        best = best_of(results)
        return {
            "tuning_tasks": len(results),
            "tuning_done": sum(one.state == "done" for one in results),
            "tuning_killed_and_resumed": len(lost & _tasks(workers[1], "tuning_task")),
            "tuning_executions": sum(one.executions for one in results),
            "tuning_cpu_s": round(sum(one.cpu_s for one in results), 3),
            "tuning_wall_s": round(time.monotonic() - begun, 1),
            "tuning_best": dict(best.settings) if best is not None else None,
            "tuning_kafka": kafka.kind,
        }


def _send(settings: Settings, topics: Topics) -> None:
    options = producer_options(settings) | {"bootstrap.servers": settings.bootstrap_servers}
    producer = Producer(options)
    for one in executions("app", COUNT):
        producer.produce(topics.executions.name, msgspec.json.encode(one), b"app")
        producer.poll(0)
    if producer.flush(_WAIT_S):
        raise TracehoundError("Kafka did not take the executions.")


def _tasks(worker: Member, event: str) -> set[Any]:
    return {line["task"] for line in worker.log() if line.get("event") == event}


def _until(condition: Any) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TracehoundError(f"The workers did not begin within {_WAIT_S:g} s.")
        time.sleep(0.05)


def _inherited() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("TRACEHOUND_", "KAFKA_"))}


def page(found: Mapping[str, Any]) -> str:
    """The figures in Markdown."""
    settings = json.dumps(found["tuning_best"])
    return f"""
## Tuning, with a worker killed
`tracehound tune` tried {found["tuning_tasks"]} candidates on {COUNT:,} executions each, over two workers on a real
Apache Kafka ({found["tuning_kafka"]}); one was killed (SIGKILL) once both were at work. **{found["tuning_done"]}** were
done, **{found["tuning_killed_and_resumed"]}** of which had been under way at the worker that died and was run again by
the other. They took {found["tuning_cpu_s"]:.1f} CPU seconds in {found["tuning_wall_s"]:.0f} s, with the wait for the
dead worker's partitions in it. Best was {settings}.
"""
