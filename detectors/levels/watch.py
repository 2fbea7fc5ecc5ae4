"""Compares, whenever a day of an application ends, what its operations do with what they did a week before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.bank import Slots, State
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.levels.daily_levels import DAY_S, DailyLevels, first_of_new_days
from tracehound.detectors.levels.gradual import WEEK, Change, failures, latency, traffic
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import EARLIEST_S, LATEST_S, checked, numbers, real

LevelSignal = Literal["duration_ms", "error_rate", "traffic"]
SIGNALS: Final[tuple[LevelSignal, ...]] = ("duration_ms", "error_rate", "traffic")
_DAYS: Final = (EARLIEST_S // DAY_S, LATEST_S // DAY_S + 1.0)
_STORED: Final = {
    "day": real(*_DAYS, missing=True),
    "told": numbers(np.float64, (len(SIGNALS),), *_DAYS, missing=True),
}


@dataclass(frozen=True, slots=True)
class LevelFinding:
    """A signal of an application's operations that drifted within a week: those in ``slots``, the furthest first.

    ``row`` is the execution with which the day ended; ``before`` and ``after`` are what the first operation had on the
    day a week before and on the last one (milliseconds, share in [0, 1], executions a day), ``step`` the largest
    factor from one of these days to the next, in the direction of the drift.
    """

    row: int
    signal: LevelSignal
    slots: list[int]
    before: float
    after: float
    step: float


class LevelWatch:
    """Levels from day to day of all operations, and what drifted: told once a week for each application and signal.

    What follows a level (charts, windows) takes a slow change for the new normal, and rightly: nobody is to be woken by
    it. But somebody should know.

    Parameters: ``least_ms`` by how much a duration must have grown to matter.
    """

    def __init__(self, least_ms: float) -> None:
        self._least_ms = least_ms
        self._levels = DailyLevels()
        layout: dict[str, tuple[Any, tuple[int, ...]]] = {"day": (np.float64, ()), "told": (np.float64, (3,))}
        self._applications = SlotRecords(layout, dict.fromkeys(layout, np.nan))

    def open(self, slot: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._applications.open(slot)

    def open_operation(self, slot: int) -> None:
        """Start afresh for the operation in ``slot``."""
        self._levels.open(slot)

    def learn(self, batch: Batch, applications: Sequence[ApplicationModels]) -> dict[int, list[LevelFinding]]:
        """Count executions in order, of ``applications`` (n); what drifted by the row with which a day ended."""
        days, newest = np.floor(batch.times / DAY_S), self._applications["day"]
        found: dict[int, list[LevelFinding]] = {}
        first = 0
        while first < len(days):
            row = first_of_new_days(first, batch.applications, days, batch.anew, newest)
            part = slice(first, row)
            self._levels.count(batch.operations[part], days[part], batch.durations[part], batch.errors[part])
            if row == len(days):
                break
            slot, day = int(batch.applications[row]), float(days[row])
            found.setdefault(row, []).extend(self._compare(row, applications[row], slot, day))
            newest[slot] = day
            first = row
        return found

    def _compare(self, row: int, application: ApplicationModels, slot: int, day: float) -> list[LevelFinding]:
        slots = np.array([operation.slot for operation in application.operations.values()], np.int64)
        days = self._levels.before(slots, day)
        changes = latency(days, self._least_ms), failures(days), traffic(days)
        found = []
        for place, (signal, change) in enumerate(zip(SIGNALS, changes, strict=True)):
            told = self._applications["told"][slot, place]
            if change.found.any() and not abs(day - told) < WEEK:
                found.append(_finding(row, signal, slots, change))
                self._applications["told"][slot, place] = day
        return found

    def snapshot(self, slot: int) -> State:
        """A copy of an application's complete state, but for that of its operations."""
        return {"day": float(self._applications["day"][slot]), "told": self._applications["told"][slot].copy()}

    def restore(self, slot: int, state: State) -> None:
        """Replace an application's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of levels.
        """
        for name, value in checked("levels", state, _STORED).items():
            self._applications[name][slot] = value

    def open_operations(self, slots: Slots) -> None:
        """``open_operation`` for each of several."""
        self._levels.open_all(slots)

    def snapshot_operation(self, slot: int) -> State:
        """A copy of an operation's complete state."""
        return self._levels.snapshot(slot)

    def restore_operations(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of operations by those that ``snapshot_operation`` returned.

        Raises:
            KeyError, ValueError: a state is not one of daily levels.
        """
        self._levels.restore_many(slots, states)

    def nbytes(self, operations: int, applications: int) -> int:
        """Bytes that so many operations and applications take."""
        return operations * self._levels.nbytes() + applications * self._applications.row_bytes()


def _finding(row: int, signal: LevelSignal, slots: Any, change: Change) -> LevelFinding:
    found = change.found.nonzero()[0]
    floor = np.maximum(np.stack([change.before[found], change.after[found]]), 1e-9)
    furthest = found[np.argsort(-np.abs(np.log(floor[1] / floor[0])), kind="stable")]
    first = furthest[0]
    figures = (float(change.before[first]), float(change.after[first]), float(change.step[first]))
    return LevelFinding(row, signal, slots[furthest].tolist(), *figures)
