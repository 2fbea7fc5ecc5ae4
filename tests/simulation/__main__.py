"""``python -m tests.simulation``: tells the stories of many seeds, and says which of them end badly."""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click

from tests.broken_protocols import BROKEN
from tests.simulation.many_stories import tell_some
from tests.simulation.story import PLAYS, Outcome, tell
from tests.simulation.virtual_machine import be_quiet
from tracehound.scripts.soak.report import update

_HASH_SEED = "PYTHONHASHSEED"
_AT_ONCE = 25
_MOST_PROBLEMS = 3


@click.command(help=__doc__)
@click.option("--seeds", default=200, show_default=True, type=click.IntRange(min=1), help="How many.")
@click.option("--first", default=0, show_default=True, type=click.IntRange(min=0), help="The first one.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(min=1), help="At the same time.")
@click.option("--only", type=click.Choice(list(PLAYS)), help="One kind of worker instead of all.")
@click.option("--broken", type=click.Choice(["also", "only"]), help="Look for broken protocols, in so many seeds.")
@click.option("--replay", help="One story again, as a bad one names itself: scoring:17.")
@click.option("--loud", is_flag=True, help="With what workers log.")
@click.option("--report", type=click.Path(path_type=Path), help="Folder for reliability.json and reliability.md.")
def main(
    seeds: int,
    first: int,
    processes: int,
    only: str | None,
    broken: str | None,
    replay: str | None,
    loud: bool,
    report: Path | None,
) -> None:
    if os.environ.get(_HASH_SEED) != "0":  # or sets of names are in another order each time
        arguments = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, arguments, os.environ | {_HASH_SEED: "0"})
    if not loud:
        be_quiet()
    if replay is not None:
        outcome = _again(replay)
        click.echo("\n".join([*outcome.said, _ending(outcome)]))
        sys.exit(bool(outcome.problems))
    bad, begun_s = 0, time.perf_counter()
    if broken != "only":
        bad = _tell_all(seeds, first, processes, only)
    wall_s, cpu_s = round(time.perf_counter() - begun_s), round(_cpu_s())
    if broken != "only":
        click.echo(f"{seeds} seeds, {bad} of them end badly, {wall_s} s, {cpu_s} s of CPU time")
    found = sum(_is_found(name, seeds) for name in BROKEN) if broken else None
    if report is not None:
        figures = {
            "seeds": seeds,
            "first_seed": first,
            "violations": bad,
            "broken_protocols_found": found,
            "broken_protocols": len(BROKEN),
            "wall_s": wall_s,
            "cpu_s": cpu_s,
        }
        update(report, "simulation", {"simulation": figures})
    sys.exit(bool(bad) or (found is not None and found < len(BROKEN)))


def _cpu_s() -> float:
    """CPU time of this process and of those that it waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _again(named: str) -> Outcome:
    name, seed, *wrong = named.split(":")
    return tell(int(seed), name, *wrong)


def _tell_all(seeds: int, first: int, processes: int, only: str | None) -> int:
    batches = [range(begin, min(begin + _AT_ONCE, first + seeds)) for begin in range(first, first + seeds, _AT_ONCE)]
    bad = 0
    if processes == 1:
        told = (tell_some(batch, only) for batch in batches)
        bad = sum(map(_announce, told))
    else:
        with ProcessPoolExecutor(processes, get_context("spawn"), be_quiet) as pool:
            bad = sum(_announce(found) for found in pool.map(tell_some, batches, [only] * len(batches)))
    return bad


def _announce(bad: list[Outcome]) -> int:
    for outcome in bad:
        click.echo(_ending(outcome))
    return len(bad)


def _ending(outcome: Outcome) -> str:
    how = "ends well"
    if outcome.problems:
        shown = " ".join(outcome.problems[:_MOST_PROBLEMS])
        how = f"ends badly (again: make simulate REPLAY={outcome.name}): {shown}"
    return f"{outcome.name} after {outcome.steps} steps by {outcome.trail & 0xFFFFFFFF:08x} {how}"


def _is_found(wrong: str, seeds: int) -> bool:
    """Whether a protocol that is broken on purpose makes any story end badly."""
    for seed in range(seeds):
        outcome = tell(seed, BROKEN[wrong].play, wrong)
        if outcome.problems:
            click.echo(f"found: {_ending(outcome)}")
            return True
    click.echo(f"not found in {seeds} seeds: {wrong}")
    return False


if __name__ == "__main__":
    main()
