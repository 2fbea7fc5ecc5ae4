"""Error types never seen before: how surprising one is, by how often an application shows something new."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import COUNTED, LATEST_S, Stored, checked, numbers, real, whole

MEMORY = 100_000.0
"""Executions after which what was learned about the rate of new types is forgotten to 1/e."""
HANDLED = 1
"""The lowest bit of a type's number: set where the error was handled."""
_TYPE = np.dtype(
    [
        *(("types", np.int64), ("sightings", np.int32), ("first_s", np.float64)),
        *(("first_seen", np.int64), ("last_seen", np.int64)),
    ],
    align=True,
)
"""One type of a key: its number, how often and when it was first and last seen."""
_MOST_SIGHTINGS = 2_000_000_000  # a state's: more are added to them


def _stored(capacity: int) -> dict[str, Stored]:
    """What the state of a key with a set of this size may hold: its numbers, then its types."""
    return {
        "known": whole(0, capacity),
        "seen": whole(0),
        "forgotten": whole(0),
        "weight": real(0.0, MEMORY),
        "singletons": real(0.0, COUNTED),
        "types": numbers(np.int64, ("known",), -np.inf, np.inf),
        "sightings": numbers(np.int32, ("known",), 1, _MOST_SIGHTINGS),
        "first_s": numbers(np.float64, ("known",), -np.inf, LATEST_S),
        "first_seen": numbers(np.int64, ("known",), 1, COUNTED),
        "last_seen": numbers(np.int64, ("known",), 1, COUNTED),
    }


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
        self._stored = _stored(capacity)
        self._types = SlotRecords({"types": (_TYPE, (capacity,))})
        self._keys = SlotRecords(
            {
                **dict.fromkeys(("known", "seen", "forgotten"), (np.int64, ())),
                **dict.fromkeys(("weight", "singletons"), (np.float64, ())),
            }
        )

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the key in ``slot``."""
        self._types.open(slot)
        self._keys.open(slot)

    def judge_then_learn(self, slots: Slots, types: Slots, times: Floats) -> ErrorTypeJudgement:
        """Judge each execution, then learn it, in order.

        ``types`` (n,) are numbers of ``type_number``, 0 for executions without an error; ``times`` (n,) epoch seconds.
        """
        n = len(slots)
        score, new = np.zeros(n), np.zeros(n, np.bool_)
        sightings, since = np.zeros(n, np.int64), np.zeros(n, np.int64)
        state = (self._types["types"], self._keys.records)
        _run(slots, types, times, self._warm_up, self._patience_s, *state, score, new, sightings, since)
        return ErrorTypeJudgement(score, new, sightings, since)

    def known(self, slot: int) -> int:
        """Types that the key's set holds."""
        return int(self._keys["known"][slot])

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        count = self.known(slot)
        state: State = {name: self._keys[name][slot].item() for name in _NUMBERS}
        return state | {name: self._types["types"][slot, :count][name].copy() for name in _ARRAYS}

    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of error types, or of a larger set.
        """
        taken = checked("error types", state, self._stored)
        first, last = taken["first_seen"], taken["last_seen"]
        if (first > last).any() or (last > taken["seen"]).any() or taken["forgotten"] > taken["seen"]:
            raise ValueError("Error types must have been seen first, then last, and no later than they were counted.")
        types = self._types["types"][slot]
        types[:] = np.zeros((), _TYPE)
        for name in _ARRAYS:
            types[name][: taken["known"]] = taken[name]
        for name in _NUMBERS:
            self._keys[name][slot] = taken[name]

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._types.row_bytes() + self._keys.row_bytes()


@njit(cache=True)
def _place_of(types: Any, known: int, wanted: int) -> int:
    for j in range(known):
        if types[j].types == wanted:
            return j
    return -1


@njit(cache=True)
def _place_for(types: Any, known: int) -> int:
    """A free place, or that of the type seen longest ago."""
    if known < types.size:
        return known
    oldest = 0
    for j in range(1, known):
        if types[j].last_seen < types[oldest].last_seen:
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
    all_keys: Any,
    score: Any,
    new: Any,
    out_sightings: Any,
    out_since: Any,
) -> None:
    keep = 1.0 - 1.0 / MEMORY
    for i in range(slots.size):
        key = all_keys[slots[i]]
        weight, singletons = key.weight, key.singletons
        key.weight = weight * keep + 1.0
        key.singletons = singletons * keep
        key.seen += 1
        if wanted[i] == 0:
            continue
        types, seen = all_types[slots[i]], key.seen
        j = _place_of(types, key.known, wanted[i])
        if j < 0:
            j = _place_for(types, key.known)
            if j < key.known:
                key.forgotten = types[j].last_seen
                if types[j].sightings > 1:
                    key.singletons += 1.0  # it would be new again, which the estimate has to know
            key.known = min(key.known + 1, types.size)
            types[j].types = wanted[i]
            types[j].sightings, types[j].first_seen = 0, seen
            types[j].first_s = times[i] if seen > warm_up else -np.inf
            key.singletons += 1.0
        elif types[j].sightings == 1:
            key.singletons = max(0.0, key.singletons - 1.0)
        one = types[j]
        one.sightings += 1
        one.last_seen = seen
        if wanted[i] & HANDLED or times[i] - one.first_s > patience_s:
            continue
        since = seen - one.first_seen + 1
        new[i] = True
        out_sightings[i], out_since[i] = one.sightings, since
        # The type's own single sighting is what is judged, so it does not count among the singletons.
        others = max(0.0, singletons - 1.0) if one.sightings == 2 else singletons
        before = max(1.0, weight - (since - 1))
        unseen = max(1.0, min(before, one.first_seen - key.forgotten))
        surprise = np.log10((others + 1.0) / (before + 2.0))
        score[i] = -min(0.0, surprise + (one.sightings - 1) * np.log10(since / (since + unseen)))
