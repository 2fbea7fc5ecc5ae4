"""How long a key usually waits for its next execution, and which wait is a pause: what was seen before it counts less."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.packed.stored_numbers import EARLIEST_S, LATEST_S, Stored, moment, real

LEAST_PAUSE_S: Final = 120.0
INTERVALS: Final = 20.0
"""A wait is a pause from so many seconds on, and so many times the usual one: by chance, once in 10⁸."""
_WEIGHT: Final = 0.02

WAITS: Final[dict[str, tuple[Any, tuple[int, ...]]]] = {"newest_s": (np.float64, ()), "interval_s": (np.float64, ())}
"""What a key keeps for it: the newest event time (epoch seconds), and the mean time between executions."""
STORED_WAITS: Final[dict[str, Stored]] = {
    "newest_s": moment(never=True),
    "interval_s": real(0.0, LATEST_S - EARLIEST_S),
}
NO_WAITS: Final[State] = {"newest_s": -np.inf, "interval_s": 0.0}
"""What is known of a key without any execution, and in states of 0.1.0."""


@njit(**LEAN)
def paused(one: Any, time: float) -> Any:
    """Whether nothing came for unusually long before an execution at ``time``. A late one ends no pause."""
    wait = time - one.newest_s
    return one.interval_s > 0.0 and wait > LEAST_PAUSE_S and wait > INTERVALS * one.interval_s


@njit(**LEAN)
def note_time(one: Any, time: float) -> None:
    """Learn when an execution came; late ones say nothing."""
    wait = time - one.newest_s
    if wait > 0.0:
        if one.interval_s > 0.0:
            one.interval_s += _WEIGHT * (wait - one.interval_s)
        elif wait < np.inf:
            one.interval_s = wait
        one.newest_s = time
