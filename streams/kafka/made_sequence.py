"""Sequences whose members are made each time that one is asked for."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class MadeSequence(Sequence[T], ABC, Generic[T]):
    """As many members as its length says, each made by ``made``; a slice is a list of such."""

    @abstractmethod
    def made(self, index: int) -> T:
        """The member at this index."""

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self.made(row) for row in range(len(self))[index]]
        return self.made(index)
