"""Where a series usually lies: a band of its own earlier values, at the same time of day where these are known."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY_S: Final = 86_400
_SHARES = (0.05, 0.95)
_DAYS, _LEAST_DAYS = 7, 3
_AROUND_S = 1_800
_LEAST_VALUES = 12

Range = tuple[float, float]


def typical_ranges(values: Sequence[float | None], shown: int, step_s: int) -> list[Range | None]:
    """For each of the last ``shown`` values where nine tenths of earlier ones lie; None where too few are known.

    Earlier ones are those within half an hour of the same time of the seven days before. Where fewer than three of
    these days are known, they are the values of the day just before.

    Parameters:
        values: at equal distances of ``step_s`` seconds, None where nothing was measured.

    >>> typical_ranges([1.0] * 20 + [9.0], 1, 60)
    [(1.0, 1.0)]
    >>> typical_ranges([1.0, None, 9.0], 1, 60)
    [None]
    """
    series = np.array([np.nan if value is None else value for value in values], np.float64)
    first = len(series) - shown
    return [
        _range(_same_time(series, at, step_s)) or _range(_just_before(series, at, step_s))
        for at in range(first, len(series))
    ]


def _same_time(series: NDArray[np.float64], at: int, step_s: int) -> NDArray[np.float64]:
    a_day, around = DAY_S // step_s, _AROUND_S // step_s
    days = []
    for day in range(1, _DAYS + 1):
        middle = at - day * a_day
        some = series[max(0, middle - around) : max(0, middle + around + 1)]
        some = some[~np.isnan(some)]
        if len(some):
            days.append(some)
    return np.concatenate(days) if len(days) >= _LEAST_DAYS else np.empty(0)


def _just_before(series: NDArray[np.float64], at: int, step_s: int) -> NDArray[np.float64]:
    some = series[max(0, at - DAY_S // step_s) : at]
    found = some[~np.isnan(some)]
    return found if len(found) >= _LEAST_VALUES else found[:0]


def _range(values: NDArray[np.float64]) -> Range | None:
    if not len(values):
        return None
    low, high = np.quantile(values, _SHARES)
    return float(low), float(high)
