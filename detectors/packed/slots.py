"""Packed records and blocks with one per key that grow on demand, and the numbering of the keys."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray


class SlotRecords:
    """One record per slot, in one array that grows by doubling: a key's state lies together, and is one argument.

    ``layout`` maps a name to (dtype, shape within the record); ``store[name]`` is that field of all records.
    ``fresh`` is what fields of a record begin with; the others begin with zero.

    >>> store = SlotRecords({"count": (np.int64, ()), "newest": (np.float32, (4,))}, {"newest": np.nan})
    >>> slot = store.open(40); store["count"][slot] += 1
    >>> int(store.records[40]["count"]), store["newest"].shape, store["newest"][40].tolist()
    (1, (64, 4), [nan, nan, nan, nan])
    """

    def __init__(
        self,
        layout: dict[str, tuple[Any, tuple[int, ...]]],
        fresh: Mapping[str, Any] = MappingProxyType({}),
        capacity: int = 16,
    ) -> None:
        fields = [(name, dtype, shape) for name, (dtype, shape) in layout.items()]
        of_one = np.dtype(fields, align=True)
        first = np.zeros(1, of_one)
        for name, value in fresh.items():
            first[name] = value
        self._fresh, self._begins_with_zeros = first.view(np.uint8), not fresh
        self._opened = 0
        self._keep(np.zeros(capacity, of_one))

    def _keep(self, records: NDArray[np.void]) -> None:
        self.records = records
        self._bytes = records.view(np.uint8).reshape(len(records), records.itemsize)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.records[name]

    def open(self, slot: int) -> int:
        """Make sure that ``slot`` exists, let its record begin afresh, return it."""
        self._grow_to(slot)
        used = self.used(slot)
        if used or not self._begins_with_zeros:  # what was never used is zero, and takes no memory yet
            self._bytes[slot] = self._fresh
        if not used:
            self._opened = slot + 1
        return slot

    def open_all(self, slots: NDArray[np.int64]) -> None:
        """``open`` for each of ``slots`` (n,), no two alike."""
        if not len(slots):
            return
        highest = int(slots.max())
        self._grow_to(highest)
        if self._begins_with_zeros:
            self._bytes[slots[slots < self._opened]] = 0
        else:
            self._bytes[slots] = self._fresh
        self._opened = max(self._opened, highest + 1)

    def _grow_to(self, slot: int) -> None:
        while slot >= len(self.records):
            before = self._bytes
            self._keep(np.zeros(2 * len(self.records), self.records.dtype))
            self._bytes[: self._opened] = before[: self._opened]

    def used(self, slot: int) -> bool:
        """Whether this slot, or one after it, was opened before."""
        return slot < self._opened

    def __len__(self) -> int:
        """One more than the largest slot that was opened."""
        return self._opened

    def row_bytes(self) -> int:
        """Bytes that one slot takes."""
        return self.records.itemsize


class SlotBlocks:
    """One large array per slot, in blocks that double and never move: a slot takes memory once it is written.

    A slot that was used before keeps what was in it. ``dtype`` and ``shape`` are those of one slot's array.

    >>> blocks = SlotBlocks(np.int64, (3,), capacity=2)
    >>> blocks.open(4); blocks[4][:] = 7
    >>> [(first, block.shape) for first, block in blocks.holding(np.array([1, 4]))]
    [(0, (2, 3)), (2, (2, 3)), (4, (4, 3))]
    """

    def __init__(self, dtype: Any, shape: tuple[int, ...], capacity: int = 64) -> None:
        self._blocks: list[tuple[int, NDArray[Any]]] = [(0, np.zeros((capacity, *shape), dtype))]

    def __getitem__(self, slot: int) -> NDArray[Any]:
        for first, block in self._blocks:
            if slot < first + len(block):
                array: NDArray[Any] = block[slot - first]
                return array
        raise IndexError(f"The slot must have been opened. Got {slot} instead.")

    def open(self, slot: int) -> None:
        """Make sure that ``slot`` exists."""
        while slot >= (end := sum(len(block) for _, block in self._blocks)):
            block = self._blocks[-1][1]
            self._blocks.append((end, np.zeros((end, *block.shape[1:]), block.dtype)))

    def holding(self, slots: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Blocks that hold some of ``slots`` (n,), and maybe others between: first slot, array of all of its slots."""
        if len(slots):
            lowest, highest = slots.min(), slots.max()
            for first, block in self._blocks:
                if first <= highest and lowest < first + len(block):
                    yield first, block

    def row_bytes(self) -> int:
        """Bytes that one slot takes."""
        return self._blocks[0][1][:1].nbytes


class SlotNumbers:
    """Hands out the smallest numbers first and takes them back.

    >>> numbers = SlotNumbers()
    >>> numbers.take(), numbers.take(), numbers.give_back(0), numbers.take(), len(numbers)
    (0, 1, None, 0, 2)
    """

    def __init__(self) -> None:
        self._free: list[int] = []
        self._used = 0

    def __len__(self) -> int:
        return self._used - len(self._free)

    def take(self) -> int:
        """A number nobody holds."""
        if self._free:
            return self._free.pop()
        self._used += 1
        return self._used - 1

    def give_back(self, slot: int) -> None:
        """Let a number be taken again."""
        self._free.append(slot)
