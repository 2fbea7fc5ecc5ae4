"""How far a single value lies in the upper tail of what its operation does: a Hill estimate over a sorted reference."""

import math

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.packed.ordered import place_of

TAIL_SHARE = 0.02
"""The upper share of the reference that the tail is fitted to."""
MINIMUM_EXCEEDANCES = 10
MINIMUM_TAIL_INDEX = 0.15
"""A tail is never believed to be lighter than this: 500 values cannot show more."""


@njit(**LEAN)
def tail_score(ordered: NDArray[np.float32], count: int, value: float) -> float:
    """−log10 of the probability that a value of the reference's distribution exceeds ``value``.

    Above the 98th percentile u of the reference the excess log((1 + x) / (1 + u)) is taken as exponential, with
    the mean excess of the reference as its scale (Hill's estimator of a Pareto tail); below it the rank counts.
    The added unit softens ratios of values that are tiny in their unit (milliseconds, counts).

    Parameters: ``ordered`` (K,) ascending, of which the first ``count`` are filled; values above −1.
    Returns 0 while ``count`` is 0. Source: B. M. Hill, Annals of Statistics 3 (1975).
    Assumes a regularly varying tail and values that are nearly independent given the operation; fails where an
    operation is a mixture with a rare slow branch that the reference has not seen yet.

    >>> tail_score(np.linspace(90, 110, 500).astype(np.float32), 500, 900.0) > 6
    True
    """
    if count == 0:
        return 0.0
    exceedances = max(MINIMUM_EXCEEDANCES, int(count * TAIL_SHARE))
    first = count - exceedances
    threshold = ordered[first - 1] if first > 0 else ordered[0]
    if value <= threshold:
        return -math.log10((count - place_of(ordered, count, value) + 0.5) / (count + 1.0))
    scale = 0.0
    base = 1.0 + threshold
    for i in range(max(first, 0), count):
        scale += math.log((1.0 + ordered[i]) / base)
    scale = max(scale / (count - max(first, 0)), MINIMUM_TAIL_INDEX)
    share = min(1.0, exceedances / count)
    return -math.log10(share) + math.log((1.0 + value) / base) / (scale * math.log(10.0))
