"""Tails of the structure detector: how improbable a path's time or count is, and the statistic made of all of them."""

import math
from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.structure.state import GRID, LARGEST_TIMES, NOTHING

SHARED_WEIGHT: Final = 20.0
"""Executions of a path that count as much as the tail shared by all paths of the operation."""
PRIOR_WEIGHT: Final = 20.0
"""Values of an operation that count as much as the tail assumed without any data."""
PRIOR_INDEX: Final = 2.0
COUNT_PRIOR_WEIGHT: Final = 4.0
COUNT_PRIOR_INDEX: Final = 4.0
SOFTENING_MS: Final = 10.0
"""Added to both times when paths of different length are compared."""
GRID_STEP: Final = 0.4
LARGEST_SHARED: Final = 32
LEAST_SCALE: Final = 0.1
PRIOR_SCALE: Final = 0.3
PRIOR_SCALE_WEIGHT: Final = 4.0
RAW_PRIOR_WEIGHT: Final = 8.0
LN10: Final = math.log(10.0)
LARGEST_INVERSE: Final = 1e50
JUDGED_PER_USED: Final = 32
UNCALIBRATED_MEAN: Final = 0.3
AT_MEAN: Final = 0.3
"""−log10 of the share of statistics that lie above their mean, about a half."""
LEAST_BOUND: Final = 0.05
PRIOR_SUM_SHARE: Final = 0.1
LEAST_JUDGED: Final = 32
UNCALIBRATED: Final = (1.0, 0.25, 0.8)
"""Bound, probability and scale of the statistics of an operation that has judged fewer: on the safe side."""
NEVER: Final = 1e300


@njit(cache=True)
def keep_largest(largest: Any, value: float) -> None:
    """Insert ``value`` into the ascending array ``largest`` if it belongs there."""
    if value <= largest[0]:
        return
    at = 0
    while at + 1 < largest.size and largest[at + 1] < value:
        largest[at] = largest[at + 1]
        at += 1
    largest[at] = value


@njit(cache=True)
def hill(largest: Any, learned: int) -> tuple[Any, Any, Any]:
    """Bound, probability of being beyond it, and scale of log(1 + value) beyond it, of ``learned`` values.

    Hill's estimator, drawn towards a prior scale by as much as few exceedances say little.
    """
    used = min(largest.size, max(1, learned // 8))
    bound = largest[largest.size - used]
    total = 0.0
    for at in range(largest.size - used + 1, largest.size):
        total += math.log((1.0 + largest[at]) / (1.0 + bound))
    scale = (total + PRIOR_SCALE_WEIGHT * PRIOR_SCALE) / (used - 1 + PRIOR_SCALE_WEIGHT)
    return bound, used / (learned + 1.0), max(scale, LEAST_SCALE)


@njit(cache=True)
def beyond(value: float, bound: float, at_bound: float, scale: float) -> Any:
    """Probability of exceeding ``value``, which lies beyond ``bound``."""
    return at_bound * math.exp(-math.log((1.0 + value) / (1.0 + bound)) / scale)


@njit(cache=True)
def shared_tail(pool: Any, excess: float) -> Any:
    """Probability of exceeding a log ratio to typical, by the tail shared by the operation's paths."""
    at = excess / GRID_STEP
    low = min(max(int(at), 0), GRID - 2)
    return math.exp(pool[low] + (at - low) * (pool[low + 1] - pool[low]))


@njit(cache=True)
def inverse_of_time(one: Any, pool: Any, value: float) -> Any:
    """1 / probability that the path of entry ``one`` takes more than ``value`` ms; 1 up to typical."""
    if value <= one.typical:
        return 1.0
    weight = SHARED_WEIGHT / (one.known + SHARED_WEIGHT)
    furthest = max(value, one.bound)
    excess = math.log((SOFTENING_MS + furthest) / (SOFTENING_MS + one.typical))
    shared = shared_tail(pool, excess)
    own = beyond(furthest, one.bound, one.at_bound, one.scale)
    own = min(own, one.at_bound * shared / one.shared_at_bound)
    inverse = min(LARGEST_INVERSE, 1.0 / ((1.0 - weight) * own + weight * shared + 1e-50))
    if value >= one.bound:
        return inverse
    way = (value - one.typical) / (one.bound - one.typical)
    return 1.0 + max(0.0, inverse - 1.0) * way * way


@njit(cache=True)
def inverse_of_count(one: Any, value: float) -> Any:
    """1 / probability that the path of entry ``one`` occurs ``value`` times or more often; 1 up to typical."""
    if value <= one.count + 0.5:
        return 1.0
    weight = COUNT_PRIOR_WEIGHT / (one.known + COUNT_PRIOR_WEIGHT)
    furthest = max(value, one.count_bound)
    own = beyond(furthest, one.count_bound, one.count_at_bound, one.count_scale)
    prior = ((1.0 + one.count) / (1.0 + furthest)) ** COUNT_PRIOR_INDEX
    inverse = min(LARGEST_INVERSE, 1.0 / ((1.0 - weight) * own + weight * prior + 1e-50))
    if value >= one.count_bound:
        return inverse
    return 1.0 + max(0.0, inverse - 1.0) * (value - one.count) / (one.count_bound - one.count)


@njit(cache=True)
def calibrated(statistic: float, mean: float, bound: float, at_bound: float, scale: float) -> Any:
    """−log10 of the probability of exceeding ``statistic``: linear to ``mean`` and to ``bound``, then exponential."""
    if statistic <= mean:
        return AT_MEAN * statistic / mean if mean > 0.0 else 0.0
    score = -math.log10(at_bound)
    if statistic < bound:
        return AT_MEAN + (score - AT_MEAN) * (statistic - mean) / (bound - mean)
    return score + (statistic - bound) / (scale * LN10)


@njit(cache=True, _nrt=True)
def fit_shared_tail(operation: Any, entries: Any) -> None:
    """The tail shared by the operation's paths, as log ratios to typical, on a grid.

    Up to the largest excesses seen it is the average of the paths' own tails; beyond, the exponential tail of the
    largest excesses of all paths together, which are many more than a path has.
    """
    total = 0.0
    sums = np.zeros(GRID)
    excesses = np.zeros(max(1, operation.paths) * LARGEST_TIMES)
    filled = 0
    entry = operation.head
    while entry != NOTHING:
        one = entries[entry]
        if not one.is_set:
            total += one.known
            for step in range(GRID):
                sums[step] += one.known * _tail_at(one, step * GRID_STEP)
            for value in one.times:
                if value > one.typical:
                    excesses[filled] = math.log((SOFTENING_MS + value) / (SOFTENING_MS + one.typical))
                    filled += 1
        entry = one.next
    largest = np.sort(excesses[:filled])[max(0, filled - LARGEST_SHARED) :]
    bound, scale = NEVER, 1.0
    if largest.size > 1:
        bound = largest[0]
        weight = PRIOR_SCALE_WEIGHT
        scale = (np.sum(largest - bound) + weight * PRIOR_SCALE) / (largest.size - 1 + weight)
    for step in range(GRID):
        excess = step * GRID_STEP
        prior = 0.5 * math.exp(-PRIOR_INDEX * excess)
        own = sums[step]
        if excess > bound:
            own = min(own, largest.size * math.exp((bound - excess) / max(scale, LEAST_SCALE)))
        operation.pool[step] = math.log((own + PRIOR_WEIGHT * prior) / (total + PRIOR_WEIGHT))


@njit(cache=True)
def place_in_shared_tail(operation: Any, entries: Any) -> None:
    """What the shared tail says at each path's own bound: beyond it, no path's tail is heavier than the shared one."""
    entry = operation.head
    while entry != NOTHING:
        one = entries[entry]
        if not one.is_set:
            excess = math.log((SOFTENING_MS + one.bound) / (SOFTENING_MS + one.typical))
            one.shared_at_bound = shared_tail(operation.pool, excess)
        entry = one.next


@njit(cache=True)
def _tail_at(one: Any, excess: float) -> Any:
    value = (SOFTENING_MS + one.typical) * math.exp(excess) - SOFTENING_MS
    if value >= one.bound:
        return beyond(value, one.bound, one.at_bound, one.scale)
    furthest = math.log((SOFTENING_MS + one.bound) / (SOFTENING_MS + one.typical))
    return 0.5 * math.exp(min(1.0, excess / furthest) * math.log(min(0.5, one.at_bound) / 0.5))


@njit(cache=True)
def exponential_tail(largest: Any, judged: int, prior_scale: float) -> tuple[Any, Any, Any]:
    """Bound, probability of being beyond it and mean excess of ``judged`` statistics, of which ``largest`` are kept."""
    used = min(largest.size, max(4, judged // JUDGED_PER_USED))
    bound = max(float(largest[largest.size - used]), LEAST_BOUND)
    total = 0.0
    for at in range(largest.size - used + 1, largest.size):
        total += max(0.0, largest[at] - bound)
    scale = (total + RAW_PRIOR_WEIGHT * prior_scale) / (used - 1 + RAW_PRIOR_WEIGHT)
    return bound, used / (judged + 1.0), scale


@njit(cache=True)
def fit_calibration(operation: Any) -> None:
    """Tails of the statistics that the operation's own executions had; nominal where they were too few."""
    operation.peak_bound, operation.peak_at_bound, operation.peak_scale = UNCALIBRATED
    operation.sum_bound, operation.sum_at_bound, operation.sum_scale = NEVER, 1.0, 1.0
    operation.peak_mean, operation.sum_mean = UNCALIBRATED_MEAN, 0.0
    judged = operation.judged
    if judged >= LEAST_JUDGED:
        operation.peak_bound, operation.peak_at_bound, operation.peak_scale = exponential_tail(
            operation.peaks, judged, 1.0 / LN10
        )
        operation.sum_bound, operation.sum_at_bound, operation.sum_scale = exponential_tail(
            operation.sums, judged, 1.0 / LN10 + PRIOR_SUM_SHARE * operation.sums[-1]
        )
        operation.peak_mean = min(operation.peak_total / judged, 0.9 * operation.peak_bound)
        operation.sum_mean = min(operation.sum_total / judged, 0.9 * operation.sum_bound)
