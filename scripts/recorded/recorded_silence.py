"""Silence in a recording: what a worker's timer would have found, with the time that the recording says."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, Execution

MOST_LOOKS: Final = 1_000
"""Looks in one pause of the whole recording: in a longer one they are further apart, so that a gap of a year costs no
more than one of an hour."""
AHEAD: Final = 16
"""Executions, in the order of the file, of which the earliest says how far the recording has come."""


class Judge(Protocol):
    """The part of ``detectors.scoring.scorer.Scorer`` that silence needs."""

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies of applications that have missed traffic at event time ``now_s``."""
        ...

    def now_s(self, application: ApplicationKey) -> float | None:
        """What time it is in an application, in epoch seconds; None where nothing was learned."""
        ...


def recorded_times(starts_s: Iterable[float]) -> Iterator[float]:
    """What time it is in a recording at each of its executions, whose starts in epoch seconds come in its order.

    It never goes back, and a clock that is ahead does not move it: others follow that are not.

    >>> list(recorded_times([1.0, 2.0, 9_000.0, 1.5, 3.0, *[4.0] * 20]))[:6]
    [1.0, 1.5, 1.5, 1.5, 3.0, 4.0]
    """
    now_s = float("-inf")
    ahead = deque[float]()
    for started_s in starts_s:
        ahead.append(started_s)
        if len(ahead) == AHEAD:
            now_s = max(now_s, min(ahead))
            ahead.popleft()
            yield now_s
    while ahead:
        now_s = max(now_s, min(ahead))
        ahead.popleft()
        yield now_s


class RecordedSilence:
    """Looks for applications that fell silent every ``interval_s`` of a recording, as ``watch_silence`` does live.

    What time it is in an application is what its executions say, and from then on what passes in the recording, as on
    a worker what passes on its own clock.
    """

    def __init__(self, judge: Judge, interval_s: float) -> None:
        self._judge = judge
        self._interval_s = interval_s
        self._looked_s = float("inf")
        self._heard_s: dict[ApplicationKey, float] = {}

    def is_due(self, now_s: float) -> bool:
        """Whether it must be looked before what comes at ``now_s`` of the recording is scored."""
        return now_s - self._looked_s >= self._interval_s

    def look(self, now_s: float) -> Iterator[AnomalyEvent]:
        """What has fallen silent, look by look until ``now_s``; everything that came before must have been scored."""
        passed_s = now_s - self._looked_s
        step_s = max(self._interval_s, passed_s / MOST_LOOKS)
        told = [(one, heard_s, self._judge.now_s(one)) for one, heard_s in self._heard_s.items()]
        for _ in range(int(passed_s / step_s)):
            self._looked_s += step_s
            for application, heard_s, told_s in told:
                if told_s is not None:
                    quiet_s = max(0.0, self._looked_s - heard_s)
                    yield from self._judge.judge_silence(told_s + quiet_s, [application])

    def heard(self, execution: Execution, now_s: float) -> None:
        """Note whom this comes from, at ``now_s`` of the recording; from the first one on it is looked."""
        self._looked_s = min(self._looked_s, now_s)
        self._heard_s[execution.application, execution.environment] = now_s
