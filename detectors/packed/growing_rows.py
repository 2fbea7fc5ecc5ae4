"""Rows of single precision numbers, many for one array, each of which takes what it holds and grows by need."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

UNIT: Final = 16
"""Values of the smallest row; each larger kind of row has twice as many."""
KINDS: Final = 6
"""Rows have up to 512 values."""
MOST_UNITS: Final = 2 ** (KINDS - 1)
_NEVER_USED, _IN_USE = KINDS, KINDS + 1
NO_ROW: Final = 0
"""The place of a row that holds nothing: the first units are nobody's."""
_AFTER, _BEFORE = 0, 1
"""What a free row holds: the places of the free rows of its kind beside it in their list."""


class RowsMemory(NamedTuple):
    """All rows, as kernels are given them.

    ``values`` are all units one after another, ``links`` (units * UNIT,) the same memory as whole numbers, ``kinds``
    (units,) the kind of the free row that begins there, plus 1, else 0, and ``free`` [the first free row of each kind,
    the first unit that was never used, how many units are in use].
    """

    values: NDArray[np.float32]
    links: NDArray[np.int32]
    kinds: NDArray[np.int8]
    free: NDArray[np.int64]


@njit(inline="always", **LEAN)  # (a lean kernel cannot return an array)
def row_at(memory: Any, place: int, count: int) -> Any:
    """The first ``count`` values of the row at ``place``; that at ``NO_ROW`` has none."""
    return memory.values[place * UNIT : place * UNIT + count]


@njit(**LEAN)
def room_for(count: int) -> int:
    """The room of the smallest row that holds so many values; 0 for none.

    >>> [room_for(count) for count in (0, 1, 16, 17, 500)]
    [0, 16, 16, 32, 512]
    """
    if count <= 0:
        return 0
    room = UNIT
    while room < count:
        room *= 2
    return room


@njit(**LEAN)
def _kind_of(room: int) -> int:
    kind = 0
    while UNIT << kind < room:
        kind += 1
    return kind


@njit(**LEAN)
def _add_free(memory: Any, place: int, kind: int) -> None:
    first = memory.free[kind]
    memory.links[place * UNIT + _AFTER], memory.links[place * UNIT + _BEFORE] = first, NO_ROW
    if first != NO_ROW:
        memory.links[first * UNIT + _BEFORE] = place
    memory.free[kind], memory.kinds[place] = place, kind + 1


@njit(**LEAN)
def _remove_free(memory: Any, place: int, kind: int) -> None:
    after, before = memory.links[place * UNIT + _AFTER], memory.links[place * UNIT + _BEFORE]
    if after != NO_ROW:
        memory.links[after * UNIT + _BEFORE] = before
    if before != NO_ROW:
        memory.links[before * UNIT + _AFTER] = after
    else:
        memory.free[kind] = after
    memory.kinds[place] = 0


@njit(**LEAN)
def take_row(memory: Any, room: int) -> int:
    """The place of a row with ``room``, which nobody has; it must have been reserved (``GrowingRows.reserve``)."""
    if room == 0:
        return NO_ROW
    kind = _kind_of(room)
    found = kind
    while found < KINDS and memory.free[found] == NO_ROW:
        found += 1
    if found == KINDS:
        found, place = KINDS - 1, memory.free[_NEVER_USED]
        memory.free[_NEVER_USED] += MOST_UNITS
    else:
        place = memory.free[found]
        _remove_free(memory, place, found)
    while found > kind:  # the second half is another row
        found -= 1
        _add_free(memory, place + (1 << found), found)
    memory.free[_IN_USE] += 1 << kind
    return int(place)


@njit(**LEAN)
def give_row_back(memory: Any, place: int, room: int) -> None:
    """Let a row be taken again, with its other half where that is free too."""
    if place == NO_ROW:
        return
    kind = _kind_of(room)
    memory.free[_IN_USE] -= 1 << kind
    while kind < KINDS - 1 and memory.kinds[place ^ (1 << kind)] == kind + 1:
        _remove_free(memory, place ^ (1 << kind), kind)
        place &= ~(1 << kind)
        kind += 1
    _add_free(memory, place, kind)


@njit(**LEAN)
def copied_row(memory: Any, place: int, count: int, least: int) -> Any:
    """The place of a new row with room for ``least`` values, with the first ``count`` of the one at ``place``."""
    copy = take_row(memory, room_for(least))
    for k in range(count):
        memory.values[copy * UNIT + k] = memory.values[place * UNIT + k]
    return copy


@njit(**LEAN)
def larger_row(memory: Any, place: int, count: int) -> Any:
    """The place of a row with room for one value more than the ``count`` of a full one, which it takes over."""
    larger = copied_row(memory, place, count, count + 1)
    give_row_back(memory, place, room_for(count))
    return larger


@njit(cache=True)
def _put_row(memory: Any, values: Any) -> Any:
    place = take_row(memory, room_for(values.size))
    for k in range(values.size):
        memory.values[place * UNIT + k] = values[k]
    return place


@njit(cache=True)
def _give_rows_back(memory: Any, places: Any, counts: Any) -> None:
    for i in range(places.size):
        give_row_back(memory, places[i], room_for(counts[i]))


class GrowingRows:
    """Rows of up to 512 values in one array: blocks of powers of two, which go from key to key.

    A block that is too large is halved, and halves that are both free are one again, so that what small rows leave
    behind serves large ones.
    What was never used takes no memory yet, so that an array that doubles costs what is in it.

    Source: K. C. Knowlton, A fast storage allocator, Communications of the ACM 8 (1965): the buddy system.

    >>> rows = GrowingRows()
    >>> place = rows.put(np.array([1.0, 2.0], np.float32))
    >>> rows.row(place, 2).tolist(), rows.nbytes()
    ([1.0, 2.0], 64)
    >>> rows.give_back(place, 2); rows.nbytes()
    0
    """

    def __init__(self) -> None:
        self._free = np.zeros(KINDS + 2, np.int64)
        self._free[_NEVER_USED] = MOST_UNITS
        self._memory = self._of_units(2 * MOST_UNITS)

    def _of_units(self, units: int) -> RowsMemory:
        values = np.zeros(units * UNIT, np.float32)
        return RowsMemory(values, values.view(np.int32), np.zeros(units, np.int8), self._free)

    @property
    def memory(self) -> RowsMemory:
        """All of it as it is now: growing makes other arrays."""
        return self._memory

    def reserve(self, rows: int, count: int = UNIT * MOST_UNITS) -> None:
        """Make sure that so many rows can be taken, of at most ``count`` values each."""
        before, used = self._memory, int(self._free[_NEVER_USED])
        of_row = MOST_UNITS if count == UNIT * MOST_UNITS else int(room_for(count)) // UNIT
        needed = used + MOST_UNITS + rows * of_row
        units = len(before.kinds)
        if needed <= units:
            return
        while units < needed:
            units *= 2
        self._memory = self._of_units(units)
        self._memory.values[: used * UNIT] = before.values[: used * UNIT]
        self._memory.kinds[:used] = before.kinds[:used]

    def put(self, values: NDArray[np.float32]) -> int:
        """The place of a new row that holds ``values`` (n,)."""
        if not len(values):
            return NO_ROW
        self.reserve(1)
        return int(_put_row(self._memory, values))

    def row(self, place: int, count: int) -> NDArray[np.float32]:
        """The first ``count`` values of the row at ``place``, not copied."""
        return self._memory.values[place * UNIT : place * UNIT + count]

    def give_back(self, place: int, count: int) -> None:
        """Let the row at ``place`` that holds ``count`` values be taken again."""
        if place != NO_ROW:
            give_row_back(self._memory, place, room_for(count))

    def give_all_back(self, places: NDArray[np.int32], counts: NDArray[np.int32]) -> None:
        """``give_back`` for each of n rows."""
        _give_rows_back(self._memory, places, counts)

    def nbytes(self) -> int:
        """Bytes of the rows in use."""
        return int(self._free[_IN_USE]) * UNIT * self._memory.values.itemsize
