"""The lives that are watched: each may be judged in a process of its own."""

import time
from collections.abc import Iterator, Sequence
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
from tracehound.scripts.benchmarks.weeks.faults import Planted, Planting, fault_days
from tracehound.scripts.benchmarks.weeks.figures import Figures, row_of
from tracehound.scripts.benchmarks.weeks.judging import Judgement, judge
from tracehound.scripts.benchmarks.weeks.life import Draw, Life, Lives
from tracehound.scripts.benchmarks.weeks.machines import MACHINES
from tracehound.scripts.benchmarks.weeks.people import PEOPLE
from tracehound.scripts.benchmarks.weeks.watching import watch
from tracehound.scripts.benchmarks.weeks.workload import Workload
from tracehound.scripts.documents.stored import commit

LIVES = Lives({**PEOPLE, **MACHINES})


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
