"""Operations that stop while the rest of their application goes on: what its traffic as a whole may hide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, log10
from typing import Any, Final

import numpy as np

from tracehound.detectors.alarms.silence import LASTING_S, LEAST_SEEN, MISSED, SHARE, SUDDEN
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.columns.heads import KINDS
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import COUNTED, LARGEST, checked, moment, real
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.feedback import DAY_S
from tracehound.detectors.windows.arrivals import MEMORY_EXECUTIONS, MEMORY_S, Arrivals
from tracehound.detectors.windows.half_hours import HalfHours

EVERY, EVERY_S = 256.0, 30.0
"""An application's operations are looked at after so many executions of it, and so much event time."""
LEAST_WATCHED_S: Final = 1_800.0
"""For how long an operation must have been known."""
BREAK, BREAK_S = 20.0, 5.0
"""Gaps of a whole application from which on it is looked at as if all of it had only begun: so many of its usual ones,
and so long."""
TOGETHER = 0.5
"""What further operations that stopped count beside the one that says most: some are called by the same users."""
MOVED = 0.5
"""The share of what is missing that other operations may have more of: beyond, traffic has moved to them."""
LEAST_LEFT = 0.5
"""The share of its traffic that an application must still have; what is less is told by its windows."""
_ENDS: Final = np.array([kind not in ("request", "consumer") for kind in KINDS])
"""Which kinds of executions end, and are not missed."""
_TIMES: Final = ("newest_s", "resumed_s", "looked_s")
_STORED: Final = {
    **dict.fromkeys(_TIMES, moment(missing=True)),
    "gap_s": real(0.0, LARGEST),
    "count": real(0.0, COUNTED),
}


@dataclass(frozen=True, slots=True)
class StoppedOperations:
    """Operations of an application that stopped, the busiest first, as is clear at ``row``.

    ``since_s`` and ``now_s`` are event times: none of them had an execution between; ``per_s`` is how many executions
    a second they usually have together, ``missing`` how many did not come, and ``score`` −log10 of the probability of
    that.
    """

    row: int
    operations: list[str]
    since_s: float
    now_s: float
    per_s: float
    missing: float
    score: float


class StoppedWatch:
    """How improbable it is that some operations had no execution for so long, while others of the application had.

    Health probes and schedulers go on when users are gone, so traffic as a whole does not show it. An operation is
    expected as silence expects an application (``alarms.silence``): the smaller of what its last minutes promise and
    the fewest that it had, on the days before, in this half-hour and those beside it; so that the end of a job is told
    on one day at most. All that have stopped for ``LASTING_S`` are one finding: their scores, each less the choice
    among the operations, add up (the highest, and half of the others: some are called together), and three times as
    many executions must be missing as would be improbable. It shares the budget of silence.

    Nothing is said where other operations have as much more (names that change with a release), where half of the
    traffic or more is gone (windows tell that), for a while after the whole application has paused, nor of jobs,
    commands and logs, which end.

    Assumes some operations that go on. Fails on operations of less than about one execution a minute, on those that
    lose only some of their traffic, and on what stops slowly.
    """

    def __init__(self, settings: DetectionSettings) -> None:
        self._budget = settings.alarm_budget
        self._arrivals, self._hours = Arrivals(), HalfHours()
        self._store = SlotRecords(dict.fromkeys(_STORED, (np.float64, ())), dict.fromkeys(_TIMES, np.nan))

    def open(self, slot: int) -> None:
        """Start afresh for the application in ``slot``."""
        self._store.open(slot)

    def open_operation(self, slot: int) -> None:
        """Start afresh for the operation in ``slot``."""
        self._arrivals.open(slot)
        self._hours.open(slot)

    def learn(self, batch: Batch, applications: Sequence[ApplicationModels], kinds: Slots) -> list[StoppedOperations]:
        """Learn executions of ``applications`` (n) and of ``kinds`` (n,), places in ``KINDS``, which are ``batch``, in
        order; which operations stopped.
        """
        found = []
        ends = _ENDS[kinds]
        some_end, first = ends.any(), 0
        while first < len(kinds):
            row = int(_next_look(first, batch.applications, batch.times, batch.anew, self._store.records))
            part = slice(first, min(row + 1, len(kinds)))
            given = batch.operations[part], batch.times[part], batch.anew[part]
            if some_end:
                given = given[0][~ends[part]], given[1][~ends[part]], given[2][~ends[part]]
            self._arrivals.learn(*given)
            self._hours.learn(*given)
            if row < len(kinds):
                stopped = self._look(row, applications[row], float(batch.times[row]))
                found += [] if stopped is None else [stopped]
            first = row + 1
        return found

    def _look(self, row: int, application: ApplicationModels, now_s: float) -> StoppedOperations | None:
        one = self._store.records[application.slot]
        elapsed_s, count, resumed_s = now_s - float(one["looked_s"]), float(one["count"]), float(one["resumed_s"])
        one["looked_s"], one["count"] = now_s, 0.0
        names = list(application.operations)
        slots = np.array([operation.slot for operation in application.operations.values()], np.int64)
        newest_s = self._arrivals.newest(slots)
        known = ~np.isnan(newest_s)
        silent_s = now_s - np.fmax(newest_s, resumed_s)
        asked = known & (silent_s >= LASTING_S)
        if not asked.any() or not elapsed_s > 0.0:
            return None
        rates = self._arrivals.rates(slots)
        asked &= self._arrivals.learned(slots) >= LEAST_SEEN
        settled = self._hours.watched_s(slots, now_s) >= LEAST_WATCHED_S
        asked &= settled
        asked &= rates * silent_s >= log(10.0 * known.sum())  # what is likelier than a tenth adds nothing
        asked &= silent_s <= SUDDEN * np.maximum(MEMORY_S, MEMORY_EXECUTIONS / np.maximum(rates, 1e-9))
        if not asked.any():
            return None
        kept = np.flatnonzero(known & settled)
        least = self._hours.least_per_s(slots[kept], now_s)
        figures = slots[kept], rates[kept], least, silent_s[kept]
        of_late = count / elapsed_s, now_s
        return self._judge(row, [names[place] for place in kept.tolist()], asked[kept], figures, of_late)

    def _judge(
        self,
        row: int,
        names: list[str],
        asked: Flags,
        figures: tuple[Slots, Floats, Floats, Floats],
        of_late: tuple[float, float],
    ) -> StoppedOperations | None:
        slots, rates, least, silent_s = figures
        per_s, now_s = of_late
        total, choice = float(rates.sum()), log10(len(slots))
        limit = log10(max(total * DAY_S, 1.0) / (SHARE * self._budget))
        stopped: list[tuple[float, int]] = []
        score = missing = 0.0
        highest = most = 0.0
        for place in np.flatnonzero(asked).tolist():
            slot, gap_s = int(slots[place]), float(silent_s[place])
            expected = min(self._arrivals.expected(slot, gap_s), float(least[place]) * gap_s)
            its = self._arrivals.score(slot, gap_s, expected) - choice
            if its > 1.0:
                stopped.append((float(rates[place]), place))
                score, missing = score + its, missing + expected
                highest, most = max(highest, its), max(most, expected)
        score = highest + TOGETHER * (score - highest)
        if score < limit or most + TOGETHER * (missing - most) < MISSED * limit * log(10.0):
            return None
        gone = sum(rate for rate, _ in stopped)
        if not LEAST_LEFT * total <= per_s <= total - (1.0 - MOVED) * gone:
            return None
        stopped.sort(key=lambda one: (-one[0], one[1]))
        since_s = now_s - min(float(silent_s[place]) for _, place in stopped)
        return StoppedOperations(row, [names[place] for _, place in stopped], since_s, now_s, gone, missing, score)

    def snapshot(self, slot: int) -> State:
        """A copy of an application's complete state, but for that of its operations."""
        return {name: float(self._store[name][slot]) for name in _STORED}

    def restore(self, slot: int, state: State) -> None:
        """Replace an application's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of stopped operations.
        """
        for name, value in checked("stopped operations", state, _STORED).items():
            self._store[name][slot] = value

    def open_operations(self, slots: Slots) -> None:
        """``open_operation`` for each of several."""
        self._arrivals.open_all(slots)
        self._hours.open_all(slots)

    def snapshot_operation(self, slot: int) -> dict[str, State]:
        """A copy of an operation's complete state."""
        return {"arrivals": self._arrivals.snapshot(slot), "hours": self._hours.snapshot(slot)}

    def restore_operations(self, slots: Slots, states: Sequence[Mapping[str, Mapping[str, Any]]]) -> None:
        """Replace the states of operations by those that ``snapshot_operation`` returned.

        Raises:
            KeyError, ValueError: a state is not one of an operation's arrivals.
        """
        self._arrivals.restore_many(slots, [state["arrivals"] for state in states])
        self._hours.restore_many(slots, [state["hours"] for state in states])

    def nbytes(self, operations: int, applications: int) -> int:
        """Bytes that so many operations and applications take."""
        each = self._arrivals.nbytes() + self._hours.nbytes()
        return operations * each + applications * self._store.row_bytes()


@njit(cache=True)
def _next_look(at: int, applications: Any, times: Any, anew: Any, records: Any) -> int:
    """The next row, from ``at`` on, with which operations are looked at; the number of rows where none is."""
    for i in range(at, times.size):
        one, time = records[applications[i]], times[i]
        if np.isnan(one.newest_s) or anew[i]:
            one.newest_s = one.resumed_s = one.looked_s = time
            one.count = 0.0
        gap_s = max(0.0, time - one.newest_s)
        if gap_s > max(BREAK_S, BREAK * one.gap_s):
            one.resumed_s = one.looked_s = time
            one.count = 0.0
        one.gap_s += (gap_s - one.gap_s) / EVERY
        one.newest_s += gap_s
        one.count += 1.0
        if one.count >= EVERY and one.newest_s - one.looked_s >= EVERY_S:
            return i
    return int(times.size)
