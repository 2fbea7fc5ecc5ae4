"""What the trials found, as figures (JSON), as a table for people (Markdown) and for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from tracehound.scripts.benchmarks.quality.budget import poisson_interval
from tracehound.scripts.documents.stored import store
from tracehound.scripts.simulator.faults import FAULT_NAMES, SCENARIOS, FaultName
from tracehound.scripts.simulator.judge import Judgement
from tracehound.scripts.simulator.tally import SIZES, Size, Tally, tally, together

HEADINGS: Final = ("fault", *SIZES, "median delay", "severity right", "cause right")


@dataclass(frozen=True, slots=True)
class Judged:
    """Judgements of simulated systems, and the application-days that these covered together."""

    judgements: Sequence[Judgement]
    application_days: float

    @property
    def false_alarms(self) -> int:
        """Anomalies that no fault explains."""
        return sum(len(judgement.false_alarms) for judgement in self.judgements)

    @property
    def per_day(self) -> float:
        """False alarms a day and application."""
        return self.false_alarms / self.application_days

    @property
    def interval(self) -> tuple[float, float]:
        """The same as a 95 % interval, taking false alarms as a Poisson process."""
        low, high = poisson_interval(self.false_alarms)
        return low / self.application_days, high / self.application_days


@dataclass(frozen=True, slots=True)
class Findings:
    """What was said in trials with faults, and on days without any.

    ``alarm_budget`` is how many false alarms a day and application the settings allow.
    """

    setup: Mapping[str, float]
    trials: Judged
    quiet_days: Judged
    alarm_budget: float

    @property
    def collateral(self) -> int:
        """Anomalies that follow from faults without detecting them."""
        return sum(judgement.collateral for judgement in self.trials.judgements)

    def by_fault(self) -> dict[FaultName, dict[Size, Tally]]:
        """Tallies by fault and size, faults in their order."""
        found = tally(self.trials.judgements)
        return {name: found[name] for name in FAULT_NAMES if name in found}


def rows(findings: Findings) -> Iterator[tuple[str, ...]]:
    """A row per fault; columns as in ``HEADINGS``, those of sizes with the faults detected of those injected."""
    for name, sizes in findings.by_fault().items():
        found = together(sizes.values())
        by_size = [f"{sizes[size].detected} of {sizes[size].faults}" if size in sizes else "–" for size in SIZES]
        delay = "–" if found.median_delay_s is None else f"{found.median_delay_s:.1f} s"
        right = [f"{count} of {found.detected}" for count in (found.severity_right, found.cause_right)]
        yield (name, *by_size, delay, *(right if found.detected else ("–", "–")))


def summary(findings: Findings) -> str:
    """The ten scenarios together, and false alarms against the budget."""
    chosen = together(one for name in SCENARIOS for one in findings.by_fault().get(name, {}).values())
    low, high = findings.quiet_days.interval
    return (
        f"Of the ten scenarios {chosen.detected} of {chosen.faults} faults detected, {chosen.severity_right} with the "
        f"right severity, {chosen.cause_right} with the right cause. {findings.trials.false_alarms} false alarms "
        f"beside the faults in {findings.trials.application_days:.2f} application-days; {findings.collateral} further "
        f"anomalies followed from faults. On days without faults {findings.quiet_days.false_alarms} false alarms in "
        f"{findings.quiet_days.application_days:.0f} application-days: {findings.quiet_days.per_day:.2f} a day and "
        f"application (95 % interval {low:.2f} to {high:.2f}); the budget is {findings.alarm_budget:g}."
    )


def table(findings: Findings) -> Table:
    """The rows for a terminal."""
    shown = Table(*HEADINGS)
    for row in rows(findings):
        shown.add_row(*row)
    return shown


def write(findings: Findings, folder: Path) -> None:
    """``trials.json`` and ``trials.md`` in a folder."""
    store(folder / "trials.json", _jsonable(findings))
    (folder / "trials.md").write_text(_markdown(findings), encoding="utf-8")


def _jsonable(findings: Findings) -> dict[str, Any]:
    by_fault = findings.by_fault()
    return {
        "setup": dict(findings.setup),
        "scenarios": {name: _fault(sizes) for name, sizes in by_fault.items() if name in SCENARIOS},
        "further_faults": {name: _fault(sizes) for name, sizes in by_fault.items() if name not in SCENARIOS},
        "collateral": findings.collateral,
        "beside_faults": _rate(findings.trials),
        "quiet_days": _rate(findings.quiet_days),
        "alarm_budget": findings.alarm_budget,
    }


def _rate(judged: Judged) -> dict[str, Any]:
    return {
        "false_alarms": judged.false_alarms,
        "application_days": judged.application_days,
        "per_application_day": judged.per_day,
        "interval": judged.interval,
    }


def _fault(sizes: Mapping[Size, Tally]) -> dict[str, Any]:
    return _counted(together(sizes.values())) | {"sizes": {size: _counted(one) for size, one in sizes.items()}}


def _counted(counted: Tally) -> dict[str, Any]:
    return {
        "faults": counted.faults,
        "detected": counted.detected,
        "median_delay_s": counted.median_delay_s,
        "severity_right": counted.severity_right,
        "cause_right": counted.cause_right,
        "severities": dict(sorted(counted.severities.items())),
        "other_causes": dict(counted.causes.most_common(3)),
    }


def _markdown(findings: Findings) -> str:
    setup = findings.setup
    lines = [
        "# Simulated faults",
        "",
        f"`make bench-trials`: {setup['seeds']:g} simulated systems of six applications with {setup['rate']:g} "
        f"executions a second, {setup['history_s'] / 60:g} fault-free minutes, and then one fault of each name, with "
        "random target and effect, of a minute each with two minutes of pause. A detection counts only with the right "
        "application, kind and time. Small, medium and large are the thirds of the range that a fault's effect is "
        "drawn from. Severity and cause (the largest contribution) are those of the gravest "
        "detection, compared with what the fault must lead to (`scripts/simulator/truth.py`). Days without faults have "
        f"{setup['quiet_rate']:g} executions a second, three times as many at 15:00 as at 3:00, and executions that "
        f"take up to {setup['strain'] / 2:.0%} longer or less with the traffic.".replace("%", " %"),
        "",
        summary(findings),
    ]
    for title, names in (("The ten scenarios", SCENARIOS), ("Further faults", FAULT_NAMES[len(SCENARIOS) :])):
        chosen = [row for row in rows(findings) if row[0] in names]
        lines += ["", f"## {title}", "", _line(HEADINGS), "|---" * len(HEADINGS) + "|", *map(_line, chosen)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
