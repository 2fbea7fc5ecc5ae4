"""Every detector that keeps packed state keeps one contract; a class that is missing here is found and named.

Registered banks have more to keep, in ``test_contract.py``. What is adapted here per detector is only how it is given a
stream of values.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.detectors.damage import changes
from tracehound import detectors
from tracehound.detectors.alarms.silence import SilenceWatch
from tracehound.detectors.bank import Bank, Floats, Slots
from tracehound.detectors.calibration.calibration import Calibration, Channel
from tracehound.detectors.charts.chart import Chart, ChartRules
from tracehound.detectors.charts.charts import Charts
from tracehound.detectors.charts.drift import Drift
from tracehound.detectors.charts.smoothed import SmoothedScores
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.errors.error_types import ErrorTypes
from tracehound.detectors.features.paths import OTHER, PATH, Paths
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.structure.detector import Structure
from tracehound.detectors.structure.exposure import Exposure
from tracehound.detectors.windows.findings import JudgedWindows
from tracehound.detectors.windows.golden_signals import GoldenSignals
from tracehound.detectors.windows.series import WindowSeries
from tracehound.detectors.windows.windows import Windows

Answers = tuple[NDArray[Any], ...]
ROWS = 3_000
FOUND = 16
"""Classes with a ``snapshot`` that there are at least; a search that no longer descends finds fewer."""
ELSEWHERE = {Charts, Ensemble, IncidentBook, Scorer, SilenceWatch}
"""Classes with a ``snapshot`` that are made of others or keep no arrays: their own tests and those of the scorer judge
them."""


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
        return sigma, self.detector.once(rows.slots, sigma > 4.0, rows.times, 300.0)


class ErrorTypesAdapter(Adapter):
    judges = False

    def learn(self, rows: Rows) -> Answers:
        """One execution in ten fails, with ever other types."""
        types = np.where(rows.values.astype(np.int64) % 10 == 0, rows.values.astype(np.int64) * 2 + 2, 0)
        return answers(self.detector.judge_then_learn(rows.slots, types, rows.times))


class DriftAdapter(Adapter):
    judges = False

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
    "Windows": (Windows, lambda: WindowedAdapter(lambda: Windows(10.0, 2.0))),
    "GoldenSignals": (GoldenSignals, lambda: GoldenAdapter(lambda: GoldenSignals(10.0, 2.0, warm_up=20))),
    "WindowSeries": (WindowSeries, lambda: SeriesAdapter(lambda: WindowSeries(1.0))),
}


@pytest.fixture(params=[make for _, make in ADAPTERS.values()], ids=list(ADAPTERS))
def make(request: pytest.FixtureRequest) -> Callable[[], Adapter]:
    maker: Callable[[], Adapter] = request.param
    return maker


def stream(rows: int = ROWS, slot: int = 0, start: float = 0.0, seed: int = 5) -> Rows:
    random = np.random.default_rng(seed)
    values = random.lognormal(np.log(50.0), 0.3, rows)
    values[random.random(rows) < 0.01] *= 10.0
    values[rows // 2 : rows // 2 + 90] *= 8.0
    return Rows(np.full(rows, slot, np.int64), values, start + np.arange(rows, dtype=np.float64))


def opened(make: Callable[[], Adapter], slot: int = 0) -> Adapter:
    made = make()
    made.open(slot)
    return made


def same(one: Any, other: Any) -> bool:
    """Whether two states, which may be nested, are equal."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)


def equal(one: Sequence[NDArray[Any]], other: Sequence[NDArray[Any]]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(one, other, strict=True)
    )


def classes_with_state() -> set[type]:
    found: set[type] = set()
    for module in pkgutil.walk_packages(detectors.__path__, "tracehound.detectors."):
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found |= {one for _, one in members if callable(getattr(one, "snapshot", None))}
    return {one for one in found if one.__module__.startswith("tracehound.detectors.") and not inspect.isabstract(one)}


def test_every_detector_with_a_state_is_held_to_a_contract() -> None:
    adapted = {kind for kind, _ in ADAPTERS.values()}
    banks = {one for one in classes_with_state() if issubclass(one, Bank)}
    missing = classes_with_state() - banks - adapted - ELSEWHERE
    assert not missing, "Give these an adapter in ADAPTERS."
    assert len(classes_with_state()) >= FOUND
    assert adapted <= classes_with_state()


def test_the_stream_makes_each_detector_speak(make: Callable[[], Adapter]) -> None:
    given = opened(make).learn(stream())
    assert any(len(np.unique(np.asarray(answer), axis=0)) > 1 for answer in given)


@pytest.mark.parametrize("size", [1, 97])
def test_a_batch_is_the_same_as_smaller_ones(make: Callable[[], Adapter], size: int) -> None:
    at_once, in_turn, rows = opened(make), opened(make), stream()
    whole = at_once.learn(rows)
    parts = [in_turn.learn(rows[first : first + size]) for first in range(0, len(rows), size)]
    assert equal([np.concatenate(columns) for columns in zip(*parts, strict=True)], whole)
    assert same(at_once.snapshot(0), in_turn.snapshot(0))


def test_keys_do_not_influence_each_other(make: Callable[[], Adapter]) -> None:
    alone, among, rows = opened(make), opened(make), stream()
    among.open(40, seed=9)
    both = Rows(np.tile(np.array([0, 40]), len(rows)), np.repeat(rows.values, 2), np.repeat(rows.times, 2))
    both.values[1::2] *= 3.0
    expected, given = alone.learn(rows), among.learn(both)
    assert equal([answer[::2] for answer in given], expected)
    assert same(alone.snapshot(0), among.snapshot(0))


@pytest.mark.parametrize("cut", [0, 37, 1_540, 2_500])
def test_a_snapshot_resumes_identically(make: Callable[[], Adapter], cut: int) -> None:
    first, second, rows = opened(make), make(), stream()
    first.learn(rows[:cut])
    second.open(7, seed=99)
    second.learn(stream(200, slot=7, seed=8))
    second.restore(7, first.snapshot(0))
    assert same(first.snapshot(0), second.snapshot(7))
    rest = rows[cut:]
    moved = Rows(np.full(len(rest), 7), rest.values, rest.times)
    assert equal(first.learn(rest), second.learn(moved))
    assert same(first.snapshot(0), second.snapshot(7))


def test_a_snapshot_is_a_copy(make: Callable[[], Adapter]) -> None:
    made, again, rows = opened(make), opened(make), stream()
    for one in (made, again):
        one.learn(rows[:1_000])
    taken = made.snapshot(0)
    made.learn(rows[1_000:])
    assert same(taken, again.snapshot(0))


def test_what_is_restored_is_a_copy_too(make: Callable[[], Adapter]) -> None:
    made, other, rows = opened(make), opened(make), stream()
    made.learn(rows[:1_000])
    taken = made.snapshot(0)
    other.restore(0, taken)
    other.learn(rows[1_000:])
    assert same(taken, made.snapshot(0))


def test_judging_changes_nothing(make: Callable[[], Adapter]) -> None:
    made, rows = opened(make), stream()
    if not made.judges:
        assert not hasattr(made.detector, "judge")
        return
    made.learn(rows[:2_000])
    before = made.snapshot(0)
    expected = made.judge(rows[2_000:])
    assert same(before, made.snapshot(0))
    assert equal(made.judge(rows[2_000:]), expected)


def test_neither_input_is_changed(make: Callable[[], Adapter]) -> None:
    made, rows = opened(make), stream()
    kept = (rows.slots.copy(), rows.values.copy(), rows.times.copy())
    made.learn(rows)
    assert equal((rows.slots, rows.values, rows.times), kept)


def test_the_same_input_gives_the_same_answers(make: Callable[[], Adapter]) -> None:
    rows = stream()
    one, other = opened(make), opened(make)
    assert equal(one.learn(rows), other.learn(rows))
    assert same(one.snapshot(0), other.snapshot(0))


def test_an_opened_slot_forgets_who_was_there_before(make: Callable[[], Adapter]) -> None:
    made = opened(make)
    made.learn(stream())
    made.open(0)
    assert same(made.snapshot(0), opened(make).snapshot(0))


def test_memory_is_bounded_however_much_is_learned(make: Callable[[], Adapter]) -> None:
    made = opened(make)
    before = made.nbytes()
    for seed in range(10):
        made.learn(stream(slot=0, start=ROWS * seed, seed=seed))
    assert made.nbytes() == before
    assert before <= made.row_bytes_at_most
    assert stored_bytes(made.snapshot(0)) <= before + 512


def stored_bytes(state: Any) -> int:
    if isinstance(state, dict):
        return sum(stored_bytes(value) for value in state.values())
    return np.asarray(state).nbytes


def test_a_state_that_is_none_is_refused(make: Callable[[], Adapter]) -> None:
    with pytest.raises(KeyError):
        opened(make).restore(0, {})


@pytest.mark.parametrize("cut", [0, 150, 2_100])
def test_a_state_with_a_number_changed_is_refused_or_taken_as_it_is(make: Callable[[], Adapter], cut: int) -> None:
    first, second, rows = opened(make), opened(make), stream()
    first.learn(rows[:cut])
    coming = rows[cut : cut + 60]
    taken, refused = first.snapshot(0), 0
    for path, change, damaged in changes(taken):
        second.open(0)
        try:
            second.restore(0, damaged)
        except (KeyError, ValueError):
            refused += 1
            continue
        if path[-1] != "width_s":  # windows of another width start afresh
            assert same(second.snapshot(0), damaged), f"{path} = {change!r:.200} is taken over as something else."
        answers_given = second.learn(coming)
        finite = np.isfinite(np.asarray(answers_given[second.score], np.float64)).all()
        assert finite, f"{path} = {change!r:.200} makes scores that are no numbers."
        second.restore(0, second.snapshot(0))
    assert refused


def test_scores_are_finite(make: Callable[[], Adapter]) -> None:
    made = opened(make)
    assert np.isfinite(np.asarray(made.learn(stream())[made.score], np.float64)).all()
