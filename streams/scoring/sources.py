"""Which record each execution came from."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import overload

from aiokafka import ConsumerRecord

from tracehound.detectors.bank import Slots


class Sources(Sequence[ConsumerRecord]):
    """The record of each of n executions; an object is made of one only where it is asked for.

    >>> import numpy as np
    >>> a, b = (ConsumerRecord("t", 0, offset, 0, 0, None, b"", None, -1, -1, ()) for offset in (3, 4))
    >>> sources = Sources()
    >>> sources.add([a, b], np.array([0, 0, 1]))
    >>> sources.add([b], np.array([0]))
    >>> [record.offset for record in sources], [record.offset for record in sources[1:3]], sources[-1].offset
    ([3, 3, 4, 4], [3, 4], 4)
    """

    def __init__(self) -> None:
        self._parts: list[tuple[Sequence[ConsumerRecord], Slots]] = []
        self._begins = [0]

    @classmethod
    def joined(cls, all_of_them: Iterable["Sources"]) -> "Sources":
        """One after the other."""
        found = cls()
        for one in all_of_them:
            for part in one._parts:
                found.add(*part)
        return found

    def add(self, records: Sequence[ConsumerRecord], rows: Slots) -> None:
        """Add k executions, which came from ``records[rows[0]]``, ``records[rows[1]]`` and so on."""
        if len(rows):
            self._parts.append((records, rows))
            self._begins.append(self._begins[-1] + len(rows))

    def __len__(self) -> int:
        return self._begins[-1]

    @overload
    def __getitem__(self, index: int) -> ConsumerRecord: ...

    @overload
    def __getitem__(self, index: slice) -> "Sources": ...

    def __getitem__(self, index: int | slice) -> "ConsumerRecord | Sources":
        if isinstance(index, int):
            at = range(len(self))[index]
            part = bisect_right(self._begins, at) - 1
            records, rows = self._parts[part]
            return records[int(rows[at - self._begins[part]])]
        start, stop, _ = index.indices(len(self))
        found = Sources()
        for (records, rows), begin in zip(self._parts, self._begins, strict=False):
            found.add(records, rows[max(0, start - begin) : max(0, stop - begin)])
        return found
