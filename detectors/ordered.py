"""Search in a sorted, partly filled array; compiled, for use inside other kernels."""

from typing import Any

from numba import njit


@njit(cache=True)
def place_of(ordered: Any, count: int, value: float) -> int:
    """How many of the first ``count`` values of ``ordered`` (ascending) are less than ``value``.

    >>> import numpy as np
    >>> place_of(np.array([1.0, 2.0, 2.0, 9.0]), 3, 2.0)
    1
    """
    low, left = 0, count
    while left > 1:  # Halves without a branch to guess.
        half = left >> 1
        low += half * (ordered[low + half - 1] < value)
        left -= half
    return low + (left > 0 and ordered[low] < value)
