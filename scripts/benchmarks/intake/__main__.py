"""Spans per CPU second of one intake worker on a real Kafka, and what each stage of intake costs."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from confluent_kafka import Message, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.intake.report import Findings, Machine, write
from tracehound.scripts.benchmarks.intake.stages import StageCost, measure_stages
from tracehound.scripts.benchmarks.intake.workload import Made, Record, make_workload
from tracehound.scripts.benchmarks.measured_process import cpu_seconds, peak_memory_mb
from tracehound.scripts.kafka.clients import consumer_config, producer_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.scripts.recorded.otlp_encoding import Encode, encode_json, encode_protobuf
from tracehound.scripts.recorded.sending import connect
from tracehound.streams.settings.settings import load_settings

PARTITIONS: Final = 12
TRACE_WAIT_S: Final = 2.0
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


class IntakeWorker:
    """A worker of its own process, pinned to one core; ends with the ``with`` statement."""

    def __init__(self, servers: str, prefix: str, otlp_topic: str, folder: Path, core: int) -> None:
        [port] = free_ports(1)
        self._url = f"http://127.0.0.1:{port}/"
        self._log = folder / f"{prefix}log"
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "TRACEHOUND_TOPIC_PREFIX": prefix,
            "TRACEHOUND_PARTITIONS": str(PARTITIONS),
            "TRACEHOUND_INTAKE__OTLP_TOPICS": otlp_topic,
            "TRACEHOUND_INTAKE__GROUP_ID": f"{prefix}intake",
            "TRACEHOUND_INTAKE__TRACE_WAIT_S": str(TRACE_WAIT_S),
            "TRACEHOUND_INTAKE__HTTP_PORT": str(port),
        }
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core), sys.executable, "-m", "tracehound", "intake"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )

    def __enter__(self) -> "IntakeWorker":
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        return cpu_seconds(self._process.pid)

    def peak_mb(self) -> float:
        """The most memory it has had."""
        return peak_memory_mb(self._process.pid)

    def ready(self) -> bool:
        """Whether it has partitions to read; it begins to at once."""
        return bool(self._ask("readyz"))

    def counts(self) -> dict[str, float]:
        """Its counters by name and labels; empty while it does not answer."""
        text = self._ask("metrics")
        return {
            " ".join((sample.name, *sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("tracehound_") and sample.name.endswith("_total")
        }

    def _ask(self, path: str) -> str:
        try:
            with urllib.request.urlopen(self._url + path, timeout=5) as answer:  # noqa: S310 (always http)
                return str(answer.read().decode())
        except (urllib.error.URLError, TimeoutError, ConnectionError):  # (not ready is an error of HTTP)
            return ""

    def check(self, deadline_s: float, sofar: Callable[[], str]) -> None:
        """Nothing while it runs and the deadline (of ``time.monotonic``) has not passed.

        Raises:
            RuntimeError: it ended or takes too long; the message holds its counters and the end of its log.
        """
        if self._process.poll() is None and time.monotonic() < deadline_s:
            return
        log = self._log.read_text(errors="replace")[-1500:]
        raise RuntimeError(
            f"The intake worker must bring out all executions. Got {sofar()}, status {self._process.returncode}, "
            f"counters {self.counts()} and this log:\n{log}"
        )


def run_worker(kafka: Broker, filled: Filled, prefix: str, folder: Path, core: int) -> Run:
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
        TopicReader(consumer_config(settings)) as reader,
        IntakeWorker(kafka.bootstrap_servers, prefix, filled.topic, folder, core) as worker,
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
                out.take(message.value() or b"")
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


def _median(runs: list[Run]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in asdict(runs[0]):
        values = [getattr(run, name) for run in runs]
        figures[name] = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return figures


@click.command()
@click.option("--kind", default="real", show_default=True, help="Broker: real or external.")
@click.option("--spans", default=400_000, show_default=True, help="Spans in protobuf.")
@click.option("--json-spans", default=150_000, show_default=True, help="Spans in JSON.")
@click.option("--stage-spans", default=60_000, show_default=True, help="Spans for the costs of the stages.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--core", default=0, show_default=True, help="The core that the worker is pinned to.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for intake.json and .md.")
def main(kind: Any, spans: int, json_spans: int, stage_spans: int, rounds: int, core: int, report: Path | None) -> None:
    """Measure the stages in this process, then let one worker at a time read the same spans from Kafka."""
    console = Console()
    formats: dict[str, tuple[Encode, int]] = {
        "protobuf": (encode_protobuf, spans),
        "json": (encode_json, json_spans),
    }
    with _on({core}):
        stages = {name: _stages(stage_spans, encode, 2 * rounds + 1) for name, (encode, _) in formats.items()}
    for name, cost in stages.items():
        console.print(f"stages, {name}: {cost}")
    runs: dict[str, list[Run]] = {name: [] for name in formats}
    own = f"bench-{time.time_ns() // 1_000_000:x}"
    others = os.sched_getaffinity(0) - {core}  # for the broker and this process, while the worker has its core alone
    with _on(others), broker(kind) as kafka, tempfile.TemporaryDirectory() as folder:
        filled = {name: _fill(kafka, f"{own}-{name}", count, encode) for name, (encode, count) in formats.items()}
        for number in range(rounds):
            for name, topic in filled.items():
                runs[name].append(run_worker(kafka, topic, f"{own}-{name}-{number}.", Path(folder), core))
                console.print(f"round {number + 1}, {name}: {runs[name][-1]}")
        findings = Findings(
            Machine.here(kafka.kind),
            {name: _median(measured) for name, measured in runs.items()},
            {name: asdict(topic.made) for name, topic in filled.items()},
            {name: cost.figures() for name, cost in stages.items()},
            rounds,
            TRACE_WAIT_S,
        )
    console.print(findings.summary())
    if report is not None:
        write(findings, report)


if __name__ == "__main__":
    main()
