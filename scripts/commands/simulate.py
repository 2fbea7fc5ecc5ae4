"""The command `simulate`: executions of simulated applications, live to Kafka or into a file, with known faults."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from heapq import merge
from pathlib import Path
from typing import BinaryIO, TextIO

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import Execution, epoch_seconds
from tracehound.scripts.recorded.sending import Sender
from tracehound.scripts.recorded.sending_formats import Format, destination, format_options, open_sender, refuse_formats
from tracehound.scripts.simulator.applications import APPLICATIONS_PER_SHOP, build_system
from tracehound.scripts.simulator.faults import Fault, parse_duration, parse_fault
from tracehound.scripts.simulator.feed import Feed
from tracehound.scripts.simulator.plan import FaultPlan, asked_for, now_and_then
from tracehound.scripts.simulator.simulation import Simulation
from tracehound.scripts.simulator.system import System
from tracehound.scripts.simulator.truth import truth_of
from tracehound.streams.settings.settings import load_settings

TICK_S = 0.05
BATCH = 50
Tell = Callable[[Iterable[Fault]], None]


class JsonLines:
    """A sink that writes one execution per line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._encode = msgspec.json.Encoder().encode

    def send(self, execution: Execution) -> None:
        """Write the execution."""
        self._file.write(self._encode(execution) + b"\n")

    def flush(self) -> None:
        """Leave it to the file's buffer."""


@click.command()
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=100.0, show_default=True, help="Executions/s.")
@click.option("--duration", metavar="TIME", help="How long from now on, such as 90s or 10m; without it until Ctrl-C.")
@click.option("--history", metavar="TIME", default="0s", show_default=True, help="A past sent first, at full speed.")
@click.option(
    "--fault", "fault_texts", multiple=True, metavar="NAME[:APPLICATION]@+TIME[/TIME][xEFFECT]", help="A fault."
)
@click.option(
    "--faults", type=click.Choice(["none", "random"]), default="none", show_default=True, help="Now and then."
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same executions.")
@click.option("--applications", type=click.IntRange(1, 100_000), default=APPLICATIONS_PER_SHOP, show_default=True)
@format_options(BATCH)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="JSON lines into a file, at once.")
@click.option("--start", metavar="MOMENT", help="With --output: what 'now' is, RFC 3339.")
@click.option("--truth", type=click.Path(path_type=Path, dir_okay=False), help="Where faults are told; else stdout.")
def simulate(
    rate: float,
    duration: str | None,
    history: str,
    fault_texts: tuple[str, ...],
    faults: str,
    seed: int,
    applications: int,
    sent_as: Format | None,
    topic: str | None,
    batch: int | None,
    output: Path | None,
    start: str | None,
    truth: Path | None,
) -> None:
    """Produce executions of simulated applications that call each other.

    The names of faults are slow_dependency, network_delay, new_release, n_plus_one, lost_call, error_burst,
    new_error_type, silence, traffic_surge, saturation, slow_code, cache_outage, traffic_drop, memory_leak and
    queue_backlog. What is left open (application, effect) is chosen from the seed. Each fault is told as one JSON
    line when it starts.
    """
    if start is not None and output is None:
        raise click.UsageError("--start needs --output: what goes to Kafka happens now.")
    if output is not None:
        refuse_formats(None if sent_as == "executions" else sent_as, topic, "--output")
    requests = [parse_fault(text) for text in fault_texts]
    history_s, duration_s = parse_duration(history), None if duration is None else parse_duration(duration)
    if output is not None and duration_s is None:
        raise click.UsageError("--output needs --duration, or the file would never end.")
    system = build_system(applications, seed, messages=True)
    now_s = time.time() if start is None else _moment(start)
    simulation = Simulation(system, seed, rate, now_s - history_s)

    def plan(live_s: float) -> FaultPlan:
        chosen = iter(asked_for(requests, system, seed, live_s))
        endless = now_and_then(system, seed, live_s) if faults == "random" else iter(())
        return FaultPlan(merge(chosen, endless, key=lambda fault: fault.start_s), simulation, live_s)

    with ExitStack() as stack:
        told = click.get_text_stream("stdout") if truth is None else stack.enter_context(truth.open("w"))
        tell = partial(_tell, system=system, told=told)
        if output is not None:
            feed = Feed(simulation, JsonLines(stack.enter_context(output.open("wb"))))
            feed.advance(now_s)
            _write(feed, plan(now_s), now_s, duration_s or 0.0, tell)
        else:
            settings = load_settings()
            to = destination(settings, sent_as or "executions", topic)
            sender = open_sender(settings, sent_as or "executions", to, batch, BATCH)
            feed = _send(simulation, sender, plan, now_s - history_s, duration_s, tell)
    click.echo(f"{feed.sent:,} executions.", err=True)


def _write(feed: Feed, plan: FaultPlan, now_s: float, duration_s: float, tell: Tell) -> None:
    end_s = now_s + duration_s
    while now_s < end_s:
        tell(plan.started(now_s))
        now_s = min(end_s, now_s + 1.0)
        feed.advance(now_s)


def _send(
    simulation: Simulation,
    sender: Sender,
    plan: Callable[[float], FaultPlan],
    start_s: float,
    duration_s: float | None,
    tell: Tell,
) -> Feed:
    feed = Feed(simulation, sender)
    try:
        live_s = _send_past(feed, start_s)
        live_plan = plan(live_s)
        end_s = float("inf") if duration_s is None else live_s + duration_s
        while (now_s := time.time()) < end_s:
            feed.advance(now_s)
            tell(live_plan.started(now_s))
            time.sleep(TICK_S)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    sender.close()
    return feed


def _send_past(feed: Feed, start_s: float) -> float:
    screen = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bar:
        task = bar.add_task("sending the past", total=max(time.time() - start_s, 1e-9))
        return feed.catch_up(start_s, time.time, lambda at_s: bar.update(task, completed=at_s - start_s))


def _tell(faults: Iterable[Fault], system: System, told: TextIO) -> None:
    for fault in faults:
        told.write(msgspec.json.encode(truth_of(fault, system)).decode() + "\n")
        told.flush()


def _moment(text: str) -> float:
    try:
        return epoch_seconds(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--start must be an RFC 3339 date-time with an offset. Got {text!r} instead."
        ) from error
