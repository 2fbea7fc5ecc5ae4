"""Measures the gateway on a real Kafka, next to a Collector where there is one."""

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from confluent_kafka import Consumer, TopicPartition

from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.gateway import contenders
from tracehound.scripts.benchmarks.gateway.load import Body, Target, as_fast_as_answered, at_rate
from tracehound.scripts.benchmarks.gateway.report import COLLECTOR, GATEWAY, Findings, Run, write
from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.intake.workload import Record, make_workload
from tracehound.scripts.benchmarks.measured_process import cpu_seconds
from tracehound.scripts.recorded.otlp_encoding import encode_protobuf

CLIENTS = 8
LINES = 500
_WARM_S = 2.0
_BODIES = 200
_PROTOBUF = {"Content-Type": "application/x-protobuf"}
_JSON = {"Content-Type": "application/json"}
_NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Trial:
    """What is sent to a program, and the topic where it must be."""

    name: str
    target: Target
    bodies: Sequence[Body]
    topic: str


def requests_of_spans() -> list[Body]:
    """Requests as SDKs send them."""
    made: list[Record] = []
    make_workload(_BODIES * 500, encode_protobuf, time.time() - 3_600, made.append)
    full = [record for record in made if record.spans >= LINES // 2]
    return [Body(record.value, record.spans) for record in full or made]


def executions(lines: int) -> list[Body]:
    """Bodies of so many lines, each of one application."""
    return [
        Body(
            b"\n".join(
                json.dumps(
                    {
                        "application": f"shop-{number % 12}",
                        "operation": "GET /cart/{id}",
                        "started_at": time.time(),
                        "duration_ms": 12.5 + line % 7,
                        "status": "ok",
                        "trace_id": f"{number * lines + line:032x}",
                        "segments": [
                            {"kind": "db", "name": "SELECT cart", "offset_ms": 1.5, "duration_ms": 4.25},
                            {"kind": "http", "name": "GET /stock", "offset_ms": 6.0, "duration_ms": 5.0},
                        ],
                    }
                ).encode()
                for line in range(lines)
            ),
            lines,
        )
        for number in range(_BODIES)
    ]


def records_in(kafka: Broker, topic: str) -> int:
    """How many records a topic has had."""
    consumer = Consumer({**kafka.client_config, "group.id": "bench-gateway"})
    try:
        partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        return sum(consumer.get_watermark_offsets(TopicPartition(topic, each), timeout=30)[1] for each in partitions)
    finally:
        consumer.close()


def measured(trial: Trial, kafka: Broker, pid: int, seconds: float) -> Run:
    """Both loads on a program that runs."""
    before = records_in(kafka, trial.topic)
    warm = as_fast_as_answered(trial.target, trial.bodies, _WARM_S, CLIENTS)
    cpu_s = cpu_seconds(pid)
    fast = as_fast_as_answered(trial.target, trial.bodies, seconds, CLIENTS)
    cpu_s = cpu_seconds(pid) - cpu_s
    half = at_rate(trial.target, trial.bodies, seconds, CLIENTS, fast.bodies / fast.wall_s / 2)
    if refused := [*warm.refused, *fast.refused, *half.refused]:
        raise RuntimeError(f"{trial.name}: {len(refused)} requests were refused, the first with {refused[0]}.")
    accepted = warm.bodies + fast.bodies + half.bodies
    lost = accepted - (records_in(kafka, trial.topic) - before)
    return Run(fast.items / cpu_s, fast.items / fast.wall_s, half.percentile_ms(0.99), accepted, lost)


@click.command()
@click.option("--seconds", default=8.0, show_default=True, help="Of each load.")
@click.option("--rounds", default=3, show_default=True)
@click.option(
    "--collector", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A Collector with Kafka exporter."
)
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(seconds: float, rounds: int, collector: Path | None, report: Path) -> None:
    """Measure, and write gateway.json and gateway.md into the folder REPORT."""
    runs: dict[str, list[Run]] = {}
    report.mkdir(parents=True, exist_ok=True)
    load_before = os.getloadavg()[0]
    with broker("real") as kafka, tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            _round(number, kafka, Path(folder), seconds, collector, runs)
        findings = Findings(Machine.here(kafka.kind), runs, seconds, load_before)
    write(findings, report)
    click.echo(findings.summary())


def _round(
    number: int, kafka: Broker, folder: Path, seconds: float, collector: Path | None, runs: dict[str, list[Run]]
) -> None:
    prefix = f"bench-gateway-{os.getpid()}-{number}."
    topics = Topics(prefix, 12, (f"{prefix}gateway", f"{prefix}collector"))
    kafka.create_topics(topics)
    ours, theirs = (topic.name for topic in topics.otlp)
    port, other = free_ports(2)
    spans = requests_of_spans()
    address = f"127.0.0.1:{port}"
    of_gateway = [
        Trial(GATEWAY, Target(address, "/v1/traces", _PROTOBUF), spans, ours),
        Trial(
            "gateway, single executions",
            Target(address, "/v1/executions", _JSON),
            executions(1),
            topics.executions.name,
        ),
        Trial(
            f"gateway, executions in {LINES} lines",
            Target(address, "/v1/executions", _NDJSON),
            executions(LINES),
            topics.executions.name,
        ),
    ]
    command, environment, answers_at = contenders.gateway(kafka.bootstrap_servers, prefix, ours, port)
    with contenders.running(command, environment, answers_at, folder / "gateway.log", 0) as pid:
        for trial in of_gateway:
            runs.setdefault(trial.name, []).append(measured(trial, kafka, pid, seconds))
            click.echo(f"round {number + 1}, {trial.name}: {runs[trial.name][-1]}")
    if collector is None:
        return
    command, environment, answers_at = contenders.collector(collector, kafka.bootstrap_servers, theirs, other, folder)
    with contenders.running(command, environment, answers_at, folder / "collector.log", 0) as pid:
        trial = Trial(COLLECTOR, Target(f"127.0.0.1:{other}", "/v1/traces", _PROTOBUF), spans, theirs)
        runs.setdefault(trial.name, []).append(measured(trial, kafka, pid, seconds))
        click.echo(f"round {number + 1}, {trial.name}: {runs[trial.name][-1]}")


if __name__ == "__main__":
    main()
