"""The command behind `make bench-weeks`: weeks of ordinary life, without and with faults; writes figures and report."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.benchmarks.quality.document import machine, rounded
from tracehound.scripts.benchmarks.weeks.faults import Planted, Planting, fault_days
from tracehound.scripts.benchmarks.weeks.figures import Figures, figures_of
from tracehound.scripts.benchmarks.weeks.judging import Judgement, judge
from tracehound.scripts.benchmarks.weeks.life import Draw, Life, Lives
from tracehound.scripts.benchmarks.weeks.machines import MACHINES
from tracehound.scripts.benchmarks.weeks.people import PEOPLE
from tracehound.scripts.benchmarks.weeks.report import report
from tracehound.scripts.benchmarks.weeks.watching import watch
from tracehound.scripts.benchmarks.weeks.workload import Workload
from tracehound.scripts.documents.stored import store

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


@click.command()
@click.option("--only", type=click.Choice(list(LIVES)), multiple=True, help="These lives; writes no files.")
@click.option("--quick", is_flag=True, help="A few lives, with the seeds for tuning; writes no files.")
@click.option("--group", type=click.Choice(list(SEEDS)), help="Only the seeds of this group; writes no files.")
@click.option("--seeds", type=int, multiple=True, help="These seeds; writes no files.")
@click.option("--faults/--no-faults", default=True, help="With the days on which faults are planted.")
@click.option(
    "--show", default=0, show_default=True, help="Print so many of the anomalies of each life, and its faults."
)
@click.option("--processes", default=1, show_default=True)
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
    output: Path,
) -> None:
    """Watch weeks of ordinary life, and print how often somebody would have been woken for nothing."""
    begun = time.monotonic()
    names = only or (QUICK if quick else tuple(LIVES))
    groups = dict(SEEDS) if not (quick or group) else {group or "tuning": SEEDS[group or "tuning"]}
    if seeds:
        groups = {"chosen": seeds}
    figures = {}
    for said, chosen in groups.items():
        judgements = list(_judge(names, chosen, faults, processes, partial(_show, most=show)))
        figures[said] = figures_of(judgements, DetectionSettings())
    for said, found in figures.items():
        summary = {key: value for key, value in found.items() if key not in ("rows", "by_fault", "by_moment")}
        click.echo(f"{said}: {orjson.dumps(rounded(summary), option=orjson.OPT_INDENT_2).decode()}")
    if not (only or quick or group or seeds) and faults:
        _write(figures, processes, time.monotonic() - begun, output)


def _judge(
    names: Sequence[str], seeds: Sequence[int], faults: bool, processes: int, show: Callable[[Judgement], None]
) -> Iterator[Judgement]:
    tasks = [(name, seed, faults) for seed in seeds for name in names]
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("lives", total=len(tasks))
        if processes == 1:
            for arguments in tasks:
                show(judgement := judge_life(*arguments))
                bar.advance(task)
                yield judgement
            return
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for judgement in pool.map(judge_life, *zip(*tasks, strict=True)):
                show(judgement)
                bar.advance(task)
                yield judgement


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


def _write(figures: Mapping[str, Figures], processes: int, seconds: float, output: Path) -> None:
    document = rounded(
        {
            **figures["reporting"],
            "tuning": figures["tuning"],
            "seeds": {name: list(seeds) for name, seeds in SEEDS.items()},
            "command": COMMAND,
            "commit": _commit(),
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "processes": processes,
            "seconds": seconds,
        }
    )
    output.mkdir(parents=True, exist_ok=True)
    store(output / "weeks.json", document)
    stories = {name: LIVES.sentence(name) for name in LIVES}
    (output / "weeks.md").write_text(report(document, stories), encoding="utf-8")
    click.echo(f"Wrote {output / 'weeks.md'} and weeks.json beside it.")


def _commit() -> str:
    """The commit that is checked out, if this is a checkout."""
    told = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
