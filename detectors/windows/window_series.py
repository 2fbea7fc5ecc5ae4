"""Series of windows that are counts or means of few executions: judged against their own scatter and sampling noise."""

from typing import Any

import numpy as np

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.windows.series import Series, SeriesJudgement
from tracehound.detectors.windows.series_kernel import (
    BAND_SIGMAS,
    COUNT,
    ERROR,
    LASTING_RATE,
    NEXT,
    REFERENCE,
    SINCE,
    TO_SIGMA,
    best_of,
    forecast,
    learn_residual,
    learn_window,
)

GATE = 3.0
"""−log10 of the probability from which a window is not learned, and the next ones until they are below half of it."""
TAIL_SHARE, LEAST_TAIL = 0.05, 10
LARGEST_LEARNED = 4.0
"""The residual with which a deviation begins is learned as if its score were at most this."""
_LN_10 = float(np.log(10.0))


class WindowSeries(Series):
    """Forecasts of ``detectors.windows.series.Series``, with a score that fits windows whose sampling noise is known.

    A residual counts in units of its scale, the larger of the series' own (robust) and the sampling noise of its
    window. The score is the smaller of the normal tail of that deviation and of an exponential tail fitted to the
    largest twentieth of the key's own past deviations (peaks over threshold with shape 0; its mean excess taken one
    standard error too large): light where residuals are light, heavier where the application is bursty. The power
    law that ``Series`` fits is right for residuals of any metric, and too weak for these: a tenth of the traffic
    scores 3 there.

    Nothing is learned from a score of 3 on until one is below 1.5, so that a fault does not become normal; only the
    size of the first residual is, bounded, so that bursts widen the tail. After ``patience_s`` it is the new normal.

    Assumes values on a scale where noise does not depend on level (roots of counts, logarithms of sums). Fails where
    residuals come in bursts rarer than one in some hundred windows: their size is not known. Parameters as in
    ``Series``.

    Source: J. Pickands, Annals of Statistics 3 (1975), for the tail.

    >>> series = WindowSeries(step_s=30.0, warm_up=40)
    >>> series.open(0, seed=0)
    >>> roots = np.sqrt(np.random.default_rng(1).poisson(100, 300) + 0.375)
    >>> slots, times, noise = np.zeros(300, np.int64), 30.0 * np.arange(300), np.full(300, 0.5)
    >>> bool(series.judge_counted(slots, roots, times, noise).score.max() < 4)
    True
    >>> bool(series.judge_counted(slots[:1], np.sqrt([20.0]), times[:1] + 9_000.0, noise[:1]).score[0] > 6)
    True
    """

    def judge_counted(
        self, slots: Slots, values: Floats, times: Floats, noise: Floats, patience_s: Floats | None = None
    ) -> SeriesJudgement:
        """Judge each value (n,) with the standard deviation ``noise`` (n,) of its sampling, then learn it.

        ``times`` (n,) are the starts of the windows in epoch seconds, ascending per slot. ``patience_s`` (n,) is for
        how many seconds a deviation must last to be learned, where that is another time than usual.
        """
        n = len(slots)
        out, warming = np.zeros((n, 5)), np.zeros(n, np.bool_)
        arrays = (self._store[name] for name in ("numbers", "day", "week", "reference"))
        usual = np.full(n, self._patience_s)
        patience = usual if patience_s is None else patience_s
        _run(slots, values, times, noise, patience, self.warm_up, *arrays, out, warming)
        score, deviation, expected, low, high = out.T.copy()
        return SeriesJudgement(score, deviation, expected, low, high, warming)


@njit(cache=True)
def _own_tail(reference: Any, count: int) -> Any:
    """Threshold, mean excess over it, and the share of residuals beyond it, of the sorted first ``count`` ones."""
    beyond = min(count - 1, max(LEAST_TAIL, int(TAIL_SHARE * count)))
    threshold = reference[count - 1 - beyond]
    total = 0.0
    for j in range(count - beyond, count):
        total += reference[j] - threshold
    return threshold, (1.0 + 1.0 / np.sqrt(beyond)) * total / beyond + 1e-9, beyond / count


@njit(cache=True)
def _score_of(size: float, threshold: float, excess: float, share: float) -> Any:
    if size <= threshold:
        return 0.0
    own = -np.log10(share) + (size - threshold) / excess / _LN_10
    normal = 0.0
    if size > 1.0:
        # Mills' ratio bounds the normal tail from above closely enough here, and never underflows.
        normal = 0.5 * size * size / _LN_10 + np.log10(size * np.sqrt(0.5 * np.pi))
    return min(own, normal)


@njit(cache=True)
def _run(
    slots: Any,
    values: Any,
    times: Any,
    noise: Any,
    patience_s: Any,
    warm_up: int,
    all_numbers: Any,
    all_day: Any,
    all_week: Any,
    all_reference: Any,
    out: Any,
    warming: Any,
) -> None:
    """Judge rows into ``out`` (n, 5): score, deviation, expected, low, high; then learn."""
    for i in range(slots.size):
        numbers, reference = all_numbers[slots[i]], all_reference[slots[i]]
        day, week = all_day[slots[i]], all_week[slots[i]]
        warming[i] = numbers[COUNT] < warm_up
        made = forecast(numbers, day, week, times[i])
        best = best_of(numbers, made)
        scale = max(TO_SIGMA * numbers[ERROR + best], noise[i])
        out[i, 2:5] = np.nan
        size, score, excess, threshold, share = 0.0, 0.0, 0.0, 0.0, 1.0
        if numbers[COUNT] > 0.0:
            out[i, 1] = (values[i] - made[best]) / scale
            out[i, 2] = made[best]
            out[i, 3], out[i, 4] = made[best] - BAND_SIGMAS * scale, made[best] + BAND_SIGMAS * scale
            size = abs(out[i, 1])
        if not warming[i]:
            threshold, excess, share = _own_tail(reference, int(min(numbers[NEXT], REFERENCE)))
            score = out[i, 0] = _score_of(size, threshold, excess, share)
        rate = 0.0
        if score >= (GATE if np.isnan(numbers[SINCE]) else 0.5 * GATE):
            if np.isnan(numbers[SINCE]):
                numbers[SINCE] = times[i]
                learn_residual(numbers, reference, min(size, _size_of(threshold, excess, share)))
            if times[i] - numbers[SINCE] <= patience_s[i]:
                continue
            rate = LASTING_RATE
        else:
            numbers[SINCE] = np.nan
            learn_residual(numbers, reference, size)
        learn_window(numbers, day, week, values[i], times[i], made, rate)


@njit(cache=True)
def _size_of(threshold: float, excess: float, share: float) -> Any:
    return threshold + (LARGEST_LEARNED + np.log10(share)) * _LN_10 * excess
