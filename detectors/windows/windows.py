"""Event-time windows of many applications: sums over the executions of each, closed by executions that come later."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import LARGEST, checked, moment, numbers, real, whole

COUNT, FAILED, SLOW, BUSY_MS, LONGEST_MS, RANKED, RANK_SUM, SQUARES, UNKNOWN = range(9)
"""Places in the sums of a window: executions, failed ones, ones slower than 19 of 20 of their operation, the sum and
the largest of the durations, executions with a normal score of their latency, and the sum of these scores; the sum of
the squares of what executions stand for, and those that were sampled by nobody knows what. Where executions are
sampled, each counts as many times as it stands for (its adjusted count)."""
SUMS, SUMS_OF_0_1_0 = 9, 7
SLOW_Z = 1.645
"""Normal score above which an execution counts as slow: one in twenty is in normal times."""
LARGEST_Z = 40.0
"""Above any normal score: that of the smallest number is 38."""
MOST_UNKNOWN = 0.1
"""Share of executions sampled by nobody knows what up to which a window is judged."""
LONGEST_GAP = 10
"""Empty windows in a row that are told; later ones are missing data, no zeros: a rest is not the usual traffic."""
_OPEN = 2
_COLUMNS = ("first", "partial", "emptied", "newest", "late", "sums")
_STORED = {
    "first": real(-LARGEST, LARGEST),
    "partial": real(-LARGEST, LARGEST),
    "emptied": real(0.0, 1.0),
    "newest": moment(missing=True),
    "width_s": real(0.0, LARGEST),
    "late": whole(0),
    "sums": numbers(np.float64, (_OPEN, SUMS_OF_0_1_0), -LARGEST, LARGEST),
    "sampled": numbers(np.float64, (_OPEN, SUMS - SUMS_OF_0_1_0), 0.0, LARGEST),
}


@dataclass(frozen=True, slots=True)
class ClosedWindows:
    """k windows that closed, in the order in which they did.

    ``row`` (k,) is the index of the execution that closed the window, ``slot`` (k,) its application, ``start_s``
    (k,) its start in epoch seconds, ``sums`` (k, 9) what it holds (see ``COUNT`` and following), ``beside_gap`` (k,)
    True where it, the window before it or the one after it is empty.
    """

    row: NDArray[np.int64]
    slot: Slots
    start_s: Floats
    sums: Floats
    beside_gap: Flags

    @property
    def stands_for(self) -> Floats:
        """(k,) how many executions each one stands for, in the mean: of so many times as large a Poisson count is the
        sum of what they stand for as uncertain; 1 where nothing is sampled."""
        count = self.sums[:, COUNT]
        return np.where(count > 0.0, self.sums[:, SQUARES] / np.maximum(count, 1.0), 1.0)

    @property
    def known(self) -> Flags:
        """(k,) False where too many were sampled by nobody knows what."""
        flags: Flags = self.sums[:, UNKNOWN] <= MOST_UNKNOWN * self.sums[:, COUNT]
        return flags


_NONE = ClosedWindows(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros((0, SUMS)), np.zeros(0, np.bool_)
)


class Windows:
    """Tumbling windows of event time, one sequence per application, aligned to the epoch.

    A window closes when an execution of its application arrives whose event time is ``lateness_s`` or more after the
    window's end; what comes for it later is counted as late and left out. The window in which an application is first
    seen is incomplete and is never told. An application that rests leaves empty windows behind, which are told when
    it comes back: the first ten, and the one in which it still could have come back; the others are missing data. At
    most two windows of an application are open, and they are part of the snapshot, so what closes depends on the order
    of one application's executions alone.

    Assumes event times that follow what most executions say (``detectors.features.clocks``): one dated an hour ahead
    would make those of the next hour late. An execution that arrives when it ends, longer than window and lateness
    together, is late.

    Parameters: ``width_s`` of a window; ``lateness_s`` from 0 to ``width_s``.

    Source: T. Akidau et al., The Dataflow Model, Proceedings of the VLDB Endowment 8 (2015).

    >>> windows = Windows(width_s=10.0, lateness_s=2.0)
    >>> windows.open(0)
    >>> times = np.array([5.0, 11.0, 13.0, 14.0, 9.0, 31.9, 32.0])
    >>> ones, slots = np.ones(7), np.zeros(7, np.int64)
    >>> closed = windows.add(slots, times, ones, 0 * ones, 0 * ones)
    >>> closed.start_s.tolist(), closed.sums[:, COUNT].tolist(), closed.row.tolist(), windows.late(0)
    ([10.0, 20.0], [3.0, 0.0], [5, 6], 1)
    """

    def __init__(self, width_s: float, lateness_s: float) -> None:
        if not 0 < width_s < float("inf"):
            raise ValueError(f"The 'width_s' parameter of Windows must be above 0. Got {width_s} instead.")
        if not 0 <= lateness_s <= width_s:
            raise ValueError(
                f"The 'lateness_s' parameter of Windows must be from 0 to 'width_s'. Got {lateness_s} instead."
            )
        self.width_s, self.lateness_s = width_s, lateness_s
        self._store = SlotRecords(
            {
                "first": (np.float64, ()),
                "partial": (np.float64, ()),
                "emptied": (np.float64, ()),
                "newest": (np.float64, ()),
                "late": (np.int64, ()),
                "sums": (np.float64, (_OPEN, SUMS)),
            },
            {"newest": np.nan},
        )
        self._left_out = np.zeros(1, np.int64)

    def open(self, slot: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._store.open(slot)

    def add(
        self,
        slots: Slots,
        times: Floats,
        durations_ms: Floats,
        errors: Floats,
        latency_z: Floats,
        anew: Flags | None = None,
        counts: Floats | None = None,
    ) -> ClosedWindows:
        """Count executions in order and tell which windows they closed.

        Each array is (n,): the application's slot, the event time in epoch seconds, the duration, 1 where it failed,
        and the normal score of its latency within its operation (NaN where unknown). Without an event time (NaN) it
        does not count. Where ``anew`` (n,) is True, the windows of its application start afresh. ``counts`` (n,) are
        adjusted counts: how many each stands for, 0 where nobody knows; without them each stands for itself.
        """
        n = len(slots)
        afresh = np.zeros(n, np.bool_) if anew is None else anew
        at, found = np.empty((_OPEN * n, 4), np.float64), np.empty((_OPEN * n, SUMS))
        beside = np.empty(_OPEN * n, np.bool_)
        settings = (self.width_s, self.lateness_s)
        adjusted = np.ones(n) if counts is None else counts
        values = (times, afresh, durations_ms, errors, latency_z, adjusted)
        k = _add(slots, values, *settings, self._store.records, at, found, beside, self._left_out)
        return self._with_empty_ones(slots, at[:k], found[:k], beside[:k]) if k else _NONE

    def _with_empty_ones(self, slots: Slots, at: Floats, found: Floats, beside: Flags) -> ClosedWindows:
        row = at[:, 0].astype(np.int64)
        empty_after = np.minimum(at[:, 2], LONGEST_GAP - 1).astype(np.int64)
        told = at[:, 3] > 0
        if not empty_after.any():
            return ClosedWindows(row[told], slots[row[told]], at[told, 1] * self.width_s, found[told], beside[told])
        copies = 1 + empty_after
        index = np.repeat(np.arange(len(at)), copies)
        place = np.arange(len(index)) - np.repeat(np.cumsum(copies) - copies, copies)
        empty = place > 0
        kept = empty | told[index]
        sums = np.where(empty[:, None], 0.0, found[index])
        start_s = (at[index, 1] + place) * self.width_s
        rows = row[index]
        return ClosedWindows(rows[kept], slots[rows[kept]], start_s[kept], sums[kept], (beside[index] | empty)[kept])

    def late(self, slot: int) -> int:
        """Executions of an application that came after their window had closed."""
        return int(self._store["late"][slot])

    def left_out(self) -> int:
        """Executions of all applications, since the start, that came after their window had closed."""
        return int(self._left_out[0])

    def snapshot(self, slot: int) -> State:
        """A copy of an application's complete state, with the windows in progress."""
        state: State = {name: self._store[name][slot].item() for name in _COLUMNS[:-1]}
        sums, sampled = np.split(self._store["sums"][slot].copy(), [SUMS_OF_0_1_0], axis=1)
        return state | {"sums": sums.copy(), "sampled": sampled.copy(), "width_s": self.width_s}

    def restore(self, slot: int, state: State) -> None:
        """Replace an application's state by one that ``snapshot`` returned.

        Windows of another width say nothing of those of this one: the application's then start afresh.

        Raises:
            KeyError, ValueError: the state is not one of windows.
        """
        taken = checked("windows", {"width_s": self.width_s, **state}, _STORED, {"sampled": _unsampled(state)})
        taken["sums"] = np.column_stack([taken["sums"], taken.pop("sampled")])
        if taken.pop("width_s") != self.width_s:
            self.open(slot)
            return
        ahead = 0.0 if np.isnan(taken["newest"]) else np.floor(taken["newest"] / self.width_s) - taken["first"]
        if ahead not in range(_OPEN) or taken["first"] % 1.0 or taken["partial"] % 1.0:
            raise ValueError(
                f"The newest time of windows must lie in one of {_OPEN} open ones. "
                f"Got {taken['newest']:g} instead, and {taken['first']:g} as the first."
            )
        if not _are_sums(taken["sums"]):
            raise ValueError(f"The sums of windows must be those of executions. Got {taken['sums'].tolist()} instead.")
        for name, value in taken.items():
            self._store[name][slot] = value

    def nbytes(self) -> int:
        """Bytes that one application takes."""
        return self._store.row_bytes()


def _unsampled(state: State) -> Floats:
    """What states of 0.1.0 lack: each execution stood for itself."""
    count = np.asarray(state["sums"])[:, COUNT]
    return np.column_stack([count, np.zeros(len(count))])


def _are_sums(sums: Floats) -> bool:
    """Whether what windows hold, (n, ``SUMS``), can be the sums of executions."""
    count, failed, slow, busy_ms, longest_ms, ranked, rank_sum, squares, unknown = sums.T
    within = (
        *((count, np.inf), (failed, count), (slow, ranked), (ranked, count)),
        *((busy_ms, np.where(count > 0.0, np.inf, 0.0)), (longest_ms, busy_ms), (np.abs(rank_sum), LARGEST_Z * ranked)),
        *((squares - count, np.inf), (unknown, count)),
    )
    return all(((part >= 0.0) & (part <= most)).all() for part, most in within)


@njit(cache=True)
def _add(
    slots: Any,
    given: Any,
    width_s: float,
    lateness_s: float,
    records: Any,
    at: Any,
    found: Any,
    beside: Any,
    left_out: Any,
) -> int:
    """Count rows; write row, window, empty windows after it and whether it is told into ``at``; number of windows.

    ``first`` is the oldest open window (as a number of widths since the epoch), ``partial`` the incomplete one,
    ``emptied`` 1 where the window before ``first`` was empty.
    """
    k = 0
    times, anew, durations_ms, errors, latency_z, adjusted = given
    for i in range(slots.size):
        one, time = records[slots[i]], times[i]
        if np.isnan(time):
            continue
        if anew[i]:
            one.newest, one.emptied = np.nan, 0.0
            one.sums[:] = 0.0
        window = np.floor(time / width_s)
        sums = one.sums
        if np.isnan(one.newest):
            one.newest = time
            one.first = one.partial = window
        elif time > one.newest:
            one.newest = time
            # The larger of the two guards against rounding where lateness and width are equal.
            until = max(np.floor((time - lateness_s) / width_s), window - 1.0)
            first = one.first
            for j in range(_OPEN):
                if first + j >= until:
                    break
                following = sums[1, COUNT] if j == 0 else 0.0
                gap_after = window > first + j + 1.0 and following == 0.0
                at[k, 0], at[k, 1] = i, first + j
                at[k, 2] = until - first - _OPEN if j == _OPEN - 1 else 0.0
                at[k, 3] = 1.0 if first + j != one.partial else 0.0
                beside[k] = gap_after or one.emptied > 0.0 or sums[j, COUNT] == 0.0
                found[k] = sums[j]
                one.emptied = 1.0 if sums[j, COUNT] == 0.0 or at[k, 2] > 0.0 else 0.0
                k += 1
            if until > first:
                if until == first + 1.0:
                    sums[0] = sums[1]
                else:
                    sums[0] = 0.0
                sums[1] = 0.0
                one.first = until
        place = window - one.first
        if not place >= 0.0:
            one.late += 1
            left_out[0] += 1
            continue
        _count(sums[int(place)], durations_ms[i], errors[i], latency_z[i], adjusted[i])
    return k


@njit(cache=True)
def _count(window: Any, duration_ms: float, error: float, z: float, adjusted: float) -> None:
    times = max(1.0, adjusted)
    window[COUNT] += times
    window[SQUARES] = min(LARGEST, window[SQUARES] + times * times)
    if not adjusted > 0.0:
        window[UNKNOWN] += times
    if error > 0.5:
        window[FAILED] += times
    window[BUSY_MS] = min(LARGEST, window[BUSY_MS] + times * duration_ms)
    window[LONGEST_MS] = min(LARGEST, max(window[LONGEST_MS], times * duration_ms))
    if not np.isnan(z):
        window[RANKED] += times
        window[RANK_SUM] += times * z
        if z > SLOW_Z:
            window[SLOW] += times
