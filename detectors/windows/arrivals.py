"""How often an application's executions come of late, and how evenly: what a gap between them is compared with."""

from math import log, log10
from typing import Any, Final

import numpy as np
from scipy.special import gammaincc, gammainccinv

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import LARGEST, checked, moment, real

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
LARGEST_SCORE = 300.0
_LN_10 = log(10.0)
_NUMBERS: Final = ("newest_s", "gap_s", "executions", "span_s", "usual", "squares")
_STORED: Final = {"newest_s": moment(missing=True), **dict.fromkeys(_NUMBERS[1:], real(0.0, LARGEST))}


class Arrivals:
    """Rate and evenness of the arrivals of many keys, forgotten with time.

    The rate is the smaller one of that of the last quarter of an hour and that of the last 30 executions. Gaps, in
    units of what is usual at the time, are taken as gamma distributed: their squared coefficient of variation, over
    the last some hundred, says how even they are (1 for a Poisson process, 0 for a clockwork). That the rate is known
    from some executions only makes long gaps likelier.

    Assumes that executions arrive roughly in event order; late ones count, with a gap of 0. Fails where the rate
    changes much faster than within the memory: who knows what the hour usually brings should say so (``score``).

    Source: gamma renewal process, D. R. Cox, Renewal Theory (1962).

    >>> arrivals = Arrivals()
    >>> arrivals.open(0)
    >>> times = np.cumsum(np.random.default_rng(0).exponential(2.0, 1000))
    >>> arrivals.learn(np.zeros(1000, np.int64), times)
    >>> 0.3 < arrivals.rate(0) < 0.7, bool(arrivals.score(0, 10.0) < 4.0 < arrivals.score(0, 60.0))
    (True, True)
    """

    def __init__(self) -> None:
        self._store = SlotRecords(dict.fromkeys(_NUMBERS, (np.float64, ())))

    def open(self, slot: int) -> None:
        """Start afresh for the key in ``slot``."""
        self._store.open(slot)
        self._store["newest_s"][slot] = np.nan
        self._store["usual"][slot], self._store["squares"][slot] = 1.0, 2.0

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

    def expected(self, slot: int, gap_s: float) -> float:
        """How many arrivals the last minutes promise for the ``gap_s`` after the newest, less and less with time."""
        memory_s = self.memory_s(slot)
        return float(self.rate(slot) * memory_s * -np.expm1(-gap_s / memory_s))

    def memory_s(self, slot: int) -> float:
        """For about how long what came last says what comes next, in seconds."""
        rate = self.rate(slot)
        return max(MEMORY_S, MEMORY_EXECUTIONS / rate) if rate > 0.0 else MEMORY_S

    def score(self, slot: int, gap_s: float, most: float = float("inf")) -> float:
        """−log10 of the probability of no arrival within ``gap_s``, of which at ``most`` so many were expected."""
        expected = min(self.expected(slot, gap_s), most)
        if expected <= 0.0:
            return 0.0
        even = self._even(slot)
        # The rate is an estimate: the mixture over what it may be (Gamma and Poisson).
        certain = KNOWN * np.log1p(expected / KNOWN)
        survival = float(gammaincc(even, even * certain))
        return -log10(survival) if survival > 0.0 else min(LARGEST_SCORE, even * float(certain) / _LN_10)

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

    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of arrivals.
        """
        for name, value in checked("arrivals", state, _STORED).items():
            self._store[name][slot] = value

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
def _learn(slots: Any, times: Any, anew: Any, records: Any) -> None:
    for i in range(slots.size):
        one = records[slots[i]]
        gap_s = times[i] - one.newest_s
        if np.isnan(gap_s) or anew[i]:
            one.newest_s = times[i]
            continue
        gap_s = max(0.0, gap_s)
        usual = min(LARGEST_GAP, gap_s * _rate(one))
        one.usual += UNEVEN_RATE * (usual - one.usual)
        one.squares += UNEVEN_RATE * (usual * usual - one.squares)
        kept = np.exp(-gap_s / MEMORY_S)
        one.executions = one.executions * kept + 1.0
        one.span_s = one.span_s * kept + MEMORY_S * (1.0 - kept)
        one.gap_s = gap_s if one.gap_s == 0.0 else one.gap_s + (gap_s - one.gap_s) / MEMORY_EXECUTIONS
        one.newest_s += gap_s
