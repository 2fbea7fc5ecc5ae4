"""The command behind `make bench-weeks`: weeks of ordinary life, without and with faults; writes figures and report."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.benchmarks.quality.document import machine, rounded
from tracehound.scripts.benchmarks.weeks.figures import Figures, figures_of
from tracehound.scripts.benchmarks.weeks.report import report
from tracehound.scripts.benchmarks.weeks.run import LIVES, Run
from tracehound.scripts.documents.stored import commit, store

COMMAND = "make bench-weeks"
SEEDS: Mapping[str, Sequence[int]] = {"tuning": (1,), "reporting": (1_001,)}
"""Detectors are looked at with those for tuning, and judged by the others."""
QUICK = ("office_hours_short_ramp", "rests_for_hours", "nightly_batch", "errors_are_usual", "hourly_deployments")


@click.command()
@click.option("--only", type=click.Choice(list(LIVES)), multiple=True, help="These lives; writes no files.")
@click.option("--quick", is_flag=True, help="A few lives, with the seeds for tuning; writes no files.")
@click.option("--group", type=click.Choice(list(SEEDS)), help="Only the seeds of this group; files are of reporting.")
@click.option("--seeds", type=int, multiple=True, help="These seeds; writes no files.")
@click.option("--faults/--no-faults", default=True, help="With the days on which faults are planted.")
@click.option(
    "--show", default=0, show_default=True, help="Print so many of the anomalies of each life, and its faults."
)
@click.option("--processes", default=1, show_default=True)
@click.option(
    "--kept",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the figures of each life: an interrupted run of the same commit goes on.",
)
@click.option("--minutes", default=float("inf"), help="Begin no further life after so many; the report names the rest.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs/benchmarks"),
    show_default=True,
    help="Folder for weeks.json and weeks.md of a complete run.",
)
def main(
    only: tuple[str, ...],
    quick: bool,
    group: str | None,
    seeds: tuple[int, ...],
    faults: bool,
    show: int,
    processes: int,
    kept: Path | None,
    minutes: float,
    output: Path,
) -> None:
    """Watch weeks of ordinary life, and print how often somebody would have been woken for nothing."""
    names = only or (QUICK if quick else tuple(LIVES))
    groups = dict(SEEDS) if not (quick or group) else {group or "tuning": SEEDS[group or "tuning"]}
    if seeds:
        groups = {"chosen": seeds}
    run = Run(names, faults, processes, show, kept, time.monotonic() + 60.0 * minutes)
    figures = {said: figures_of(list(run.rows(chosen)), DetectionSettings()) for said, chosen in groups.items()}
    for said, found in figures.items():
        summary = {key: value for key, value in found.items() if key not in ("rows", "by_fault", "by_moment")}
        click.echo(f"{said}: {orjson.dumps(rounded(summary), option=orjson.OPT_INDENT_2).decode()}")
    if not (only or quick or seeds) and faults and "reporting" in figures:
        _write(figures, processes, COMMAND if group is None else f"{COMMAND} GROUP={group}", output)


def _write(figures: Mapping[str, Figures], processes: int, command: str, output: Path) -> None:
    document = rounded(
        {
            **figures["reporting"],
            **({"tuning": figures["tuning"]} if "tuning" in figures else {}),
            "seeds": {name: list(SEEDS[name]) for name in figures},
            "command": command,
            "commit": commit(),
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "processes": processes,
            "seconds": sum(row["seconds"] for found in figures.values() for row in found["rows"]) / processes,
        }
    )
    output.mkdir(parents=True, exist_ok=True)
    store(output / "weeks.json", document)
    stories = {name: LIVES.sentence(name) for name in LIVES}
    (output / "weeks.md").write_text(report(document, stories), encoding="utf-8")
    click.echo(f"Wrote {output / 'weeks.md'} and weeks.json beside it.")


if __name__ == "__main__":
    main()
