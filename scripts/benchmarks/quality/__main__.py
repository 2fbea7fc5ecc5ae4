"""The command behind `make bench-quality`: judges detection on labelled traces, writes figures, plots and report."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.benchmarks.quality.document import machine, rounded
from tracehound.scripts.benchmarks.quality.figures import Figures
from tracehound.scripts.benchmarks.quality.plots import draw_precision_recall, draw_timeline
from tracehound.scripts.benchmarks.quality.report import report
from tracehound.scripts.benchmarks.quality.run import Judged, judge, judge_budget
from tracehound.scripts.benchmarks.quality.workload import ROLES, DataSet, open_data_sets
from tracehound.scripts.commands.replay_report import console
from tracehound.scripts.documents.stored import store

COMMAND = "make bench-quality"
TUNED = "train_ticket_30"


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data"),
    show_default=True,
    help="Folder that holds traces/<name>/.",
)
@click.option("--only", type=click.Choice(list(ROLES)), multiple=True, help="These recordings; writes no files.")
@click.option("--no-baselines", is_flag=True, help="The product's figures alone, quickly; writes no files.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs/benchmarks"),
    show_default=True,
    help="Folder for quality.json, quality.md and the plots of a complete run.",
)
@click.option("--processes", type=click.IntRange(1), default=2, show_default=True, help="For all but the product.")
def main(data: Path, only: tuple[str, ...], no_baselines: bool, output: Path, processes: int) -> None:
    """Judge detection on labelled traces next to simple methods, and print the figures."""
    begun = time.monotonic()
    try:
        data_sets = open_data_sets(data, only or list(ROLES))
    except TracehoundError as error:
        raise click.ClickException(str(error)) from error
    if no_baselines or only:
        judged = _partial(data_sets, no_baselines, processes)
        console().print_json(orjson.dumps(rounded(_by_name(judged))).decode())
        return
    judged, document = _complete(data_sets, processes)
    document["seconds"] = time.monotonic() - begun
    _write(judged, rounded(document), output)


def _partial(data_sets: list[DataSet], no_baselines: bool, processes: int) -> list[Judged]:
    with _progress() as bar:
        if no_baselines:
            return judge(data_sets, bar, None)
        with _pool(processes) as pool:
            return judge(data_sets, bar, pool)


def _complete(data_sets: list[DataSet], processes: int) -> tuple[list[Judged], Figures]:
    with _progress() as bar, _pool(processes) as pool:
        judged = judge(data_sets, bar, pool)
        [tuned] = [one for one in judged if one.truth.data.name == TUNED]
        observed = judge_budget(tuned, bar, pool)
    figures = _by_name(judged)
    return judged, {
        **figures,
        "us_per_execution": figures[TUNED]["us_per_execution"],
        "alarm_budget_ratio": observed[TUNED]["ratio"],
        "alarm_budget": observed,
        "command": COMMAND,
        "machine": machine(),
    }


def _write(judged: list[Judged], document: Figures, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    for one in judged:
        draw_precision_recall(one, output / f"quality-{one.truth.data.name}.svg")
    [tuned] = [one for one in judged if one.truth.data.name == TUNED]
    drawn = draw_timeline(tuned, output / "quality-timeline.png")
    named = f"{TUNED}, {drawn.window.type} at {drawn.window.service}" if drawn else "No window was detected"
    store(output / "quality.json", document)
    (output / "quality.md").write_text(report(document, named), encoding="utf-8")
    click.echo(f"Wrote {output / 'quality.md'}, quality.json and the plots beside it.")


def _by_name(judged: list[Judged]) -> Figures:
    return {one.truth.data.name: one.figures() for one in judged}


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"))


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        yield bar


if __name__ == "__main__":
    main()
