"""State of the structure detector: a record per operation and per path or set of paths, and the index to find them."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Slots
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.packed.secret import SECRET_SEED

LARGEST_TIMES: Final = 8
"""Largest times of a path that are kept to fit its tail to."""
LARGEST_COUNTS: Final = 4
LARGEST_RAW: Final = 16
"""Largest row statistics of an operation that are kept to calibrate it."""
GRID: Final = 16
"""Points at which the tail shared by an operation's paths is kept."""

OPERATION = np.dtype(
    [
        *(("head", np.int32), ("paths", np.int32), ("sets", np.int32)),
        # Live: since the last renewal, or since the last restart while references are still growing.
        *(("learned", np.int64), ("next_renewal", np.int64), ("unlisted_sets", np.int64)),
        *(("judged", np.int64), ("peaks", np.float32, (LARGEST_RAW,)), ("sums", np.float32, (LARGEST_RAW,))),
        *(("peak_total", np.float64), ("sum_total", np.float64)),
        # Gate and patience.
        *(("tokens", np.float64), ("unusual", np.float64), ("deviating", np.float64), ("disturbed_since", np.float64)),
        ("restarted", np.int8),
        # A path that none lacked, in how many executions in a row it is missing, and of how many none lacked it.
        *(("lacked", np.int64), ("lacking", np.int64), ("lacked_of", np.int64)),
        # Frozen: what is judged against; ``known`` executions it was taken from.
        *(("known", np.int64), ("new_set", np.float64), ("new_path", np.float64)),
        *(
            ("peak_mean", np.float64),
            ("sum_mean", np.float64),
            ("peak_bound", np.float64),
            ("peak_at_bound", np.float64),
            ("peak_scale", np.float64),
        ),
        *(("sum_bound", np.float64), ("sum_at_bound", np.float64), ("sum_scale", np.float64)),
        ("pool", np.float32, (GRID,)),
    ]
)
"""One operation."""

ENTRY = np.dtype(
    [
        *(("key", np.int64), ("slot", np.int32), ("next", np.int32), ("is_set", np.int8), ("seen", np.int64)),
        # Live.
        *(("learned", np.int32), ("log_time", np.float64), ("total_count", np.float64)),
        *(("times", np.float32, (LARGEST_TIMES,)), ("counts", np.float32, (LARGEST_COUNTS,))),
        # Frozen. ``known`` executions had it; ``score`` is a set's −log10 p, or a path's when it is missing.
        *(("known", np.int32), ("score", np.float32)),
        *(("typical", np.float32), ("bound", np.float32), ("at_bound", np.float32), ("scale", np.float32)),
        ("shared_at_bound", np.float32),
        *(("count", np.float32), ("count_bound", np.float32), ("count_at_bound", np.float32)),
        ("count_scale", np.float32),
    ]
)
"""One path or set of paths of one operation. Times and their bounds are in ms, ``scale`` of log(1 + ms)."""


class Memory(NamedTuple):
    """All that is remembered, as kernels are given it.

    ``operations`` (one record of ``OPERATION`` per slot), ``entries`` (records of ``ENTRY``), ``places`` (numbers of
    entries by the hash of slot and key) and ``free``: [first free entry, how many are free, number of the row last
    judged, what only this process knows of the hash]. The ``next`` of a free entry says how far behind the following
    one the next free one is: what was never used is zero, so that it needs no memory yet.
    """

    operations: NDArray[np.void]
    entries: NDArray[np.void]
    places: NDArray[np.int32]
    free: NDArray[np.int64]


INDEX_PER_ENTRY: Final = 8
"""Bytes of the hash index per entry."""
SECRET: Final = 3
NOTHING: Final = -1


@njit(**LEAN)
def mixed(value: Any) -> Any:
    """A 64-bit integer whose bits depend on all of ``value`` (the finaliser of splitmix64)."""
    bits = np.uint64(value)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((bits ^ (bits >> np.uint64(31))) >> np.uint64(1))


@njit(**LEAN)
def _home(free: Any, slot: int, key: int, size: int) -> Any:
    """Paths follow from names, which anybody may choose: a secret keeps many of them from meeting in one place."""
    return (mixed(key ^ free[SECRET]) ^ mixed(slot + 1)) & (size - 1)


@njit(**LEAN)
def find(memory: Any, slot: int, key: int) -> Any:
    """The number of the entry of ``key`` in ``slot``, or ``NOTHING``."""
    entries, index = memory.entries, memory.places
    place = _home(memory.free, slot, key, index.size)
    while index[place] != NOTHING:
        entry = index[place]
        if entries[entry].key == key and entries[entry].slot == slot:
            return entry
        place = (place + 1) & (index.size - 1)
    return NOTHING


@njit(**LEAN)
def insert(memory: Any, slot: int, key: int, is_set: bool) -> Any:
    """Take a free entry for ``key``, which the slot does not have yet."""
    entries, index, free = memory.entries, memory.places, memory.free
    entry = free[0]
    one = entries[entry]
    free[0] = entry + 1 + one.next
    free[1] -= 1
    one.key, one.slot, one.is_set = key, slot, is_set
    one.learned, one.log_time, one.total_count = 0, 0.0, 0.0
    one.times[:] = -1.0
    one.counts[:] = 0.0
    one.known, one.score, one.seen = 0, 0.0, 0
    # Nothing judges by the rest before it is set, but a state must not show whose entry it was before.
    one.typical, one.bound, one.at_bound, one.scale, one.shared_at_bound = 0.0, 0.0, 0.0, 0.0, 0.0
    one.count, one.count_bound, one.count_at_bound, one.count_scale = 0.0, 0.0, 0.0, 0.0
    operation = memory.operations[slot]
    one.next = operation.head
    operation.head = entry
    if is_set:
        operation.sets += 1
    else:
        operation.paths += 1
    place = _home(free, slot, key, index.size)
    while index[place] != NOTHING:
        place = (place + 1) & (index.size - 1)
    index[place] = entry
    return entry


@njit(**LEAN)
def insert_all(memory: Any, slot: int, taken: Any) -> None:
    """Give a slot the entries ``taken`` (k,), newest first, none of which it has; so many must be free."""
    for i in range(taken.size - 1, -1, -1):  # an entry goes to the front of its list
        number = insert(memory, slot, taken[i].key, taken[i].is_set)
        following, seen = memory.entries[number].next, memory.entries[number].seen
        memory.entries[number] = taken[i]
        one = memory.entries[number]
        one.slot, one.next, one.seen = slot, following, seen


@njit(**LEAN)
def insert_those(memory: Any, slots: Any, counts: Any, taken: Any) -> None:
    """``insert_all`` for each of ``slots`` (n,), to which ``counts`` (n,) of the entries belong, one after another."""
    begin = 0
    for i in range(slots.size):
        insert_all(memory, slots[i], taken[begin : begin + counts[i]])
        begin += counts[i]


@njit(**LEAN)
def drop(memory: Any, entry: int) -> None:
    """Give an entry back. The caller takes it out of the list of its slot."""
    operations, entries, index, free = memory
    one = entries[entry]
    place = _home(free, one.slot, one.key, index.size)
    while index[place] != entry:
        place = (place + 1) & (index.size - 1)
    _close_gap(entries, index, free, place)
    if one.is_set:
        operations[one.slot].sets -= 1
    else:
        operations[one.slot].paths -= 1
    one.next = free[0] - entry - 1
    free[0] = entry
    free[1] += 1


@njit(**LEAN)
def _close_gap(entries: Any, index: Any, free: Any, gap: int) -> None:
    """Move later entries of the same run forward, so that searches need no tombstones."""
    last = index.size - 1
    index[gap] = NOTHING
    place = (gap + 1) & last
    while index[place] != NOTHING:
        one = entries[index[place]]
        home = _home(free, one.slot, one.key, index.size)
        if ((place - home) & last) >= ((place - gap) & last):
            index[gap] = index[place]
            index[place] = NOTHING
            gap = place
        place = (place + 1) & last


@njit(**LEAN)
def drop_all(memory: Any, slot: int) -> None:
    """Give back every entry of a slot."""
    entry = memory.operations[slot].head
    while entry != NOTHING:
        following = memory.entries[entry].next
        drop(memory, entry)
        entry = following
    memory.operations[slot].head = NOTHING


@njit(**LEAN)
def drop_those(memory: Any, slots: Any) -> None:
    """``drop_all`` for each of ``slots`` (n,)."""
    for slot in slots:
        drop_all(memory, slot)


@njit(**LEAN)
def reindex(entries: Any, before: Any, index: Any, free: Any) -> None:
    """Fill an empty index with the entries of a smaller one."""
    for entry in before:
        if entry != NOTHING:
            place = _home(free, entries[entry].slot, entries[entry].key, index.size)
            while index[place] != NOTHING:
                place = (place + 1) & (index.size - 1)
            index[place] = entry


class StructureState:
    """Records of all operations and their entries, which grow by doubling."""

    def __init__(self) -> None:
        self.operations = np.zeros(16, OPERATION)
        self.entries = np.zeros(0, ENTRY)
        self.index = np.zeros(0, np.int32)
        self.free = np.array([0, 0, 0, SECRET_SEED], np.int64)
        self._opened = 0
        self.reserve(64)

    @property
    def memory(self) -> Memory:
        """All of it as it is now: growing makes other arrays."""
        return Memory(self.operations, self.entries, self.index, self.free)

    def reserve(self, needed: int) -> None:
        """Make sure that ``needed`` entries are free."""
        if self.free[1] >= needed:
            return
        used = len(self.entries)
        size = max(64, 2 * used)
        while size - used + self.free[1] < needed:
            size *= 2
        entries = np.zeros(size, ENTRY)
        entries[:used] = self.entries
        self.free[1] += size - used
        before, self.entries, self.index = self.index, entries, np.full(2 * size, NOTHING, np.int32)
        reindex(self.entries, before, self.index, self.free)

    def open(self, slot: int) -> None:
        """Make sure that ``slot`` exists and has nothing in it."""
        self._grow_to(slot)
        if slot < self._opened:  # what was never used is zero, and takes no memory yet
            drop_all(self.memory, slot)
            self.operations[slot] = np.zeros((), OPERATION)
        self.operations["head"][self._opened : slot] = NOTHING  # those that are passed over may be opened later
        self._opened = max(self._opened, slot + 1)
        self.operations[slot]["head"] = NOTHING

    def open_all(self, slots: Slots) -> None:
        """``open`` for each of ``slots`` (n,), no two alike."""
        if not len(slots):
            return
        self._grow_to(highest := int(slots.max()))
        used = slots[slots < self._opened]
        drop_those(self.memory, used)
        self.operations[used] = np.zeros((), OPERATION)
        self.operations["head"][self._opened : highest] = NOTHING
        self.operations["head"][slots] = NOTHING
        self._opened = max(self._opened, highest + 1)

    def _grow_to(self, slot: int) -> None:
        while slot >= len(self.operations):
            larger = np.zeros(2 * len(self.operations), OPERATION)
            larger[: len(self.operations)] = self.operations
            self.operations = larger

    def numbers(self, slot: int) -> list[int]:
        """The entries of a slot, newest first."""
        found: list[int] = []
        entry = int(self.operations[slot]["head"])
        while entry != NOTHING:
            found.append(entry)
            entry = int(self.entries[entry]["next"])
        return found
