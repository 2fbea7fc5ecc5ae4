"""``python -m tracehound.scripts.benchmarks.watched RUN``: figures of alerts and dashboards, from their tests."""

from pathlib import Path
from xml.etree import ElementTree

import click
import orjson

from tracehound.scripts.documents.stored import store
from tracehound.scripts.manifests.files import counted

FIGURES = (
    *("alerts", "alerts_fired_and_resolved", "alerts_by_recorded_text"),
    *("grafana_queries", "grafana_queries_with_data"),
)
"""What the tests note down of themselves."""


def watched(junit: Path) -> dict[str, int]:
    """The figures of a run, from the file that pytest writes of it.

    Raises:
        ValueError: a figure is missing, or a test has failed: such a run measures nothing.
    """
    suite = ElementTree.parse(junit).getroot().find("testsuite")  # noqa: S314 (a file of our own)
    if suite is None or int(suite.attrib["failures"]) + int(suite.attrib["errors"]):
        raise ValueError(f"{junit} must hold a run of pytest without failures.")
    noted = {one.attrib["name"]: one.attrib["value"] for one in suite.iter("property")}
    if missing := [name for name in FIGURES if name not in noted]:
        raise ValueError(f"{junit} must have all figures. It lacks {', '.join(missing)}: were these tests left out?")
    return {name: int(noted[name]) for name in FIGURES}


@click.command()
@click.argument("junit", type=click.Path(exists=True, path_type=Path))
@click.option("--output", default="docs/benchmarks/operate.json", show_default=True, type=click.Path(path_type=Path))
def main(junit: Path, output: Path) -> None:
    """Take the figures of a run over; others in the file stay."""
    figures = orjson.loads(output.read_bytes()) if output.exists() else {}
    figures.pop("alerts_commits", None)  # of parts of a run, at commits before this one
    store(output, figures | watched(junit) | counted())
    click.echo(output.read_text())


if __name__ == "__main__":
    main()
