"""A tuning over two workers on a real Kafka, of which one is killed in the middle of a task."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec
from confluent_kafka import Producer

from tracehound.infra.inherited import inherited
from tracehound.infra.kafka.broker import broker
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.topics import Topics
from tracehound.schemas.tuning import read_tuning_result
from tracehound.scripts.benchmarks.training.runs import executions
from tracehound.scripts.soak.crew import Member
from tracehound.streams.kafka.librdkafka import producer_options
from tracehound.streams.scoring.tuning.plan import best_of
from tracehound.streams.settings.settings import Settings

COUNT: Final = 20_000
_PARTITIONS: Final = 4
_SEARCH: Final = ("least_sigma=4,5,6", "minimum_excess_ms=5,50", "alarm_budget=0.5,2")
_WAIT_S: Final = 120.0
_WRITTEN_S: Final = 0.2  # for what it wrote before it was frozen to be in its log
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
            env={**inherited(), **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(asking.kill)
        _until(lambda: all(_tasks(one, "tuning_task_begins") for one in workers))
        killed = _killed_in_a_task(workers)
        shown, _ = asking.communicate(timeout=_TUNE_S)
        results = [read_tuning_result(line.encode()) for line in shown.splitlines()]
        (survivor,) = (one for one in workers if one is not killed)
        best = best_of(results)
        return {
            "tuning_tasks": len(results),
            "tuning_done": sum(one.state == "done" for one in results),
            "tuning_killed_and_resumed": len(_under_way(killed) & _tasks(survivor, "tuning_task")),
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


def _under_way(worker: Member) -> set[Any]:
    return _tasks(worker, "tuning_task_begins") - _tasks(worker, "tuning_task")


def _killed_in_a_task(workers: Sequence[Member]) -> Member:
    """The worker that was killed while it ran a task: frozen before, or the task might end between look and kill."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        for one in filter(_under_way, workers):
            one.signal(signal.SIGSTOP)
            time.sleep(_WRITTEN_S)
            if _under_way(one):
                one.kill()
                return one
            one.signal(signal.SIGCONT)
        time.sleep(0.02)
    raise TracehoundError(f"No worker was found in the middle of a task within {_WAIT_S:g} s.")


def _until(condition: Any) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TracehoundError(f"The workers did not begin within {_WAIT_S:g} s.")
        time.sleep(0.05)


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
