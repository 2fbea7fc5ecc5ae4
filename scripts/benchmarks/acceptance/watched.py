"""The time that a recording was watched, put end to end: its gaps are nobody's time, and would flatter a detector."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tracehound.scripts.acceptance.timeline import Stretch

MINUTE_S = 60.0


class Watched:
    """The minutes of the clock in which one of ``starts_s`` (epoch seconds) lies, one after the other from 0 on."""

    def __init__(self, starts_s: Iterable[float]) -> None:
        self._minutes = sorted({at_s // MINUTE_S for at_s in starts_s})

    @property
    def minutes(self) -> int:
        """How many there are."""
        return len(self._minutes)

    @property
    def seconds(self) -> float:
        """How long they last together."""
        return self.minutes * MINUTE_S

    def within(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """What of the stretches was watched, in seconds of watched time; those that nobody could see are left out.

        >>> Watched([0.0, 600.0]).within([Stretch(30.0, 630.0), Stretch(120.0, 180.0), Stretch(615.0, 615.0)])
        [Stretch(start_s=30.0, end_s=90.0, score=0.0), Stretch(start_s=75.0, end_s=75.0, score=0.0)]
        """
        moved = ((one, replace(one, start_s=self._at(one.start_s), end_s=self._at(one.end_s))) for one in stretches)
        return [put for one, put in moved if put.end_s > put.start_s or self._has(one.start_s)]

    def _has(self, moment_s: float) -> bool:
        after = bisect_right(self._minutes, moment_s // MINUTE_S)
        return after > 0 and self._minutes[after - 1] == moment_s // MINUTE_S

    def _at(self, moment_s: float) -> float:
        """Seconds that were watched before a moment."""
        after = bisect_right(self._minutes, moment_s // MINUTE_S)
        return after * MINUTE_S - (MINUTE_S - moment_s % MINUTE_S if self._has(moment_s) else 0.0)
