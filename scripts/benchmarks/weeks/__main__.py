"""The command behind `make bench-weeks`: weeks of ordinary life, without and with faults; writes figures and report."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.benchmarks.quality.document import machine, rounded
from tracehound.scripts.benchmarks.weeks.faults import Planted, Planting, fault_days
from tracehound.scripts.benchmarks.weeks.figures import Figures, figures_of, row_of
from tracehound.scripts.benchmarks.weeks.judging import Judgement, judge
from tracehound.scripts.benchmarks.weeks.life import Draw, Life, Lives
from tracehound.scripts.benchmarks.weeks.machines import MACHINES
from tracehound.scripts.benchmarks.weeks.people import PEOPLE
from tracehound.scripts.benchmarks.weeks.report import report
from tracehound.scripts.benchmarks.weeks.watching import watch
from tracehound.scripts.benchmarks.weeks.workload import Workload
from tracehound.scripts.documents.stored import commit, store

COMMAND = "make bench-weeks"
LIVES = Lives({**PEOPLE, **MACHINES})
SEEDS: Mapping[str, Sequence[int]] = {"tuning": (1,), "reporting": (1_001,)}
"""Detectors are looked at with those for tuning, and judged by the others."""
QUICK = ("office_hours_short_ramp", "rests_for_hours", "nightly_batch", "errors_are_usual", "hourly_deployments")


@lru_cache(maxsize=2)
def lives_of(seed: int) -> dict[str, tuple[Life, list[Planted]]]:
    """All lives of a seed, with the faults that are planted into each."""
    planting = Planting(seed)
    lives = {name: story(Draw(name, seed)) for name, story in LIVES.items()}
    return {name: (life, planting.plant(name, life)) for name, life in lives.items()}


def judge_life(name: str, seed: int, with_faults: bool) -> Judgement:
    """Watch one life, and judge what was told."""
    life, planted = lives_of(seed)[name]
    faults = planted if with_faults else []
    days = fault_days(life) if with_faults else 0
    workload = Workload(life, seed, life.days + days, [fault.change for fault in faults])
    return judge(name, life, watch(workload, DetectionSettings()), faults, days)


@dataclass(frozen=True, slots=True)
class Run:
    """What is judged: lives by name, with the days on which faults are planted or without them.

    ``kept`` is a folder for the figures of each life; those of the same commit are taken from there. ``until_s`` is
    the monotonic time after which no further life is begun.
    """

    names: Sequence[str]
    faults: bool = True
    processes: int = 1
    show: int = 0
    kept: Path | None = None
    until_s: float = float("inf")

    def rows(self, seeds: Sequence[int]) -> Iterator[Figures]:
        """The figures of each life."""
        tasks = [(name, seed) for seed in seeds for name in self.names]
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task("lives", total=len(tasks))
            if self.processes == 1:
                for name, seed in tasks:
                    row = self.known(name, seed)
                    if row is None and time.monotonic() < self.until_s:
                        row = self.judge(name, seed)
                    bar.advance(task)
                    if row is not None:
                        yield row
                return
            with ProcessPoolExecutor(self.processes, mp_context=get_context("spawn")) as pool:
                for row in pool.map(self.row, *zip(*tasks, strict=True)):
                    bar.advance(task)
                    yield row

    def row(self, name: str, seed: int) -> Figures:
        """The figures of one life."""
        return self.known(name, seed) or self.judge(name, seed)

    def known(self, name: str, seed: int) -> Figures | None:
        """The figures of one life that this commit has judged before, if they were kept."""
        if self.kept is None or not (file := self.kept / f"{name}.{seed}.json").is_file():
            return None
        found = orjson.loads(file.read_bytes())
        return found["row"] if (found["commit"], found["faults"]) == (commit(), self.faults) else None

    def judge(self, name: str, seed: int) -> Figures:
        """Judge one life: its figures, and how long it took; its line is printed."""
        begun_s = time.monotonic()
        judgement = judge_life(name, seed, self.faults)
        _show(judgement, self.show)
        row = row_of(judgement) | {"seconds": time.monotonic() - begun_s}
        if self.kept is not None:
            self.kept.mkdir(parents=True, exist_ok=True)
            kept = {"commit": commit(), "faults": self.faults, "row": row}
            (self.kept / f"{name}.{seed}.json").write_bytes(orjson.dumps(kept))
        return row


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


def _show(judgement: Judgement, most: int) -> None:
    """One line on a life, and examples of what was told."""
    found = sum(verdict.delay_s is not None for verdict in judgement.verdicts)
    click.echo(
        f"{judgement.name}: {judgement.anomalies_per_day:.2f} anomalies a day, {judgement.major_per_day:.2f} major, "
        f"{len(judgement.incidents) / judgement.days:.2f} incidents; {found} of {len(judgement.verdicts)} faults "
        f"found, {len(judgement.false)} false beside them"
    )
    if not most:
        return
    for event in judgement.quiet[:: max(1, len(judgement.quiet) // most)][:most]:
        click.echo(f"    {event.time} {event.data.severity} {event.data.signal}: {event.data.reason}")
    for verdict in judgement.verdicts:
        fault = verdict.fault
        begins = datetime.fromtimestamp(fault.start_s, UTC).isoformat(timespec="seconds")
        told = "missed" if verdict.delay_s is None else f"after {verdict.delay_s:.0f} s"
        click.echo(
            f"  fault {fault.kind} ({fault.moment}, {fault.per_s:.2f}/s) {begins} {fault.operations or ''}: {told}"
        )
        for _, event in verdict.right[:2]:
            click.echo(f"    {event.time} {event.data.severity} {event.data.signal}: {event.data.reason}")
        for event in verdict.recovery[:3]:
            click.echo(
                f"    of its recovery: {event.time} {event.data.severity} {event.data.signal}: {event.data.reason}"
            )
    for event in judgement.false[:: max(1, len(judgement.false) // most)][:most]:
        click.echo(f"    false: {event.time} {event.data.severity} {event.data.signal}: {event.data.reason}")


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
