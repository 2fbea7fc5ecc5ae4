"""What comes again at the same time of the day in a chart: how much slower a key was then on several days."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

BIN_S, BINS = 1_800.0, 48
"""Half-hours of the day (UTC); each counts with its neighbours, so that what comes half an hour late is as usual."""
DAYS: Final = 2
"""Places of a half-hour: the most and the second most by which the key deviated in it, of different days."""
PER_UNIT = 24.0
"""They are kept as logarithms of ratios, in so many steps a unit, from 1 to 40,000 times as long."""
MOST: Final = 255
FADED = 0.95
"""What is left of them a day later."""
LEAST = 0.1
"""The logarithm of a ratio below which it says nothing."""


@njit(**LEAN)
def settle(key: Any, time: float) -> None:
    """Let what the key noted in an earlier half-hour than that at ``time`` count from now on.

    Executions that come late belong to the newest half-hour, so that none counts as two.
    """
    number = max(int(time // BIN_S), key.visit)
    if number == key.visit:
        return
    if key.visit_most > 0.0:
        step = np.uint8(min(float(MOST), key.visit_most * PER_UNIT))
        one = key.season[key.visit % BINS]
        if step > one[0]:
            one[1] = one[0]
            one[0] = step
        elif step > one[1]:
            one[1] = step
    days = number // BINS - key.visit // BINS
    if days > 0:
        left = FADED**days
        for k in range(BINS):
            for place in range(DAYS):
                key.season[k, place] = np.uint8(left * key.season[k, place])
    key.visit, key.visit_most = number, 0.0


@njit(**LEAN)
def note(key: Any, time: float, more: float) -> None:
    """Note that the key deviates at ``time``, by the logarithm ``more`` of how many times as long as typical."""
    settle(key, time)
    key.visit_most = max(key.visit_most, more)


@njit(**LEAN)
def usual_then(season: Any, time: float) -> float:
    """The logarithm of how many times as long as typical is usual at ``time``; or 0."""
    number, most = int(time // BIN_S), 0
    for away in range(-1, 2):
        most = max(most, season[(number + away) % BINS, 1])
    more = most / PER_UNIT
    return float(more) if more >= LEAST else 0.0
