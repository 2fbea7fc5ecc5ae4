"""What detectors need of executions beside their segments, as columns, with numbers for names."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Generic, Self, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots
from tracehound.detectors.columns.segment_columns import floats, known_floats, within
from tracehound.detectors.packed.occurrences import Occurrences
from tracehound.schemas.execution import ApplicationKey, ExecutionHead, ExecutionKind, QueueWait

KINDS: Final = get_args(ExecutionKind)
NUMBERED_HEADS: Final = 65_536
"""Names of each kind in memory; beyond, all are numbered anew."""
MOST_LETTERS: Final = 32_000_000
"""The same of the letters of the names of each kind."""
_Name = TypeVar("_Name")


class Numbers(dict[_Name, int], Generic[_Name]):
    """A number for each name, in the order in which they come; ``names`` are they by number."""

    def __init__(self, *names: _Name) -> None:
        super().__init__((name, number) for number, name in enumerate(names))
        self.names = list(names)
        self._letters = 0

    def __missing__(self, name: _Name) -> int:
        number = self[name] = len(self.names)
        self.names.append(name)
        self._letters += sum(
            len(part) for part in (name if isinstance(name, tuple) else (name,)) if isinstance(part, str)
        )
        return number

    @property
    def full(self) -> bool:
        """Whether as many names are in memory as should be."""
        return len(self) >= NUMBERED_HEADS or self._letters >= MOST_LETTERS


class HeadNames:
    """The numbers of applications, operations, versions, and errors by type and whether they were handled; 0 for no
    version, and for no error.
    """

    def __init__(self) -> None:
        self.applications: Numbers[ApplicationKey] = Numbers()
        self.operations: Numbers[str] = Numbers()
        self.versions: Numbers[str] = Numbers("")
        self.errors: Numbers[tuple[str, bool] | None] = Numbers(None)

    @property
    def full(self) -> bool:
        """Whether as many names of any kind are in memory as should be."""
        return any(one.full for one in (self.applications, self.operations, self.versions, self.errors))


@dataclass(frozen=True, slots=True)
class Heads:
    """n executions without their segments.

    ``application``, ``operation``, ``version`` and ``error`` (n,) are numbers of ``names``; ``kind`` (n,) are places in
    ``KINDS``; ``started_s`` (n,) epoch seconds; ``failed`` (n,) is True where it ended in an error that was not
    handled; ``memory_mb`` (n,) is NaN where it was not measured; ``adjusted`` (n,) is how many executions each stands
    for. ``waits`` are the waits of messages, and ``waiting`` (k,) the rows that have one.
    """

    names: HeadNames
    application: Slots
    operation: Slots
    version: Slots
    kind: Slots
    started_s: Floats
    failed: Flags
    error: Slots
    memory_mb: Floats
    adjusted: Floats
    waiting: NDArray[np.int64]
    waits: list[QueueWait]

    def __len__(self) -> int:
        return len(self.started_s)

    def part(self, start: int, stop: int) -> Self:
        """The executions [``start``, ``stop``)."""
        first, last = np.searchsorted(self.waiting, (start, stop)).tolist()
        columns: dict[str, Any] = {name: getattr(self, name)[start:stop] for name in _COLUMNS}
        return replace(self, waiting=self.waiting[first:last] - start, waits=self.waits[first:last], **columns)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after the other, of which there is at least one, all with the same ``names``."""
        begins = np.cumsum([0, *map(len, parts)])
        columns: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in parts]) for name in _COLUMNS}
        waiting = np.concatenate([part.waiting + begin for part, begin in zip(parts, begins, strict=False)])
        return replace(parts[0], waiting=waiting, waits=[wait for part in parts for wait in part.waits], **columns)

    def with_rows(self, rows: NDArray[np.int64], others: Self) -> Self:
        """The columns with those of ``others`` (k executions) at ``rows`` (k,), which have no waits here.

        Both have the same ``names``.
        """
        columns: dict[str, Any] = {name: getattr(self, name).copy() for name in _COLUMNS}
        for name, column in columns.items():
            column[rows] = getattr(others, name)
        return replace(self, waiting=rows[others.waiting], waits=others.waits, **columns)

    def applications(self) -> dict[ApplicationKey, int]:
        """The number of each application, in the order of their first executions."""
        numbers = self.application[Occurrences(self.application).first].tolist()
        return {self.names.applications.names[number]: number for number in numbers}


_COLUMNS: Final = tuple(one.name for one in fields(Heads) if one.name not in ("names", "waiting", "waits"))


def heads_of(executions: Sequence[ExecutionHead], names: HeadNames) -> Heads:
    """The columns of n executions.

    >>> heads = heads_of([ExecutionHead("shop", "GET /", 3.0, 9.0, status="error", version="7")], HeadNames())
    >>> heads.failed.tolist(), heads.started_s.tolist(), heads.names.versions.names[heads.version[0]]
    ([True], [3.0], '7')
    """
    n = len(executions)
    kinds = {kind: place for place, kind in enumerate(KINDS)}
    errors = [execution.error for execution in executions]
    given = [execution.adjusted_count for execution in executions]
    waits = [(row, one.queue_wait) for row, one in enumerate(executions) if one.queue_wait is not None]
    return Heads(
        names=names,
        application=np.fromiter([names.applications[one.application, one.environment] for one in executions], int, n),
        operation=np.fromiter([names.operations[one.operation] for one in executions], int, n),
        version=np.fromiter([names.versions[one.version] for one in executions], int, n),
        kind=np.fromiter([kinds[one.kind] for one in executions], int, n),
        started_s=floats([execution.started_s for execution in executions]),
        failed=np.fromiter([execution.failed for execution in executions], np.bool_, n),
        error=np.fromiter([0 if one is None else names.errors[one.type, one.handled] for one in errors], int, n),
        memory_mb=within(known_floats([execution.memory_peak_mb for execution in executions])),
        adjusted=floats([1.0 if count is None else count for count in given]),
        waiting=np.array([row for row, _ in waits], np.int64),
        waits=[wait for _, wait in waits],
    )
