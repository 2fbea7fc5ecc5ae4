"""How often each of many numbers came before."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_NOBODY: Final = -1


class Occurrences:
    """The n entries of ``numbers``.

    ``first`` (k) are the rows with which the k distinct ones come first, in this order, ``place`` (n,) is which of
    them each is, and ``earlier`` (n,) how often it came in earlier rows; ``counts`` (k,) how often each came.

    >>> found = Occurrences(np.array([7, 4, 7, 7]))
    >>> found.first, found.place.tolist(), found.earlier.tolist(), found.until(3).tolist()
    ([0, 1], [0, 1, 0, 0], [0, 0, 1, 2], [2, 1])
    """

    def __init__(self, numbers: Slots) -> None:
        n = len(numbers)
        self.place, self.earlier = np.empty(n, np.int64), np.empty(n, np.int64)
        first, counts = np.empty(n, np.int64), np.zeros(n, np.int64)
        bits = max(1, n).bit_length() + 1
        table = np.full(1 << bits, _NOBODY, np.int64)
        k = _tell_apart(np.ascontiguousarray(numbers), 64 - bits, table, self.place, self.earlier, first, counts)
        self.first: list[int] = first[:k].tolist()
        self.counts: list[int] = counts[:k].tolist()

    def until(self, row: int) -> Slots:
        """How often each of the k distinct ones came before ``row``."""
        return np.bincount(self.place[:row], minlength=len(self.first))

    def rows(self) -> list[Slots]:
        """The rows of each of the k distinct ones, in order."""
        order, ends = np.argsort(self.place, kind="stable"), np.cumsum(self.counts).tolist()
        return [order[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@njit(**LEAN)
def _tell_apart(numbers: Any, shift: int, table: Any, place: Any, earlier: Any, first: Any, counts: Any) -> int:
    """Returns how many distinct ones there are; ``table``, of at least twice as many places, finds them."""
    found, last = 0, table.size - 1
    for row in range(numbers.size):
        at = np.int64((np.uint64(numbers[row]) * _SPREAD) >> np.uint64(shift))
        while table[at] != _NOBODY and numbers[first[table[at]]] != numbers[row]:
            at = (at + 1) & last
        if table[at] == _NOBODY:
            table[at], first[found] = found, row
            found += 1
        one = table[at]
        place[row], earlier[row] = one, counts[one]
        counts[one] += 1
    return found
