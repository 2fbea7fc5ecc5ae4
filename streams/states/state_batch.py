"""States that were taken of a partition's applications, and are still to be written."""

from dataclasses import dataclass, field
from typing import Self

from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_state import ModelState
from tracehound.streams.states.partitions import Partition


@dataclass(slots=True)
class StateBatch:
    """States taken of one partition's applications, which are still to be written, and applications without any."""

    partition: Partition
    states: list[ModelState] = field(default_factory=list)
    removed: list[ApplicationKey] = field(default_factory=list)

    def __iadd__(self, other: "StateBatch") -> Self:
        self.states += other.states
        self.removed += other.removed
        return self

    @property
    def keys(self) -> list[ApplicationKey]:
        """Whose they are."""
        return [*(state.key for state in self.states), *self.removed]
