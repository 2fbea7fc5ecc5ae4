"""Recorded traces as OpenTelemetry through Kafka and two intake workers, compared with the offline conversion."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from rich.console import Console

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.infra.kafka.broker import broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.execution import Execution
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.joined.report import report
from tracehound.scripts.commands.replay import with_templates
from tracehound.scripts.commands.replay_report import warm_up_traces
from tracehound.scripts.commands.worker_process import WorkerProcess
from tracehound.scripts.documents.stored import store
from tracehound.scripts.recorded.evaluation import all_windows_label, average_precision
from tracehound.scripts.recorded.offline import score_traces
from tracehound.scripts.recorded.traces import RecordedTrace, Recording, open_recording
from tracehound.streams.intake.spans import Trace

DATA_SETS = ("train_ticket_30", "online_boutique_22")
ENCODINGS = ("otlp-protobuf", "otlp-json")
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


def judge(recording: Recording, executions: Iterator[Execution]) -> Precision:
    """Score the executions in the order given, and judge the highest score of each trace by the labels."""
    owners: list[str] = []

    def one_by_one() -> Iterator[RecordedTrace]:
        for execution in executions:
            owners.append(execution.trace_id)
            yield with_templates(RecordedTrace(execution.trace_id, execution.started_s, [execution]))

    kept = score_traces(one_by_one(), Scorer(DetectionSettings(), InlineFitter()))
    highest: dict[str, float] = {}
    for trace_id, score in zip(owners, kept.score, strict=True):
        highest[trace_id] = max(score, highest.get(trace_id, 0.0))
    scores, windows = [], []
    for trace in recording.traces():
        scores.append(highest.get(trace.trace_id, 0.0))
        services = {execution.application for execution in trace.executions}
        windows.append(all_windows_label(trace.started_s, services, recording.windows))
    known = [label.label for label in recording.labels]
    begin = warm_up_traces(recording)
    return Precision(*(_precision(labels[begin:], scores[begin:]) for labels in (known, windows)))


def _precision(labels: Sequence[int], scores: Sequence[float]) -> float:
    known = np.array(labels) >= 0
    return average_precision(np.array(labels)[known] == 1, np.array(scores)[known])


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


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("../shared/data"), show_default=True)
@click.option("--only", type=click.Choice(DATA_SETS), multiple=True, help="Only these recordings.")
@click.option("--speed", "speeds", multiple=True, default=("max",), show_default=True, help="As of `replay`; several.")
@click.option("--runs", type=click.IntRange(1, 20), default=1, show_default=True, help="Of each speed.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder for joined.json and joined.md.")
def main(data: Path, only: tuple[str, ...], speeds: tuple[str, ...], runs: int, output: Path | None) -> None:
    """Send recorded traces through intake, and compare with what the offline conversion makes of them.

    With --only the figures of other recordings in the folder are kept.
    """
    console = Console()
    kept = output / "joined.json" if output is not None else None
    figures: dict[str, Any] = orjson.loads(kept.read_bytes()) if only and kept is not None and kept.is_file() else {}
    with broker("real") as kafka:
        for name in only or DATA_SETS:
            recording = open_recording(data / "traces" / name)
            offline = [execution for trace in recording.traces() for execution in trace.executions]
            expected = {(execution.trace_id, execution.span_id): execution for execution in offline}
            spans = sum(len(trace.spans) for trace in recording.as_recorded() if isinstance(trace, Trace))
            done: list[JoinedRun] = []
            for number, speed in enumerate(speed for speed in speeds for _ in range(runs)):
                topics = Topics(f"{name}-{number}.", PARTITIONS, (f"{name}-{number}-otlp",))
                kafka.create_topics(topics)
                encoding = ENCODINGS[number % len(ENCODINGS)]
                run, emitted = send_and_join(recording, expected, encoding, speed, kafka.bootstrap_servers, topics)
                done.append(replace(run, precision=judge(recording, iter(emitted))))
                console.print(name, done[-1])
            figures[name] = {
                "spans": spans,
                "executions": len(expected),
                "offline": asdict(judge(recording, iter(offline))),
                "runs": [asdict(run) for run in done],
            }
    console.print(report(figures))
    if output is not None and kept is not None:
        store(kept, figures)
        (output / "joined.md").write_text(report(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
