"""Backlogs of queues that come at the same time of day, as a nightly load leaves them: told twice, then known."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from tracehound.detectors.packed.stored_numbers import LARGEST, Moment
from tracehound.detectors.telling.alarm import Alarm
from tracehound.detectors.telling.deviation import QUEUE_GAP

DAY_S = 86_400.0
NEAR_S = 1_800.0
"""By so much earlier or later than on other days a backlog comes as usual; after so long without it, it has ended."""
KEPT_S = 22 * DAY_S
"""For so long backlogs are remembered: what comes every week has been seen twice by then."""
OFTEN = 2
"""On so many other days a backlog must have come at this time to be usual."""
LARGER = 1.5
"""Up to so many times as long a wait as on those days is usual."""
MOST = 64
"""Backlogs that are remembered of a queue."""


class Backlog(msgspec.Struct, array_like=True):
    """From when until when messages of a queue waited too long (event time), and how long at most."""

    since_s: Moment
    last_s: Moment
    most_ms: Annotated[float, msgspec.Meta(ge=0.0, le=LARGEST)]


StoredBacklogs = dict[str, Annotated[list[Backlog], msgspec.Meta(min_length=1, max_length=MOST)]]


class Backlogs:
    """The backlogs of an application's queues in the last three weeks.

    >>> backlogs = Backlogs()
    >>> [backlogs.is_usual("kafka orders for billing", day * DAY_S, 60_000.0) for day in range(4)]
    [False, False, True, True]
    >>> backlogs.is_usual("kafka orders for billing", 3.4 * DAY_S, 60_000.0)
    False
    """

    def __init__(self) -> None:
        self._known: StoredBacklogs = {}

    def excuses(self, alarm: Alarm, now_s: float) -> bool:
        """Whether an alarm is of a backlog that usually comes at this time; remembers it, if it is of one."""
        return alarm.signal == QUEUE_GAP and self.is_usual(alarm.key, now_s, alarm.deviation.actual)

    def is_usual(self, queue: str, now_s: float, waited_ms: float) -> bool:
        """Whether messages of a queue waited as long as this at this time on other days; remembers that they do now."""
        before = self._until(queue, now_s, waited_ms)
        then = [one for one in before if _at_this_time(one, now_s)]
        return len(then) >= OFTEN and waited_ms <= LARGER * max(one.most_ms for one in then)

    def _until(self, queue: str, now_s: float, waited_ms: float) -> list[Backlog]:
        """The backlogs before the one that goes on, or begins."""
        known = [one for one in self._known.get(queue, ()) if now_s - one.last_s <= KEPT_S]
        if known and now_s - known[-1].last_s <= NEAR_S:
            now = known.pop()
            now.last_s, now.most_ms = max(now.last_s, now_s), max(now.most_ms, waited_ms)
        else:
            now = Backlog(now_s, now_s, waited_ms)
        self._known[queue] = [*known, now][-MOST:]
        return known

    def set_back(self, now_s: float) -> None:
        """The time may have run ahead, and is ``now_s``: what would have come later than that is forgotten."""
        kept = {queue: [one for one in known if one.last_s <= now_s] for queue, known in self._known.items()}
        self._known = {queue: known for queue, known in kept.items() if known}

    def stored(self) -> dict[str, Any]:
        """All of it as lists and numbers."""
        return {
            queue: [[one.since_s, one.last_s, one.most_ms] for one in known] for queue, known in self._known.items()
        }

    def restore(self, stored: Mapping[str, list[Backlog]]) -> None:
        """Take over what ``stored`` returned."""
        self._known = {queue: list(known) for queue, known in stored.items()}


def _at_this_time(one: Backlog, now_s: float) -> bool:
    """Whether a backlog of another day came, or went on, at this time of that day."""
    days = round((now_s - (one.since_s + one.last_s) / 2.0) / DAY_S)
    then_s = now_s - days * DAY_S
    return days >= 1 and one.since_s - NEAR_S <= then_s <= one.last_s + NEAR_S
