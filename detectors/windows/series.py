"""Evenly windowed series of many keys: forecast by what the hour usually brings, and how improbable each window is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.fields import RecordField
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import COUNTED, LARGEST, Stored, checked, numbers
from tracehound.detectors.windows import series_runs
from tracehound.detectors.windows.seasons import (
    BIN,
    DAY_BINS,
    LOWEST,
    MEAN,
    VISIT_LEAST,
    VISIT_MOST,
    VISITS,
    WEEK_BINS,
)
from tracehound.detectors.windows.series_forecast import (
    COUNT,
    DAY,
    ERROR,
    LEVEL,
    NEXT,
    NUMBERS,
    SINCE,
    SMOOTH,
    WEEK,
    least_expected,
)
from tracehound.detectors.windows.series_kernel import JUDGED, LEAST, MISSING, MOST, SERIES, run_series
from tracehound.detectors.windows.series_runs import RUNS
from tracehound.detectors.windows.series_tail import REFERENCE

_BIN_LEAST, _BIN_MISSING = np.array([-LARGEST, -LARGEST]), np.array([True, False])
_BINS = {"day": DAY_BINS, "week": WEEK_BINS}
_STORED: Final[dict[str, Stored]] = {
    "numbers": numbers(np.float64, (NUMBERS,), LEAST, MOST, missing=MISSING),
    **{
        name: numbers(np.float32, (bins, BIN), _BIN_LEAST, LARGEST, missing=_BIN_MISSING)
        for name, bins in _BINS.items()
    },
    **{name: numbers(np.float64, SERIES[name][1], VISIT_LEAST, VISIT_MOST[name]) for name in VISITS},
    **{name: numbers(np.uint8, SERIES[name][1], 0, 255) for name in LOWEST},
    "reference": numbers(np.float32, (REFERENCE,), 0.0, LARGEST),
    "runs": numbers(np.float64, (RUNS,), series_runs.LEAST, series_runs.MOST, missing=series_runs.MISSING),
}
_NO_RUNS: Final = np.where(series_runs.MISSING, np.nan, 0.0)
_FRESH: Final = {
    "numbers": np.where(np.isin(np.arange(NUMBERS), [SINCE, SMOOTH + DAY, SMOOTH + WEEK]), np.nan, 0.0),
    "runs": _NO_RUNS,
    **{name: np.where(np.arange(BIN) == MEAN, np.nan, 0.0) for name in _BINS},
}


@dataclass(frozen=True, slots=True)
class SeriesJudgement:
    """What a series says about n windows: ``rows`` (n,) are records, and each of their fields is an array (n,).

    ``score`` is −log10 of the false-alarm probability of the window (two sided), 0 while warming or missing;
    ``deviation`` the residual in robust standard deviations, above 0 where the value is above expectation;
    ``expected`` the forecast, ``low`` and ``high`` a 90 % band around it, and ``recent`` the level of the minutes
    before, in the series' unit (NaN before the first value). For counts, ``run`` is −log10 of the probability of so
    many windows in a row with many more than usual, and the same below 0 for many fewer; ``run_begun`` the start of
    the first of them, ``run_before`` the level before, ``run_seen`` and ``run_expected`` how many came and were
    expected.
    """

    rows: NDArray[np.void]

    score = RecordField[Floats]()
    deviation = RecordField[Floats]()
    expected = RecordField[Floats]()
    low = RecordField[Floats]()
    high = RecordField[Floats]()
    recent = RecordField[Floats]()
    run = RecordField[Floats]()
    run_begun = RecordField[Floats]()
    run_before = RecordField[Floats]()
    run_seen = RecordField[Floats]()
    run_expected = RecordField[Floats]()
    warming = RecordField[Flags]()


class WindowSeries:
    """Forecast and judgement of series whose windows have a known sampling noise, one per key.

    Three forecasts: the *level* of the last minutes, and profiles over the *day* and the *week*, each moved by what
    the last minutes were above or below it. The most specific one that is trusted counts: the day, if over the last
    week it was about as good as the level, and the week, if better than the day. One that is more specific and not yet
    trusted may excuse a window, a less specific one may not: a morning on which nobody comes is like the night before,
    and is told.

    A bin of a profile has a mean and a deviation of its own, and counts with its neighbours, so that what comes some
    minutes late, or only on some days, is within what is usual at this time. Profiles learn what lies beyond the gate
    too, with doubt: seldom seen, it widens what is usual, and only what comes again becomes the mean. After a Sunday on
    which clocks are changed, a profile that is an hour off excuses as well, and is moved for good once it fits better.

    A residual counts in units of its scale, the larger of the forecast's own and the sampling noise of its window. The
    score is the smaller of the normal tail of that deviation and of an exponential tail fitted to the largest twentieth
    of the key's own past deviations (peaks over threshold with shape 0; its mean excess taken one standard error too
    large): light where residuals are light, heavier where the application is bursty.

    Where counts follow a day that is known, two CUSUMs add up what windows in a row say, against twice and half as many
    as usual (``series_runs``): what no window shows by itself is told within minutes.

    Neither level nor scale learns from a score of 3 on until one is below 1.5, so that a fault does not become normal;
    only the size of the first residual is, bounded, so that bursts widen the tail. After ``patience_s`` it is the new
    normal.

    Assumes values on a scale where noise does not depend on level (roots of counts, logarithms of sums). Fails where
    residuals come in bursts rarer than one in some hundred windows: their size is not known. A fault that comes again
    at the same time on the third day is taken for usual.

    Parameters: ``step_s`` is the width of a window; ``warm_up`` windows before it judges; ``patience_s`` in seconds of
    event time; with ``counts`` the values are roots of counts: they are compared by ratio, and where windows are left
    out there was nothing.

    Source: exponential smoothing, P. R. Winters, Management Science 6 (1960); tail, J. Pickands, Annals of Statistics 3
    (1975); CUSUM of counts, J. M. Lucas, Technometrics 27 (1985).

    >>> series = WindowSeries(step_s=30.0, warm_up=40)
    >>> series.open(0, seed=0)
    >>> roots = np.sqrt(np.random.default_rng(1).poisson(100, 300) + 0.375)
    >>> slots, times, noise = np.zeros(300, np.int64), 30.0 * np.arange(300), np.full(300, 0.5)
    >>> bool(series.judge_counted(slots, roots, times, noise).score.max() < 4)
    True
    >>> bool(series.judge_counted(slots[:1], np.sqrt([20.0]), times[:1] + 9_000.0, noise[:1]).score[0] > 6)
    True
    """

    def __init__(self, step_s: float, warm_up: int = 60, patience_s: float = 10_800.0, counts: bool = False) -> None:
        if not step_s > 0:
            raise ValueError(f"The 'step_s' parameter of WindowSeries must be above 0. Got {step_s} instead.")
        if warm_up < 10:
            raise ValueError(f"The 'warm_up' parameter of WindowSeries must be at least 10. Got {warm_up} instead.")
        self.step_s, self.warm_up = step_s, warm_up
        self._patience_s, self._counts = patience_s, counts
        self._store = SlotRecords(SERIES, _FRESH)
        self._unwritten: set[int] = set()  # opened, and without a window: many keys never have one
        fresh = SlotRecords(SERIES, _FRESH, capacity=1)
        self._fresh = fresh.records[fresh.open(0)]

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the key in ``slot``; it takes memory from its first window on."""
        self._unwritten.add(slot)

    def _write(self, slots: Iterable[int]) -> None:
        for slot in self._unwritten.intersection(slots):
            self._store.open(slot)
            self._unwritten.discard(slot)

    def _record(self, slot: int) -> np.void:
        record: np.void = self._fresh if slot in self._unwritten else self._store.records[slot]
        return record

    def learned(self, slot: int) -> int:
        """How many windows of a key were learned."""
        return int(self._record(slot)["numbers"][COUNT])

    def judge_counted(
        self, slots: Slots, values: Floats, times: Floats, noise: Floats, patience_s: Floats | None = None
    ) -> SeriesJudgement:
        """Judge each value (n,) with the standard deviation ``noise`` (n,) of its sampling, then learn it.

        ``times`` (n,) are the starts of the windows in epoch seconds, ascending per slot. ``patience_s`` (n,) is for
        how many seconds a deviation must last to be learned, where that is another time than usual.
        """
        if self._unwritten:
            self._write(slots.tolist())
        judged = SeriesJudgement(np.zeros(len(slots), JUDGED))
        patience = np.full(len(slots), self._patience_s) if patience_s is None else patience_s
        settings = (self.step_s, self.warm_up, self._counts)
        run_series(slots, values, times, noise, patience, settings, self._store.records, judged.rows)
        return judged

    def least_expected(self, slot: int, start_s: float, end_s: float, enough: float) -> float:
        """How many are at least expected between two times at this hour, for roots of counts; not much beyond
        ``enough``, and infinite where nothing is known of the hour.
        """
        return float(least_expected(self._record(slot), start_s, end_s, self.step_s, enough))

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        record = self._record(slot)
        return {name: record[name].copy() for name in SERIES}

    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned, also that of 0.1.0.

        Raises:
            KeyError, ValueError: the state is not one of a series.
        """
        given = _of_0_1_0(state) if np.shape(state["numbers"]) == (_NUMBERS_OF_0_1_0,) else state
        taken = checked("a series", given, _STORED, {"runs": _NO_RUNS})
        kept = taken["reference"][: int(min(taken["numbers"][NEXT], REFERENCE))]
        if (kept[1:] < kept[:-1]).any():
            raise ValueError("The 'reference' of a series must ascend.")
        self._write([slot])
        for name, values in taken.items():
            self._store[name][slot] = values

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()


_NUMBERS_OF_0_1_0 = 11
_STORED_OF_0_1_0: Final[dict[str, Stored]] = {
    "numbers": numbers(np.float64, (_NUMBERS_OF_0_1_0,), -LARGEST, LARGEST, missing=np.arange(_NUMBERS_OF_0_1_0) == 1),
    **{
        name: numbers(np.float32, (bins, 2), np.array([-LARGEST, 0.0]), np.array([LARGEST, float(COUNTED)]))
        for name, bins in _BINS.items()
    },
}


def _of_0_1_0(state: State) -> State:
    """What an earlier series knew: its profiles had values relative to a level, and no deviation of each bin."""
    then = checked("a series", state, _STORED_OF_0_1_0)
    count, since, following, level, *levels_and_errors = then["numbers"][:9].tolist()
    levels, errors = levels_and_errors[:2], levels_and_errors[2:]
    known = np.zeros(NUMBERS)
    known[[COUNT, SINCE, NEXT, LEVEL, ERROR]] = count, since, following, level, errors[0]
    known[[SMOOTH + DAY, SMOOTH + WEEK]] = np.nan
    converted: dict[str, Any] = {"numbers": known, "reference": state["reference"]}
    for name, its_level, error in zip(_BINS, levels, errors[1:], strict=True):
        values, weights = then[name].T
        mean = np.where(weights > 0.0, values + its_level, np.nan)
        converted[name] = np.column_stack([mean, np.full(len(mean), error)]).astype(np.float32)
    for name in (*VISITS, *LOWEST):
        dtype, shape = SERIES[name]
        converted[name] = np.zeros(shape, dtype)
    return converted
