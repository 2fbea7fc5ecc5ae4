"""Rows of columns by several numbers, for kernels: a hash table over numbers that were given here, not by others."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.byte_words import folded_product
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

NUMBERS: Final = 6
NO_ROW: Final = -1
_FACTOR, _OTHER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)


class NumberRows:
    """Rows in the order in which they were added.

    ``places`` (a power of two,) is an open hash table of rows, -1 where it is free; ``keys`` (k, NUMBERS) are the
    numbers of each row, and ``count`` (1,) how many there are: kernels may add as many as ``make_room`` was asked for.

    >>> rows = NumberRows()
    >>> rows.row((1, 2, 0, 0, 0, 0)), rows.row((2, 1, 0, 0, 0, 0)), rows.row((1, 2, 0, 0, 0, 0)), len(rows)
    (0, 1, 0, 2)
    """

    def __init__(self) -> None:
        self.places: Slots = np.full(256, NO_ROW, np.int64)
        self.keys: Slots = np.zeros((64, NUMBERS), np.int64)
        self.count: Slots = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return int(self.count[0])

    def make_room(self, more: int) -> None:
        """Make room for so many rows more."""
        wanted = len(self) + more
        if wanted > len(self.keys):
            size = max(wanted, 2 * len(self.keys))
            self.keys = np.concatenate([self.keys, np.zeros((size - len(self.keys), NUMBERS), np.int64)])
        size = len(self.places)
        while 2 * wanted >= size:
            size *= 2
        if size > len(self.places):
            self.places = np.full(size, NO_ROW, np.int64)
            _enter(self.places, self.keys, len(self))

    def row(self, numbers: tuple[int, ...]) -> int:
        """The row of these numbers, which is added if there is none."""
        self.make_room(1)
        return int(row_of(self.places, self.keys, self.count, *numbers))


@njit(**LEAN)
def _place_of(places: Any, one: Any, two: Any, three: Any, four: Any, five: Any, six: Any) -> Any:
    word = folded_product(np.uint64(one) ^ (np.uint64(two) << np.uint64(32)) ^ _OTHER, _FACTOR)
    word = folded_product(word ^ np.uint64(three) ^ (np.uint64(four) << np.uint64(32)), _FACTOR)
    word = folded_product(word ^ np.uint64(five) ^ (np.uint64(six) << np.uint64(32)), _FACTOR)
    return np.int64(word & np.uint64(places.size - 1))


@njit(**LEAN)
def find_row(places: Any, keys: Any, one: Any, two: Any, three: Any, four: Any, five: Any, six: Any) -> Any:
    """The row of these numbers; where there is none, ``NO_ROW`` less the place where it belongs."""
    place = _place_of(places, one, two, three, four, five, six)
    while places[place] >= 0:
        key = keys[places[place]]
        if key[0] == one and key[1] == two and key[2] == three and key[3] == four and key[4] == five and key[5] == six:
            return places[place]
        place = (place + 1) & (places.size - 1)
    return NO_ROW - place


@njit(**LEAN)
def row_of(places: Any, keys: Any, count: Any, one: Any, two: Any, three: Any, four: Any, five: Any, six: Any) -> Any:
    """The row of these numbers, which is added if there is none; there must be room for it."""
    row = find_row(places, keys, one, two, three, four, five, six)
    if row < 0:
        place, row = NO_ROW - row, count[0]
        key = keys[row]
        key[0], key[1], key[2], key[3], key[4], key[5] = one, two, three, four, five, six
        places[place] = row
        count[0] = row + 1
    return row


@njit(**LEAN)
def _enter(places: Any, keys: Any, count: int) -> None:
    """Give all rows their places in an empty table."""
    for row in range(count):
        key = keys[row]
        place = _place_of(places, key[0], key[1], key[2], key[3], key[4], key[5])
        while places[place] >= 0:
            place = (place + 1) & (places.size - 1)
        places[place] = row
