"""From an execution's append to its anomaly's, at shares of the highest rate that one worker keeps up with."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.kafka.topics import ensure_topics
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.cores import on_cores
from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.latency.load import Sent, run_load
from tracehound.scripts.benchmarks.latency.pairs import Answers, pair, trace_ids
from tracehound.scripts.benchmarks.latency.report import Findings, Round, table, write
from tracehound.scripts.benchmarks.latency.workload import Load, Operation, Spread, share_out, targets_of
from tracehound.scripts.benchmarks.measured_process import cpu_seconds
from tracehound.scripts.benchmarks.throughput.run import CLOCK_STARTS, Sizes
from tracehound.scripts.benchmarks.workload import records
from tracehound.scripts.kafka.clients import producer_config
from tracehound.scripts.kafka.topic_reading import TopicReader
from tracehound.scripts.recorded.sending import TopicWriter, connect
from tracehound.scripts.soak.crew import Crew, Member
from tracehound.streams.settings.settings import Settings

PARTITIONS: Final = 12
_POLL_S: Final = 0.2
_BY_THE_BROKER: Final = 1
"""Kafka's `timestampType` of records that are stamped when they are appended, as aiokafka gives it."""
_TIMEOUT_S: Final = 180.0
_ANSWER_S: Final = 5.0
"""How long an anomaly may take after its execution was scored before it counts as missing."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One worker and the topics that it reads and writes, stamped by the broker."""

    kafka: Broker
    topics: Topics
    worker: Member

    def wait_until_scored(self, count: int) -> None:
        """Wait until the worker has scored so many executions since its start.

        Raises:
            TracehoundError: it has ended, or does not get there.
        """
        deadline = time.monotonic() + _TIMEOUT_S
        while (scored := self.worker.counted("executions_total")) < count:
            if not self.worker.runs or time.monotonic() > deadline:
                raise TracehoundError(
                    f"The worker must score {count:,} executions. Got {scored:,.0f} and this log:\n"
                    f"{self.worker.end_of_log()}"
                )
            time.sleep(_POLL_S)

    def catch_up(self, count: int) -> float:
        """Let the worker read what has piled up; executions per second after ``CLOCK_STARTS`` of it, with forests.

        Raises:
            TracehoundError: it has ended, does not get there, or was there before one could look.
        """
        self.wait_until_scored(int(CLOCK_STARTS * count))
        begun_s, first = time.monotonic(), self.worker.counted("executions_total")
        if first >= count:
            raise TracehoundError(f"The backlog must take longer than a look at the metrics. Got {count:,} executions.")
        self.wait_until_scored(count)
        return (count - first) / (time.monotonic() - begun_s)

    def send(self, load: Load) -> tuple[Sent, float]:
        """Send a load from a process of its own; returns what was sent, and the cores that the worker used.

        Raises:
            BrokerError: the broker did not take all of it.
        """
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (self.kafka.bootstrap_servers, self.topics.executions, load, theirs)
        process = context.Process(target=run_load, args=arguments, daemon=True)
        process.start()
        theirs.close()
        try:
            ours.recv()
            begun_s, begun_cpu_s = time.monotonic(), cpu_seconds(self.worker.pid)
            ours.send("go")
            sent: Sent = ours.recv()
            busy = (cpu_seconds(self.worker.pid) - begun_cpu_s) / (time.monotonic() - begun_s)
        except EOFError:
            raise TracehoundError("The process that sends the load has ended by itself.") from None
        finally:
            ours.close()
            process.join(1)
            process.kill()
        if sent.failure or len(sent.appended_ms) != len(load.targets):
            raise BrokerError(f"Kafka did not take the whole load: {sent.failure or 'planted records are missing'}.")
        return sent, busy


class AnomaliesSince:
    """Reads the anomalies that were appended since it was made."""

    def __init__(self, servers: str, topic: str) -> None:
        self._settings = Settings(bootstrap_servers=servers)
        self._topic = topic
        with TopicReader(self._settings) as reader:
            self._begun = {partition: high for partition, (_, high) in reader.ends(topic).items()}

    def told(self) -> Iterator[tuple[str, int]]:
        """Trace ids and when their anomalies were appended, epoch milliseconds."""
        with TopicReader(self._settings) as reader:
            ends = {
                partition: (max(low, self._begun.get(partition, 0)), high)
                for partition, (low, high) in reader.ends(self._topic).items()
                if high > self._begun.get(partition, 0)
            }
            for message in reader.scan(self._topic, ends):
                moment_ms = message.timestamp
                if message.timestamp_type != _BY_THE_BROKER:
                    raise BrokerError(f"The broker must stamp the records of {self._topic} when it appends them.")
                yield from ((trace_id, moment_ms) for trace_id in trace_ids(message.value or b""))

    def answers(self, sent: Sent) -> Answers:
        """Latencies, once all planted executions have their anomaly or it takes too long."""
        deadline = time.monotonic() + _ANSWER_S
        while (found := pair(sent.appended_ms, self.told())).unanswered and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return found


def stamped(kafka: Broker, topics: Topics) -> None:
    """Create the topics of a scoring worker so that the broker stamps records when it appends them."""
    how = {"message.timestamp.type": "LogAppendTime"}
    wanted = [replace(topic, config={**topic.config, **how}) for topic in topics.scoring()]
    ensure_topics(kafka.client_config, wanted, kafka.replication_factor)


def fill(kafka: Broker, topics: Topics, spread: Spread, count: int) -> list[Operation]:
    """Let normal executions pile up; returns the operations that they teach well enough to plant in."""
    made = list(spread.executions(count, time.time()))
    config = producer_config(Settings(bootstrap_servers=kafka.bootstrap_servers))
    writer = TopicWriter(connect(config, topics.executions), topics.executions)
    for key, value, _ in records(iter(made), 1):
        writer.produce(value, key.encode())
    writer.close(_TIMEOUT_S)
    return targets_of(made)


def run_round(bench: Bench, load: Load, share: float, scored: int) -> tuple[Round, int]:
    """One round, after ``scored`` executions; returns how many there are after it, too."""
    anomalies = AnomaliesSince(bench.kafka.bootstrap_servers, bench.topics.anomalies.name)
    sent, busy = bench.send(load)
    scored += sent.records
    bench.wait_until_scored(scored)
    found = anomalies.answers(sent)
    return Round(share, load.rate, sent.records / sent.took_s, found, sent.behind_ms, busy), scored


def measure(
    bench: Bench,
    spread: Spread,
    backlog: tuple[int, Sequence[Operation]],
    shares: Sequence[float],
    rounds: int,
    setup: dict[str, float],
    maximum: float | None,
    console: Console,
) -> Findings:
    """Let the worker catch up with the backlog, then measure every share in each round."""
    scored, targets = backlog
    if maximum is None:
        wanted = bench.catch_up(scored)
        console.print(f"catching up: {wanted:,.0f} executions/s")
    else:
        wanted = maximum
        bench.wait_until_scored(scored)
    planted = iter(share_out(targets, rounds * len(shares), int(setup["seconds"] / setup["plant_every_s"])))
    done: list[Round] = []
    for number in range(rounds):
        for share in shares:
            name = f"planted-{number}-{share:g}"
            load = Load(name, spread, share * wanted, setup["settle_s"], setup["plant_every_s"], next(planted))
            one, scored = run_round(bench, load, share, scored)
            done.append(one)
            console.print(
                f"round {number + 1}, {share:.0%}: {len(one.answers.latencies_ms)} answered, "
                f"{len(one.answers.unanswered)} not, worker {one.busy:.0%} busy"
            )
    machine = Machine.here(bench.kafka.kind)
    return Findings(machine, wanted, maximum is not None, done, setup)


@click.command()
@click.option("--kind", default="real", show_default=True, help="Broker: real or external.")
@click.option("--maximum", type=float, help="Executions per second that count as the maximum; measured without it.")
@click.option("--backlog", default=Sizes().count, show_default=True, help="Executions to measure the maximum with.")
@click.option("--share", "shares", multiple=True, type=float, default=(0.1, 0.5, 0.8), show_default=True)
@click.option("--seconds", default=20.0, show_default=True, help="Of each round, after the load has settled.")
@click.option("--settle", "settle_s", default=3.0, show_default=True, help="Seconds before anything is planted.")
@click.option("--plant-every", "plant_every_s", default=0.05, show_default=True, help="Seconds between planted ones.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--applications", default=200, show_default=True)
@click.option("--operations", default=20, show_default=True, help="Operations per application.")
@click.option("--core", default=0, show_default=True, help="The core that the worker is pinned to.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for the report.")
def main(
    kind: Any,
    maximum: float | None,
    backlog: int,
    shares: tuple[float, ...],
    seconds: float,
    settle_s: float,
    plant_every_s: float,
    rounds: int,
    applications: int,
    operations: int,
    core: int,
    output: Path | None,
) -> None:
    """Measure how long anomalies take at shares of the highest rate that one worker keeps up with."""
    console, spread = Console(), Spread(applications, operations)
    setup = {
        "applications": applications,
        "operations": operations,
        "backlog": backlog,
        "seconds": seconds,
        "settle_s": settle_s,
        "plant_every_s": plant_every_s,
        "rounds": rounds,
    }
    others = os.sched_getaffinity(0) - {core}
    with ExitStack() as stack:
        stack.enter_context(on_cores(others))
        kafka = stack.enter_context(broker(kind))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        topics = Topics(f"bench-latency-{time.time_ns() // 1_000_000:x}.", PARTITIONS)
        stamped(kafka, topics)
        targets = fill(kafka, topics, spread, backlog)
        crew = stack.enter_context(Crew(folder, _environment(kafka, topics)))
        with on_cores({core}):
            worker = crew.hire()
        bench = Bench(kafka, topics, worker)
        findings = measure(bench, spread, (backlog, targets), shares, rounds, setup, maximum, console)
        crew.stop()
    titles, rows = table(findings)
    shown = Table(*titles)
    for row in rows:
        shown.add_row(*row)
    console.print(shown, findings.summary())
    if output is not None:
        write(findings, output)


def _environment(kafka: Broker, topics: Topics) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TRACEHOUND_TOPIC_PREFIX": topics.prefix,
        "TRACEHOUND_PARTITIONS": str(PARTITIONS),
        "TRACEHOUND_GROUP_ID": f"{topics.prefix}group",
    }


if __name__ == "__main__":
    main()
