"""What every broker that is started here has in common: leaving its block closes it."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class ClosedAtExit(ABC):
    """A context manager whose exit is its ``close``."""

    @abstractmethod
    def close(self) -> None:
        """Stop and clean up. Closing twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
