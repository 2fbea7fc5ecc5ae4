"""The command behind `make bench-check`: has what is told of labelled traces judged as `tracehound check` does."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.benchmarks.acceptance.run import ASKED_S, Figures, figures_of
from tracehound.scripts.benchmarks.quality.document import machine, rounded
from tracehound.scripts.benchmarks.quality.workload import WITH_FAULTS, DataSet, open_data_sets
from tracehound.scripts.commands.replay_report import console
from tracehound.scripts.documents.stored import store

COMMAND = "make bench-check"


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("../shared/data"),
    show_default=True,
    help="Folder that holds traces/<name>/.",
)
@click.option("--only", type=click.Choice(WITH_FAULTS), multiple=True, help="These recordings; writes no files.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs/benchmarks"),
    show_default=True,
    help="Folder for check.json of a complete run.",
)
def main(data: Path, only: tuple[str, ...], output: Path) -> None:
    """Judge what is told of labelled traces by the procedure of `tracehound check`, and print the figures."""
    begun = time.monotonic()
    try:
        judged = _judge(open_data_sets(data, only or WITH_FAULTS))
    except TracehoundError as error:
        raise click.ClickException(str(error)) from error
    document = rounded({"recordings": judged, "bucket_s": ASKED_S})
    console().print_json(orjson.dumps(document).decode())
    if not only:
        output.mkdir(parents=True, exist_ok=True)
        told = {"command": COMMAND, "machine": machine(), "seconds": time.monotonic() - begun}
        store(output / "check.json", document | told)
        click.echo(f"Wrote {output / 'check.json'}; `make format` writes its table.")


def _judge(data_sets: Sequence[DataSet]) -> Figures:
    with Progress(console=Console(stderr=True)) as bar:
        figures = {}
        for data in data_sets:
            task = bar.add_task(data.name, total=data.recording.compressed_bytes)
            figures[data.name] = figures_of(data, partial(bar.advance, task))
        return figures


if __name__ == "__main__":
    main()
