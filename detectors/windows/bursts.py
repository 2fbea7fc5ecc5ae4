"""Bursts of single keys: one that comes far more often within a window than it did in any window of the days before."""

from dataclasses import dataclass
from math import ceil, floor, log, log10
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import LARGEST, checked, real

LEAST_COUNT: Final = 20.0
"""So few within a window are no burst, however seldom they came before."""
SURGE: Final = 3.0
"""Times the largest window before, from which it is one."""
KNOWN_S: Final = 86_400.0
"""What comes once a day is known after a day: before, nothing is a burst."""
MEMORY_S: Final = 86_400.0
"""The rate is that of about the last day."""
HALF_LIFE_S: Final = 7.0 * 86_400.0
"""The largest window counts half as much after a week."""
GROWTH, GROWTH_S = 3.0, 3_600.0
"""A larger window than any before counts as at most so many times that, once in so much time: one burst does not make
the next one usual, and what lasts becomes usual within hours."""
STEEPEST: Final = 4.0
"""The tail falls no faster than with this power, however even windows were."""
_AGAIN: Final = 1.5
_MOST_KEYS: Final = 1_000.0
_LONGEST_S: Final = 60.0 * 86_400.0
_NUMBERS: Final = ("window", "first", "count", "due", "rate", "largest", "grown")
_GROUP: Final = ("window", "first", "count", "rate", "keys")
_COUNTED = real(0.0, LARGEST)
_PLACED = real(-LARGEST, LARGEST, missing=True)


@dataclass(frozen=True, slots=True)
class Burst:
    """k rows at which a key was judged: each array is (k,).

    ``rows`` are their indexes, ``score`` −log10 of the probability that any key of the group came so often within a
    window, ``counts`` how often it has come in this one until then, ``usual`` how often it was to be expected in a
    window, ``largest`` how often it ever was, and ``start_s`` when the window began, in epoch seconds.
    """

    rows: NDArray[np.int64]
    score: Floats
    counts: Floats
    usual: Floats
    largest: Floats
    start_s: Floats

    def place_of(self, row: int) -> int | None:
        """Where a row stands in the arrays; None where nothing was judged there."""
        place = int(np.searchsorted(self.rows, row))
        return place if place < len(self.rows) and self.rows[place] == row else None


class Bursts:
    """How often each key (a template of logs) of a group (an application) came within windows of event time.

    A key is judged while it is counted: when it has come three times as often as in its largest window before, and
    whenever it has come half as often again. The largest of n windows is exceeded once in n; how much less likely a
    larger one is follows from how far that one lies above the rate, as the tail of Pareto's distribution, no steeper
    than with the power of 4. Where all other keys of the group come more often than usual, so may this: that traffic
    is the application's, and told as such. The probability is corrected for how many keys there are (Bonferroni).

    Nothing is judged in the first day of a key, in which all that it does is learned, and so is what comes once a day.
    Later a window counts as at most three times the largest one before, once an hour.

    Assumes windows of a key whose largest ones have at most the tail of a power. Fails where a key comes once a week
    or less in masses: it is a burst each time until its largest window has grown there. Blind to a key that comes twice
    as often as ever, and to one that is not a day old.

    Parameters: ``window_s``.

    Source: V. Pareto's tail above the largest of n, B. M. Hill, Annals of Statistics 3 (1975); C. E. Bonferroni (1936).

    >>> bursts = Bursts(window_s=30.0)
    >>> bursts.open_group(0); bursts.open(0)
    >>> times = np.concatenate([np.arange(0.0, 90_000.0, 60.0), 90_000.0 + np.arange(50) / 10.0])
    >>> slots, logged = np.zeros(len(times), np.int64), np.ones(len(times), np.bool_)
    >>> judged = bursts.judge_then_learn(slots, slots, times, logged, 0 * logged)
    >>> judged.counts.tolist(), bool(judged.score[-1] > 8.0)
    ([20.0, 30.0, 45.0], True)
    """

    def __init__(self, window_s: float = 30.0) -> None:
        if not 0 < window_s < float("inf"):
            raise ValueError(f"The 'window_s' parameter of Bursts must be above 0. Got {window_s} instead.")
        self._window_s = window_s
        self._keys = SlotRecords(dict.fromkeys(_NUMBERS, (np.float64, ())), {"window": np.nan})
        self._groups = SlotRecords(dict.fromkeys(_GROUP, (np.float64, ())), {"window": np.nan})

    def open(self, slot: int) -> None:
        """Start afresh for the key in ``slot``."""
        self._keys.open(slot)

    def open_all(self, slots: Slots) -> None:
        """The same for several."""
        self._keys.open_all(slots)

    def open_group(self, slot: int) -> None:
        """Start afresh for the group in ``slot``."""
        self._groups.open(slot)

    def judge_then_learn(self, keys: Slots, groups: Slots, times: Floats, logged: Flags, anew: Flags) -> Burst:
        """Count rows (n,) in order, and judge each key that has come often enough.

        ``times`` (n,) are epoch seconds, NaN where a row does not count; only those that are ``logged`` (n,) do.
        ``anew`` (n,) is True where the group's time begins anew.
        """
        n = len(keys)
        rows, found = np.empty(n, np.int64), np.empty((n, 5))
        state = (self._window_s, self._keys.records, self._groups.records)
        k = _run(keys, groups, times, logged, anew, *state, rows, found)
        return Burst(rows[:k], *found[:k].T)

    def snapshot(self, slot: int) -> State | None:
        """A copy of a key's state; None where it never came."""
        return _snapshot(self._keys, _NUMBERS, slot)

    def snapshot_group(self, slot: int) -> State | None:
        """A copy of a group's state; None where nothing of it ever came."""
        return _snapshot(self._groups, _GROUP, slot)

    def restore(self, slot: int, state: State) -> None:
        """Replace a key's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of bursts.
        """
        _restore(self._keys, _NUMBERS, slot, state)

    def restore_group(self, slot: int, state: State) -> None:
        """Replace a group's state by one that ``snapshot_group`` returned.

        Raises:
            KeyError, ValueError: the state is not one of bursts.
        """
        _restore(self._groups, _GROUP, slot, state)

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._keys.row_bytes()

    def group_nbytes(self) -> int:
        """Bytes that one group takes."""
        return self._groups.row_bytes()


def _snapshot(records: SlotRecords, names: tuple[str, ...], slot: int) -> State | None:
    if np.isnan(records["window"][slot]):
        return None
    return {name: records[name][slot].item() for name in names}


def _restore(records: SlotRecords, names: tuple[str, ...], slot: int, state: State) -> None:
    placed = ("window", "first", "grown")
    rules = {name: _PLACED if name in placed else _COUNTED for name in names}
    taken = checked("bursts", state, rules)
    if not taken["first"] <= taken["window"]:
        raise ValueError(f"The 'first' window of bursts must not lie after {taken['window']}. Got {taken['first']}.")
    for name, value in taken.items():
        records[name][slot] = value


@njit(cache=True)
def _run(
    keys: Any,
    groups: Any,
    times: Any,
    logged: Any,
    anew: Any,
    window_s: float,
    states: Any,
    of_groups: Any,
    rows: Any,
    found: Any,
) -> int:
    k = 0
    for i in range(keys.size):
        if not logged[i] or np.isnan(times[i]):
            continue
        window = floor(times[i] / window_s)
        group, one = of_groups[groups[i]], states[keys[i]]
        if anew[i] and not np.isnan(group.window):
            group.first += window - group.window
            group.window, group.count = window, 0.0
        if window < group.window:
            continue  # it is late
        if window != group.window:  # (NaN is none either)
            _next_window_of_group(group, window, window_s)
        if np.isnan(one.window):
            one.window = one.first = one.grown = window
            group.keys += 1.0
        elif window < one.window:  # the group's time began anew
            one.first += window - one.window
            one.grown = min(one.grown, window)
            one.window, one.count = window, 0.0
        elif window > one.window:
            _next_window(one, window, window_s)
        group.count += 1.0
        one.count += 1.0
        if one.count >= one.due and (window - one.first) * window_s >= KNOWN_S:
            others = (group.count - one.count) / max(group.rate - one.rate, 1.0)
            busier = max(1.0, others)
            usual, largest = one.rate * busier, max(one.largest, 1.0) * busier
            one.due = ceil(_AGAIN * one.count)
            if one.count >= SURGE * largest:
                windows = min(window - one.first, _LONGEST_S / window_s)
                rows[k] = i
                found[k, 0] = max(0.0, _score(one.count, usual, largest, windows) - log10(min(group.keys, _MOST_KEYS)))
                found[k, 1], found[k, 2], found[k, 3], found[k, 4] = one.count, usual, largest, window * window_s
                k += 1
    return k


@njit(cache=True)
def _score(count: float, usual: float, largest: float, windows: float) -> float:
    """−log10 of the probability of so many within a window, of which ``windows`` had at most ``largest``."""
    ratio = max((largest + 1.0) / (usual + 1.0), 1.01)
    power = min(log(windows) / log(ratio), STEEPEST)
    return log10(windows) + power * log10((count + 1.0) / (largest + 1.0))


@njit(cache=True)
def _next_window(one: Any, window: float, window_s: float) -> None:
    """Learn the key's last window, and those without it since then."""
    passed = window - one.window
    age_s = (one.window - one.first) * window_s
    if one.count > one.largest:
        most = one.count
        if age_s >= KNOWN_S:
            free = (one.window - one.grown) * window_s >= GROWTH_S
            most = min(most, GROWTH * max(one.largest, LEAST_COUNT / GROWTH)) if free else one.largest
        if most > one.largest:
            one.largest, one.grown = most, one.window
    one.rate = _learned(one.rate, min(one.count, 2.0 * max(one.largest, 1.0)), passed, age_s, window_s)
    one.largest *= 0.5 ** (passed * window_s / HALF_LIFE_S)
    one.window, one.count = window, 0.0
    one.due = max(LEAST_COUNT, ceil(SURGE * one.largest))


@njit(cache=True)
def _next_window_of_group(group: Any, window: float, window_s: float) -> None:
    if np.isnan(group.window):
        group.first = window
    else:
        age_s = (group.window - group.first) * window_s
        group.rate = _learned(group.rate, group.count, window - group.window, age_s, window_s)
    group.window, group.count = window, 0.0


@njit(cache=True)
def _learned(rate: float, count: float, passed: float, age_s: float, window_s: float) -> float:
    """A rate per window after one with ``count``, and empty ones up to ``passed`` windows after it."""
    windows = min(age_s, MEMORY_S) / window_s
    rate += (count - rate) / (windows + 1.0)
    empty = min(passed - 1.0, _LONGEST_S / window_s)
    return rate * (1.0 - 1.0 / (min(age_s, MEMORY_S) / window_s + empty + 2.0)) ** empty if empty > 0.0 else rate
