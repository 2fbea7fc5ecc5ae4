"""Rows of many keys, written in one call."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.growing_rows import UNIT, GrowingRows, room_for, take_row


def put_rows(rows: GrowingRows, values: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places (n,) of new rows of ``counts`` (n,) values, which ``values`` holds one row after another.

    >>> rows = GrowingRows()
    >>> places = put_rows(rows, np.array([1.0, 2.0, 3.0], np.float32), np.array([1, 0, 2]))
    >>> [rows.row(int(place), count).tolist() for place, count in zip(places, (1, 0, 2))]
    [[1.0], [], [2.0, 3.0]]
    """
    places = np.zeros(len(counts), np.int64)
    if len(values):
        rows.reserve(int(np.count_nonzero(counts)), int(counts.max()))
        _put_rows(rows.memory, values, counts, places)
    return places


@njit(cache=True)
def _put_rows(memory: Any, values: Any, counts: Any, places: Any) -> None:
    at = 0
    for i in range(counts.size):
        place = take_row(memory, room_for(counts[i]))
        for k in range(counts[i]):
            memory.values[place * UNIT + k] = values[at + k]
        at += counts[i]
        places[i] = place
