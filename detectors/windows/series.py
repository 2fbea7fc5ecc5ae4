"""Evenly windowed time series of many keys: forecast with level and seasons, and how improbable each window is."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.slots import SlotArrays
from tracehound.detectors.packed.stored_numbers import LARGEST, checked, numbers
from tracehound.detectors.windows.series_kernel import (
    DAY_BINS,
    LEAST,
    MOST,
    NEXT,
    NUMBERS,
    REFERENCE,
    SEASON_RATE,
    SINCE,
    WEEK_BINS,
    run_series,
)
from tracehound.detectors.windows.series_novelty import (
    BLOCKS,
    LEAST_PRESENT,
    MOST_PRESENT,
    PRESENT,
    RECENT,
    SEEN,
    run_novelty,
)
from tracehound.detectors.windows.series_rank import SAMPLE, TOP

_Layout = dict[str, tuple[Any, tuple[int, ...]]]
_FORECAST: _Layout = {
    "numbers": (np.float64, (NUMBERS,)),
    "day": (np.float32, (DAY_BINS, 2)),
    "week": (np.float32, (WEEK_BINS, 2)),
    "reference": (np.float32, (REFERENCE,)),
}
_NOVELTY: _Layout = {
    "present": (np.float64, (PRESENT,)),
    "recent": (np.float32, (RECENT,)),
    "blocks": (np.float32, (BLOCKS,)),
    "seen": (np.float32, (SEEN,)),
    "samples": (np.float32, (2, SAMPLE)),
    "tops": (np.float32, (2, TOP)),
}
_SEASON_LEAST, _SEASON_MOST = np.array([-LARGEST, 0.0]), np.array([LARGEST, 1.0 / SEASON_RATE])
_FORECAST_STORED = {
    "numbers": numbers(np.float64, (NUMBERS,), LEAST, MOST, missing=np.arange(NUMBERS) == SINCE),
    "day": numbers(np.float32, (DAY_BINS, 2), _SEASON_LEAST, _SEASON_MOST),
    "week": numbers(np.float32, (WEEK_BINS, 2), _SEASON_LEAST, _SEASON_MOST),
    "reference": numbers(np.float32, (REFERENCE,), 0.0, LARGEST),
}
_NOVELTY_STORED = {
    "present": numbers(np.float64, (PRESENT,), LEAST_PRESENT, MOST_PRESENT),
    "recent": numbers(np.float32, (RECENT,), -LARGEST, LARGEST),
    "blocks": numbers(np.float32, (BLOCKS,), -LARGEST, LARGEST),
    "seen": numbers(np.float32, (SEEN,), -LARGEST, LARGEST),
    "samples": numbers(np.float32, (2, SAMPLE), 0.0, LARGEST),
    "tops": numbers(np.float32, (2, TOP), 0.0, LARGEST),
}
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much each kind of evidence counts: the forecast's residual, a value and a shape never seen before.

    Weights from 0 (not asked, no memory taken) to 1. Scores of the kinds asked, times their weights, are combined by
    the power mean of order ``order``: 1 is the mean, and the larger the order the closer to the largest of them.
    No score of a value or shape counts as more than ``largest``: that is what ranks among some thousands can say. A
    value is known from ``hold`` windows (1 to 32) after it came.
    """

    residual: float = 1.0
    value: float = 0.0
    shape: float = 0.0
    order: float = 3.0
    largest: float = 3.5
    hold: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.hold <= RECENT:
            raise ValueError(f"The 'hold' parameter of Evidence must be from 1 to {RECENT}. Got {self.hold} instead.")
        if not self.order >= 1.0:
            raise ValueError(f"The 'order' parameter of Evidence must be at least 1. Got {self.order} instead.")

    def combine(self, residual: Floats, value: Floats, shape: Floats) -> Floats:
        """One score (n,) of the scores (n,) of each kind."""
        value, shape = np.minimum(value, self.largest), np.minimum(shape, self.largest)
        asked = [(w, s) for w, s in ((self.residual, residual), (self.value, value), (self.shape, shape)) if w > 0.0]
        if len(asked) == 1:
            return asked[0][0] * asked[0][1]
        powers = sum(((weight * score) ** self.order for weight, score in asked), np.zeros(len(residual)))
        mean: Floats = (powers / len(asked)) ** (1.0 / self.order)
        return mean


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
    followed and not told. Beyond the kept residuals the tail is a power law: careful where residuals are Gaussian
    (scores of 3 come at a tenth of their nominal rate). Missing windows and NaN are neither judged nor learned.

    Two more kinds of evidence can be asked (``evidence``), both without a model: the distance of the value to the
    nearest one ever seen, and of the mean of the last 32 windows in blocks of 8 to the nearest such shape of the
    last 1,000 blocks, each ranked among its own past. They tell values and shapes that never were, whatever the
    forecast, and are blind to the usual at an unusual time. Distances of the first cycle, when everything is new, stay
    among the largest for some ten thousand windows and keep shapes quiet.

    Parameters: ``step_s`` is the width of a window; ``warm_up`` windows before it judges; ``gate`` in −log10 of
    a probability; ``patience_s`` in seconds of event time; ``evidence`` as above, the residual alone by default.

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

    def __init__(
        self,
        step_s: float,
        warm_up: int = 60,
        gate: float = 4.0,
        patience_s: float = 10_800.0,
        evidence: Evidence | None = None,
    ) -> None:
        if not step_s > 0:
            raise ValueError(f"The 'step_s' parameter of Series must be above 0. Got {step_s} instead.")
        if warm_up < 10:
            raise ValueError(f"The 'warm_up' parameter of Series must be at least 10. Got {warm_up} instead.")
        self.step_s, self.warm_up = step_s, warm_up
        self._gate, self._patience_s = gate, patience_s
        self._evidence = evidence or Evidence()
        self._novel = self._evidence.value > 0.0 or self._evidence.shape > 0.0
        self._layout = _FORECAST | (_NOVELTY if self._novel else {})
        self._stored = _FORECAST_STORED | (_NOVELTY_STORED if self._novel else {})
        self._store = SlotArrays(self._layout)

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
                {name: self._store[name][some] for name in self._layout},
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
        return self._run(slots, values, times, allowed, {name: self._store[name] for name in self._layout})

    def _run(
        self, slots: Slots, values: Floats, times: Floats, learn: Flags, arrays: dict[str, Any]
    ) -> SeriesJudgement:
        n = len(slots)
        out, warming = np.zeros((n, 5)), np.zeros(n, np.bool_)
        settings = np.array([self.step_s, self.warm_up, self._gate, self._patience_s])
        run_series(slots, values, times, learn, settings, *(arrays[name] for name in _FORECAST), out, warming)
        score, deviation, expected, low, high = out.T.copy()
        if self._novel:
            novel = np.zeros((n, 2))
            run_novelty(slots, values, learn, self._evidence.hold, *(arrays[name] for name in _NOVELTY), novel)
            score = np.where(warming, 0.0, self._evidence.combine(score, novel[:, 0], novel[:, 1]))
        return SeriesJudgement(score, deviation, expected, low, high, warming)

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        return {name: self._store[name][slot].copy() for name in self._layout}

    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of a series.
        """
        taken = checked("a series", state, self._stored)
        kept = taken["reference"][: int(min(taken["numbers"][NEXT], REFERENCE))]
        if (kept[1:] < kept[:-1]).any():
            raise ValueError("The 'reference' of a series must ascend.")
        for name, values in taken.items():
            self._store[name][slot] = values

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()
