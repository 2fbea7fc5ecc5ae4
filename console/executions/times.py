"""What time it is in each application, and in which window an execution belongs: not by its own clock alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tracehound.console.executions.windows import DAY_S, HOUR_S, MINUTE_S, begin_of
from tracehound.detectors.features.clocks import Clocks
from tracehound.schemas.execution import ApplicationKey, ExecutionHead


@dataclass(frozen=True, slots=True)
class Ages:
    """How old windows are, by the time of their application, when they are merged into longer ones; in seconds."""

    minutes_s: float = 6 * HOUR_S
    hours_s: float = 14 * DAY_S
    days_s: float = 400 * DAY_S
    late_s: float = DAY_S
    """An execution that began longer ago is counted apart: its window is over."""

    def window_of(self, now_s: float | None, started_s: float) -> tuple[int, int] | None:
        """Length and begin, in seconds, of the window that an execution belongs in; None: it is too late for any.

        Parameters:
            now_s: the time of its application; None where nobody knows: then it is of now.
        """
        age_s = 0.0 if now_s is None else now_s - started_s
        if age_s > self.late_s:
            return None
        width_s = MINUTE_S if age_s <= self.minutes_s else HOUR_S
        return width_s, begin_of(started_s, width_s)


class ApplicationTimes:
    """The times of applications: what most of their executions say (``detectors.features.clocks``).

    An execution is kept by its own start. Whether that is long over is judged by its application's time, which one
    sender's wrong clock does not move.

    Parameters:
        most: so many applications have a time; of more, nothing is too late.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._clocks = Clocks(lateness_s=0.0)
        self._slots: dict[ApplicationKey, int] = {}

    def begin(self, times: Mapping[ApplicationKey, float]) -> None:
        """Go on with times that were stored, in epoch seconds."""
        for key, now_s in times.items():
            if key not in self._slots and len(self._slots) < self._most:
                slot = self._slots[key] = len(self._slots)
                self._clocks.begin(slot, now_s, 0.0)

    def take(self, executions: Sequence[ExecutionHead]) -> None:
        """Executions as they came: the time of their applications moves on."""
        slots, starts, durations = [], [], []
        for one in executions:
            slot = self._slot((one.application, one.environment))
            if slot is not None:
                slots.append(slot)
                starts.append(one.started_s)
                durations.append(one.duration_ms)
        if slots:
            self._clocks.give(np.array(slots, np.int64), np.array(starts), np.array(durations))

    def _slot(self, key: ApplicationKey) -> int | None:
        slot = self._slots.get(key)
        if slot is None and len(self._slots) < self._most:
            slot = self._slots[key] = len(self._slots)
            self._clocks.open(slot)
        return slot

    def now_s(self, key: ApplicationKey) -> float | None:
        """The time of an application in epoch seconds; None where nobody knows."""
        slot = self._slots.get(key)
        now_s = float("nan") if slot is None else self._clocks.now_s(slot)
        return None if np.isnan(now_s) else now_s
