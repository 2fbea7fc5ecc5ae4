"""How things vary in ordinary life: curves over event time, from 0 to 1, in the local time of a place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
"""Epoch seconds."""
Values = NDArray[np.float64]
Curve = Callable[[Times], Values]
"""A value for each of n times."""

HOUR_S, DAY_S, WEEK_S = 3_600.0, 86_400.0, 604_800.0
WORKING_DAYS, ALL_DAYS = (0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5, 6)
_MONDAY = 3
"""The weekday of 1970-01-01, where Monday is 0, is Thursday."""
_FIRST_S, _LAST_S = 1_735_689_600.0, 1_830_297_600.0
"""The years 2025 to 2027."""


@lru_cache
def _offsets(zone: str) -> tuple[Times, Values]:
    """When the clocks of a zone change, and its offset from UTC in seconds from each change on."""
    place = ZoneInfo(zone)
    hours = np.arange(_FIRST_S, _LAST_S, HOUR_S)
    offsets = np.array([_offset_s(place, at_s) for at_s in hours[::24]])
    changes, found = [hours[0]], [offsets[0]]
    for day in np.flatnonzero(np.diff(offsets)).tolist():
        for at_s in hours[24 * day : 24 * day + 25].tolist():
            if (offset := _offset_s(place, at_s)) != found[-1]:
                changes.append(at_s)
                found.append(offset)
    return np.array(changes), np.array(found)


def _offset_s(place: ZoneInfo, at_s: float) -> float:
    offset = datetime.fromtimestamp(at_s, place).utcoffset()
    return (offset or timedelta()).total_seconds()


def local(times: Times, zone: str) -> Times:
    """What clocks and calendars of ``zone`` show, as seconds since 1970-01-01 00:00 on the wall.

    >>> shown = local(np.array([1_774_746_000.0, 1_774_746_000.0 - 1.0]), "Europe/Berlin")  # 2026-03-29 01:00 UTC
    >>> (shown % DAY_S / HOUR_S).round(2).tolist()
    [3.0, 2.0]
    """
    changes, offsets = _offsets(zone)
    at: Times = times + offsets[np.searchsorted(changes, times, side="right") - 1]
    return at


def epoch(day: str, zone: str = "UTC") -> float:
    """Epoch seconds of midnight in ``zone``."""
    return datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp()


def weekday(shown: Times) -> NDArray[np.int64]:
    """0 for Monday, given local seconds."""
    return ((shown // DAY_S).astype(np.int64) + _MONDAY) % 7


@dataclass(frozen=True, slots=True)
class Always:
    """The same at all times."""

    value: float = 1.0

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        return np.full(len(times), self.value)


@dataclass(frozen=True, slots=True)
class Sum:
    """Several curves, each times its weight, on top of each other."""

    parts: Sequence[tuple[float, Curve]]

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        total = np.zeros(len(times))
        for weight, curve in self.parts:
            total += weight * curve(times)
        return total


@dataclass(frozen=True, slots=True)
class Product:
    """Several curves that hold together."""

    parts: Sequence[Curve]

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        product = np.ones(len(times))
        for curve in self.parts:
            product *= curve(times)
        return product


@dataclass(frozen=True, slots=True)
class Hours:
    """1 between two hours of the local day on some weekdays, with straight ramps of ``ramp_s`` before and after.

    ``pauses`` are (hour, length in hours, depth from 0 to 1); ``off`` are days (ISO) on which all is as on a Sunday.
    A day may end after midnight (``closes`` above 24).

    >>> at = epoch("2026-03-16", "Europe/Berlin") + HOUR_S * np.array([7.0, 8.0, 12.0, 36.0])
    >>> Hours("Europe/Berlin", 8, 18, ramp_s=7200)(at).tolist()
    [0.5, 1.0, 1.0, 1.0]
    """

    zone: str
    opens: float
    closes: float
    ramp_s: float = 1.0
    days: Sequence[int] = WORKING_DAYS
    pauses: Sequence[tuple[float, float, float]] = ()
    off: Sequence[str] = ()

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        shown = local(times, self.zone)
        ramp = self.ramp_s / HOUR_S
        value = np.zeros(len(times))
        for shift in (0.0, 24.0) if self.closes + ramp > 24.0 else (0.0,):
            begun = shown - shift * HOUR_S
            hour = shown % DAY_S / HOUR_S + shift
            works = np.isin(weekday(begun), self.days)
            for day in self.off:
                works &= begun // DAY_S != (date.fromisoformat(day) - date(1970, 1, 1)).days
            up, down = (hour - self.opens) / ramp + 1.0, (self.closes - hour) / ramp + 1.0
            value = np.maximum(value, np.where(works, np.clip(np.minimum(up, down), 0.0, 1.0), 0.0))
        for begins, lasts, depth in self.pauses:
            hour = shown % DAY_S / HOUR_S
            value *= np.where((hour >= begins) & (hour < begins + lasts), 1.0 - depth, 1.0)
        return value


@dataclass(frozen=True, slots=True)
class Wave:
    """A bell over the local day: 1 at ``peak`` o'clock, and ``width`` hours from there 0.61."""

    zone: str
    peak: float
    width: float
    days: Sequence[int] = ALL_DAYS

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        shown = local(times, self.zone)
        away = (shown % DAY_S / HOUR_S - self.peak + 12.0) % 24.0 - 12.0
        value: Values = np.exp(-0.5 * np.square(away / self.width)) * np.isin(weekday(shown), self.days)
        return value


@dataclass(frozen=True, slots=True)
class Every:
    """1 for ``lasts_s`` once in each ``period_s``, beginning up to ``late_s`` after the hour it is due.

    ``due_s`` is how long after the beginning of the period, by the local clock, it is due; ``seed`` draws how late
    each one is, and by up to what share (``uneven``) it lasts longer.
    """

    zone: str
    period_s: float
    due_s: float
    lasts_s: float
    late_s: float = 0.0
    uneven: float = 0.0
    seed: int = 0

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        shown = local(times, self.zone) - self.due_s
        number = np.floor(shown / self.period_s)
        since = shown - number * self.period_s
        late, longer = _drawn(self.seed, number, 2)
        begins = self.late_s * late
        return np.where((since >= begins) & (since < begins + self.lasts_s * (1.0 + self.uneven * longer)), 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class OnDates:
    """1 for ``lasts_s`` from a local hour on, on days that ``chosen`` by their date."""

    zone: str
    chosen: Callable[[date], bool]
    begins: float
    lasts_s: float

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        shown = local(times, self.zone) - self.begins * HOUR_S
        days, which = np.unique(shown // DAY_S, return_inverse=True)
        held = np.array([self.chosen(datetime.fromtimestamp(day * DAY_S, UTC).date()) for day in days.tolist()])
        return np.where(held[which] & (shown % DAY_S < self.lasts_s), 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Between:
    """1 from ``start_s`` to before ``end_s``."""

    start_s: float
    end_s: float

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        return np.where((times >= self.start_s) & (times < self.end_s), 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Growth:
    """From 1 at ``start_s``, times ``per_week`` each week."""

    start_s: float
    per_week: float

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        grown: Values = self.per_week ** ((times - self.start_s) / WEEK_S)
        return grown


@dataclass(frozen=True, slots=True)
class Restless:
    """Exp of an AR(1) process of standard deviation ``sigma`` that forgets within ``memory_s``."""

    seed: int
    sigma: float
    memory_s: float = 1_200.0

    def __call__(self, times: Times) -> Values:
        """Values at ``times``."""
        grid_s, values = _restless(self.seed, self.memory_s)
        value: Values = np.exp(self.sigma * np.interp(times, grid_s, values))
        return value


@lru_cache(maxsize=2)
def _restless(seed: int, memory_s: float) -> tuple[Times, Values]:
    step_s = memory_s / 10.0
    grid_s = np.arange(_FIRST_S + 300.0 * DAY_S, _LAST_S - 300.0 * DAY_S, step_s)
    keep = float(np.exp(-0.1))
    shocks = np.random.default_rng(seed).normal(0.0, np.sqrt(1.0 - keep**2), len(grid_s))
    values = np.empty(len(grid_s))
    value = 0.0
    for place, shock in enumerate(shocks.tolist()):
        value = keep * value + shock
        values[place] = value
    return grid_s, values


def _drawn(seed: int, numbers: Values, kinds: int) -> list[Values]:
    """For each number as many draws from 0 to 1, which follow from seed and number alone."""
    known, which = np.unique(numbers, return_inverse=True)
    drawn = np.array([np.random.default_rng([seed, int(number)]).uniform(size=kinds) for number in known.tolist()])
    return [column[which] for column in drawn.reshape(len(known), kinds).T]
