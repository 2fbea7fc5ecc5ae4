"""Twenty simulated systems with faults of random size: what was detected, by fault and by size, and false alarms."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import click
from rich.progress import Progress

from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.benchmarks.trials.report import Findings, Judged, summary, table, write
from tracehound.scripts.benchmarks.trials.workload import QUIET_RATE, STRAIN, Covered, quiet_day, trial
from tracehound.scripts.commands.replay_report import console


def _together(ended: Iterable[Covered]) -> Judged:
    judgements, days = zip(*ended, strict=True)
    return Judged(judgements, sum(days))


def _run(seeds: Sequence[int], rate: float, history_s: float, processes: int) -> tuple[Judged, Judged]:
    """The trials and the quiet days, each seed in a process of its own."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool, Progress() as progress:
        with_faults = pool.map(partial(trial, rate=rate, history_s=history_s), seeds)
        without = pool.map(quiet_day, seeds)
        trials = _together(progress.track(with_faults, len(seeds), description="faults"))
        return trials, _together(progress.track(without, len(seeds), description="quiet days"))


@click.command()
@click.option("--seeds", default=20, show_default=True, help="Trials with one fault of every name, and quiet days.")
@click.option("--rate", default=100.0, show_default=True, help="Executions per second.")
@click.option("--history", "history_s", default=1_500.0, show_default=True, help="Seconds before the first fault.")
@click.option("--processes", default=2, show_default=True)
@click.option("--report", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Write the figures here.")
def main(seeds: int, rate: float, history_s: float, processes: int, report: Path | None) -> None:
    """Judge the detectors on simulated faults: right application, kind and time, or not detected."""
    trials, quiet_days = _run(range(seeds), rate, history_s, processes)
    setup = {"seeds": seeds, "rate": rate, "history_s": history_s, "quiet_rate": QUIET_RATE, "strain": STRAIN}
    findings = Findings(setup, trials, quiet_days, DetectionSettings().alarm_budget)
    screen = console()
    screen.print(table(findings))
    screen.print(summary(findings))
    if report is not None:
        write(findings, report)


if __name__ == "__main__":
    main()
