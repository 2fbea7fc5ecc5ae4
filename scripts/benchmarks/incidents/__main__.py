"""The command behind `make bench-incidents`: judges suspected causes on labelled traces, writes figures and report."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from tracehound.schemas.errors import TracehoundError
from tracehound.scripts.benchmarks.incidents.report import report
from tracehound.scripts.benchmarks.incidents.run import Figures, causes_of, figures_of
from tracehound.scripts.benchmarks.quality.document import machine, rounded
from tracehound.scripts.benchmarks.quality.workload import WITH_FAULTS, DataSet, open_data_sets
from tracehound.scripts.commands.replay_report import console
from tracehound.scripts.documents.stored import store

COMMAND = "make bench-incidents"


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
    help="Folder for incidents.json and incidents.md of a complete run.",
)
def main(data: Path, only: tuple[str, ...], output: Path) -> None:
    """Judge the suspected causes of incidents on labelled traces, and print the figures."""
    begun = time.monotonic()
    try:
        data_sets = open_data_sets(data, only or WITH_FAULTS)
    except TracehoundError as error:
        raise click.ClickException(str(error)) from error
    document = rounded(_judge(data_sets))
    console().print_json(orjson.dumps(document).decode())
    if not only:
        _write(document | {"command": COMMAND, "machine": machine(), "seconds": time.monotonic() - begun}, output)


def _judge(data_sets: Sequence[DataSet]) -> Figures:
    with Progress(console=Console(stderr=True)) as bar:
        figures = {}
        for data in data_sets:
            task = bar.add_task(data.name, total=data.recording.compressed_bytes)
            figures[data.name] = figures_of(causes_of(data, partial(bar.advance, task)))
        return figures


def _write(document: Figures, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    store(output / "incidents.json", document)
    (output / "incidents.md").write_text(report(document), encoding="utf-8")
    click.echo(f"Wrote {output / 'incidents.md'} and incidents.json beside it.")


if __name__ == "__main__":
    main()
