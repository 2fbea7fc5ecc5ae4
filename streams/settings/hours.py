"""Hours of the week in a time zone: when a route is open, and when it opens next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
_UTC = ZoneInfo("UTC")
_DAYS_AHEAD = 9
"""A week, one day for a window that a change of the clocks swallows, and one for the time zone."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From ``begins`` to ``ends`` by the clocks of ``zone``, on the weekdays on which it begins.

    Where ``ends`` is not later than ``begins`` it is on the next day. A time that the clocks skip means the moment
    of the skip; of a time that they show twice, the beginning means the first and the end the second.

    >>> office = Hours(time(8), time(18), ("mon", "tue"), ZoneInfo("Europe/Berlin"))
    >>> monday_noon = datetime(2026, 3, 30, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    >>> (office.opens(monday_noon) - monday_noon) / 3600, (office.opens(monday_noon + 7 * 3600) - monday_noon) / 3600
    (0.0, 20.0)
    """

    begins: time
    ends: time
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    zone: ZoneInfo = _UTC

    def are_open(self, at_s: float) -> bool:
        """Whether the moment (epoch seconds) is within the hours."""
        return any(begin <= at_s < end for begin, end in self._windows(at_s, days=2))

    def opens(self, at_s: float) -> float:
        """The first moment from ``at_s`` on that is within the hours; both epoch seconds."""
        for begin, end in self._windows(at_s, _DAYS_AHEAD):
            if end > at_s:
                return max(begin, at_s)
        raise ArithmeticError(f"These hours never come: {self}.")  # pragma: no cover (there is a weekday)

    def _windows(self, at_s: float, days: int) -> Iterator[tuple[float, float]]:
        """Beginning and end of what begins from the day before ``at_s`` on, in order, in epoch seconds."""
        today = datetime.fromtimestamp(at_s, self.zone).date()
        for ahead in range(-1, days):
            day = today + timedelta(days=ahead)
            if WEEKDAYS[day.weekday()] not in self.weekdays:
                continue
            last = day if self.ends > self.begins else day + timedelta(days=1)
            begin, end = _moment(day, self.begins, self.zone, 0), _moment(last, self.ends, self.zone, 1)
            if begin < end:
                yield begin, end


def _moment(day: date, clock: time, zone: ZoneInfo, fold: Literal[0, 1]) -> float:
    """Epoch seconds at which the clocks of ``zone`` show this, for the first (0) or the second time (1)."""
    local = datetime.combine(day, clock, zone).replace(fold=fold)
    moment_s = local.timestamp()
    shown = datetime.fromtimestamp(moment_s, zone)
    if shown.replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment_s
    return _skip(local, zone)


def _skip(local: datetime, zone: ZoneInfo) -> float:
    """The moment at which the clocks skip ``local``, to the second: what they showed before is known for both folds."""
    low, high = (int(local.replace(fold=fold).timestamp()) for fold in (1, 0))
    before = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return float(high)
