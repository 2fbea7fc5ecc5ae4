"""How often each of many numbers came before."""

import numpy as np

from tracehound.detectors.bank import Slots


class Occurrences:
    """The n entries of ``numbers``, of which there is at least one.

    ``first`` (k) are the rows with which the k distinct ones come first, ``place`` (n,) is which of them each is, and
    ``earlier`` (n,) how often it came in earlier rows.

    >>> found = Occurrences(np.array([7, 4, 7, 7]))
    >>> found.first, found.place.tolist(), found.earlier.tolist(), found.until(3).tolist()
    ([1, 0], [1, 0, 1, 1], [0, 0, 1, 2], [1, 2])
    """

    def __init__(self, numbers: Slots) -> None:
        n = len(numbers)
        order = np.argsort(numbers, kind="stable")
        begins = np.flatnonzero(np.diff(numbers[order], prepend=numbers[order[0]] - 1))
        counts = np.diff(begins, append=n)
        self.first: list[int] = order[begins].tolist()
        self.place, self.earlier = np.empty(n, np.int64), np.empty(n, np.int64)
        self.place[order] = np.repeat(np.arange(len(begins)), counts)
        self.earlier[order] = np.arange(n) - np.repeat(begins, counts)

    def until(self, row: int) -> Slots:
        """How often each of the k distinct ones came before ``row``."""
        return np.bincount(self.place[:row], minlength=len(self.first))
