"""Error types never seen before: how surprising one is, by how often an application shows something new."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numba import njit

from detectors.bank import Flags, Floats, Slots, State
from detectors.slots import SlotArrays

MEMORY = 100_000.0
"""Executions after which what was learned about the rate of new types is forgotten to 1/e."""
HANDLED = 1
"""The lowest bit of a type's number: set where the error was handled."""
_ARRAYS = ("types", "sightings", "first_s", "first_seen", "last_seen")
_NUMBERS = ("known", "seen", "forgotten", "weight", "singletons")


@dataclass(frozen=True, slots=True)
class ErrorTypeJudgement:
    """What is known about the error types of n executions: each array is (n,).

    ``score`` is −log10 of the false-alarm probability, 0 without an error, for a known type, for a handled error and
    while warming. ``new`` is True where the type is not known yet, ``sightings`` counts how often it has been seen,
    this time included, and ``since`` the executions since the first of them, both 0 where it is known.
    """

    score: Floats
    new: Flags
    sightings: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    since: "np.ndarray[tuple[int], np.dtype[np.int64]]"


def type_number(name: str, handled: bool = False) -> int:
    """The number of an error type: 64 bits of its digest, never 0, with ``handled`` as the lowest bit.

    A type that was always handled and now is not, is new. An empty name is an error of unknown type: 0, no type.

    >>> type_number("TimeoutError") == type_number("TimeoutError"), type_number("")
    (True, 0)
    >>> type_number("TimeoutError", handled=True) - type_number("TimeoutError")
    1
    """
    if not name:
        return 0
    digest = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little", signed=True)
    return (digest & ~HANDLED or 2) | (HANDLED if handled else 0)


class ErrorTypes:
    """A bounded set of known error types per key (an application, or an operation), and the surprise of a new one.

    With N executions behind it, s of whose error types were seen exactly once, the next execution shows a new type
    with probability (s + 1) / (N + 2): the estimate of Good and Turing, with Laplace's rule of succession for s = 0.
    One sighting may be noise, so a type stays new for ``patience_s`` of event time after its first, and each further
    sighting counts: a type not seen in N executions has, with a flat prior, a rate whose predictive probability of
    k − 1 more sightings within m executions is (m / (m + N))^(k − 1). The score is −log10 of the product. Once in
    10,000 executions of an application without singletons scores 4, three times within ten of them 10.

    After its patience, a type is known and never told again, also if it was seen once. All types of the first
    ``warm_up`` executions are known at once. A handled error is learned apart from an unhandled one of the same type
    and is never told: the application dealt with it, and what it costs shows in latency and structure. Where the set
    is full, the type seen longest ago gives way. It would be new again, so it counts in s, and N in the second factor
    is at most the executions since such a type was last seen: an application that puts numbers into the names of its
    errors scores ever less instead of alarming ever more.

    Assumes independent executions: the retries of one failing request count each. Blind to a known type on an
    operation that never showed it, unless a key is an operation (a second instance), and to errors without a type.

    Parameters: ``warm_up`` executions before anything is new; ``patience_s`` of event time; ``capacity`` types kept.

    Source: I. J. Good, Biometrika 40 (1953).

    >>> errors = ErrorTypes(warm_up=300)
    >>> errors.open(0, seed=0)
    >>> slots, times, fine = np.zeros(1_000, np.int64), np.arange(1_000.0), np.zeros(1_000, np.int64)
    >>> float(errors.judge_then_learn(slots, fine, times).score.max())
    0.0
    >>> failing = np.array([type_number("TimeoutError"), 0, type_number("TimeoutError"), type_number("TimeoutError")])
    >>> errors.judge_then_learn(slots[:4], failing, times[:4] + 1_000.0).score.round(1).tolist()
    [3.0, 0.0, 5.5, 7.8]
    """

    def __init__(self, warm_up: int = 300, patience_s: float = 600.0, capacity: int = 64) -> None:
        for name, value, least in (("warm_up", warm_up, 1), ("patience_s", patience_s, 0), ("capacity", capacity, 1)):
            if not value >= least:
                raise ValueError(f"The '{name}' parameter of ErrorTypes must be at least {least}. Got {value} instead.")
        self._warm_up, self._patience_s = warm_up, patience_s
        self._store = SlotArrays(
            {
                "types": (np.int64, (capacity,)),
                "sightings": (np.int32, (capacity,)),
                "first_s": (np.float64, (capacity,)),
                "first_seen": (np.int64, (capacity,)),
                "last_seen": (np.int64, (capacity,)),
                "known": (np.int64, ()),
                "seen": (np.int64, ()),
                "forgotten": (np.int64, ()),
                "weight": (np.float64, ()),
                "singletons": (np.float64, ()),
            }
        )

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the key in ``slot``."""
        self._store.open(slot)

    def judge_then_learn(self, slots: Slots, types: Slots, times: Floats) -> ErrorTypeJudgement:
        """Judge each execution, then learn it, in order.

        ``types`` (n,) are numbers of ``type_number``, 0 for executions without an error; ``times`` (n,) epoch seconds.
        """
        n = len(slots)
        score, new = np.zeros(n), np.zeros(n, np.bool_)
        sightings, since = np.zeros(n, np.int64), np.zeros(n, np.int64)
        arrays = (self._store[name] for name in (*_ARRAYS, *_NUMBERS))
        _run(slots, types, times, self._warm_up, self._patience_s, *arrays, score, new, sightings, since)
        return ErrorTypeJudgement(score, new, sightings, since)

    def known(self, slot: int) -> int:
        """Types that the key's set holds."""
        return int(self._store["known"][slot])

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        count = self.known(slot)
        state: State = {name: self._store[name][slot].item() for name in _NUMBERS}
        return state | {name: self._store[name][slot, :count].copy() for name in _ARRAYS}

    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of error types, or of a larger set.
        """
        rows = {name: np.asarray(state[name]) for name in _ARRAYS}
        capacity = self._store["types"].shape[1]
        for name, row in rows.items():
            if row.shape != (state["known"],) or len(row) > capacity:
                raise ValueError(f"Error types must have 'known' {name}, at most {capacity}. Got {row.shape} instead.")
        for name, row in rows.items():
            self._store[name][slot] = 0
            self._store[name][slot, : len(row)] = row
        for name in _NUMBERS:
            self._store[name][slot] = state[name]

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()


@njit(cache=True)
def _place_of(types: Any, known: int, wanted: int) -> int:
    for j in range(known):
        if types[j] == wanted:
            return j
    return -1


@njit(cache=True)
def _place_for(last_seen: Any, known: int) -> int:
    """A free place, or that of the type seen longest ago."""
    if known < last_seen.size:
        return known
    oldest = 0
    for j in range(1, known):
        if last_seen[j] < last_seen[oldest]:
            oldest = j
    return oldest


@njit(cache=True)
def _run(
    slots: Any,
    wanted: Any,
    times: Any,
    warm_up: int,
    patience_s: float,
    all_types: Any,
    all_sightings: Any,
    all_first_s: Any,
    all_first_seen: Any,
    all_last_seen: Any,
    all_known: Any,
    all_seen: Any,
    all_forgotten: Any,
    all_weight: Any,
    all_singletons: Any,
    score: Any,
    new: Any,
    out_sightings: Any,
    out_since: Any,
) -> None:
    keep = 1.0 - 1.0 / MEMORY
    for i in range(slots.size):
        slot = slots[i]
        weight, singletons = all_weight[slot], all_singletons[slot]
        all_weight[slot] = weight * keep + 1.0
        all_singletons[slot] = singletons * keep
        all_seen[slot] += 1
        if wanted[i] == 0:
            continue
        seen, sightings = all_seen[slot], all_sightings[slot]
        first_s, first_seen = all_first_s[slot], all_first_seen[slot]
        j = _place_of(all_types[slot], all_known[slot], wanted[i])
        if j < 0:
            j = _place_for(all_last_seen[slot], all_known[slot])
            if j < all_known[slot]:
                all_forgotten[slot] = all_last_seen[slot, j]
                if sightings[j] > 1:
                    all_singletons[slot] += 1.0  # it would be new again, which the estimate has to know
            all_known[slot] = min(all_known[slot] + 1, sightings.size)
            all_types[slot, j] = wanted[i]
            sightings[j], first_seen[j] = 0, seen
            first_s[j] = times[i] if seen > warm_up else -np.inf
            all_singletons[slot] += 1.0
        elif sightings[j] == 1:
            all_singletons[slot] = max(0.0, all_singletons[slot] - 1.0)
        sightings[j] += 1
        all_last_seen[slot, j] = seen
        if wanted[i] & HANDLED or times[i] - first_s[j] > patience_s:
            continue
        since = seen - first_seen[j] + 1
        new[i] = True
        out_sightings[i], out_since[i] = sightings[j], since
        # The type's own single sighting is what is judged, so it does not count among the singletons.
        others = max(0.0, singletons - 1.0) if sightings[j] == 2 else singletons
        before = max(1.0, weight - (since - 1))
        unseen = max(1.0, min(before, first_seen[j] - all_forgotten[slot]))
        surprise = np.log10((others + 1.0) / (before + 2.0))
        score[i] = -min(0.0, surprise + (sightings[j] - 1) * np.log10(since / (since + unseen)))
