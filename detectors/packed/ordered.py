"""Search in a sorted, partly filled array; compiled, for use inside other kernels."""

from typing import Any

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN


@njit(**LEAN)
def place_of(ordered: Any, count: int, value: float) -> Any:
    """How many of the first ``count`` values of ``ordered`` (ascending) are less than ``value``.

    >>> place_of(np.array([1.0, 2.0, 2.0, 9.0]), 3, 2.0)
    1
    """
    # Unsigned, and a choice instead of a branch: which half a value lies in cannot be guessed.
    one = np.uint64(1)
    low, left = np.uint64(0), np.uint64(count)
    while left > np.uint64(0):
        half = left >> one
        right = ordered[low + half] < value
        low = low + half + one if right else low
        left = left - half - one if right else half
    return np.int64(low)
