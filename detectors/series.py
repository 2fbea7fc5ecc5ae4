"""Evenly windowed time series of many keys: forecast with level and seasons, and how improbable each window is."""

from dataclasses import dataclass

import numpy as np

from detectors.bank import Flags, Floats, Slots, State
from detectors.series_kernel import DAY_BINS, NUMBERS, REFERENCE, SINCE, WEEK_BINS, run_series
from detectors.slots import SlotArrays

_ARRAYS = ("numbers", "day", "week", "reference")
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class SeriesJudgement:
    """What a series says about n windows: each array is (n,).

    ``score`` is −log10 of the false-alarm probability of the window (two sided), 0 while warming or missing;
    ``deviation`` the residual in robust standard deviations, above 0 where the value is above expectation;
    ``expected`` the forecast, ``low`` and ``high`` a 90 % band around it, in the series' unit (NaN before the
    first value).
    """

    score: Floats
    deviation: Floats
    expected: Floats
    low: Floats
    high: Floats
    warming: Flags


class Series:
    """Forecast and judgement of windowed series, one per key.

    Three forecasts compete: a level (exponential smoothing), a profile over the time of day and one over the
    time of week, both with a level of their own; the one with the smallest recent absolute error is used, so a
    season counts only where it exists. The residual over its robust scale is looked up in the sorted last
    residuals of the key itself (a Hill tail beyond them), which makes the score a probability without a
    distribution assumed. Nothing is learned while the score is beyond ``gate``, so that a fault does not become
    normal; after ``patience_s`` of it, it is the new normal.

    Assumes at most slow drift inside a window and seasons of a UTC day or week; public holidays score high.
    Residuals of a strongly autocorrelated series are judged against their own distribution, so a slow ramp is
    followed and not told. Missing windows and NaN are neither judged nor learned.

    Parameters: ``step_s`` is the width of a window; ``warm_up`` windows before it judges; ``gate`` in −log10 of
    a probability; ``patience_s`` in seconds of event time.

    Source: exponential smoothing, P. R. Winters, Management Science 6 (1960); tail, B. M. Hill, Annals of
    Statistics 3 (1975).

    >>> series = Series(step_s=60.0, warm_up=60)
    >>> series.open(0, seed=0)
    >>> slots, times = np.zeros(300, np.int64), 60.0 * np.arange(300)
    >>> usual = series.judge_then_learn(slots, 100 + np.arange(300) % 7.0, times)
    >>> bool(usual.score.max() < 3), int(usual.warming.sum())
    (True, 60)
    >>> bool(series.judge(slots[:1], np.array([300.0]), np.array([18_000.0])).score[0] > 4)
    True
    """

    def __init__(self, step_s: float, warm_up: int = 60, gate: float = 4.0, patience_s: float = 10_800.0) -> None:
        if not step_s > 0:
            raise ValueError(f"The 'step_s' parameter of Series must be above 0. Got {step_s} instead.")
        if warm_up < 10:
            raise ValueError(f"The 'warm_up' parameter of Series must be at least 10. Got {warm_up} instead.")
        self.step_s, self.warm_up = step_s, warm_up
        self._gate, self._patience_s = gate, patience_s
        self._store = SlotArrays(
            {
                "numbers": (np.float64, (NUMBERS,)),
                "day": (np.float32, (DAY_BINS, 2)),
                "week": (np.float32, (WEEK_BINS, 2)),
                "reference": (np.float32, (REFERENCE,)),
            }
        )

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the key in ``slot``."""
        self._store.open(slot)
        self._store["numbers"][slot, SINCE] = np.nan

    def judge(self, slots: Slots, values: Floats, times: Floats) -> SeriesJudgement:
        """Judge values (n,) of windows that start at ``times`` (n,) as if each came next. Changes nothing."""
        parts = [
            self._run(
                np.arange(len(some), dtype=np.int64),
                values[first : first + _ROWS_AT_ONCE],
                times[first : first + _ROWS_AT_ONCE],
                np.zeros(len(some), np.bool_),
                tuple(self._store[name][some] for name in _ARRAYS),
            )
            for first in range(0, max(1, len(slots)), _ROWS_AT_ONCE)
            for some in (slots[first : first + _ROWS_AT_ONCE],)
        ]
        return SeriesJudgement(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in SeriesJudgement.__slots__)
        )

    def judge_then_learn(
        self, slots: Slots, values: Floats, times: Floats, learn: Flags | None = None
    ) -> SeriesJudgement:
        """Judge each value (n,), then learn it unless gated or ``learn`` is False.

        ``times`` (n,) are the starts of the windows in epoch seconds, ascending per slot.
        """
        allowed = np.ones(len(slots), np.bool_) if learn is None else learn
        return self._run(slots, values, times, allowed, tuple(self._store[name] for name in _ARRAYS))

    def _run(
        self, slots: Slots, values: Floats, times: Floats, learn: Flags, arrays: tuple[np.ndarray, ...]
    ) -> SeriesJudgement:
        n = len(slots)
        out, warming = np.zeros((n, 5)), np.zeros(n, np.bool_)
        settings = np.array([self.step_s, self.warm_up, self._gate, self._patience_s])
        run_series(slots, values, times, learn, settings, *arrays, out, warming)
        score, deviation, expected, low, high = out.T.copy()
        return SeriesJudgement(score, deviation, expected, low, high, warming)

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        return {name: self._store[name][slot].copy() for name in _ARRAYS}

    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of a series.
        """
        for name in _ARRAYS:
            row = np.asarray(state[name])
            if row.shape != self._store[name].shape[1:]:
                raise ValueError(
                    f"A series' {name!r} must have the shape {self._store[name].shape[1:]}. Got {row.shape}."
                )
            self._store[name][slot] = row

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()
