"""Windows that deviate one after the other: two CUSUMs of counts, for many more and for many fewer than usual."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.stored_numbers import COUNTED, EARLIEST_S, LARGEST, LATEST_S
from tracehound.detectors.windows.seasons import HIGH, LOW, SPREAD, TO_SIGMA
from tracehound.detectors.windows.series_forecast import (
    DAY,
    ERROR,
    LARGEST_RATIO,
    LEVEL,
    RATIO_PRIOR,
    SHORT,
    SMOOTH,
    WEEK,
    ratio_of,
)

SLOW, EMPTY, WINDOWS, FEWER, MORE = 0, 3, 4, 5, 14
"""Places in ``runs``: the level of the last half an hour, and what the profiles of day and week had for it; how many
were expected since the last window that had any; the windows that are remembered; then, for fewer and for more:"""
SUM, SEEN, EXPECTED, BEGUN, BEFORE, LARGE, EXCESS, PEAK, SINCE = range(9)
"""the sum of log-likelihood ratios; since it was last 0 how many came and were expected, the first window, and the
level of the minutes before it; how many runs were large, and the sum of their excesses; that of this one, and the
windows since the last large run began."""
RUN, RUNS = 9, 23
LEAST: Final = np.zeros(RUNS)
MOST: Final = np.full(RUNS, LARGEST)
LEAST[[SLOW, SLOW + 1, SLOW + 2, FEWER + BEFORE, MORE + BEFORE]] = -LARGEST
MOST[[WINDOWS, FEWER + SEEN, MORE + SEEN]] = COUNTED
LEAST[[FEWER + BEGUN, MORE + BEGUN]], MOST[[FEWER + BEGUN, MORE + BEGUN]] = EARLIEST_S, LATEST_S
"""What the numbers of stored runs may be; those of ``MISSING`` may be NaN too."""
MISSING: Final = np.arange(RUNS) < EMPTY
HALF, TWICE = 0.5, 2.0
"""What fewer and more mean: half as many as the least that is usual, twice as many as the most."""
LARGEST_SUM = 18.0
"""The sum stops here, so that a run that is over is forgotten within minutes."""
SLOW_RATE, DEVIATING_RATE = 0.02, 0.005
"""Weight of the newest window in the last half an hour, and while windows deviate one after the other."""
GATE = float(3.0 * np.log(10.0))
"""The sum from which a run is a large one."""
MEMORY = 20_000.0
"""Windows for which large runs are remembered: a week of half minutes."""
PRIOR_WINDOWS, PRIOR_EXCESS, LARGEST_EXCESS = 3_000.0, 1.0, 4.0
"""As if in so many windows as many runs had been large as of Poisson processes are, by so much in the mean; and by
how much at most one is learned to be, since it may be a fault."""
APART = 240.0
"""Windows from which on a large run is another one than the last: two hours."""
STOPPED = 8.0
"""Executions expected in a row of empty windows from which on that is a stop, which others tell."""
LEAST_MORE = 0.5
"""Executions in a window that are always usual."""
USUAL_EXCESS = 0.46
"""Mean excess of the largest twentieth of normal residuals, one standard error too large (``own_tail``)."""
POISSON = 0.5
"""Standard deviation of the root of a count."""
_LN_10 = float(np.log(10.0))


@njit(cache=True)
def follow(
    runs: Any, numbers: Any, made: Any, best: int, known: Any, value: float, noise: float, excess: float, time: float
) -> Any:
    """Let both runs take the root of a count: −log10 of the probability of the likelier one, above 0 where more came.

    Each window counts by its log-likelihood ratio against what is usual (the expectation that is nearest), less where
    the counts of this hour, or those of late, scatter more than those of a Poisson process do. How often runs were
    large, and by how much, bounds what the next one says.
    """
    low, high, scale = _usual(runs, numbers, made, best, known)
    count = max(0.0, value * value - 0.375)
    expected = mean_of(min(max(value, low), high)) if value < low or value > high else count
    scatter = max(1.0, (max(scale, noise) / POISSON) ** 2) * max(1.0, excess / USUAL_EXCESS)
    runs[EMPTY] = runs[EMPTY] + expected if count < 0.5 else 0.0
    begins = (time, numbers[LEVEL])
    ratio = -np.inf if runs[EMPTY] >= STOPPED else _ratio(HALF, count, expected) / scatter
    fewer = _take(runs[FEWER : FEWER + RUN], runs[WINDOWS], ratio, count, expected, begins)
    expected = max(expected, LEAST_MORE)
    ratio = _ratio(TWICE, count, expected) / scatter
    more = _take(runs[MORE : MORE + RUN], runs[WINDOWS], ratio, count, expected, begins)
    keep = 1.0 - 1.0 / MEMORY
    runs[WINDOWS] = runs[WINDOWS] * keep + 1.0
    for place in (FEWER + LARGE, FEWER + EXCESS, MORE + LARGE, MORE + EXCESS):
        runs[place] *= keep
    return more if more >= fewer else -fewer


@njit(cache=True)
def mean_of(root: float) -> float:
    """The mean of a Poisson count whose root, of itself and 3/8, is ``root`` in the mean.

    It is the square and the variance of the root, which is 1/4 of large counts and less of small ones.

    >>> [round(mean_of(root), 1) for root in (0.7187, 1.0932, 10.0)]
    [0.2, 1.0, 99.9]
    """
    square = root * root - 0.375
    mean = max(0.0, square)
    for _ in range(4):
        mean = max(0.0, square + 0.25 * (1.0 - np.exp(-1.33 * mean)))
    return float(mean)


@njit(cache=True)
def _ratio(times: float, count: float, expected: float) -> float:
    """Log-likelihood ratio of ``times`` as many as expected, of a count (Poisson)."""
    return float(count * np.log(times) - expected * (times - 1.0))


@njit(cache=True)
def _take(run: Any, windows: float, ratio: float, count: float, expected: float, begins: Any) -> Any:
    """Let a run take a window, and −log10 of its probability."""
    before = run[SUM]
    run[SINCE] = min(APART, run[SINCE] + 1.0)
    run[SUM] = min(LARGEST_SUM, max(0.0, before + ratio))
    if run[SUM] == 0.0:
        run[SEEN] = run[EXPECTED] = run[PEAK] = 0.0
        return 0.0
    if before == 0.0:
        run[BEGUN], run[BEFORE] = begins
    run[SEEN] += count
    run[EXPECTED] += expected
    if run[SUM] < GATE:
        return run[SUM] / _LN_10
    often = (1e-3 * PRIOR_WINDOWS + run[LARGE]) / (PRIOR_WINDOWS + windows)
    mean = (1e-3 * PRIOR_WINDOWS * PRIOR_EXCESS + run[EXCESS]) / (1e-3 * PRIOR_WINDOWS + run[LARGE])
    own = -np.log10(often) + (run[SUM] - GATE) / (mean * _LN_10)
    excess = min(LARGEST_EXCESS, run[SUM] - GATE)
    if run[PEAK] == 0.0 and run[SINCE] >= APART:
        run[LARGE] += 1.0
        run[SINCE] = 0.0
    if run[SINCE] < APART:
        run[EXCESS] += max(0.0, excess - run[PEAK])
        run[PEAK] = max(run[PEAK], excess)
    return min(run[SUM] / _LN_10, own)


@njit(cache=True)
def _usual(runs: Any, numbers: Any, made: Any, best: int, known: Any) -> Any:
    """The least and the most that is usual, by the last half an hour, and the standard deviation around it."""
    low, high, spread = np.inf, -np.inf, numbers[ERROR]
    for k in range(best, WEEK + 1):
        if k == SHORT:
            low = high = numbers[LEVEL] if np.isnan(runs[SLOW]) else runs[SLOW]
        elif known[k - DAY]:
            moved = _slow_ratio(runs, k) / (1.0 if np.isnan(numbers[SMOOTH + k]) else ratio_of(numbers, k))
            low, high = min(low, moved * made[k, LOW]), max(high, moved * made[k, HIGH])
            spread = max(spread, made[k, SPREAD])
    return low, high, TO_SIGMA * spread


@njit(cache=True)
def _slow_ratio(runs: Any, k: int) -> float:
    if np.isnan(runs[SLOW]) or np.isnan(runs[SLOW + k]):
        return 1.0
    ratio = (runs[SLOW] + RATIO_PRIOR) / (runs[SLOW + k] + RATIO_PRIOR)
    return float(min(LARGEST_RATIO, max(1.0 / LARGEST_RATIO, ratio)))


@njit(cache=True)
def learn_slow(runs: Any, made: Any, known: Any, value: float, raw: int) -> None:
    """Let the last half an hour learn a window, and what profiles have for it in place ``raw`` of expectations."""
    rate = DEVIATING_RATE if max(runs[FEWER + SUM], runs[MORE + SUM]) >= GATE else SLOW_RATE
    runs[SLOW] = value if np.isnan(runs[SLOW]) else runs[SLOW] + rate * (value - runs[SLOW])
    for k in range(DAY, WEEK + 1):
        if not known[k - DAY]:
            runs[SLOW + k] = np.nan
        elif np.isnan(runs[SLOW + k]):
            runs[SLOW + k] = runs[SLOW]  # as if it had been as it usually is
        else:
            runs[SLOW + k] += rate * (made[k, raw] - runs[SLOW + k])


@njit(cache=True)
def forget(runs: Any) -> None:
    """After a rest nothing is known of late."""
    runs[SLOW : SLOW + 3] = np.nan
    runs[EMPTY] = 0.0
    for first in (FEWER, MORE):
        runs[first + SUM] = runs[first + SEEN] = runs[first + EXPECTED] = runs[first + PEAK] = 0.0
