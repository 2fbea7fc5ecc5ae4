"""Forecasts of a series and how far a value is from them: of the last minutes, of the day and of the week."""

from typing import Any

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.windows.seasons import (
    CLOCK_S,
    DAY_REACH,
    HIGH,
    LOW,
    SECONDS_PER_DAY_BIN,
    SECONDS_PER_WEEK_BIN,
    SPREAD,
    TO_SIGMA,
    WEEK_REACH,
    clocks_may_have_changed,
    day_bin,
    expect,
    least_counted,
    week_bin,
)

SHORT, DAY, WEEK = range(3)
"""The forecasts, from the least specific to the most: of the last minutes, of the day, of the week."""
COUNT, SINCE, NEXT, LEVEL, ERROR, LAST, SHIFT = range(7)
"""Places in ``numbers``: windows learned, start of the deviation, residuals learned (as ``series_kernel`` has it),
level of the last minutes and its mean absolute error, start of the newest window, and by how many seconds profiles are
read later; then, for each forecast:"""
LONG_ERROR, TIMES, SMOOTH = 7, 10, 13
"""mean absolute error over a week, without the help of the last minutes (for them, of the mean over a week instead);
the number of windows that is over; and what was forecast without the last minutes, smoothed as they are. Then that
mean, and how much better profiles are that are read later, and earlier."""
LONG_MEAN, BETTER_LATER, BETTER_EARLIER = 16, 17, 18
NUMBERS = 19

TRUSTED = 0.5
"""There is a season, and it is trusted, if its error over a week is below this share of that of the mean."""
LARGEST_RATIO, RATIO_PRIOR = 2.0, 2.0
"""By how much at most the last minutes lie above or below a profile of counts; and what is added to both, in roots of a
count, since the ratio of two small counts is noise."""


@njit(cache=True)
def forecast(numbers: Any, day: Any, week: Any, time: float, counts: bool, made: Any) -> Any:
    """Fill the expectations (3, 5) of all forecasts; which of day and week are known."""
    made[SHORT, :] = numbers[LEVEL]
    made[SHORT, SPREAD] = 0.0
    known_day = expect(day, day_bin(time), DAY_REACH, made[DAY])
    known_week = expect(week, week_bin(time), WEEK_REACH, made[WEEK])
    for k in range(DAY, WEEK + 1):
        _move(numbers, k, counts, made[k])
    return known_day, known_week


@njit(cache=True)
def _move(numbers: Any, k: int, counts: bool, expected: Any) -> None:
    """Move an expectation by what the last minutes were above or below it."""
    if not np.isnan(numbers[SMOOTH + k]):
        if counts:
            expected[:SPREAD] *= ratio_of(numbers, k)
        else:
            expected[:SPREAD] += numbers[LEVEL] - numbers[SMOOTH + k]


@njit(cache=True)
def ratio_of(numbers: Any, k: int) -> float:
    """How many times as large the last minutes were as the profile ``k`` of roots of counts has it."""
    ratio = (numbers[LEVEL] + RATIO_PRIOR) / (numbers[SMOOTH + k] + RATIO_PRIOR)
    return float(min(LARGEST_RATIO, max(1.0 / LARGEST_RATIO, ratio)))


@njit(cache=True)
def chosen(numbers: Any, known_day: bool, known_week: bool) -> int:
    """The most specific forecast that is trusted."""
    best, least = SHORT, TRUSTED * numbers[LONG_ERROR + SHORT]
    if known_day and numbers[LONG_ERROR + DAY] < least:
        best, least = DAY, numbers[LONG_ERROR + DAY]
    if known_week and numbers[TIMES + WEEK] > 0.0 and numbers[LONG_ERROR + WEEK] < least:
        best = WEEK
    return best


@njit(cache=True)
def scale_of(numbers: Any, made: Any, k: int, noise: float) -> Any:
    """The standard deviation of a window's value around a forecast."""
    return max(noise, TO_SIGMA * max(numbers[ERROR], made[k, SPREAD]))


@njit(cache=True)
def nearest(made: Any, k: int, value: float) -> float:
    """What a forecast expects that is nearest to a value."""
    return float(min(max(value, made[k, LOW]), made[k, HIGH]))


@njit(cache=True)
def away_from(numbers: Any, made: Any, k: int, value: float, noise: float) -> Any:
    """How far a value lies beyond what a forecast expects, in standard deviations."""
    return (value - nearest(made, k, value)) / scale_of(numbers, made, k, noise)


@njit(cache=True)
def excused(numbers: Any, made: Any, best: int, known_day: bool, known_week: bool, value: float, noise: float) -> Any:
    """The deviation from the forecast that counts, or from a more specific one where that is less."""
    away = away_from(numbers, made, best, value, noise)
    if best < DAY and known_day:
        other = away_from(numbers, made, DAY, value, noise)
        away = other if abs(other) < abs(away) else away
    if best < WEEK and known_week:
        other = away_from(numbers, made, WEEK, value, noise)
        away = other if abs(other) < abs(away) else away
    return away


@njit(cache=True)
def least_expected(one: Any, start: float, end: float, step_s: float, enough: float) -> float:
    """How many are at least expected from ``start`` to ``end``, at most about ``enough``, where values are roots of
    counts; infinite where the hour is not known. After clocks were changed it is the least by either clock."""
    least = _least_expected(one, start, end, 0.0, step_s, enough)
    if clocks_may_have_changed(end):
        for shift in (-CLOCK_S, CLOCK_S):
            least = min(least, _least_expected(one, start, end, shift, step_s, enough))
    return float(least)


@njit(cache=True)
def _least_expected(one: Any, start: float, end: float, shift: float, step_s: float, enough: float) -> float:
    numbers = one.numbers
    by_week = numbers[TIMES + WEEK] > 0.0 and numbers[LONG_ERROR + WEEK] <= numbers[LONG_ERROR + DAY]
    ratios = np.ones(2)
    for k in range(2):
        if not np.isnan(numbers[SMOOTH + DAY + k]):
            ratios[k] = min(1.0, ratio_of(numbers, DAY + k))
    total, at = 0.0, start
    while at < end and total < enough:
        until = min(end, (at // SECONDS_PER_DAY_BIN + 1.0) * SECONDS_PER_DAY_BIN)
        place, least = at + numbers[SHIFT] + shift, np.inf
        if by_week:
            windows = SECONDS_PER_WEEK_BIN / step_s
            least = least_counted(one.week, one.week_lowest, place, SECONDS_PER_WEEK_BIN, ratios[1], windows)
        if least == np.inf:
            windows = SECONDS_PER_DAY_BIN / step_s
            least = least_counted(one.day, one.day_lowest, place, SECONDS_PER_DAY_BIN, ratios[0], windows)
        total += least * (until - at) / step_s
        at = until
    return float(total)
