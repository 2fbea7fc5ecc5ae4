"""The fewest arrivals that each half-hour of the day had on the last days, by key."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_columns import RestoredTogether, checked_columns
from tracehound.detectors.packed.stored_numbers import COUNTED, EARLIEST_S, LARGEST, LATEST_S, numbers, real

HALF_HOUR_S: Final = 1_800.0
BINS: Final = 48
RISES: Final = 0.25
"""How much of the way a half-hour's fewest moves up to what came on a day on which more did."""
_STORED: Final = {
    **dict.fromkeys(("first", "newest"), real(EARLIEST_S // HALF_HOUR_S, LATEST_S // HALF_HOUR_S + 1.0, missing=True)),
    "count": real(0.0, COUNTED),
    "least": numbers(np.float32, (BINS,), 0.0, LARGEST, missing=True),
}


class HalfHours(RestoredTogether):
    """Arrivals of many keys by half-hours of the day (UTC), of which each keeps about the fewest of the last days.

    What came fewer times than ever is the fewest at once; more raise it by a quarter of the difference a day.

    >>> hours = HalfHours()
    >>> hours.open(0)
    >>> times = np.arange(0.0, 2 * 86_400.0, 60.0)
    >>> hours.learn(np.zeros(len(times), np.int64), times, np.zeros(len(times), np.bool_))
    >>> hours.least_per_s(np.array([0]), 2 * 86_400.0 + 900.0).round(4).tolist()
    [0.0167]
    """

    def __init__(self) -> None:
        layout: dict[str, tuple[Any, tuple[int, ...]]] = dict.fromkeys(("first", "newest", "count"), (np.float64, ()))
        self._store = SlotRecords(
            layout | {"least": (np.float32, (BINS,))}, dict.fromkeys(("first", "newest", "least"), np.nan)
        )

    def open(self, slot: int) -> None:
        """Start afresh for the key in ``slot``."""
        self._store.open(slot)

    def open_all(self, slots: Slots) -> None:
        """The same for several."""
        self._store.open_all(slots)

    def learn(self, slots: Slots, times: Floats, anew: Flags) -> None:
        """Learn arrivals (n,) at ``times`` in order; where ``anew`` (n,) is True the time may be set back."""
        _learn(slots, np.floor(times / HALF_HOUR_S), anew, self._store.records)

    def least_per_s(self, slots: Slots, now_s: float) -> Floats:
        """(m,) arrivals a second that m keys have at least had in this half-hour and those beside it; infinite where
        one of them is not known yet."""
        now = np.floor(now_s / HALF_HOUR_S)
        bins = ((now + np.array([-1.0, 0.0, 1.0])) % BINS).astype(np.int64)
        least = self._store["least"][slots][:, bins].astype(np.float64)
        fewest: Floats = np.where(np.isnan(least), np.inf, least).min(axis=1) / HALF_HOUR_S
        known = ~np.isnan(least).any(axis=1) | (fewest == 0.0)
        return np.where(known, fewest, np.inf)

    def watched_s(self, slots: Slots, now_s: float) -> Floats:
        """(m,) for how long each key has been known, to half an hour; NaN for one that is not."""
        first: Floats = self._store["first"][slots]
        return now_s - (first + 1.0) * HALF_HOUR_S

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        one = self._store.records[slot]
        return {name: float(one[name]) for name in ("first", "newest", "count")} | {"least": one["least"].copy()}

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of keys."""
        for name, column in checked_columns("half-hours", states, _STORED).items():
            self._store[name][slots] = column

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()


@njit(cache=True)
def _learn(slots: Any, halves: Any, anew: Any, records: Any) -> None:
    for i in range(slots.size):
        one = records[slots[i]]
        half = halves[i]
        if np.isnan(one.newest):
            one.first = one.newest = half
        elif half > one.newest:
            if one.newest != one.first:  # which was not watched from its begin
                place = int(one.newest % BINS)
                least = one.least[place]
                fewer = np.isnan(least) or one.count < least
                one.least[place] = one.count if fewer else least + RISES * (one.count - least)
            for empty in range(int(min(BINS, half - one.newest - 1.0))):
                one.least[int((one.newest + 1.0 + empty) % BINS)] = 0.0
            one.newest, one.count = half, 0.0
        elif anew[i]:
            one.newest, one.count = half, 0.0
            one.first = min(one.first, half)
        one.count += 1.0
