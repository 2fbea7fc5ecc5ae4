"""How often an application's executions come of late, and how evenly: what a gap between them is compared with."""

from collections.abc import Mapping, Sequence
from math import log, log10
from typing import Any, Final

import numpy as np
from scipy.special import gammaincc, gammainccinv

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_columns import RestoredTogether, checked_columns
from tracehound.detectors.packed.stored_numbers import LARGEST, moment, real

MEMORY_S, MEMORY_EXECUTIONS = 900.0, 30.0
"""The rate is the smaller one of those over about so long, and over about so many executions."""
KNOWN = 2.0 * MEMORY_EXECUTIONS
"""How many independent gaps an average with such a memory is worth."""
UNEVEN_RATE = 0.002
"""Weight of the newest gap in what is known of how uneven they are."""
CLEARLY_EVEN = 0.5
"""Gaps are taken as more even than those of a Poisson process only where their squared coefficient of variation lies
below this."""
LARGEST_GAP = 20.0
"""A gap counts at most as so many usual ones in that: the end of a batch says nothing about the gaps within one."""
EVEN_MOST, EVEN_LEAST = 4.0, 0.1
LONG = 16.0
"""A gap is a long one if so many executions were expected in it: of a Poisson process, once in a million."""
LONGEST, LONGEST_S = 100.0, 120.0
"""A long gap counts as at most so many executions longer, or so many seconds where those are more: outages delay the
next one's finding by minutes, not hours."""
DOUBT, NARROW = 3.0, 10.0
"""As if so many long gaps more were exponentially distributed; and how narrow they are at most, as gamma's shape."""
REMEMBERED_S: Final = 86_400.0
RECURRING = 1.8
"""Long gaps, remembered for about a day, from which on they are part of how executions come: two; one a day is 1.6."""
LARGEST_SCORE = 300.0
_LN_10 = log(10.0)
_TAIL: Final = ("learned", "long", "excess", "excess_squares")
_NUMBERS: Final = ("newest_s", "gap_s", "executions", "span_s", "usual", "squares", *_TAIL)
_STORED: Final = {"newest_s": moment(missing=True), **dict.fromkeys(_NUMBERS[1:], real(0.0, LARGEST))}


class Arrivals(RestoredTogether):
    """Rate and evenness of the arrivals of many keys, forgotten with time.

    The rate is the smaller one of that of the last quarter of an hour and that of the last 30 executions. Gaps, in
    units of what is usual at the time, are taken as gamma distributed: their squared coefficient of variation, over
    the last some hundred, says how even they are (1 for a Poisson process, 0 for a clockwork). That the rate is known
    from some executions only makes long gaps likelier.

    Executions that come in bursts (a user at a time, a loop that waits for its slowest part) leave gaps that no such
    distribution has. So of the gaps of about a day in which many executions were missing it is kept how many they
    were, and by how much they were longer: where they come back, how likely a longer one is follows from them, their
    excess taken as gamma distributed, and as exponentially while they are few.

    Assumes that executions arrive roughly in event order; late ones count, with a gap of 0. Fails where the rate
    changes much faster than within the memory: who knows what the hour usually brings should say so (``score``).

    Source: gamma renewal process, D. R. Cox, Renewal Theory (1962); peaks over a threshold, J. Pickands, Statistical
    inference using extreme order statistics, Annals of Statistics 3 (1975).

    >>> arrivals = Arrivals()
    >>> arrivals.open(0)
    >>> times = np.cumsum(np.random.default_rng(0).exponential(2.0, 1000))
    >>> arrivals.learn(np.zeros(1000, np.int64), times)
    >>> 0.3 < arrivals.rate(0) < 0.7, bool(arrivals.score(0, 10.0) < 4.0 < arrivals.score(0, 60.0))
    (True, True)
    """

    def __init__(self) -> None:
        fresh = {"newest_s": np.nan, "usual": 1.0, "squares": 2.0}
        self._store = SlotRecords(dict.fromkeys(_NUMBERS, (np.float64, ())), fresh)

    def open(self, slot: int) -> None:
        """Start afresh for the key in ``slot``."""
        self._store.open(slot)

    def open_all(self, slots: Slots) -> None:
        """The same for several."""
        self._store.open_all(slots)

    def learn(self, slots: Slots, times: Floats, anew: Flags | None = None) -> None:
        """Learn arrivals (n,) at ``times`` (epoch seconds), in order; where ``anew`` (n,) is True, the time of its key
        begins anew and there is no gap."""
        afresh = np.zeros(len(slots), np.bool_) if anew is None else anew
        _learn(slots, times, afresh, self._store.records)

    def newest_s(self, slot: int) -> float:
        """The time of the newest arrival; NaN before the first."""
        return float(self._store["newest_s"][slot])

    def rate(self, slot: int) -> float:
        """Arrivals a second of late; 0 before the second."""
        return float(_rate(self._store.records[slot]))

    def rates(self, slots: Slots) -> Floats:
        """(m,) arrivals a second of late of m keys; 0 before the second."""
        rates = np.empty(len(slots))
        _rates(slots, self._store.records, rates)
        return rates

    def newest(self, slots: Slots) -> Floats:
        """(m,) the times of the newest arrivals of m keys; NaN before the first."""
        newest: Floats = self._store["newest_s"][slots]
        return newest

    def learned(self, slots: Slots) -> Floats:
        """(m,) how many arrivals of about the last day were learned of m keys."""
        learned: Floats = self._store["learned"][slots]
        return learned

    def expected(self, slot: int, gap_s: float) -> float:
        """How many arrivals the last minutes promise for the ``gap_s`` after the newest, less and less with time."""
        return float(_expected(self.rate(slot), gap_s))

    def memory_s(self, slot: int) -> float:
        """For about how long what came last says what comes next, in seconds."""
        return float(_memory_s(self.rate(slot)))

    def score(self, slot: int, gap_s: float, most: float = float("inf")) -> float:
        """−log10 of the probability of no arrival within ``gap_s``, of which at ``most`` so many were expected.

        Long gaps are compared with by what the last minutes promised, as they were learned: of the end of a job too.
        """
        of_late = self.expected(slot, gap_s)
        expected = min(of_late, most)
        if expected <= 0.0:
            return 0.0
        even = self._even(slot)
        # The rate is an estimate: the mixture over what it may be (Gamma and Poisson).
        certain = KNOWN * np.log1p(expected / KNOWN)
        survival = float(gammaincc(even, even * certain))
        usual = -log10(survival) if survival > 0.0 else min(LARGEST_SCORE, even * float(certain) / _LN_10)
        return min(usual, self._of_long_gaps(slot, of_late))

    def _of_long_gaps(self, slot: int, expected: float) -> float:
        """The same by the long gaps that came back; without them nothing is too long for a gap."""
        one = self._store.records[slot]
        if expected <= LONG or one["long"] < RECURRING:
            return LARGEST_SCORE
        gaps = float(one["long"])
        mean = max(1.0, float(one["excess"]) / gaps)
        variation = (float(one["excess_squares"]) / mean**2 + 2.0 * DOUBT) / (gaps + DOUBT) - 1.0
        shape = min(NARROW, 1.0 / max(variation, 1.0 / NARROW))
        survival = float(gammaincc(shape, shape * (expected - LONG) / mean)) * gaps / float(one["learned"])
        return -log10(survival) if survival > 0.0 else LARGEST_SCORE

    def usual_gaps(self, slot: int) -> tuple[float, float]:
        """5 % and 95 % quantile of the gaps of late, in units of their mean."""
        even = self._even(slot)
        return float(gammainccinv(even, 0.95)) / even, float(gammainccinv(even, 0.05)) / even

    def _even(self, slot: int) -> float:
        usual, squares = float(self._store["usual"][slot]), float(self._store["squares"][slot])
        variation = max(squares / max(usual, 1e-9) ** 2 - 1.0, 1e-9)
        if CLEARLY_EVEN < variation < 1.0:
            return 1.0
        return min(EVEN_MOST, max(EVEN_LEAST, 1.0 / variation))

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        return {name: float(self._store[name][slot]) for name in _NUMBERS}

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of keys."""
        for name, column in checked_columns("arrivals", states, _STORED).items():
            self._store[name][slots] = column

    def begin(self, slot: int, newest_s: float, gap_s: float) -> None:
        """Start with a newest arrival and the gap that was usual before it, in seconds (0: unknown)."""
        self.open(slot)
        self._store["newest_s"][slot], self._store["gap_s"][slot] = newest_s, gap_s

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()


@njit(cache=True)
def _rate(one: Any) -> float:
    if one.gap_s == 0.0:
        return 0.0
    rate = 1.0 / float(one.gap_s)
    if one.executions >= MEMORY_EXECUTIONS and one.span_s > 0.0:
        rate = min(rate, float(one.executions / one.span_s))
    return rate


@njit(cache=True)
def _rates(slots: Any, records: Any, rates: Any) -> None:
    for i in range(slots.size):
        rates[i] = _rate(records[slots[i]])


@njit(cache=True)
def _memory_s(rate: float) -> float:
    return max(MEMORY_S, MEMORY_EXECUTIONS / rate) if rate > 0.0 else MEMORY_S


@njit(cache=True)
def _expected(rate: float, gap_s: float) -> float:
    memory_s = _memory_s(rate)
    return float(-rate * memory_s * np.expm1(-gap_s / memory_s))


@njit(cache=True)
def _learn(slots: Any, times: Any, anew: Any, records: Any) -> None:
    for i in range(slots.size):
        one = records[slots[i]]
        gap_s = times[i] - one.newest_s
        if np.isnan(gap_s) or anew[i]:
            one.newest_s = times[i]
            continue
        gap_s = max(0.0, gap_s)
        rate = _rate(one)
        usual = min(LARGEST_GAP, gap_s * rate)
        one.usual += UNEVEN_RATE * (usual - one.usual)
        one.squares += UNEVEN_RATE * (usual * usual - one.squares)
        remembered = np.exp(-gap_s / REMEMBERED_S)
        one.learned = one.learned * remembered + 1.0
        one.long *= remembered
        one.excess *= remembered
        one.excess_squares *= remembered
        if gap_s * rate > LONG:
            missed = _expected(rate, gap_s) - LONG
            if missed > 0.0:
                one.long += 1.0
                missed = min(max(LONGEST, LONGEST_S * rate), missed)
                one.excess += missed
                one.excess_squares += missed * missed
        kept = np.exp(-gap_s / MEMORY_S)
        one.executions = one.executions * kept + 1.0
        one.span_s = one.span_s * kept + MEMORY_S * (1.0 - kept)
        one.gap_s = gap_s if one.gap_s == 0.0 else one.gap_s + (gap_s - one.gap_s) / MEMORY_EXECUTIONS
        one.newest_s += gap_s
