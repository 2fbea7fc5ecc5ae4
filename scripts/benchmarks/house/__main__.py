"""``python -m tracehound.scripts.benchmarks.house``: writes how the house stands."""

import os
from pathlib import Path

import click
import orjson

from tracehound.scripts.benchmarks.house.suite import suite_figures
from tracehound.scripts.benchmarks.house.tree import tree_figures
from tracehound.scripts.documents.stored import store

PROJECT = Path(__file__).resolve().parents[3]


@click.command()
@click.option("--junit", type=click.Path(exists=True, path_type=Path), help="A run of all tests; as it was without it.")
@click.option("--output", default="docs/benchmarks/house.json", show_default=True, type=click.Path(path_type=Path))
def main(junit: Path | None, output: Path) -> None:
    """Count what can be counted in the tree, and take how long the tests took from the file of a run."""
    figures = orjson.loads(output.read_bytes()) if output.exists() else {}
    figures |= tree_figures(PROJECT)
    if junit is not None:
        figures |= suite_figures(junit) | {"cores": os.cpu_count()}
    store(output, figures)
    click.echo(output.read_text())


if __name__ == "__main__":
    main()
