"""A recording sent through Kafka and intake workers, what comes out of them, and how it differs from offline."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.execution import Execution
from tracehound.schemas.topics import Topics
from tracehound.scripts.commands.worker_process import WorkerProcess
from tracehound.scripts.recorded.traces import Recording

WORKERS = 2
PARTITIONS = 12
READY_S, QUIET_S, LONGEST_S = 120.0, 30.0, 3_600.0
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Precision:
    """Average precision over traces, on labels of visible windows and of all windows."""

    visible: float
    all: float


@dataclass(frozen=True, slots=True)
class JoinedRun:
    """One run: how it was sent, how what came out differs from the offline conversion, and what it is worth."""

    encoding: str
    speed: str
    seconds: float
    executions: int
    missing: int
    surplus: int
    repeated: int
    different: int
    precision: Precision


def send_and_join(
    recording: Recording, expected: Mapping[Key, Execution], encoding: str, speed: str, bootstrap: str, topics: Topics
) -> tuple[JoinedRun, list[Execution]]:
    """Send a recording, let two workers join it, and read what they emit until nothing more comes."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "TRACEHOUND_TOPIC_PREFIX": topics.prefix,
        "TRACEHOUND_PARTITIONS": str(topics.partitions),
        "TRACEHOUND_INTAKE__OTLP_TOPICS": topics.otlp[0].name,
        "TRACEHOUND_INTAKE__GROUP_ID": topics.prefix + "intake",
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers = [
            stack.enter_context(WorkerProcess(folder, environment, port, "intake", f"intake-{number}"))
            for number, port in enumerate(free_ports(WORKERS))
        ]
        _await_ready(workers)
        begun = time.monotonic()
        replay = [sys.executable, "-m", "tracehound", "replay", str(recording.events.parent)]
        sender = subprocess.Popen(
            [*replay, "--as", encoding, "--speed", speed], env={**os.environ, **environment}, stdout=subprocess.DEVNULL
        )
        stack.callback(sender.kill)
        emitted, finished = _read(bootstrap, topics, sender, workers, len(expected))
    return _compared(expected, emitted, encoding, speed, finished - begun), emitted


def _await_ready(workers: Sequence[WorkerProcess]) -> None:
    deadline = time.monotonic() + READY_S
    while not all(worker.is_ready() for worker in workers):
        for worker in workers:
            worker.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"An intake worker is not ready after {READY_S:g} s: {workers[0].end_of_log()}")
        time.sleep(0.2)


def _read(
    bootstrap: str, topics: Topics, sender: "subprocess.Popen[bytes]", workers: Sequence[WorkerProcess], enough: int
) -> tuple[list[Execution], float]:
    """Everything emitted, in the order of each partition, and when the last came (monotonic)."""
    decode = msgspec.json.Decoder(Execution | list[Execution]).decode
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "benchmark", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topics.executions.name, n, OFFSET_BEGINNING) for n in range(PARTITIONS)])
    found: list[Execution] = []
    begun = last = time.monotonic()
    while time.monotonic() - begun < LONGEST_S:
        message = consumer.poll(1.0)
        if message is not None and message.error() is None:
            decoded = decode(message.value())
            found += decoded if isinstance(decoded, list) else [decoded]
            last = time.monotonic()
            continue
        for worker in workers:
            worker.check()
        quiet_s = time.monotonic() - last
        if sender.poll() is not None and quiet_s > (5.0 if len(found) >= enough else QUIET_S):
            break
    consumer.close()
    if sender.poll() != 0:
        raise RuntimeError(f"The replay ended with status {sender.poll()}.")
    return found, last


def _compared(
    expected: Mapping[Key, Execution], emitted: Sequence[Execution], encoding: str, speed: str, seconds: float
) -> JoinedRun:
    found: dict[Key, Execution] = {}
    for execution in emitted:
        found.setdefault((execution.trace_id, execution.span_id), execution)
    different = sum(_content(found[key]) != _content(one) for key, one in expected.items() if key in found)
    return JoinedRun(
        encoding,
        speed,
        seconds,
        len(found),
        len(expected.keys() - found.keys()),
        len(found.keys() - expected.keys()),
        len(emitted) - len(found),
        different,
        Precision(0.0, 0.0),
    )


def _content(execution: Execution) -> Execution:
    """All of it but the parent's id, which the recordings do not have where the parent was not recorded."""
    return msgspec.structs.replace(execution, parent_span_id="")
