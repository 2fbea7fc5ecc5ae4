"""Measures the console: its reader, its answers on both engines, and Datasette on the same SQLite file."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from tracehound.console.store.engine import Store
from tracehound.infra.kafka.broker import Broker, broker
from tracehound.infra.postgresql import postgresql
from tracehound.schemas.topics import Topics
from tracehound.scripts.benchmarks.api.asking import in_turns
from tracehound.scripts.benchmarks.api.filling import Size, application, fill
from tracehound.scripts.benchmarks.api.questions import filtered, filtered_by_datasette, questions
from tracehound.scripts.benchmarks.api.reading import publish, read
from tracehound.scripts.benchmarks.api.report import Engine, Findings, Peer, write
from tracehound.scripts.benchmarks.api.servers import console, datasette
from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.benchmarks.measured_process import peak_memory_mb

_OFTEN = 50
_ROUNDS = 5


@click.command()
@click.option("--anomalies", default=Size().anomalies, show_default=True, type=click.IntRange(1_000))
@click.option("--incidents", default=Size().incidents, show_default=True, type=click.IntRange(10))
@click.option("--requests", default=300, show_default=True, type=click.IntRange(20), help="Of each kind.")
@click.option("--events", default=150_000, show_default=True, type=click.IntRange(1_000), help="For the reader.")
@click.option("--kafka", default="real", show_default=True, type=click.Choice(["real", "embedded"]))
@click.option("--datasette", "program", type=click.Path(path_type=Path), help="The program; without it, none is asked.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for api.json.")
def main(
    anomalies: int, incidents: int, requests: int, events: int, kafka: str, program: Path | None, report: Path | None
) -> None:
    """Fill a store on each engine, ask it, and have the reader store more."""
    size, load = Size(anomalies, incidents), os.getloadavg()[0]
    engines: dict[str, Engine] = {}
    peer = None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracehound-api-")))
        started = stack.enter_context(broker("real" if kafka == "real" else "embedded"))
        topics = publish(started, events)
        for name in ("sqlite", "postgresql"):
            with _database(name, folder) as url:
                store = Store(url)
                store.migrate()
                fill(store, size)
                _prepare(store)
                engines[name] = _engine(name, url, folder, size, requests)
                if name == "sqlite" and program is not None:
                    peer = _peer(program, url, folder, requests)
                engines[name] = _with_reading(
                    engines[name], started, topics, events, store, url, folder / f"{name}.log"
                )
                store.close()
        findings = Findings(Machine.here(started.kind), size, engines, peer, load)
    for name, one in engines.items():
        for what, answers in one.answers.items():
            click.echo(f"{name:10} {what:8} p50 {answers.p50_ms:7.1f} ms  p99 {answers.p99_ms:7.1f} ms")
        if one.reading is not None:
            click.echo(f"{name:10} reader   {one.reading.per_cpu_second:,.0f} events per CPU second")
    if peer is not None:
        click.echo(f"{peer.ratio:.1f} times the requests per CPU second of Datasette {peer.version}")
    if report is not None:
        write(findings, report)


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder}/store.db"
    else:
        with postgresql() as url:
            yield url + "postgres"


def _prepare(store: Store) -> None:
    """What each engine does by itself in time."""
    store.analyze()
    if store.path is None:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _engine(name: str, url: str, folder: Path, size: Size, requests: int) -> Engine:
    with console(url, folder / f"{name}-serving.log") as (client, pid):
        asked = questions(size, requests)
        for paths in asked.values():
            client.measure(paths[:_OFTEN])
        return Engine({what: client.measure(paths) for what, paths in asked.items()}, None, peak_memory_mb(pid))


def _with_reading(
    engine: Engine, started: Broker, topics: Topics, events: int, store: Store, url: str, log: Path
) -> Engine:
    return Engine(engine.answers, read(started, topics, events, store, url, log), engine.serving_mb)


def _peer(program: Path, url: str, folder: Path, requests: int) -> Peer:
    file = Path(url.removeprefix("sqlite:///"))
    names = [application(number * 7 % 200) for number in range(requests)]
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    with (
        console(url, folder / "peer-ours.log") as (ours, _),
        datasette(program, file, folder / "datasette.log") as theirs,
    ):
        for bare in (False, True):
            rows = theirs.get(filtered_by_datasette(names[0], bare))["rows"]
            if len(rows) != _OFTEN or "event" not in rows[0]:
                raise RuntimeError(f"Datasette must answer {_OFTEN} rows with events. Got {len(rows)}.")
        ours.measure(map(filtered, names[:_OFTEN]))
        usual = theirs.measure(filtered_by_datasette(name, False) for name in names[: 2 * _OFTEN])
        many = names * _ROUNDS
        by_ours, bare_answers = in_turns(
            [(ours, [*map(filtered, many)]), (theirs, [filtered_by_datasette(name, True) for name in many])],
            2 * _ROUNDS,
        )
    return Peer(said, by_ours, usual, bare_answers)


if __name__ == "__main__":
    main()
