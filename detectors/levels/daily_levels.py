"""What each day brought to each operation: how many executions, how long they took, and how many failed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_columns import RestoredTogether, checked_columns
from tracehound.detectors.packed.stored_numbers import COUNTED, EARLIEST_S, LARGEST, LATEST_S, numbers, real

DAY_S: Final = 86_400.0
DAYS = 15
"""Whole days that are kept: two weeks, and the day before them."""
LEAST_MS, MOST_LOG = 1e-3, 100.0
"""Durations count as at least so long; no logarithm of one lies beyond ± the other."""
COUNT, MEAN_LOG, LOG_VARIANCE, FAILED = range(4)
"""What is kept of a whole day: executions, mean and variance of the logarithms of their durations in ms, failures."""
_SUMS: Final = ("count", "logs", "squares", "failed")
_STORED: Final = {
    "day": real(EARLIEST_S // DAY_S, LATEST_S // DAY_S + 1, missing=True),
    **dict.fromkeys(_SUMS, real(-LARGEST, LARGEST)),
    "days": numbers(
        np.float32, (DAYS, 4), np.array([0.0, -MOST_LOG, 0.0, 0.0]), np.array([COUNTED, MOST_LOG, MOST_LOG**2, COUNTED])
    ),
}


class DailyLevels(RestoredTogether):
    """Executions of many operations by the day (UTC) of event time, for the last 15 whole days.

    Durations count by their logarithms, so that a few very long ones do not make a day: e to the power of their mean is
    the geometric mean. What comes after its day is over is left out.

    Assumes that days are alike where the day of the week is, whatever the time zone. Fails where an operation runs less
    than about daily.

    >>> levels = DailyLevels()
    >>> levels.open(0)
    >>> times = np.array([10.0, 20.0, 86_400.0])
    >>> zeros, failed = np.zeros(3, np.int64), np.array([0.0, 1.0, 0.0])
    >>> levels.count(zeros, times // DAY_S, np.array([10.0, 1_000.0, 7.0]), failed)
    >>> day = levels.before(np.array([0]), 1.0)[0, 0]
    >>> day[[COUNT, FAILED]].tolist(), round(float(np.exp(day[MEAN_LOG])))
    ([2.0, 1.0], 100)
    """

    def __init__(self) -> None:
        layout: dict[str, tuple[Any, tuple[int, ...]]] = dict.fromkeys(("day", *_SUMS), (np.float64, ()))
        self._store = SlotRecords(layout | {"days": (np.float32, (DAYS, 4))}, {"day": np.nan})

    def open(self, slot: int) -> None:
        """Start afresh for the operation in ``slot``."""
        self._store.open(slot)

    def open_all(self, slots: Slots) -> None:
        """The same for several."""
        self._store.open_all(slots)

    def count(self, slots: Slots, days: Floats, durations_ms: Floats, failed: Floats) -> None:
        """Count executions in order; each array is (n,): operation, day since the epoch, duration, 1 where it failed.

        A day that lies before the newest of an operation means that its time was set back.
        """
        _count(slots, days, durations_ms, failed, self._store.records)

    def before(self, slots: Slots, day: float) -> NDArray[np.float64]:
        """(m, 15, 4) the whole days before ``day`` of m operations, the newest first; without executions all is 0."""
        _advance(slots, day, self._store.records)
        places = (day - 1.0 - np.arange(DAYS)) % DAYS
        days: NDArray[np.float64] = self._store["days"][slots][:, places.astype(np.int64)].astype(np.float64)
        return days

    def snapshot(self, slot: int) -> State:
        """A copy of the operation's complete state."""
        one = self._store.records[slot]
        return {name: float(one[name]) for name in ("day", *_SUMS)} | {"days": one["days"].copy()}

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of operations."""
        taken = checked_columns("daily levels", states, _STORED)
        failed, count = taken["failed"], taken["count"]
        sums = (failed >= 0.0) & (failed <= count) & (count <= COUNTED) & (taken["squares"] >= 0.0)
        if not sums.all():
            raise ValueError("The sums of daily levels must be of executions of which at most all have failed.")
        for name, column in taken.items():
            self._store[name][slots] = column

    def nbytes(self) -> int:
        """Bytes that one operation takes."""
        return self._store.row_bytes()


def first_of_new_days(at: int, applications: Slots, days: Floats, anew: Flags, newest: Floats) -> int:
    """The next row, from ``at`` on, with which a day of its application ends; the number of rows without one.

    ``newest`` (k,) is each application's day, NaN before the first; days that begin, but for those, are taken over.
    Days (n,) that are already over become NaN.
    """
    return int(_first_of_new_days(at, applications, days, anew, newest))


@njit(cache=True)
def _first_of_new_days(at: int, applications: Any, days: Any, anew: Any, newest: Any) -> int:
    for i in range(at, days.size):
        known = newest[applications[i]]
        if days[i] > known:
            return i
        if np.isnan(known) or anew[i]:
            newest[applications[i]] = days[i]
        elif days[i] < known:
            days[i] = np.nan
    return int(days.size)


@njit(cache=True)
def _count(slots: Any, days: Any, durations_ms: Any, failed: Any, records: Any) -> None:
    for i in range(slots.size):
        if np.isnan(days[i]):
            continue
        one = records[slots[i]]
        if one.day != days[i]:
            _begin(one, days[i])
        log_ms = np.log(max(durations_ms[i], LEAST_MS))
        one.count += 1.0
        one.logs += log_ms
        one.squares += log_ms * log_ms
        one.failed += failed[i]


@njit(cache=True)
def _advance(slots: Any, day: float, records: Any) -> None:
    for slot in slots:
        if records[slot].day < day:
            _begin(records[slot], day)


@njit(cache=True)
def _begin(one: Any, day: float) -> None:
    """Keep the day that ends, and forget those in the places of days without an execution, or not yet come."""
    if one.day < day and one.count > 0.0:
        kept = one.days[int(one.day % DAYS)]
        mean = one.logs / one.count
        kept[0], kept[3] = one.count, one.failed
        kept[1] = max(-MOST_LOG, min(MOST_LOG, mean))
        kept[2] = max(0.0, min(MOST_LOG**2, one.squares / one.count - mean * mean))
    empty, last = (one.day + 1.0, day) if one.day < day else (day, one.day + 1.0)
    for without in range(int(min(DAYS, last - empty)) if empty < last else 0):
        one.days[int((empty + without) % DAYS)] = 0.0
    one.day = day
    one.count = one.logs = one.squares = one.failed = 0.0
