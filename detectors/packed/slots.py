"""Packed arrays, records and blocks with a row per key that grow on demand, and the numbering of the keys."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


class SlotArrays:
    """Arrays with one row per slot, grown together by doubling.

    ``layout`` maps a name to (dtype, shape of one row); ``store[name]`` is the array.

    >>> store = SlotArrays({"count": (np.int64, ())})
    >>> slot = store.open(40); store["count"][slot] += 1
    >>> int(store["count"][40])
    1
    """

    def __init__(self, layout: dict[str, tuple[Any, tuple[int, ...]]], capacity: int = 16) -> None:
        self._arrays: dict[str, NDArray[Any]] = {
            name: np.zeros((capacity, *shape), dtype) for name, (dtype, shape) in layout.items()
        }
        self._capacity = capacity

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def open(self, slot: int) -> int:
        """Make sure that ``slot`` exists, set its rows to zero, return it."""
        while slot >= self._capacity:
            self._grow()
        for array in self._arrays.values():
            array[slot] = 0
        return slot

    def row_bytes(self) -> int:
        """Bytes that one slot takes."""
        return sum(array[:1].nbytes for array in self._arrays.values())

    def _grow(self) -> None:
        for name, array in self._arrays.items():
            larger = np.zeros((2 * self._capacity, *array.shape[1:]), array.dtype)
            larger[: self._capacity] = array
            self._arrays[name] = larger
        self._capacity *= 2


class SlotRecords:
    """One record per slot, in one array that grows by doubling: a key's state lies together, and is one argument.

    ``layout`` maps a name to (dtype, shape within the record); ``store[name]`` is that field of all records.

    >>> store = SlotRecords({"count": (np.int64, ()), "newest": (np.float32, (4,))})
    >>> slot = store.open(40); store["count"][slot] += 1
    >>> int(store.records[40]["count"]), store["newest"].shape
    (1, (64, 4))
    """

    def __init__(self, layout: dict[str, tuple[Any, tuple[int, ...]]], capacity: int = 16) -> None:
        fields = [(name, dtype, shape) for name, (dtype, shape) in layout.items()]
        self.records: NDArray[np.void] = np.zeros(capacity, np.dtype(fields, align=True))
        self._opened = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.records[name]

    def open(self, slot: int) -> int:
        """Make sure that ``slot`` exists, set its record to zero, return it."""
        while slot >= len(self.records):
            larger = np.zeros(2 * len(self.records), self.records.dtype)
            larger.view(np.uint8)[: self.records.nbytes] = self.records.view(np.uint8)
            self.records = larger
        if slot < self._opened:  # what was never used is zero, and takes no memory yet
            begin = slot * self.records.itemsize
            self.records.view(np.uint8)[begin : begin + self.records.itemsize] = 0
        self._opened = max(self._opened, slot + 1)
        return slot

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
