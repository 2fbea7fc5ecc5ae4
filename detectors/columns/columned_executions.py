"""Executions as columns: of most of them no object is ever made."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import overload

from tracehound.detectors.columns.heads import HeadNames, Heads, heads_of
from tracehound.detectors.columns.segment_columns import SegmentColumns, columns_of
from tracehound.schemas.execution import ExecutionHead


class UnreadExecutions(Sequence[ExecutionHead], ABC):
    """Executions of which an object may be made each time that one is asked for."""

    @abstractmethod
    def head(self, index: int) -> ExecutionHead:
        """One as it was sent, maybe without its segments, which costs less."""


class ColumnedExecutions(UnreadExecutions):
    """Executions with what detectors need of them as columns, which are those of ``heads_of`` and ``columns_of``.

    ``executions`` may make an object each time that one is asked for.
    """

    def __init__(self, executions: Sequence[ExecutionHead], heads: Heads, columns: SegmentColumns) -> None:
        self._executions = executions
        self.heads = heads
        self.columns = columns

    def __len__(self) -> int:
        return len(self.heads)

    def __iter__(self) -> Iterator[ExecutionHead]:
        return iter(self._executions)

    @overload
    def __getitem__(self, index: int) -> ExecutionHead: ...

    @overload
    def __getitem__(self, index: slice) -> "ColumnedExecutions": ...

    def __getitem__(self, index: int | slice) -> "ExecutionHead | ColumnedExecutions":
        if isinstance(index, int):
            return self._executions[index]
        start, stop, step = index.indices(len(self))
        if step != 1:
            raise ValueError(f"The step of a slice of executions must be 1. Got {step} instead.")
        stop = max(start, stop)
        if (start, stop) == (0, len(self)):
            return self
        return ColumnedExecutions(
            self._executions[start:stop], self.heads.part(start, stop), self.columns.part(start, stop)
        )

    def head(self, index: int) -> ExecutionHead:
        """One as it was sent, maybe without its segments, which costs less."""
        return _head(self._executions, index)

    @classmethod
    def joined(cls, parts: "Sequence[ColumnedExecutions]") -> "ColumnedExecutions":
        """One after the other."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return columned([])
        heads, columns = [part.heads for part in parts], [part.columns for part in parts]
        executions = _OneAfterTheOther([part._executions for part in parts])
        one_table = all(one.names is columns[0].names for one in columns)  # else it was full between them
        return cls(
            executions,
            Heads.joined(heads)
            if all(one.names is heads[0].names for one in heads)
            else heads_of(executions, HeadNames()),
            SegmentColumns.joined(columns) if one_table else columns_of(executions),
        )


def _head(executions: Sequence[ExecutionHead], index: int) -> ExecutionHead:
    return executions.head(index) if isinstance(executions, UnreadExecutions) else executions[index]


class _OneAfterTheOther(UnreadExecutions):
    """Sequences of executions as one."""

    def __init__(self, parts: Sequence[Sequence[ExecutionHead]]) -> None:
        self._parts = parts
        self._begins = [0]
        for part in parts:
            self._begins.append(self._begins[-1] + len(part))

    def __len__(self) -> int:
        return self._begins[-1]

    def __iter__(self) -> Iterator[ExecutionHead]:
        return chain.from_iterable(self._parts)

    @overload
    def __getitem__(self, index: int) -> ExecutionHead: ...

    @overload
    def __getitem__(self, index: slice) -> "_OneAfterTheOther": ...

    def __getitem__(self, index: int | slice) -> "ExecutionHead | _OneAfterTheOther":
        if isinstance(index, int):
            part, at = self._place(index)
            return part[at]
        start, stop, _ = index.indices(len(self))
        pieces = zip(self._parts, self._begins, strict=False)
        found = (part[max(0, start - begin) : max(0, stop - begin)] for part, begin in pieces)
        return _OneAfterTheOther([piece for piece in found if len(piece)])

    def head(self, index: int) -> ExecutionHead:
        """One as it was sent, maybe without its segments, which costs less."""
        return _head(*self._place(index))

    def _place(self, index: int) -> tuple[Sequence[ExecutionHead], int]:
        """The part that holds one, and where."""
        at = range(len(self))[index]
        part = bisect_right(self._begins, at) - 1
        return self._parts[part], at - self._begins[part]


def columned(executions: Sequence[ExecutionHead], names: HeadNames | None = None) -> ColumnedExecutions:
    """Executions with their columns, by the numbers of ``names``.

    >>> from tracehound.schemas.execution import Execution
    >>> executions = columned([Execution("shop", "GET /", 3.0, 9.0), Execution("till", "pay", 4.0, 2.0)])
    >>> executions.heads.application.tolist(), executions.columns.whole_ms.tolist()
    ([0, 1], [9.0, 2.0])
    """
    if isinstance(executions, ColumnedExecutions):
        return executions
    return ColumnedExecutions(executions, heads_of(executions, names or HeadNames()), columns_of(executions))
