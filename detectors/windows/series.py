"""Evenly windowed time series of many keys: forecast with level and seasons, and how improbable each window is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.fields import RecordField
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import LARGEST, checked, numbers
from tracehound.detectors.windows.series_kernel import (
    DAY_BINS,
    JUDGED,
    LEAST,
    MOST,
    NEXT,
    NUMBERS,
    REFERENCE,
    SEASON_RATE,
    SERIES,
    SINCE,
    WEEK_BINS,
    run_series,
)

_SEASON_LEAST, _SEASON_MOST = np.array([-LARGEST, 0.0]), np.array([LARGEST, 1.0 / SEASON_RATE])
_STORED = {
    "numbers": numbers(np.float64, (NUMBERS,), LEAST, MOST, missing=np.arange(NUMBERS) == SINCE),
    "day": numbers(np.float32, (DAY_BINS, 2), _SEASON_LEAST, _SEASON_MOST),
    "week": numbers(np.float32, (WEEK_BINS, 2), _SEASON_LEAST, _SEASON_MOST),
    "reference": numbers(np.float32, (REFERENCE,), 0.0, LARGEST),
}


@dataclass(frozen=True, slots=True)
class SeriesJudgement:
    """What a series says about n windows: ``rows`` (n,) are records, and each of their fields is an array (n,).

    ``score`` is −log10 of the false-alarm probability of the window (two sided), 0 while warming or missing;
    ``deviation`` the residual in robust standard deviations, above 0 where the value is above expectation;
    ``expected`` the forecast, ``low`` and ``high`` a 90 % band around it, in the series' unit (NaN before the
    first value).
    """

    rows: NDArray[np.void]

    score = RecordField[Floats]()
    deviation = RecordField[Floats]()
    expected = RecordField[Floats]()
    low = RecordField[Floats]()
    high = RecordField[Floats]()
    warming = RecordField[Flags]()


class WindowSeries:
    """Forecast and judgement of windowed series whose sampling noise is known, one per key.

    Three forecasts compete: a level (exponential smoothing), a profile over the time of day and one over the
    time of week, both with a level of their own; the one with the smallest recent absolute error is used, so a
    season counts only where it exists.

    A residual counts in units of its scale, the larger of the series' own (robust) and the sampling noise of its
    window. The score is the smaller of the normal tail of that deviation and of an exponential tail fitted to the
    largest twentieth of the key's own past deviations (peaks over threshold with shape 0; its mean excess taken one
    standard error too large): light where residuals are light, heavier where the application is bursty. A power
    law is right for residuals of any metric, and too weak for these: a tenth of the traffic scores 3 there.

    Nothing is learned from a score of 3 on until one is below 1.5, so that a fault does not become normal; only the
    size of the first residual is, bounded, so that bursts widen the tail. After ``patience_s`` it is the new normal.

    Assumes values on a scale where noise does not depend on level (roots of counts, logarithms of sums), at most slow
    drift inside a window, and seasons of a UTC day or week; public holidays score high. Residuals of a strongly
    autocorrelated series are judged against their own distribution, so a slow ramp is followed and not told. Fails
    where residuals come in bursts rarer than one in some hundred windows: their size is not known.

    Parameters: ``step_s`` is the width of a window; ``warm_up`` windows before it judges; ``patience_s`` in seconds
    of event time.

    Source: exponential smoothing, P. R. Winters, Management Science 6 (1960); tail, J. Pickands, Annals of
    Statistics 3 (1975).

    >>> series = WindowSeries(step_s=30.0, warm_up=40)
    >>> series.open(0, seed=0)
    >>> roots = np.sqrt(np.random.default_rng(1).poisson(100, 300) + 0.375)
    >>> slots, times, noise = np.zeros(300, np.int64), 30.0 * np.arange(300), np.full(300, 0.5)
    >>> bool(series.judge_counted(slots, roots, times, noise).score.max() < 4)
    True
    >>> bool(series.judge_counted(slots[:1], np.sqrt([20.0]), times[:1] + 9_000.0, noise[:1]).score[0] > 6)
    True
    """

    def __init__(self, step_s: float, warm_up: int = 60, patience_s: float = 10_800.0) -> None:
        if not step_s > 0:
            raise ValueError(f"The 'step_s' parameter of WindowSeries must be above 0. Got {step_s} instead.")
        if warm_up < 10:
            raise ValueError(f"The 'warm_up' parameter of WindowSeries must be at least 10. Got {warm_up} instead.")
        self.step_s, self.warm_up = step_s, warm_up
        self._patience_s = patience_s
        self._store = SlotRecords(SERIES)

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the key in ``slot``."""
        self._store.open(slot)
        self._store["numbers"][slot, SINCE] = np.nan

    def judge_counted(
        self, slots: Slots, values: Floats, times: Floats, noise: Floats, patience_s: Floats | None = None
    ) -> SeriesJudgement:
        """Judge each value (n,) with the standard deviation ``noise`` (n,) of its sampling, then learn it.

        ``times`` (n,) are the starts of the windows in epoch seconds, ascending per slot. ``patience_s`` (n,) is for
        how many seconds a deviation must last to be learned, where that is another time than usual.
        """
        judged = SeriesJudgement(np.zeros(len(slots), JUDGED))
        patience = np.full(len(slots), self._patience_s) if patience_s is None else patience_s
        run_series(slots, values, times, noise, patience, self.warm_up, self._store.records, judged.rows)
        return judged

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        return {name: self._store[name][slot].copy() for name in SERIES}

    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of a series.
        """
        taken = checked("a series", state, _STORED)
        kept = taken["reference"][: int(min(taken["numbers"][NEXT], REFERENCE))]
        if (kept[1:] < kept[:-1]).any():
            raise ValueError("The 'reference' of a series must ascend.")
        for name, values in taken.items():
            self._store[name][slot] = values

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()
