"""Spans per CPU second of one intake worker on a real Kafka, and what each stage of intake costs."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from confluent_kafka import Message, TopicPartition
from rich.console import Console

from tracehound.infra.kafka.broker import Broker, broker
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.builds import HERE, Build, checked_out
from tracehound.scripts.benchmarks.intake.report import Against, Findings, Machine, write
from tracehound.scripts.benchmarks.intake.stages import StageCost, measure_stages
from tracehound.scripts.benchmarks.intake.tracers import measure_tracers
from tracehound.scripts.benchmarks.intake.worker import PARTITIONS, TRACE_WAIT_S, IntakeWorker
from tracehound.scripts.benchmarks.intake.workload import Made, Record, make_workload
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.scripts.recorded.otlp_encoding import Encode, encode_json, encode_protobuf
from tracehound.scripts.recorded.sending import connect
from tracehound.streams.settings.settings import load_settings

TIMEOUT_S: Final = 180.0
STAGE_START_S: Final = 1_750_000_000.0
_EVENT_SPANS_PER_S: Final = 13_000.0
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Filled:
    """A topic of OTLP that has been filled, and what it holds."""

    topic: str
    made: Made


@dataclass(frozen=True, slots=True)
class Run:
    """One worker's way through a topic: from its assignment until the last execution could be read.

    ``wall_s`` contains the waiting for the end of the last traces.
    """

    spans_per_cpu_second: float
    executions_per_cpu_second: float
    spans_per_second: float
    cpu_s: float
    wall_s: float
    peak_mb: float


class ExecutionsOut:
    """Counts the executions in values of ``executions.v1``, and those that came more than once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._decode = msgspec.json.Decoder(list[_Ids] | _Ids).decode
        self.total = 0

    def take(self, value: bytes) -> None:
        """Count what is in the value of one record."""
        decoded = self._decode(value)
        executions = decoded if isinstance(decoded, list) else [decoded]
        self.total += len(executions)
        self._seen.update((execution.trace_id, execution.span_id) for execution in executions)

    @property
    def distinct(self) -> int:
        """How many different executions there were."""
        return len(self._seen)


class _Ids(msgspec.Struct):
    trace_id: str
    span_id: str


def run_worker(kafka: Broker, filled: Filled, prefix: str, folder: Path, core: int, build: Build = HERE) -> Run:
    """Let a new worker read the whole topic into topics of its own.

    Raises:
        RuntimeError: executions were lost or came twice, spans were late, or it took too long.
    """
    topics = Topics(prefix, PARTITIONS, (filled.topic,))
    kafka.create_topics(topics)
    out = ExecutionsOut()
    wanted = filled.made.executions
    settings = load_settings(bootstrap_servers=kafka.bootstrap_servers)
    with (
        TopicReader(settings) as reader,
        IntakeWorker(kafka.bootstrap_servers, prefix, filled.topic, folder, core, build) as worker,
    ):
        reader.start(TopicPartition(topics.executions.name, number, 0) for number in range(PARTITIONS))
        deadline_s = time.monotonic() + TIMEOUT_S
        begun_s, begun_cpu_s = time.monotonic(), worker.cpu_s()
        while not worker.ready():
            worker.check(deadline_s, lambda: "none")
            time.sleep(_POLL_S)
            begun_s, begun_cpu_s = time.monotonic(), worker.cpu_s()
        while out.total < wanted:
            message = reader.poll(_POLL_S)
            if message is None:
                worker.check(deadline_s, lambda: f"{out.total} of {wanted}")
            else:
                out.take(message.value or b"")
        wall_s, cpu_s = time.monotonic() - begun_s, worker.cpu_s() - begun_cpu_s
        counts = worker.counts()
        check_counts(filled.made, out, counts)
        spans = filled.made.spans
        return Run(spans / cpu_s, wanted / cpu_s, spans / wall_s, cpu_s, wall_s, worker.peak_mb())


def check_counts(made: Made, out: ExecutionsOut, counts: Mapping[str, float]) -> None:
    """Nothing where all that was made came out once, and the worker's counters say the same.

    Raises:
        RuntimeError: something was lost, came twice, or was late.
    """
    losses = ("tracehound_late_spans_total", "tracehound_orphan_spans_total", "tracehound_offsets_lost_total")
    told = {name: counts.get(name, 0.0) for name in losses}
    letters = sum(count for name, count in counts.items() if name.startswith("tracehound_dead_letters"))
    if out.total != made.executions or out.distinct != made.executions or letters or any(told.values()):
        raise RuntimeError(
            f"All {made.executions} executions must come out, each once. Got {out.total} of which {out.distinct} "
            f"are different, {letters:.0f} dead letters, and {told}."
        )


def _fill(kafka: Broker, name: str, spans: int, encode: Encode) -> Filled:
    topics = Topics(f"{name}.", PARTITIONS, (name,))
    [topic] = topics.otlp
    kafka.create_topics(topics)
    config = producer_config(load_settings(bootstrap_servers=kafka.bootstrap_servers))
    producer = connect(config, topic)
    failures: list[str] = []

    def delivered(error: object, message: Message) -> None:
        if error is not None or message.offset() is None:  # (a repetition, so the client thinks, has no offset)
            failures.append(str(error or "no offset"))

    def send(record: Record) -> None:
        while True:
            try:
                producer.produce(topic.name, record.value, timestamp=record.timestamp_ms, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)

    made = make_workload(spans, encode, time.time() - spans / _EVENT_SPANS_PER_S, send)
    if producer.flush(60) or failures:
        raise RuntimeError(f"Kafka did not acknowledge all records: {failures[:3]}")
    return Filled(topic.name, made)


def _stages(spans: int, encode: Encode, rounds: int) -> StageCost:
    records: list[Record] = []
    make_workload(spans, encode, STAGE_START_S, records.append)
    return measure_stages(records, rounds)


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    """Keep this process and what it starts on these cores, where there are any."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed & cores or allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _median(runs: Sequence[Run]) -> dict[str, Any]:
    return {name: _spread([getattr(run, name) for run in runs]) for name in asdict(runs[0])}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def compare(build: str, runs: Mapping[str, Sequence[Run]], others: Mapping[str, Sequence[Run]]) -> Against:
    """How the runs of this code do next to those of a build, round by round."""
    return Against(
        build,
        {name: _spread([run.spans_per_cpu_second for run in measured]) for name, measured in others.items()},
        {
            name: _spread(
                [
                    run.spans_per_cpu_second / other.spans_per_cpu_second
                    for run, other in zip(measured, others[name], strict=True)
                ]
            )
            for name, measured in runs.items()
        },
    )


@click.command()
@click.option("--kind", default="real", show_default=True, help="Broker: real or external.")
@click.option("--spans", default=400_000, show_default=True, help="Spans in protobuf.")
@click.option("--json-spans", default=150_000, show_default=True, help="Spans in JSON.")
@click.option("--stage-spans", default=60_000, show_default=True, help="Spans for the costs of the stages.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--core", default=0, show_default=True, help="The core that the worker is pinned to.")
@click.option("--against", help="A commit whose worker takes turns with this one.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for intake.json and .md.")
def main(
    kind: Any,
    spans: int,
    json_spans: int,
    stage_spans: int,
    rounds: int,
    core: int,
    against: str | None,
    report: Path | None,
) -> None:
    """Measure the stages in this process, then let one worker at a time read the same spans from Kafka."""
    console = Console()
    formats: dict[str, tuple[Encode, int]] = {
        "protobuf": (encode_protobuf, spans),
        "json": (encode_json, json_spans),
    }
    with _on({core}):
        stages = {name: _stages(stage_spans, encode, 2 * rounds + 1) for name, (encode, _) in formats.items()}
        tracers = measure_tracers(stage_spans // 4, 2 * rounds + 1)
    for name, cost in stages.items():
        console.print(f"stages, {name}: {cost}")
    own = f"bench-{time.time_ns() // 1_000_000:x}"
    others = os.sched_getaffinity(0) - {core}  # for the broker and this process, while the worker has its core alone
    with ExitStack() as open_until_done, _on(others), broker(kind) as kafka, tempfile.TemporaryDirectory() as folder:
        builds = [HERE, *([open_until_done.enter_context(checked_out(against))] if against else [])]
        runs: dict[str, dict[str, list[Run]]] = {build.name: {name: [] for name in formats} for build in builds}
        filled = {name: _fill(kafka, f"{own}-{name}", count, encode) for name, (encode, count) in formats.items()}
        for number in range(rounds):
            for name, topic in filled.items():
                for build in builds if number % 2 == 0 else reversed(builds):
                    prefix = f"{own}-{name}-{build.name}-{number}."
                    run = run_worker(kafka, topic, prefix, Path(folder), core, build)
                    runs[build.name][name].append(run)
                    console.print(f"round {number + 1}, {build.name}, {name}: {run}")
        findings = Findings(
            Machine.here(kafka.kind),
            {name: _median(measured) for name, measured in runs[HERE.name].items()},
            {name: asdict(topic.made) for name, topic in filled.items()},
            {name: cost.figures() for name, cost in stages.items()},
            rounds,
            TRACE_WAIT_S,
            compare(builds[1].name, runs[HERE.name], runs[builds[1].name]) if against else None,
            tracers,
        )
    console.print(findings.summary())
    if report is not None:
        write(findings, report)


if __name__ == "__main__":
    main()
