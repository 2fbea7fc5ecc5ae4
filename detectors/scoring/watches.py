"""What looks at an application's executions beside the ensemble: clocks, sampling, calls, levels, and their absence."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tracehound.detectors.alarms.silence import SilenceWatch
from tracehound.detectors.alarms.stopped import StoppedWatch
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.bank import Slots
from tracehound.detectors.features.answered_calls import AnsweredCalls
from tracehound.detectors.features.batch import GAPS
from tracehound.detectors.features.clocks import Clocks
from tracehound.detectors.features.sampling import Sampling
from tracehound.detectors.levels.watch import LevelWatch
from tracehound.detectors.scoring.stored import StoredState
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.windows.golden_signals import GoldenSignals


class Watches:
    """The watches of all applications of a scorer."""

    def __init__(self, settings: DetectionSettings, windows: GoldenSignals) -> None:
        self.clocks = Clocks(settings.lateness_s)
        self.sampling = Sampling()
        self.answered = AnsweredCalls()
        self.stopped = StoppedWatch(settings)
        self.levels = LevelWatch(settings.minimum_excess_ms)
        self.silence = SilenceWatch(settings, windows, self.sampling)

    def open_application(self, slot: int, seed: int) -> None:
        """Start afresh for the application in ``slot``."""
        self.silence.open(slot, seed)
        for watch in (self.clocks, self.sampling, self.levels, self.stopped):
            watch.open(slot)

    def open_operation(self, slot: int) -> None:
        """Start afresh for the operation in ``slot``."""
        self.levels.open_operation(slot)
        self.stopped.open_operation(slot)

    def open_operations(self, slots: Slots) -> None:
        """``open_operation`` for each of several."""
        self.levels.open_operations(slots)
        self.stopped.open_operations(slots)

    def open_call(self, kind: int, slot: int) -> None:
        """Start afresh for the called peer or queue in ``slot``; ``kind`` is a place in ``KEYED_SIGNALS``."""
        if kind == GAPS:
            self.answered.open(slot)

    def snapshot(self, application: ApplicationModels) -> dict[str, Any]:
        """The state of an application, but for that of its operations."""
        slot = application.slot
        return {
            "silence": self.silence.snapshot(slot),
            "clock": self.clocks.snapshot(slot),
            "sampling": self.sampling.snapshot(slot),
            "levels": self.levels.snapshot(slot),
            "stopped": self.stopped.snapshot(slot),
            "answered": {peer: self.answered.snapshot(its) for peer, its in application.calls[GAPS].items()},
        }

    def restore(self, application: ApplicationModels, stored: StoredState) -> None:
        """Take over what ``snapshot`` gave; what was taken before there was a watch leaves that afresh.

        Raises:
            KeyError, ValueError: the state is not one of watches.
        """
        slot, silence = application.slot, self.silence
        silence.restore(slot, stored.silence)
        if stored.clock is None:
            self.clocks.begin(slot, silence.newest_s(slot), silence.usual_gap_s(slot))
        else:
            self.clocks.restore(slot, stored.clock)
        if stored.sampling is not None:
            self.sampling.restore(slot, stored.sampling)
        if stored.levels is not None:
            self.levels.restore(slot, stored.levels)
        if stored.stopped is not None:
            self.stopped.restore(slot, stored.stopped)
        calls, operations = application.calls[GAPS], application.operations
        self.answered.restore_many(_slots(calls[peer] for peer in stored.answered), list(stored.answered.values()))
        levels = {name: one.levels for name, one in stored.operations.items() if one.levels is not None}
        self.levels.restore_operations(_slots(operations[name].slot for name in levels), list(levels.values()))
        stopped = {name: one.stopped for name, one in stored.operations.items() if one.stopped is not None}
        self.stopped.restore_operations(_slots(operations[name].slot for name in stopped), list(stopped.values()))

    def nbytes(self, operations: int, applications: int, calls: int) -> int:
        """Bytes that so many operations, applications and called peers take; clocks and silence next to nothing."""
        days = self.levels.nbytes(operations, applications) + self.stopped.nbytes(operations, applications)
        return days + applications * self.sampling.nbytes() + calls * self.answered.nbytes()


def _slots(slots: Iterable[int]) -> Slots:
    return np.fromiter(slots, np.int64)
