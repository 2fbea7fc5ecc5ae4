"""What time it is in an application: what most of its executions say, and not the clock of one of them."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import EARLIEST_S, LARGEST, LATEST_S, checked, moment, numbers, real

IN_TIME, EARLY, LATE, ANEW = range(4)
"""How an execution stands to its application's time: within reach of it, begun beyond it, ended long before it; or with
it the time begins anew, for it had run ahead, or hardly anybody had agreed on it."""

REACH_S, REACH_GAPS, REACH_RESTS = 60.0, 20.0, 1.5
"""How far executions may be from the time of their application: so long, or so many of its usual gaps or of the
longest of late."""
MEMORY, RESTS_FADE = 30.0, 0.99
"""Executions over which the usual gap is averaged, and what is left of the longest one with each execution."""
AGREE = 4.0
"""So many executions, that others hardly contradict, set the time forward: after a rest all do."""
AGREE_BACK = 32.0
"""The least that set it back; more, where more had agreed on the time that it is."""
CONTRADICTS = 2.0
"""What an execution in time takes from those that are not: the time is another only where two thirds say so."""
FAR_S = 86_400.0
"""By so much a time must have been set forward to be doubtful: shorter rests are usual."""
DOUBT = 8.0
"""How many times as many must agree as were found to be wrong of late."""
ALIKE = 0.25
"""Clocks that are ahead by amounts that differ by less than this share are doubted together."""
SLACK = 0.6
"""Of reach: so far behind a clock that is known to be ahead time stays, where no others say what time it is."""
FORGETS = 0.999
MOST_HELD = 5_000.0

SKEWS = 8
"""How many different differences between clocks are known of an application."""

_AMOUNTS: Final = ("votes", "most", "held", "seen", "rest_s", "doubted")
_NUMBERS: Final = ("now_s", "gap_s", "other_s", "ahead", *_AMOUNTS, "before_s")
_SKEW: Final = ("skew_s", "wrong", "since_s", "last_s")
_FRESH: Final = {"now_s": np.nan, "before_s": -np.inf}
_STORED: Final = {
    "now_s": moment(missing=True),
    "gap_s": real(0.0, LARGEST),
    "other_s": moment(),
    "ahead": real(0.0, 1.0),
    **dict.fromkeys(_AMOUNTS, real(0.0, LARGEST)),
    "before_s": moment(never=True),
    "skew_s": numbers(np.float64, (SKEWS,), -LARGEST, LARGEST),
    "wrong": numbers(np.float64, (SKEWS,), 0.0, LARGEST),
    **dict.fromkeys(_SKEW[2:], numbers(np.float64, (SKEWS,), EARLIEST_S, LATEST_S)),
}
_ADDED: Final = {"doubted": 0.0, "before_s": -np.inf}
"""What earlier states lack: how many more must agree on a time that was set forward, and what time it was before."""


@dataclass(frozen=True, slots=True)
class GivenTimes:
    """The time of n executions by their applications' clocks: each array is (n,), times in epoch seconds.

    ``times`` are what they are given, ``counted`` in which time they count as traffic (NaN: in none), ``standing`` how
    they stand to their application's time (``IN_TIME`` and following); ``doubtful``: few agree yet on one far ahead.
    """

    times: Floats
    counted: Floats
    standing: NDArray[np.int8]
    doubtful: Flags


class Clocks:
    """The time of many applications, and which time an execution is given by it.

    An application's time is that of its newest execution within reach. One that begins beyond reach does not move it:
    it is *early*, and is given the application's time. The time moves there once several in a row agree, as they do
    after a rest, and more of them where such a claim was contradicted of late, as where the clocks of some hosts are
    ahead. One that ended out of reach before it is *late*, and is given the application's time too: what it begins is
    not as old as its clock says. Only where many more agree on that than had agreed on the time that it is, the time
    had run ahead and is *set back*. Until ``AGREE_BACK`` more than not agree on a time that was set forward, what is
    late by that alone keeps its own.

    So one clock that is wrong by an hour moves nothing, where half of the clocks are ahead the slower half or the
    faster one is followed and not both in turn, and what most say is followed after at most some thousand executions.

    An early or late execution counts as traffic of the application's time where others have differed by as much while
    that time went on for ``REACH_S`` or more: then it is a clock that differs, and no rest and no backlog. Else an
    early one does not count. Where such a clock is ahead, and had been contradicted, and then nobody else says what
    time it is, time moves on by it, less what it is ahead: else it would look like a rest that the others have stopped.
    One that was sent within reach, and more than ``lateness_s`` before the newest, counts so much before it, so that it
    is in time for windows.

    Assumes that an execution is sent when it has ended, and that a third of an application's clocks is roughly right.
    Fails where an application's executions are so few that nobody can tell a rest from a wrong clock: then a claim is
    believed, and taken back.

    Parameters: ``lateness_s`` for which windows wait.

    Source: majority vote, R. Boyer and J. Moore, MJRTY (1981), with a bias to what is held.

    >>> clocks = Clocks(lateness_s=5.0)
    >>> clocks.open(0)
    >>> given = clocks.give(np.zeros(5, np.int64), np.array([0.0, 1.0, 3_600.0, 2.0, 3.0]), np.zeros(5))
    >>> given.times.tolist(), given.counted.tolist(), given.standing.tolist()
    ([0.0, 1.0, 1.0, 2.0, 3.0], [0.0, 1.0, nan, 2.0, 3.0], [0, 0, 1, 0, 0])
    >>> clocks.now_s(0)
    3.0
    """

    def __init__(self, lateness_s: float) -> None:
        if not 0.0 <= lateness_s < float("inf"):
            raise ValueError(f"The 'lateness_s' parameter of Clocks must be 0 or above. Got {lateness_s} instead.")
        self._lateness_s = lateness_s
        layout: dict[str, tuple[Any, tuple[int, ...]]] = dict.fromkeys(_NUMBERS, (np.float64, ()))
        self._store = SlotRecords(layout | dict.fromkeys(_SKEW, (np.float64, (SKEWS,))), _FRESH)
        self.counts = np.zeros(4, np.int64)
        """Executions since the start by how they stood to the time of their application."""

    def open(self, slot: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._store.open(slot)

    def give(self, slots: Slots, starts: Floats, durations_ms: Floats) -> GivenTimes:
        """The times of executions, in order; each array is (n,).

        ``starts`` are by the clock of who sent it, epoch seconds.
        """
        n = len(slots)
        given = GivenTimes(np.empty(n), np.empty(n), np.empty(n, np.int8), np.empty(n, np.bool_))
        into = (given.times, given.counted, given.standing, given.doubtful, self.counts)
        _give(slots, starts, durations_ms, self._lateness_s, self._store.records, *into)
        return given

    def now_s(self, slot: int) -> float:
        """The time of an application in epoch seconds; NaN before its first execution."""
        return float(self._store["now_s"][slot])

    def told(self, slot: int, started_s: float, duration_ms: float) -> float:
        """The time of an execution by one clock, where that is within reach of its application's; else the latter."""
        now_s = self.now_s(slot)
        lead, reach = started_s - now_s, _reach(self._store.records[slot])
        return now_s if lead > reach or lead + duration_ms / 1000.0 < -reach else started_s

    def begin(self, slot: int, now_s: float, gap_s: float) -> None:
        """Start with a time and a usual gap, in seconds (NaN and 0: unknown)."""
        self.open(slot)
        self._store["now_s"][slot], self._store["gap_s"][slot] = now_s, gap_s

    def snapshot(self, slot: int) -> State:
        """A copy of the application's complete state."""
        state: State = {name: float(self._store[name][slot]) for name in _NUMBERS}
        return state | {name: self._store[name][slot].copy() for name in _SKEW}

    def restore(self, slot: int, state: State) -> None:
        """Replace the application's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of clocks.
        """
        for name, value in checked("clocks", state, _STORED, _ADDED).items():
            self._store[name][slot] = value

    def nbytes(self) -> int:
        """Bytes that one application takes."""
        return self._store.row_bytes()


@njit(cache=True)
def _reach(one: Any) -> float:
    return max(REACH_S, REACH_GAPS * float(one.gap_s), REACH_RESTS * float(one.rest_s))


@njit(cache=True)
def _give(
    slots: Any,
    starts: Any,
    durations_ms: Any,
    lateness_s: float,
    records: Any,
    times: Any,
    counted: Any,
    standing: Any,
    doubtful: Any,
    counts: Any,
) -> None:
    for i in range(slots.size):
        one, start = records[slots[i]], starts[i]
        times[i], counted[i], standing[i] = start, start, IN_TIME
        lead, reach = start - one.now_s, _reach(one)
        sent = lead + durations_ms[i] / 1000.0
        if np.isnan(lead):
            one.now_s, one.held, one.doubted = start, 1.0, AGREE_BACK
        elif lead <= reach and sent >= -reach:
            _hold(one, lead)
            if sent < -lateness_s:
                counted[i] = max(start, one.now_s - lateness_s)
            times[i] = _time_of(one, start, durations_ms[i])
        else:
            at = _skew(one, lead if lead > 0.0 else sent, reach)
            differs = one.now_s - one.since_s[at] >= REACH_S
            known = _known(one, lead, reach)
            young, before_s = one.seen < AGREE_BACK, one.now_s
            agreed = _claim(one, start, lead > 0.0, reach, known)
            differs = differs or (known >= 0 and one.now_s > before_s)
            if agreed and start - one.now_s <= _reach(one):
                one.now_s = max(one.now_s, start)
                standing[i] = ANEW if young or lead < 0.0 else IN_TIME
            elif lead > 0.0:
                standing[i], times[i], counted[i] = EARLY, one.now_s, one.now_s if differs else np.nan
            else:
                standing[i] = LATE
                times[i] = _time_of(one, start, durations_ms[i])
                if differs:
                    counted[i] = one.now_s
        doubtful[i] = one.doubted > 0.0 and one.now_s - one.before_s >= FAR_S
        counts[standing[i]] += 1


@njit(cache=True)
def _time_of(one: Any, start: float, duration_ms: float) -> float:
    """The time of one that is not early: its own, if it was sent in time or is late by a doubtful time alone."""
    sent = start + duration_ms / 1000.0
    if sent >= one.now_s - REACH_S:
        one.doubted = max(0.0, one.doubted - 1.0)
        return start
    if one.doubted > 0.0:
        one.doubted = min(AGREE_BACK, one.doubted + 1.0)
        if sent >= one.before_s - REACH_S:
            return start
    return float(one.now_s)


@njit(cache=True)
def _skew(one: Any, by_s: float, reach: float) -> int:
    """Where it stands that executions differ by about as much, and since when; what is unused for longest gives way."""
    at = 0
    for j in range(SKEWS):
        if abs(one.skew_s[j] - by_s) <= 0.5 * reach:
            at = j
            break
        if one.last_s[j] < one.last_s[at]:
            at = j
    if not abs(one.skew_s[at] - by_s) <= 0.5 * reach:
        one.skew_s[at], one.wrong[at], one.since_s[at] = by_s, 0.0, one.now_s
    elif not 0.0 <= one.now_s - one.last_s[at] <= reach:
        one.since_s[at] = one.now_s
    one.last_s[at] = one.now_s
    return at


@njit(cache=True)
def _known(one: Any, lead: float, reach: float) -> int:
    """Where it stands that a clock is ahead by about as much, and was for long, while others said that it was wrong;
    -1 where none is.
    """
    at, most = -1, 0.5
    for j in range(SKEWS):
        skew_s, last_s = one.skew_s[j], one.last_s[j]
        lasted = last_s - one.since_s[j] >= REACH_S and 0.0 <= one.now_s - last_s <= reach
        alike = skew_s > 0.0 and abs(skew_s - lead) <= max(reach, ALIKE * lead)
        if lasted and alike and one.wrong[j] > most:
            at, most = j, one.wrong[j]
    return at


@njit(cache=True)
def _hold(one: Any, lead: float) -> None:
    """An execution agrees with the time that it is."""
    gap = max(0.0, lead)
    _note_gap(one, gap)
    one.now_s += gap
    one.seen = min(one.seen + 1.0, MOST_HELD)
    one.held = min(one.held + 1.0, MOST_HELD)
    one.wrong[:] *= FORGETS
    if one.votes > 0.0:
        one.votes -= CONTRADICTS
        if one.votes <= 0.0:
            one.votes = 0.0
            if one.ahead > 0.0:
                _doubt(one, one.other_s - one.now_s, one.most)


@njit(cache=True)
def _doubt(one: Any, lead: float, wrong: float) -> None:
    """So many executions were wrong that said a time so far ahead."""
    at = _skew(one, lead, _reach(one))
    one.wrong[at] = max(one.wrong[at], wrong)


@njit(cache=True)
def _claim(one: Any, start: float, ahead: bool, reach: float, known: int) -> bool:
    """An execution says another time; True where by now enough agree on that.

    Where it is ``known`` by how much its clock is ahead, it never is that time: it moves on by that clock, less what it
    is ahead, once no others say what time it is.
    """
    side = 1.0 if ahead else 0.0
    if one.votes > 0.0 and side == one.ahead and not (ahead and start < one.other_s - reach):
        one.votes += 1.0
        if not ahead or start <= one.other_s + reach:
            one.other_s = max(one.other_s, start)
    elif one.votes > CONTRADICTS and side != one.ahead:
        one.votes -= CONTRADICTS
        return False
    else:
        one.votes, one.most, one.ahead, one.other_s = 1.0, 0.0, side, start
    one.most = max(one.most, one.votes)
    if known >= 0:
        if one.votes >= AGREE:
            one.votes = AGREE
            one.now_s = max(one.now_s, one.other_s - one.skew_s[known] - SLACK * reach)
            one.last_s[known] = one.now_s
        return False
    needed = max(AGREE, DOUBT * _wrong(one, start - one.now_s, reach)) if ahead else max(AGREE_BACK, 2.0 * one.held)
    if one.votes < min(needed, 2.0 * MOST_HELD):
        return False
    before_s, held = one.now_s, one.held
    one.now_s, one.held, one.votes = one.other_s, 1.0, 0.0
    one.before_s, one.doubted = before_s, AGREE_BACK if ahead else 0.0
    if ahead:
        _note_gap(one, one.now_s - before_s)
    else:
        _doubt(one, before_s - one.now_s, held)
    return True


@njit(cache=True)
def _wrong(one: Any, lead: float, reach: float) -> float:
    """How many executions that said about as much were wrong of late."""
    most = 0.0
    for j in range(SKEWS):
        if abs(one.skew_s[j] - lead) <= max(reach, ALIKE * lead):
            most = max(most, float(one.wrong[j]))
    return most


@njit(cache=True)
def _note_gap(one: Any, gap: float) -> None:
    one.gap_s = gap if one.gap_s == 0.0 else one.gap_s + (gap - one.gap_s) / MEMORY
    one.rest_s = max(gap, RESTS_FADE * one.rest_s)
