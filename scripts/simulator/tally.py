"""What became of many faults: detected, with the right severity and cause, by name and by strength of the effect."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal

from tracehound.scripts.simulator.faults import Fault, FaultName
from tracehound.scripts.simulator.judge import Judgement, Verdict

Size = Literal["small", "medium", "large"]
SIZES: Final[tuple[Size, ...]] = ("small", "medium", "large")


def size_of(fault: Fault) -> Size:
    """The third of the range of effects that a fault's effect lies in.

    >>> size_of(Fault("error_burst", "cart", 0.0, 60.0, 0.3))
    'small'
    """
    return SIZES[max(0, min(2, int(fault.strength * 3)))]


@dataclass(slots=True)
class Tally:
    """Faults counted together: ``delays_s`` has one entry per detected fault.

    ``causes`` counts the largest contributions that were none of those that the faults must lead to.
    """

    faults: int = 0
    delays_s: list[float] = field(default_factory=list)
    severity_right: int = 0
    cause_right: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    severities: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        """Count one fault."""
        self.faults += 1
        if verdict.delay_s is None or verdict.gravest is None:
            return
        self.delays_s.append(verdict.delay_s)
        self.severity_right += verdict.severity_right
        self.cause_right += verdict.cause_right
        self.severities[verdict.gravest.severity] += 1
        if not verdict.cause_right:
            self.causes[verdict.cause or ""] += 1

    @property
    def detected(self) -> int:
        """Faults with a detection."""
        return len(self.delays_s)

    @property
    def median_delay_s(self) -> float | None:
        """Of the detected faults; None without one."""
        return median(self.delays_s) if self.delays_s else None


def tally(judgements: Iterable[Judgement]) -> dict[FaultName, dict[Size, Tally]]:
    """One tally per fault's name and size, in the order of sizes, for those that there are."""
    found: dict[FaultName, dict[Size, Tally]] = {}
    for judgement in judgements:
        for verdict in judgement.verdicts:
            sizes = found.setdefault(verdict.truth.fault.name, {})
            sizes.setdefault(size_of(verdict.truth.fault), Tally()).add(verdict)
    return {name: {size: sizes[size] for size in SIZES if size in sizes} for name, sizes in found.items()}


def together(tallies: Iterable[Tally]) -> Tally:
    """Several tallies as one."""
    total = Tally()
    for one in tallies:
        total.faults += one.faults
        total.delays_s += one.delays_s
        total.severity_right += one.severity_right
        total.cause_right += one.cause_right
        total.causes += one.causes
        total.severities += one.severities
    return total
