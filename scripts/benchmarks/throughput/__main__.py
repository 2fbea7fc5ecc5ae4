"""Executions per second of one core: our worker, its parts, and other stream processors, on one broker in one run."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tracehound.infra.kafka.broker import broker
from tracehound.scripts.benchmarks.builds import Build, checked_out
from tracehound.scripts.benchmarks.cores import on_cores
from tracehound.scripts.benchmarks.throughput.contender_list import COMPARED, CONTENDERS, Contender, of_build
from tracehound.scripts.benchmarks.throughput.machine import this_machine
from tracehound.scripts.benchmarks.throughput.profile import Profile, Sampler, why_no_profile
from tracehound.scripts.benchmarks.throughput.report import Against, Findings, summary, write
from tracehound.scripts.benchmarks.throughput.run import SEGMENTS, Arena, Sizes, everything_but, take_turns

PROFILED = ("tracehound", "tracehound_arrays")
_DEFAULT = Sizes()


def who_runs(only: Sequence[str], embedded: bool) -> tuple[list[Contender], dict[str, str]]:
    """The contenders that run, and why each of the others does not; ``only`` empty means all."""
    running, absent = [], {}
    for contender in CONTENDERS:
        why_not = contender.why_not(embedded) if not only or contender.name in only else "It was not asked for."
        if why_not is None:
            running.append(contender)
        else:
            absent[contender.name] = why_not
    return running, absent


def beside(contenders: Iterable[Contender], build: Build) -> list[Contender]:
    """The contenders, each one of ours followed by that of another build."""
    pairs = ([one, of_build(one, build)] if one.name in COMPARED else [one] for one in contenders)
    return [one for pair in pairs for one in pair]


@contextmanager
def compiling(commit: str | None, core: int) -> Iterator[tuple[Build | None, Callable[[], object]]]:
    """The build of a commit, or None for none, and what waits until its kernels are compiled, as those here are.

    They are compiled on the contenders' core, which has nothing else to do until topics are filled.
    """
    if commit is None:
        yield None, lambda: None
        return
    with checked_out(commit) as build:
        environment = {**os.environ, "PYTHONPATH": str(build.folder)}
        command = [sys.executable, "-m", build.module, "compile"]
        with on_cores({core}):
            process = subprocess.Popen(command, env=environment, cwd=build.folder)

        def wait() -> None:
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, command)

        try:
            yield build, wait
        finally:
            process.terminate()
            process.wait()


def profiles(arena: Arena, contenders: Sequence[Contender], folder: Path) -> tuple[Mapping[str, Profile], str]:
    """Where the time of our worker goes, by contender, in runs of their own; or why that cannot be told."""
    if reason := why_no_profile():
        return {}, reason
    found = {}
    for contender in contenders:
        if contender.name in PROFILED:
            place = folder / f"profile-{contender.name}"
            place.mkdir()
            sampler = Sampler(place)
            arena.run(contender, "profiled", sampler.start, sampler.stop)
            try:
                found[contender.name] = sampler.profile()
            except RuntimeError as error:
                return found, str(error)
    return found, "Our worker did not run."


@click.command()
@click.option("--kind", default="real", show_default=True, help="Broker: real, external or embedded.")
@click.option("--count", default=_DEFAULT.count, show_default=True, help="Executions for fast contenders.")
@click.option("--short-count", default=_DEFAULT.short_count, show_default=True, help="Executions for slow ones.")
@click.option("--applications", default=_DEFAULT.applications, show_default=True)
@click.option("--operations", default=_DEFAULT.operations, show_default=True, help="Operations per application.")
@click.option("--batch", default=_DEFAULT.batch, show_default=True, help="Executions per record of the arrays.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option("--core", default=0, show_default=True, help="The core that contenders are pinned to.")
@click.option("--only", multiple=True, type=click.Choice([one.name for one in CONTENDERS]), help="Run only these.")
@click.option("--against", help="A commit whose worker takes turns with this one.")
@click.option("--profile", is_flag=True, help="Sample our worker's stack in runs of its own.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Folder of the report.")
def main(
    kind: Any,
    count: int,
    short_count: int,
    applications: int,
    operations: int,
    batch: int,
    rounds: int,
    core: int,
    only: Sequence[str],
    against: str | None,
    profile: bool,
    report: Path | None,
) -> None:
    """Let each contender read the same generated executions from one broker, pinned to one core, in turn."""
    console = Console()
    sizes = Sizes(count, short_count, applications, operations, batch)
    with (
        everything_but(core),
        compiling(against, core) as (build, compiled),
        broker(kind) as kafka,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        running, absent = who_runs(only, kafka.embedded)
        for contender, reason in absent.items():
            console.print(f"NOT MEASURED: {contender}: {reason}", style="bold red", markup=False)
        if cold := sizes.why_cold():
            console.print(f"TOO FEW EXECUTIONS: {cold}", style="bold red", markup=False)
        arena = Arena(kafka, sizes, folder, core)
        arena.fill(sorted({contender.workload for contender in running}))
        compiled()
        turns = running if build is None else beside(running, build)
        runs, loops = take_turns(arena, turns, rounds, lambda text: console.print(text, markup=False))
        found, no_profile = profiles(arena, running, folder) if profile else ({}, "It was not asked for.")
        findings = Findings(
            {**asdict(sizes), "segments": SEGMENTS, "rounds": rounds},
            this_machine(kafka.kind),
            {contender.name: summary(runs[contender.name]) for contender in running},
            absent,
            {contender.name: contender.about for contender in CONTENDERS},
            found,
            sizes.why_cold(),
            no_profile,
            None if build is None else Against.of(build.name, runs),
            loops,
        )
    for verdict in findings.verdicts():
        console.print(verdict.sentence().replace("**", ""), markup=False)
    if report is not None:
        write(findings, report)


if __name__ == "__main__":
    main()
