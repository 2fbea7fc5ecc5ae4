"""Figures of a run next to those of the baseline, each in multiples of how long the machine took to calibrate."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.table import Table

from tracehound.scripts.benchmarks.intake.report import Machine
from tracehound.scripts.documents.stored import store


@dataclass(frozen=True, slots=True)
class Figure:
    """What one benchmark took: median of its rounds, and the calibration beside it; CPU seconds."""

    name: str
    median_s: float
    rounds: int
    calibration_s: float

    @property
    def calibrated(self) -> float:
        """In multiples of the calibration."""
        return self.median_s / self.calibration_s


@dataclass(frozen=True, slots=True)
class Compared:
    """A benchmark before and now; one of them is None where it is new or gone."""

    before: Figure | None
    now: Figure | None

    @property
    def name(self) -> str:
        """Of the benchmark."""
        return next(one.name for one in (self.now, self.before) if one is not None)

    @property
    def ratio(self) -> float:
        """How many times as long as before, on a machine that is equally fast; NaN where nothing is compared."""
        if self.before is None or self.now is None:
            return math.nan
        return self.now.calibrated / self.before.calibrated


def figures_of(report: bytes) -> list[Figure]:
    """The figures in the JSON that pytest-benchmark writes."""
    measured = orjson.loads(report)["benchmarks"]
    return [
        Figure(
            one["name"].removeprefix("bench_"),
            one["stats"]["median"],
            one["stats"]["rounds"],
            one["extra_info"]["calibration_s"],
        )
        for one in measured
    ]


def read(path: Path) -> list[Figure]:
    """A baseline; nothing where there is none."""
    if not path.exists():
        return []
    return [Figure(**one) for one in orjson.loads(path.read_bytes())["benchmarks"]]


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Store a baseline."""
    stored: dict[str, Any] = {
        "machine": {name: value for name, value in asdict(Machine.here("")).items() if value},
        "benchmarks": [asdict(figure) for figure in figures],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    store(path, stored)


def compare(before: Sequence[Figure], now: Sequence[Figure]) -> list[Compared]:
    """Benchmarks as they are now, then those that are gone."""
    old, new = ({figure.name: figure for figure in figures} for figures in (before, now))
    return [Compared(old.get(name), new.get(name)) for name in [*new, *(old.keys() - new.keys())]]


def slower(compared: Sequence[Compared], factor: float) -> Iterator[Compared]:
    """Those that take more than ``factor`` times as long as before."""
    return (one for one in compared if one.ratio > factor)


def table(compared: Sequence[Compared]) -> Table:
    """The comparison for a terminal."""
    shown = Table("benchmark", "before", "now", "calibrated ratio", "rounds")
    for one in compared:
        ratio = "–" if math.isnan(one.ratio) else f"{one.ratio:.2f} ×"
        shown.add_row(one.name, _time(one.before), _time(one.now), ratio, str(one.now.rounds) if one.now else "–")
    return shown


def _time(figure: Figure | None) -> str:
    return "–" if figure is None else f"{figure.median_s * 1e6:,.1f} µs"
