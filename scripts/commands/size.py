"""The command `tracehound size`: what a load needs of workers, Kafka and money, reckoned from measured figures."""

import dataclasses
import json
import math
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tracehound.scripts.sizing.measured import Measured, measured
from tracehound.scripts.sizing.reckoning import Load, Prices, Size, size

_LOAD, _PRICES = Load(1, 1.0), Prices()


class _Number(click.FloatRange):
    """A number within a range; not a number is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it.

        Raises:
            click.BadParameter: it is no finite number of the range.
        """
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no finite number.", param, ctx)
        return found


@click.command(name="size")
@click.option("--applications", type=click.IntRange(1, 100_000_000), required=True, help="How many are watched.")
@click.option(
    "--rate",
    type=_Number(0.0, 1e9, min_open=True),
    required=True,
    help="Executions/s of all together, on average.",
)
@click.option(
    "--peak",
    type=_Number(1.0, 100.0),
    default=_LOAD.peak,
    show_default=True,
    help="The busiest hour's, times that.",
)
@click.option(
    "--operations",
    type=click.IntRange(1, 1_000_000),
    default=_LOAD.operations,
    show_default=True,
    help="Of an application.",
)
@click.option(
    "--segments",
    type=_Number(0.0, 5_000.0),
    default=_LOAD.segments,
    show_default=True,
    help="Of an execution.",
)
@click.option(
    "--bytes",
    "bytes_per_execution",
    type=_Number(1.0, 1e8),
    default=_LOAD.bytes_per_execution,
    show_default=True,
    help="Of an execution on Kafka, compressed.",
)
@click.option(
    "--per-record",
    type=click.IntRange(1, 10_000),
    default=_LOAD.per_record,
    show_default=True,
    help="Executions in a record, where producers send arrays.",
)
@click.option("--spans", is_flag=True, help="They come as spans, by the gateway, and intake joins them.")
@click.option(
    "--largest-share",
    type=_Number(0.0, 1.0),
    default=_LOAD.largest_share,
    show_default=True,
    help="Share of the executions that are of the largest application.",
)
@click.option(
    "--busy",
    type=_Number(0.05, 0.9),
    default=_LOAD.busy,
    show_default=True,
    help="Share of a core that a process may be busy at the peak.",
)
@click.option(
    "--keep-days",
    type=_Number(0.01, 3_650.0),
    default=_LOAD.keep_days,
    show_default=True,
    help="How long Kafka keeps executions.",
)
@click.option(
    "--replicas", type=click.IntRange(1, 10), default=_LOAD.replicas, show_default=True, help="Of a partition."
)
@click.option("--core-hour", type=_Number(0.0), default=_PRICES.core_hour, show_default=True, help="Price of a core.")
@click.option(
    "--memory-gb-hour",
    type=_Number(0.0),
    default=_PRICES.memory_gb_hour,
    show_default=True,
    help="Price of a GB of memory.",
)
@click.option(
    "--disk-gb-month",
    type=_Number(0.0),
    default=_PRICES.disk_gb_month,
    show_default=True,
    help="Price of a GB of disk.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="For programs: the size, the load, and what it was reckoned from."
)
def size_command(
    core_hour: float, memory_gb_hour: float, disk_gb_month: float, as_json: bool, **load: float | bool
) -> None:
    """Reckon workers, partitions, memory, disk, traffic and money for a load.

    \b
    tracehound size --applications 200 --rate 2000
    tracehound size --applications 1000000 --rate 50000 --operations 5 --spans
    """
    given, figures = Load(**load), measured()  # type: ignore[arg-type] # click has made numbers of them
    found = size(given, figures, Prices(core_hour, memory_gb_hour, disk_gb_month))
    if as_json:
        click.echo(
            json.dumps(
                {
                    "size": dataclasses.asdict(found),
                    "load": dataclasses.asdict(given),
                    "measured_on": figures.sources,
                },
                indent=2,
            )
        )
        return
    console = Console()
    console.print(_table(found))
    for warning in found.warnings:
        console.print(f"[bold]Mind:[/bold] {warning}")
    console.print(_basis(given, figures), style="dim")


def _table(found: Size) -> Table:
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    rows = [
        ("workers", f"{found.workers:,}", f"one more than needed; {found.worker_cores:,.1f} cores busy at the peak"),
        ("", f"{found.worker_memory_mb:,.0f} MB", "memory of each"),
        ("", f"{found.worker_us:,.1f} µs", "of CPU for an execution"),
        ("partitions", f"{found.partitions:,}", "of each topic: room for four times the workers"),
    ]
    if found.intakes:
        rows += [
            ("intakes", f"{found.intakes:,}", "one more than needed"),
            ("gateways", f"{found.gateways:,}", "one more than needed"),
        ]
    rows += [
        ("Kafka", f"{found.kafka_in_mb_s:,.1f} MB/s", "in at the peak, before replication"),
        ("", f"{found.kafka_out_mb_s:,.1f} MB/s", "out at the peak"),
        (
            "",
            f"{found.kafka_disk_gb:,.0f} GB",
            f"on disk, all replicas, {found.states_gb:,.2f} GB of it (once) what is learned",
        ),
        ("a worker lost", f"{found.restore_s:,.0f} s", "until all it had learned is read elsewhere, on one core"),
        ("largest application", f"{found.largest_rate:,.0f}/s", f"of {found.largest_limit:,.0f} that one worker does"),
        ("cost", f"{found.cost_per_month:,.0f}", "a month, without Kafka's machines"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _basis(load: Load, figures: Measured) -> str:
    where = ", ".join(f"{name} {commit}" for name, commit in figures.sources.items())
    return (
        f"Reckoned for {load.applications * load.operations:,} operations and {load.rate * load.peak:,.0f} "
        f"executions/s at the peak, from figures measured on shared two-core machines ({where}): "
        "try a tenth of it on yours."
    )
