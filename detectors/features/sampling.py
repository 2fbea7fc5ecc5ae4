"""How an application's executions are sampled: how many each stands for of late, and when that changes."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import COUNTED, EARLIEST_S, LATEST_S, checked, real
from tracehound.schemas.execution import LARGEST_ADJUSTED_COUNT

MEMORY: Final = 100.0
"""Executions over which that is averaged."""
OTHER: Final = 1.5
"""The factor by which what an execution stands for must have changed."""
UNKNOWN, KNOWN = 0.5, 0.1
"""From which share of executions sampled by nobody knows what on an application is, and up to which it no longer is."""
SETTLES: Final = 300.0
"""Executions for which that must go on: by then the averages have forgotten how it was."""
REST_S: Final = 86_400.0
"""A change is told at most once in so much event time: samplers that adapt change all the time."""
_STORED: Final = {
    **dict.fromkeys(("count", "other"), real(0.0, COUNTED)),
    **dict.fromkeys(("each", "told_each"), real(0.0, LARGEST_ADJUSTED_COUNT)),
    **dict.fromkeys(("unknown", "told_unknown"), real(0.0, 1.0)),
    "told_s": real(EARLIEST_S, LATEST_S),
}


@dataclass(frozen=True, slots=True)
class SamplingChange:
    """With the execution at ``row`` it is clear that an application is sampled otherwise: each execution stands for
    ``after``, and stood for ``before``; 0 where nobody knows."""

    row: int
    before: float
    after: float


class Sampling:
    """Mean adjusted count of the executions of many applications, and the share of those of which nobody knows it.

    An execution that says nothing of sampling stands for itself.

    Assumes that tracers, or the Collector, say how they sample. Fails where they do not: then a change of sampling
    looks like a change of traffic, and a sampler that keeps failures and slow executions like failures and slowness.

    >>> sampling = Sampling()
    >>> sampling.open(0)
    >>> slots, times = np.zeros(1_000, np.int64), np.arange(1_000.0)
    >>> [change] = sampling.learn(slots, times, np.repeat([1.0, 10.0], 500))
    >>> change.before, round(change.after), round(sampling.stands_for(0))
    (1.0, 10, 10)
    """

    def __init__(self) -> None:
        fresh = {"told_each": 1.0, "told_s": EARLIEST_S}
        self._store = SlotRecords(dict.fromkeys(_STORED, (np.float64, ())), fresh)

    def open(self, slot: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._store.open(slot)

    def learn(self, slots: Slots, times: Floats, counts: Floats) -> list[SamplingChange]:
        """Learn the adjusted ``counts`` (n,) of executions in order, 0 where nobody knows; tell what changed."""
        told = np.empty((len(slots), 3))
        found = _learn(slots, times, counts, self._store.records, told)
        return [SamplingChange(int(row), before, after) for row, before, after in told[:found].tolist()]

    def stands_for(self, slot: int) -> float:
        """How many executions each of an application stands for of late, in the mean."""
        return max(1.0, float(self._store["each"][slot]))

    def snapshot(self, slot: int) -> State:
        """A copy of an application's complete state."""
        return {name: float(self._store[name][slot]) for name in _STORED}

    def restore(self, slot: int, state: State) -> None:
        """Replace an application's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of sampling.
        """
        for name, value in checked("sampling", state, _STORED).items():
            self._store[name][slot] = value

    def nbytes(self) -> int:
        """Bytes that one application takes."""
        return self._store.row_bytes()


@njit(cache=True)
def _learn(slots: Any, times: Any, counts: Any, records: Any, told: Any) -> int:
    found = 0
    for i in range(slots.size):
        one = records[slots[i]]
        one.count = min(one.count + 1.0, MEMORY)
        one.each += (max(1.0, counts[i]) - one.each) / one.count
        one.unknown += ((1.0 if counts[i] <= 0.0 else 0.0) - one.unknown) / one.count
        if one.count < MEMORY or times[i] < one.told_s + REST_S:
            continue
        unknown = 1.0 if one.unknown >= UNKNOWN else 0.0 if one.unknown <= KNOWN else one.told_unknown
        other = one.each >= OTHER * one.told_each or one.told_each >= OTHER * one.each
        if unknown == one.told_unknown and (unknown > 0.5 or not other):
            one.other = 0.0
            continue
        one.other += 1.0
        if one.other < SETTLES:
            continue
        one.other = 0.0
        told[found, 0] = i
        told[found, 1] = 0.0 if one.told_unknown > 0.5 else one.told_each
        told[found, 2] = 0.0 if unknown > 0.5 else one.each
        found += 1
        one.told_each, one.told_unknown, one.told_s = one.each, unknown, times[i]
    return found
