"""Twenty simulated systems with faults of random size: what was detected, by fault and by size, and false alarms."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from detectors.fitting import InlineFitter
from detectors.scoring import Scorer
from detectors.settings import DetectionSettings
from scripts.benchmarks.trials_report import Findings, summary, table, write
from scripts.simulator.applications import build_system
from scripts.simulator.judge import Judgement
from scripts.simulator.trial import course_of_faults, run_trial

START_S = 1_767_225_600.0


def _trial(seed: int, rate: float, history_s: float) -> tuple[Judgement, float]:
    """One trial, and the application-days it covered."""
    course = course_of_faults(build_system(seed=seed), seed, rate, START_S, history_s)
    return run_trial(Scorer(DetectionSettings(), InlineFitter()), course), course.application_days


@click.command()
@click.option("--seeds", default=20, show_default=True, help="Trials, each with one fault of every name.")
@click.option("--rate", default=100.0, show_default=True, help="Executions per second.")
@click.option("--history", "history_s", default=1_500.0, show_default=True, help="Seconds before the first fault.")
@click.option("--processes", default=2, show_default=True)
@click.option("--report", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Write the figures here.")
def main(seeds: int, rate: float, history_s: float, processes: int, report: Path | None) -> None:
    """Judge the detectors on simulated faults: right application, kind and time, or not detected."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        ended = list(track(pool.map(partial(_trial, rate=rate, history_s=history_s), range(seeds)), "trials", seeds))
    findings = Findings(
        {"seeds": seeds, "rate": rate, "history_s": history_s},
        [judgement for judgement, _ in ended],
        sum(covered for _, covered in ended),
        getattr(DetectionSettings(), "alarm_budget", None),
    )
    console = Console()
    console.print(table(findings))
    console.print(summary(findings))
    if report is not None:
        write(findings, report)


if __name__ == "__main__":
    main()
