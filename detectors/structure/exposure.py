"""How an application's budget of false alarms is spread over its executions: more to those made of more parts."""

import math
from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.features.paths import Paths
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import checked, real, whole

MEMORY: Final = 10_000
"""Executions over which an application's average is taken."""
_LEAST_MEAN: Final = 0.999  # shares are at least 1, but for rounding
_STORED: Final = {"count": whole(0, MEMORY), "mean": real(0.0, 1e9)}


class Exposure:
    """What to add to −log10 of a false-alarm probability per execution so that the budget is spent where faults hit.

    A fault in one of the parts of an application meets an execution the more likely the more parts it has: with
    the same false-alarm probability for all, an execution with 300 segments is as hard to flag as one with 2.
    So an execution's share of the budget is in proportion to its number of paths. The average share is 1: over an
    application, 10 ** −(score + weight) stays the false-alarm probability.

    Assumes that the mix of operations is about stable over some thousand executions; a sudden change of the mix
    shifts all scores of the application by its log10. Source: weighted multiple testing, C. R. Genovese, K. Roeder
    and L. Wasserman, Biometrika 93 (2006).

    >>> from tracehound.detectors.features.paths import PATH
    >>> exposure = Exposure()
    >>> exposure.open(0)
    >>> few, many = np.array([0, 1]), np.array([0, 100])
    >>> everything = np.ones(1, np.bool_)
    >>> one = lambda starts: Paths(starts, np.zeros(starts[-1], PATH))
    >>> exposure.weigh_then_learn(np.zeros(1, np.int64), one(few), everything).tolist()
    [0.0]
    >>> round(float(exposure.weigh_then_learn(np.zeros(1, np.int64), one(many), everything)[0]), 3)
    2.0
    """

    def __init__(self) -> None:
        self._store = SlotRecords({"count": (np.int64, ()), "mean": (np.float64, ())})

    def open(self, slot: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._store.open(slot)

    def weigh_then_learn(self, applications: Slots, paths: Paths, learn: Flags) -> Floats:
        """Weights (n,) of n executions, each by what was learned before it; then learn it where ``learn`` allows."""
        weights = np.empty(len(applications))
        _weigh(applications, paths.starts, learn, self._store.records, weights)
        return weights

    def snapshot(self, slot: int) -> State:
        """A copy of the application's complete state."""
        return {name: self._store[name][slot].item() for name in _STORED}

    def restore(self, slot: int, state: State) -> None:
        """Replace the application's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of exposure.
        """
        taken = checked("exposure", state, _STORED)
        if taken["count"] and not taken["mean"] >= _LEAST_MEAN:
            raise ValueError(f"The 'mean' of exposure must be at least 1. Got {taken['mean']} instead.")
        for name, value in taken.items():
            self._store[name][slot] = value

    def nbytes(self) -> int:
        """Bytes that one application takes."""
        return self._store.row_bytes()


@njit(cache=True)
def _weigh(applications: Any, starts: Any, learn: Any, records: Any, weights: Any) -> None:
    for row in range(applications.size):
        one = records[applications[row]]
        share = float(max(1, starts[row + 1] - starts[row]))
        weights[row] = math.log10(share / one.mean) if one.count > 0 else 0.0
        if learn[row]:
            one.count = min(one.count + 1, MEMORY)
            one.mean += (share - one.mean) / one.count
