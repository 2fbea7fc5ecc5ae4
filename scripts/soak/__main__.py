"""``python -m tracehound.scripts.soak``: every fault by itself, then all of them mixed; writes the figures."""

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tracehound.infra.kafka.broker import Broker, broker
from tracehound.scripts.soak.campaign import Trial, summary, trial
from tracehound.scripts.soak.faults import FAULTS, Fault
from tracehound.scripts.soak.report import SOAK, Part, update
from tracehound.scripts.soak.scene import PACES, Pace
from tracehound.scripts.soak.soak import most_per_second, soak

_EMBEDDED = Pace(rounds=3, rate=200.0)  # which keeps 5 MB of a partition only


@click.command()
@click.option("--minutes", default=30.0, show_default=True, help="Length of the mixed soak; 0: none.")
@click.option(
    "--runs", default=3, show_default=True, help="Runs of each fault by itself (of the longest one); 0: none."
)
@click.option("--fault", "names", multiple=True, type=click.Choice(list(FAULTS)), help="Only these; all without it.")
@click.option("--rate", default=0.0, help="Executions per second of the soak; 0: half of what the workers manage.")
@click.option("--workers", default=2, show_default=True, help="Workers of the soak.")
@click.option("--applications", default=50, show_default=True, help="Applications of the soak.")
@click.option("--pace", "pace_name", default="long", show_default=True, type=click.Choice(list(PACES)))
@click.option("--brokers", default=3, show_default=True, help="Brokers of Kafka; some faults need three.")
@click.option("--away", "away_s", type=float, help="Seconds that brokers are away; without it those of the pace.")
@click.option("--fuzzed", "fuzzed_s", type=float, help="Seconds that strangers send; without it those of the pace.")
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for reliability.json and reliability.md."
)
def main(
    minutes: float,
    runs: int,
    names: tuple[str, ...],
    rate: float,
    workers: int,
    applications: int,
    pace_name: str,
    brokers: int,
    away_s: float | None,
    fuzzed_s: float | None,
    seed: int,
    report: Path | None,
) -> None:
    """Prove that nothing is lost and nothing learned twice, whatever happens to workers and brokers.

    Needs Java and Maven: three brokers of Apache Kafka are started, and killed.
    """
    faults = [FAULTS[name] for name in names or FAULTS]
    pace = PACES[pace_name]
    pace = pace if away_s is None else replace(pace, away_s=away_s)
    pace = pace if fuzzed_s is None else replace(pace, fuzzed_s=fuzzed_s)
    sound = True
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracehound-soak-")))
        cluster = stack.enter_context(broker("jvm", brokers))
        embedded = stack.enter_context(broker("embedded"))
        for fault in faults if runs else ():
            figures = _try(fault, embedded if fault.needs == "embedded" else cluster, folder, pace, runs, seed)
            sound &= _is_sound(figures)
            _write(report, "faults", {"faults": [figures]})
        if minutes:
            place = folder / "calibration"
            place.mkdir()
            busy = replace(pace, applications=applications)
            most = None if rate else most_per_second(cluster, place, busy, workers)
            rate = rate if most is None else most / 2
            click.echo(f"soak: {minutes:g} minutes at {rate:,.0f} executions a second")
            place = folder / SOAK
            place.mkdir()
            soaked = soak(
                cluster,
                place,
                minutes,
                rate,
                replace(busy, rounds=2),
                workers,
                faults=[fault for fault in faults if fault.mixes],
                say=click.echo,
            )
            figures = summary(SOAK, [Trial(SOAK, soaked.verdict)], replace(busy, rounds=2, rate=rate))
            click.echo(f"{figures}\n{soaked.figures()}\n" + "\n".join(soaked.verdict.examples))
            sound &= _is_sound(figures)
            _write(report, "soak", {**soaked.figures(), "most_per_second": most and round(most), "faults": [figures]})
    raise SystemExit(0 if sound else 1)


def _try(fault: Fault, kafka: Broker, folder: Path, pace: Pace, runs: int, seed: int) -> dict[str, Any]:
    pace = _EMBEDDED if fault.needs == "embedded" else pace
    trials = []
    for number in range(1 if fault.once else runs):
        trials.append(trial(fault, kafka, folder / f"{fault.name}-{number}", pace, seed + number))
        said = trials[-1].failure or "; ".join(trials[-1].verdict.examples) or "sound"
        click.echo(f"{fault.name}, run {number + 1}: {trials[-1].verdict.executions:,} executions: {said}")
    return summary(fault.name, trials, pace)


def _is_sound(figures: dict[str, Any]) -> bool:
    wrong = ("lost", "learned_twice", "states_differing", "anomalies_missing", "ids_differing", "not_buried")
    return not figures.get("failures") and not any(figures[name] for name in wrong)


def _write(report: Path | None, part: Part, figures: dict[str, Any]) -> None:
    if report is not None:
        update(report, part, figures)


if __name__ == "__main__":
    main()
