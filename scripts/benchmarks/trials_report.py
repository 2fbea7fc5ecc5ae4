"""What the trials found, as figures (JSON), as a table for people (Markdown) and for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.table import Table

from schemas.anomaly import AnomalyEvent
from scripts.simulator.faults import FAULT_NAMES, SCENARIOS, FaultName
from scripts.simulator.judge import Judgement
from scripts.simulator.tally import Size, Tally, tally, together

HEADINGS: Final = ("fault", "size", "detected", "median delay", "severity right", "cause right")


@dataclass(frozen=True, slots=True)
class Findings:
    """The judgements of all trials, and what they covered.

    ``alarm_budget`` is how many false alarms a day and application the settings allow; None where none is set.
    """

    setup: Mapping[str, float]
    judgements: Sequence[Judgement]
    application_days: float
    alarm_budget: float | None

    @property
    def false_alarms(self) -> list[AnomalyEvent]:
        """Anomalies that no fault explains."""
        return [alarm for judgement in self.judgements for alarm in judgement.false_alarms]

    @property
    def false_alarms_per_day(self) -> float:
        """A day and application."""
        return len(self.false_alarms) / self.application_days

    @property
    def collateral(self) -> int:
        """Anomalies that follow from faults without detecting them."""
        return sum(judgement.collateral for judgement in self.judgements)

    def by_fault(self) -> dict[FaultName, dict[Size, Tally]]:
        """Tallies by fault and size, faults in their order."""
        found = tally(self.judgements)
        return {name: found[name] for name in FAULT_NAMES if name in found}


def rows(findings: Findings) -> Iterator[tuple[str, ...]]:
    """A row per fault and size, and one for all sizes where there are several; columns as in ``HEADINGS``."""
    for name, sizes in findings.by_fault().items():
        for size, counted in sizes.items():
            yield (name, size, *_figures(counted))
        if len(sizes) > 1:
            yield (name, "all", *_figures(together(sizes.values())))


def _figures(counted: Tally) -> tuple[str, str, str, str]:
    delay = "–" if counted.median_delay_s is None else f"{counted.median_delay_s:.1f} s"
    of = counted.detected
    right = (f"{counted.severity_right} of {of}", f"{counted.cause_right} of {of}") if of else ("–", "–")
    return (f"{of} of {counted.faults}", delay, *right)


def summary(findings: Findings) -> str:
    """The ten scenarios together, and false alarms against the budget."""
    chosen = together(one for name in SCENARIOS for one in findings.by_fault().get(name, {}).values())
    budget = "no budget is set" if findings.alarm_budget is None else f"the budget is {findings.alarm_budget:g}"
    return (
        f"Of the ten scenarios {chosen.detected} of {chosen.faults} faults detected, {chosen.severity_right} with the "
        f"right severity, {chosen.cause_right} with the right cause. {len(findings.false_alarms)} false alarms in "
        f"{findings.application_days:.2f} application-days: {findings.false_alarms_per_day:.1f} a day and application, "
        f"{budget}. {findings.collateral} further anomalies followed from faults."
    )


def table(findings: Findings) -> Table:
    """The rows for a terminal."""
    shown = Table(*HEADINGS)
    for row in rows(findings):
        shown.add_row(*row, style=None if row[1] == "all" else "dim", end_section=row[1] == "all")
    return shown


def write(findings: Findings, folder: Path) -> None:
    """``trials.json`` and ``trials.md`` in a folder."""
    figures = msgspec.json.format(msgspec.json.encode(_jsonable(findings)), indent=2)
    (folder / "trials.json").write_bytes(figures + b"\n")
    (folder / "trials.md").write_text(_markdown(findings), encoding="utf-8")


def _jsonable(findings: Findings) -> dict[str, Any]:
    by_fault = findings.by_fault()
    return {
        "setup": dict(findings.setup),
        "scenarios": {name: _fault(sizes) for name, sizes in by_fault.items() if name in SCENARIOS},
        "further_faults": {name: _fault(sizes) for name, sizes in by_fault.items() if name not in SCENARIOS},
        "false_alarms": len(findings.false_alarms),
        "application_days": findings.application_days,
        "false_alarms_per_application_day": findings.false_alarms_per_day,
        "alarm_budget": findings.alarm_budget,
        "collateral": findings.collateral,
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
        "application, kind and time. Severity and cause (the largest contribution) are those of the gravest "
        "detection, compared with what the fault must lead to (`scripts/simulator/truth.py`). Sizes are the thirds of "
        "the range that a fault's effect is drawn from.",
        "",
        summary(findings),
    ]
    for title, names in (("The ten scenarios", SCENARIOS), ("Further faults", FAULT_NAMES[len(SCENARIOS) :])):
        chosen = [row for row in rows(findings) if row[0] in names]
        lines += ["", f"## {title}", "", _line(HEADINGS), "|---|---|---|---|---|---|", *map(_line, chosen)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
