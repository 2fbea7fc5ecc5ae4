"""Executions per second of one worker with all detectors on, next to stock Faust with River, in one run."""

import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from infra.kafka.broker import broker
from infra.kafka.ports import free_ports
from schemas.topics import Topics
from scripts.benchmarks.measured_process import Measurement, measure
from scripts.benchmarks.workload import executions, records
from scripts.kafka_clients import producer_config
from scripts.sending import connect
from streams.settings import load_settings

PARTITIONS = 12
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A program and the topics that it reads: ``prefix`` says which of the two workloads."""

    name: str
    prefix: str
    run: Callable[[Path, str, int], Measurement]


def _worker(bootstrap: str, prefix: str, total: int) -> Callable[[Path, str, int], Measurement]:
    def run(folder: Path, group: str, core: int) -> Measurement:
        [port] = free_ports(1)
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "TRACEHOUND_TOPIC_PREFIX": prefix,
            "TRACEHOUND_PARTITIONS": str(PARTITIONS),
            "TRACEHOUND_GROUP_ID": group,
            "TRACEHOUND_HTTP_PORT": str(port),
        }
        command = [sys.executable, "-m", "scripts", "worker"]
        metrics = _Metrics(port)
        try:
            return measure(command, environment, folder / "log", metrics.scored, total, core, TIMEOUT_S)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\nIts last metrics:\n{metrics.counts()}") from error

    return run


class _Metrics:
    """What a worker says of itself; keeps the last answer."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._text = ""

    def scored(self) -> int:
        """Executions scored so far; 0 while it does not answer."""
        try:
            with urllib.request.urlopen(self._url, timeout=5) as answer:  # noqa: S310 (always http)
                self._text = answer.read().decode()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return 0
        lines = (line for line in self._text.splitlines() if line.startswith("tracehound_executions_total"))
        return int(sum(float(line.split()[-1]) for line in lines))

    def counts(self) -> str:
        """All counters and the records that wait."""
        shown = ("_total", "_total{", "tracehound_lag_records{")
        return "\n".join(
            line
            for line in self._text.splitlines()
            if line.startswith("tracehound_") and any(part in line for part in shown)
        )


def _stock(bootstrap: str, topic: str, total: int) -> Callable[[Path, str, int], Measurement]:
    def run(folder: Path, group: str, core: int) -> Measurement:
        log = folder / "log"
        command = [sys.executable, "-m", "scripts.benchmarks.stock_faust_river", bootstrap, topic, group]

        def printed() -> int:
            numbers = [line for line in log.read_text(errors="replace").splitlines()[:-1] if line.isdigit()]
            return int(numbers[-1]) if numbers else 0

        return measure(command, {}, log, printed, total, core, TIMEOUT_S)

    return run


def _fill(bootstrap: str, topics: Topics, count: int, batch: int, applications: int, operations: int) -> None:
    settings = load_settings(bootstrap_servers=bootstrap)
    failures: list[str] = []

    def delivered(error: Any, _: Any) -> None:
        if error is not None:
            failures.append(str(error))

    producer = connect(producer_config(settings) | {"queue.buffering.max.messages": 500_000}, topics.executions)
    for key, value, _ in records(executions(count, applications, operations, 5, time.time()), batch):
        while True:
            try:
                producer.produce(topics.executions.name, value, key, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if producer.flush(120) or failures:
        raise RuntimeError(f"Kafka did not acknowledge all executions: {failures[:3]}")


def _summary(runs: list[Measurement]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in asdict(runs[0]):
        values = [getattr(run, name) for run in runs]
        figures[name] = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return figures


def _show(figures: dict[str, dict[str, Any]]) -> Table:
    table = Table("contender", "executions/s", "executions per CPU second", "peak MB", "against stock Faust + River")
    stock = figures["faust_river"]["executions_per_second"]["median"]
    for name, figure in figures.items():
        rate, per_cpu, peak = (
            figure[column] for column in ("executions_per_second", "executions_per_cpu_second", "peak_mb")
        )
        ranges = (f"{one['median']:,.0f} ({one['min']:,.0f} to {one['max']:,.0f})" for one in (rate, per_cpu))
        table.add_row(name, *ranges, f"{peak['median']:,.0f}", f"{rate['median'] / stock:.1f} ×")
    return table


@click.command()
@click.option("--kind", default="real", show_default=True, help="Broker: real or embedded.")
@click.option("--count", default=400_000, show_default=True, help="Executions for the worker.")
@click.option("--stock-count", default=40_000, show_default=True, help="Executions for stock Faust with River.")
@click.option("--applications", default=200, show_default=True)
@click.option("--operations", default=20, show_default=True, help="Operations per application.")
@click.option("--batch", default=50, show_default=True, help="Executions per record in the second workload.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--core", default=0, show_default=True, help="The core that contenders are pinned to.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the figures as JSON.")
def main(
    kind: Any,
    count: int,
    stock_count: int,
    applications: int,
    operations: int,
    batch: int,
    rounds: int,
    core: int,
    output: Path | None,
) -> None:
    """Let each contender read the same generated executions from one broker, pinned to one core, in turn."""
    console = Console()
    single, arrays, short = (Topics(f"bench-{name}.", PARTITIONS) for name in ("single", "arrays", "short"))
    with broker(kind) as kafka, tempfile.TemporaryDirectory() as folder:
        for topics, number, size in ((single, count, 1), (arrays, count, batch), (short, stock_count, 1)):
            kafka.create_topics(topics)
            _fill(kafka.bootstrap_servers, topics, number, size, applications, operations)
        servers = kafka.bootstrap_servers
        contenders = [
            Contender("tracehound", single.prefix, _worker(servers, single.prefix, count)),
            Contender("tracehound_arrays", arrays.prefix, _worker(servers, arrays.prefix, count)),
            Contender("faust_river", short.prefix, _stock(servers, short.executions.name, stock_count)),
        ]
        runs: dict[str, list[Measurement]] = {contender.name: [] for contender in contenders}
        for number in range(rounds):
            for contender in contenders:
                place = Path(folder, f"{contender.name}-{number}")
                place.mkdir()
                runs[contender.name].append(contender.run(place, f"{contender.name}-{number}", core))
                console.print(f"round {number + 1}, {contender.name}: {runs[contender.name][-1]}")
    figures = {name: _summary(measured) for name, measured in runs.items()}
    console.print(_show(figures))
    if output is not None:
        setup = {
            "applications": applications,
            "operations": operations,
            "segments": 5,
            "batch": batch,
            "rounds": rounds,
        }
        output.write_bytes(orjson.dumps({"setup": setup, "contenders": figures}, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main()
