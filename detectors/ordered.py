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
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low
