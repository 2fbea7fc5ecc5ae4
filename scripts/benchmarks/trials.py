"""Twenty simulated systems with faults of random size: what was detected, by fault and by size, and false alarms."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from detectors.fitting import InlineFitter
from detectors.scoring import Scorer
from detectors.settings import DetectionSettings
from scripts.simulator.applications import build_system
from scripts.simulator.judge import Judgement
from scripts.simulator.trial import faults_in_turn, run_trial

START_S = 1_767_225_600.0
HISTORY_S = 1_200.0
AFTER_S = 120.0
DAY_S = 86_400.0


@dataclass
class Tally:
    """Delays, in seconds, of the detected faults of one row, and the number of those missed."""

    delays: list[float] = field(default_factory=list)
    missed: int = 0


def _trial(seed: int, rate: float) -> tuple[Judgement, float]:
    """One trial, and the application-days it covered."""
    system = build_system(seed=seed)
    faults = faults_in_turn(system, seed, START_S + HISTORY_S)
    end_s = faults[-1].end_s + AFTER_S
    scorer = Scorer(DetectionSettings(), InlineFitter())
    judgement = run_trial(system, scorer, faults, seed, rate, START_S, end_s)
    return judgement, (end_s - START_S) / DAY_S * len(system.applications)


def _band(effect: float, effects: Sequence[float]) -> str:
    """The third of the sizes drawn for this fault that an effect lies in."""
    ordered = sorted(effects)
    low, high = ordered[len(ordered) // 3], ordered[2 * len(ordered) // 3]
    return "small" if effect < low else "medium" if effect < high else "large"


def _tally(judgements: Sequence[Judgement]) -> dict[tuple[str, str], Tally]:
    effects: dict[str, list[float]] = defaultdict(list)
    for judgement in judgements:
        for verdict in judgement.verdicts:
            effects[verdict.truth.fault.name].append(verdict.truth.fault.effect)
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for judgement in judgements:
        for verdict in judgement.verdicts:
            fault = verdict.truth.fault
            tally = tallies[fault.name, _band(fault.effect, effects[fault.name])]
            if verdict.delay_s is None:
                tally.missed += 1
            else:
                tally.delays.append(verdict.delay_s)
    return tallies


@click.command()
@click.option("--seeds", default=20, show_default=True, help="Trials, each with one fault of every name.")
@click.option("--rate", default=100.0, show_default=True, help="Executions per second.")
@click.option("--processes", default=2, show_default=True)
def main(seeds: int, rate: float, processes: int) -> None:
    """Judge the detectors on simulated faults: right application, kind and time, or not detected."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(_trial, seed, rate) for seed in range(seeds)]
        ended = [future.result() for future in track(running, "trials")]
    judgements = [judgement for judgement, _ in ended]
    table = Table("fault", "size", "detected", "median delay")
    for (name, band), tally in sorted(_tally(judgements).items()):
        faults = len(tally.delays) + tally.missed
        delay = f"{sorted(tally.delays)[len(tally.delays) // 2]:.1f} s" if tally.delays else "-"
        table.add_row(name, band, f"{len(tally.delays)} of {faults}", delay)
    console = Console()
    console.print(table)
    detected = sum(verdict.delay_s is not None for judgement in judgements for verdict in judgement.verdicts)
    faults = sum(len(judgement.verdicts) for judgement in judgements)
    false_alarms = sum(len(judgement.false_alarms) for judgement in judgements)
    days = sum(covered for _, covered in ended)
    console.print(
        f"{detected} of {faults} faults detected. {false_alarms} false alarms in {days:.2f} application-days "
        f"({false_alarms / days:.1f} a day and application); "
        f"{sum(judgement.collateral for judgement in judgements)} anomalies followed from faults."
    )


if __name__ == "__main__":
    main()
