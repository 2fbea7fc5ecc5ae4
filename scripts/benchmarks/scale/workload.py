"""Executions over any number of operations: every operation equally often, in random order, cheap to make."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

import msgspec
import numpy as np

from tracehound.schemas.execution import Execution
from tracehound.scripts.benchmarks.workload import STEP_S, executions

MOST_OPERATIONS: Final = 100
"""Operations of one application."""
BEGUN_S: Final = 1_767_225_600.0
_PATTERNS: Final = 997


@dataclass(frozen=True, slots=True)
class Size:
    """How many operations there are in all, and how many segments each execution has."""

    operations: int
    segments: int

    @property
    def applications(self) -> int:
        """As few as there can be with at most a hundred operations each.

        >>> Size(10, 5).applications, Size(101, 5).applications
        (1, 2)
        """
        return -(-self.operations // MOST_OPERATIONS)

    @property
    def per_application(self) -> int:
        """Operations of an application; the last one may have fewer."""
        return min(self.operations, MOST_OPERATIONS)


def traffic(size: Size) -> Iterator[Execution]:
    """Executions without end, a millisecond apart; every operation comes once before any comes again.

    Durations and segments are those of the throughput benchmark, the same for all operations.
    """
    patterns = list(executions(_PATTERNS, 1, 1, size.segments, BEGUN_S))
    random, numbers = np.random.default_rng(17), count()
    while True:
        for place in random.permutation(size.operations).tolist():
            number = next(numbers)
            application, operation = divmod(place, size.per_application)
            yield msgspec.structs.replace(
                patterns[number % _PATTERNS],
                application=f"application-{application:05d}",
                operation=f"GET /operation/{chr(97 + operation % 26)}{operation // 26}",
                started_at=round(BEGUN_S + number * STEP_S, 3),
                trace_id=f"{number:032x}",
            )
