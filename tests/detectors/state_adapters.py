"""How each detector that keeps packed state is made and given a stream of values."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.calibration.calibration import Calibration, Channel
from tracehound.detectors.charts.chart import Chart, ChartRules
from tracehound.detectors.charts.drift import Drift
from tracehound.detectors.charts.smoothed import SmoothedScores
from tracehound.detectors.errors.error_types import ErrorTypes
from tracehound.detectors.features.answered_calls import AnsweredCalls
from tracehound.detectors.features.clocks import Clocks
from tracehound.detectors.features.paths import OTHER, PATH, Paths
from tracehound.detectors.features.sampling import Sampling
from tracehound.detectors.levels.daily_levels import DailyLevels
from tracehound.detectors.structure.detector import Structure
from tracehound.detectors.structure.exposure import Exposure
from tracehound.detectors.windows.findings import JudgedWindows
from tracehound.detectors.windows.golden_signals import GoldenSignals
from tracehound.detectors.windows.half_hours import HalfHours
from tracehound.detectors.windows.series import WindowSeries
from tracehound.detectors.windows.windows import Windows

Answers = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class Rows:
    """What all detectors are given: values (n,) around 50 with some ten times as large, times, slots."""

    slots: Slots
    values: Floats
    times: Floats

    def __getitem__(self, part: slice) -> "Rows":
        return Rows(self.slots[part], self.values[part], self.times[part])

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def every(self) -> NDArray[np.bool_]:
        return np.ones(len(self), np.bool_)


def answers(judged: object) -> Answers:
    """The arrays of a judgement, also where it keeps them as the fields of records."""
    found = [getattr(judged, name) for name in type(judged).__slots__]  # type: ignore[attr-defined] # dataclasses
    parts = ([one] if one.dtype.names is None else [one[name] for name in one.dtype.names] for one in found)
    return tuple(chain.from_iterable(parts))


def paths(rows: Rows) -> Paths:
    """Two segments, and a third where the value is odd: their time is the value."""
    sizes = np.where(rows.values.astype(np.int64) % 2 == 1, 3, 2)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
    entries = np.ones(len(place), PATH)
    entries["path"] = np.where(place == 0, 1, OTHER + place)
    entries["time_ms"] = np.repeat(rows.values, sizes) / (1.0 + place)
    return Paths(starts, entries)


class Adapter:
    """How one detector is made and given rows; the defaults fit those whose verbs take slots, values and times."""

    judges = True
    score = 0
    """Which of the answers must be finite for every row."""
    row_bytes_at_most = 16_384
    partly_kept: frozenset[str] = frozenset()
    """Entries of a state that has places which say nothing: what stands there is left out."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.detector = make()

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot, seed)

    def judge(self, rows: Rows) -> Answers:
        return answers(self.detector.judge(rows.slots, rows.values, rows.times))

    def learn(self, rows: Rows) -> Answers:
        return answers(self.detector.judge_then_learn(rows.slots, rows.values, rows.times))

    def snapshot(self, slot: int) -> Any:
        return self.detector.snapshot(slot)

    def restore(self, slot: int, state: Any) -> None:
        self.detector.restore(slot, state)

    def nbytes(self) -> int:
        return int(self.detector.nbytes())


class ChartAdapter(Adapter):
    """A key and its pool together; every slot has a pool of its own."""

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot, seed)
        self.detector.open_pool(slot, seed)

    def judge(self, rows: Rows) -> Answers:
        return answers(self.detector.judge(rows.slots, rows.slots, rows.values))

    def learn(self, rows: Rows) -> Answers:
        after = np.full(len(rows), 60.0)
        return answers(
            self.detector.judge_then_learn(rows.slots, rows.slots, rows.values, rows.times, rows.every, after)
        )

    def snapshot(self, slot: int) -> Any:
        return {"key": self.detector.snapshot(slot), "pool": self.detector.snapshot_pool(slot)}

    def restore(self, slot: int, state: Any) -> None:
        self.detector.restore(slot, state["key"])
        self.detector.restore_pool(slot, state["pool"])

    def nbytes(self) -> int:
        return int(self.detector.nbytes() + self.detector.pool_nbytes())


class CalibrationAdapter(Adapter):
    """Two channels: sigmas, and −log10 of probabilities."""

    @staticmethod
    def statistics(rows: Rows) -> Floats:
        return np.column_stack([rows.values / 50.0, np.where(rows.values > 60, np.nan, rows.values / 20.0)])

    def judge(self, rows: Rows) -> Answers:
        return answers(self.detector.judge(rows.slots, self.statistics(rows)))

    def learn(self, rows: Rows) -> Answers:
        return answers(self.detector.judge_then_learn(rows.slots, self.statistics(rows), rows.times))


class StructureAdapter(Adapter):
    row_bytes_at_most = 131_072

    def judge(self, rows: Rows) -> Answers:
        return answers(self.detector.judge(rows.slots, paths(rows)))

    def learn(self, rows: Rows) -> Answers:
        return answers(self.detector.judge_then_learn(rows.slots, paths(rows), rows.times, rows.every))

    def nbytes(self) -> int:
        return int(self.detector.ceiling_bytes())


class ExposureAdapter(Adapter):
    judges = False

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot)

    def learn(self, rows: Rows) -> Answers:
        return (self.detector.weigh_then_learn(rows.slots, paths(rows), rows.every),)


class SmoothedAdapter(Adapter):
    judges = False

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot)

    def learn(self, rows: Rows) -> Answers:
        sigma = self.detector.judge_then_learn(rows.slots, rows.values / 50.0)
        certain = self.detector.lasts(rows.slots, sigma, sigma > 1.0, rows.times)
        return sigma, self.detector.once(rows.slots, sigma > 4.0, rows.times, 300.0, certain), certain


class ErrorTypesAdapter(Adapter):
    judges = False

    def learn(self, rows: Rows) -> Answers:
        """One execution in ten fails, with ever other types."""
        types = np.where(rows.values.astype(np.int64) % 10 == 0, rows.values.astype(np.int64) * 2 + 2, 0)
        return answers(self.detector.judge_then_learn(rows.slots, types, rows.times))


class DriftAdapter(Adapter):
    """Of a full sample the edges alone are kept; 0.1.0 stored the rest of it as well."""

    judges = False
    partly_kept = frozenset({"sample"})

    def learn(self, rows: Rows) -> Answers:
        """All values are larger from second 2,000 on."""
        values = rows.values * np.where(rows.times >= 2_000.0, 2.0, 1.0)
        found = self.detector.observe(rows.slots, np.column_stack([values, -values]), rows.times, rows.every)
        psi = np.full((len(rows), 2), -1.0)
        for one in found:
            psi[one.row, one.column] = one.psi
        return (psi,)


class WindowedAdapter(Adapter):
    """Windows and golden signals: many rows fall into a window, so answers are those of the row that closed it."""

    judges = False

    def open(self, slot: int, seed: int = 1) -> None:
        if isinstance(self.detector, Windows):
            self.detector.open(slot)
        else:
            self.detector.open(slot, seed)

    def learn(self, rows: Rows) -> Answers:
        call = self.detector.add if isinstance(self.detector, Windows) else self.detector.observe
        failed = (rows.values > 400).astype(np.float64)
        closed = call(rows.slots, rows.times, rows.values, failed, np.log(rows.values / 50.0))
        columns = [(name, np.asarray(getattr(closed, name), np.float64)) for name in type(closed).__slots__]
        return tuple(
            self._per_row(len(rows), closed.row, column) for name, column in columns if name not in ("row", "slot")
        )

    @staticmethod
    def _per_row(n: int, row: NDArray[np.int64], column: Floats) -> Floats:
        """What each row closed, in order; -1 where it closed less than others."""
        told = np.full((n, 64, *column.shape[1:]), -1.0)
        for first in np.unique(row).tolist():
            of_row = column[row == first]
            told[first, : len(of_row)] = of_row
        return told


class SeriesAdapter(Adapter):
    judges = False
    row_bytes_at_most = 65_536

    def learn(self, rows: Rows) -> Answers:
        return answers(
            self.detector.judge_counted(rows.slots, np.sqrt(rows.values), rows.times, np.full(len(rows), 0.5))
        )


class GoldenAdapter(WindowedAdapter):
    score = [name for name in JudgedWindows.__slots__ if name not in ("row", "slot")].index("score")
    row_bytes_at_most = 262_144


class ClocksAdapter(Adapter):
    """What has a large value comes from a clock that is an hour ahead."""

    judges = False

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot)

    def learn(self, rows: Rows) -> Answers:
        starts = rows.times + np.where(rows.values > 200.0, 3_600.0, 0.0)
        return answers(self.detector.give(rows.slots, starts, rows.values))


class LevelsAdapter(Adapter):
    """A day has a hundred seconds; each row is answered with what the day before it was like."""

    judges = False

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot)

    def learn(self, rows: Rows) -> Answers:
        days, failed = rows.times // 100.0, (rows.values > 400).astype(np.float64)
        before = np.empty((len(rows), 4))
        for row in range(len(rows)):
            one = slice(row, row + 1)
            self.detector.count(rows.slots[one], days[one], rows.values[one], failed[one])
            before[row] = self.detector.before(rows.slots[one], days[row])[0, 0]
        return (before,)


class SamplingAdapter(Adapter):
    """From second 1,000 on each row stands for as many as its value."""

    judges = False

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot)

    def learn(self, rows: Rows) -> Answers:
        found = self.detector.learn(rows.slots, rows.times, np.where(rows.times < 1_000.0, 1.0, rows.values))
        told = np.zeros((len(rows), 2))
        for one in found:
            told[one.row] = one.before, one.after
        return (told,)


class HalfHoursAdapter(Adapter):
    """A row of a second stands for a minute; each is answered with the fewest that were known before it."""

    judges = False

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot)

    def learn(self, rows: Rows) -> Answers:
        least, times = np.empty(len(rows)), rows.times * 60.0
        for row in range(len(rows)):
            one = slice(row, row + 1)
            least[row] = min(1e9, self.detector.least_per_s(rows.slots[one], times[row])[0])
            self.detector.learn(rows.slots[one], times[one], ~rows.every[one])
        return (least,)


class AnsweredCallsAdapter(Adapter):
    """Each row is a call that was answered, and another that was not."""

    judges = False

    def open(self, slot: int, seed: int = 1) -> None:
        self.detector.open(slot)

    def learn(self, rows: Rows) -> Answers:
        number = np.arange(len(rows))
        return (self.detector.learn_then_bound(number, rows.slots, rows.values, number, rows.slots),)


CHANNELS = (
    Channel("chart", smoothed=True, scale=0.5, floor=3.0, ceiling=12.0),
    Channel("single", smoothed=False, scale=0.6, floor=3.0, ceiling=300.0),
)
ADAPTERS: dict[str, tuple[type, Callable[[], Adapter]]] = {
    "Chart": (Chart, lambda: ChartAdapter(lambda: Chart(ChartRules(patience_s=60.0), "self_ms"))),
    "Calibration": (Calibration, lambda: CalibrationAdapter(lambda: Calibration(CHANNELS, budget=1.0))),
    "Structure": (Structure, lambda: StructureAdapter(lambda: Structure(warm_up=60, patience_s=60.0))),
    "Exposure": (Exposure, lambda: ExposureAdapter(Exposure)),
    "SmoothedScores": (SmoothedScores, lambda: SmoothedAdapter(SmoothedScores)),
    "ErrorTypes": (ErrorTypes, lambda: ErrorTypesAdapter(lambda: ErrorTypes(warm_up=100, patience_s=60.0))),
    "Drift": (Drift, lambda: DriftAdapter(lambda: Drift(columns=2, patience_s=0.0))),
    "Clocks": (Clocks, lambda: ClocksAdapter(lambda: Clocks(lateness_s=5.0))),
    "DailyLevels": (DailyLevels, lambda: LevelsAdapter(DailyLevels)),
    "AnsweredCalls": (AnsweredCalls, lambda: AnsweredCallsAdapter(AnsweredCalls)),
    "HalfHours": (HalfHours, lambda: HalfHoursAdapter(HalfHours)),
    "Sampling": (Sampling, lambda: SamplingAdapter(Sampling)),
    "Windows": (Windows, lambda: WindowedAdapter(lambda: Windows(10.0, 2.0))),
    "GoldenSignals": (GoldenSignals, lambda: GoldenAdapter(lambda: GoldenSignals(10.0, 2.0, warm_up=20))),
    "WindowSeries": (WindowSeries, lambda: SeriesAdapter(lambda: WindowSeries(1.0))),
}
