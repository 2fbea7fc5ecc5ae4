"""The command behind `make bench-quality`: judges detection on labelled traces and writes figures, plots, report."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from detectors.settings import DetectionSettings
from schemas.errors import TracehoundError
from scripts.benchmarks.quality.data_sets import ROLES, DataSet, open_data_sets
from scripts.benchmarks.quality.figures import Detection, Figures, Truth, base_rates, figures_of, published_figures
from scripts.benchmarks.quality.product import ProductRun, run_product
from scripts.replay_report import console


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        yield bar


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data"),
    show_default=True,
    help="Folder that holds traces/<name>/.",
)
@click.option("--only", type=click.Choice(list(ROLES)), multiple=True, help="These recordings; all unless given.")
@click.option("--no-baselines", is_flag=True, help="The product's figures alone, quickly.")
def main(data: Path, only: tuple[str, ...], no_baselines: bool) -> None:  # noqa: ARG001 (baselines follow)
    """Judge detection on labelled traces."""
    try:
        data_sets = open_data_sets(data, only or list(ROLES))
    except TracehoundError as error:
        raise click.ClickException(str(error)) from error
    figures: dict[str, Figures] = {}
    with _progress() as bar:
        for data_set in data_sets:
            task = bar.add_task(data_set.name, total=data_set.recording.compressed_bytes)
            run = run_product(data_set, DetectionSettings(), partial(bar.advance, task))
            figures[data_set.name] = _figures(data_set, run)
    console().print_json(data=figures)


def _figures(data_set: DataSet, run: ProductRun) -> Figures:
    truth = Truth.of(data_set, run.kept)
    return {
        **base_rates(truth),
        **figures_of(Detection.of_product(run.kept), truth),
        "published": published_figures(run.kept, truth),
        "us_per_execution": run.us_per_execution,
        "fits": run.fits,
        "fit_cpu_s": run.fit_cpu_s,
    }


if __name__ == "__main__":
    main()
