"""The loop of ``detectors.windows.series``: competing forecasts, the residual's place among past ones, and the gate."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.ordered import place_of
from tracehound.detectors.packed.stored_numbers import COUNTED, EARLIEST_S, LARGEST, LATEST_S

DAY_BINS, WEEK_BINS, REFERENCE = 288, 336, 400
DAY_S, WEEK_S = 86_400.0, 604_800.0
SECONDS_PER_DAY_BIN, SECONDS_PER_WEEK_BIN = DAY_S / DAY_BINS, WEEK_S / WEEK_BINS

COUNT, SINCE, NEXT, LEVEL, LEVEL_DAY, LEVEL_WEEK, ERROR, ERROR_DAY, ERROR_WEEK, SEEN_DAY, SEEN_WEEK = range(11)
"""Places in ``numbers``: windows learned, start of the deviation, place of the oldest residual, and per forecast its
level, mean absolute error and the number of forecasts that the error is over."""
NUMBERS = 11

LEAST: Final = np.full(NUMBERS, 0.0)
MOST: Final = np.full(NUMBERS, COUNTED, np.float64)
LEAST[SINCE], MOST[SINCE] = EARLIEST_S, LATEST_S
LEAST[LEVEL : LEVEL_WEEK + 1] = -LARGEST
MOST[LEVEL : ERROR_WEEK + 1] = LARGEST
"""What the numbers of a stored series may be; ``SINCE`` may be NaN too."""

SERIES: Final[dict[str, tuple[Any, tuple[int, ...]]]] = {
    "numbers": (np.float64, (NUMBERS,)),
    "day": (np.float32, (DAY_BINS, 2)),
    "week": (np.float32, (WEEK_BINS, 2)),
    "reference": (np.float32, (REFERENCE,)),
}
JUDGED: Final = np.dtype(
    [*((name, np.float64) for name in ("score", "deviation", "expected", "low", "high")), ("warming", np.bool_)],
    align=True,
)
"""What is said about one window: the fields of ``detectors.windows.series.SeriesJudgement``."""

LEVEL_RATE, SEASON_LEVEL_RATE, ERROR_RATE, SEASON_RATE = 0.2, 0.05, 0.02, 0.25
SEASON_SEEN = 48.0
"""Seasonal forecasts before a season may be used."""
ADVANTAGE = 0.9
"""A season is used only while its error is below this share of the plain level's."""
TO_SIGMA, BAND_SIGMAS = 1.2533, 1.645
RELATIVE_FLOOR = 1e-3
"""A residual's scale is never below this share of the level."""
CLIP = 5.0
LASTING_RATE = 0.5
GATE = 3.0
"""−log10 of the probability from which a window is not learned, and the next ones until they are below half of it."""
TAIL_SHARE, LEAST_TAIL = 0.05, 10
LARGEST_LEARNED = 4.0
"""The residual with which a deviation begins is learned as if its score were at most this."""
_LN_10 = float(np.log(10.0))


@njit(cache=True)
def forecast(numbers: Any, day: Any, week: Any, time: float) -> Any:
    """Forecasts (3,) of level, day and week; NaN where the season has not been seen."""
    made = np.full(3, np.nan)
    made[0] = numbers[LEVEL]
    day_bin = int(time % DAY_S / SECONDS_PER_DAY_BIN)
    week_bin = int(time % WEEK_S / SECONDS_PER_WEEK_BIN)
    if day[day_bin, 1] > 0.0:
        made[1] = day[day_bin, 0] + numbers[LEVEL_DAY]
    if week[week_bin, 1] > 0.0:
        made[2] = week[week_bin, 0] + numbers[LEVEL_WEEK]
    return made


@njit(cache=True)
def best_of(numbers: Any, made: Any) -> int:
    """Index of the forecast to use."""
    best, smallest = 0, ADVANTAGE * numbers[ERROR]
    for k in range(1, 3):
        if not np.isnan(made[k]) and numbers[SEEN_DAY + k - 1] >= SEASON_SEEN and numbers[ERROR + k] < smallest:
            best, smallest = k, numbers[ERROR + k]
    return best


@njit(cache=True)
def learn_profile(profile: Any, place: int, value: float, least: float) -> None:
    """Move a bin of a profile towards a value; its weight counts the values."""
    profile[place, 1] = min(profile[place, 1] + 1.0, 1.0 / least)
    profile[place, 0] += (value - profile[place, 0]) / profile[place, 1]


@njit(cache=True)
def learn_window(numbers: Any, day: Any, week: Any, value: float, time: float, made: Any, rate: float) -> None:
    """Move levels, errors and profiles towards the value of a window."""
    if numbers[COUNT] == 0.0:
        numbers[LEVEL] = value
        made[0] = value
    early = 1.0 / (numbers[COUNT] + 1.0)
    for k in range(3):
        if np.isnan(made[k]):
            continue
        error = abs(value - made[k])
        seen = numbers[COUNT] if k == 0 else numbers[SEEN_DAY + k - 1]
        if seen >= 10.0:
            error = min(error, CLIP * numbers[ERROR + k] + 1e-12 + RELATIVE_FLOOR * abs(value))
        numbers[ERROR + k] += max(ERROR_RATE, 1.0 / (seen + 1.0)) * (error - numbers[ERROR + k])
        level_rate = max(LEVEL_RATE if k == 0 else SEASON_LEVEL_RATE, rate)
        numbers[LEVEL + k] += max(level_rate, early if k == 0 else 0.0) * (value - made[k])
        if k > 0:
            numbers[SEEN_DAY + k - 1] += 1.0
    day_bin = int(time % DAY_S / SECONDS_PER_DAY_BIN)
    week_bin = int(time % WEEK_S / SECONDS_PER_WEEK_BIN)
    learn_profile(day, day_bin, value - numbers[LEVEL_DAY], SEASON_RATE)
    learn_profile(week, week_bin, value - numbers[LEVEL_WEEK], SEASON_RATE)
    numbers[COUNT] += 1.0


@njit(cache=True)
def learn_residual(numbers: Any, reference: Any, size: float) -> None:
    """Put the size of a residual into the sorted reference, in place of a value that is drawn by rotation."""
    count = int(min(numbers[NEXT], REFERENCE))
    if count < REFERENCE:
        place = place_of(reference, count, size)
        for j in range(count, place, -1):
            reference[j] = reference[j - 1]
        reference[place] = size
    else:
        j = int(numbers[NEXT] * 167) % REFERENCE
        while j + 1 < REFERENCE and reference[j + 1] < size:
            reference[j] = reference[j + 1]
            j += 1
        while j > 0 and reference[j - 1] > size:
            reference[j] = reference[j - 1]
            j -= 1
        reference[j] = size
    numbers[NEXT] += 1.0


@njit(cache=True)
def _own_tail(reference: Any, count: int) -> Any:
    """Threshold, mean excess over it, and the share of residuals beyond it, of the sorted first ``count`` ones."""
    beyond = min(count - 1, max(LEAST_TAIL, int(TAIL_SHARE * count)))
    threshold = reference[count - 1 - beyond]
    total = 0.0
    for j in range(count - beyond, count):
        total += reference[j] - threshold
    return threshold, (1.0 + 1.0 / np.sqrt(beyond)) * total / beyond + 1e-9, beyond / count


@njit(cache=True)
def _score_of(size: float, threshold: float, excess: float, share: float) -> Any:
    if size <= threshold:
        return 0.0
    own = -np.log10(share) + (size - threshold) / excess / _LN_10
    normal = 0.0
    if size > 1.0:
        # Mills' ratio bounds the normal tail from above closely enough here, and never underflows.
        normal = 0.5 * size * size / _LN_10 + np.log10(size * np.sqrt(0.5 * np.pi))
    return min(own, normal)


@njit(cache=True)
def _size_of(threshold: float, excess: float, share: float) -> Any:
    return threshold + (LARGEST_LEARNED + np.log10(share)) * _LN_10 * excess


@njit(cache=True)
def run_series(
    slots: Any, values: Any, times: Any, noise: Any, patience_s: Any, warm_up: int, series: Any, said: Any
) -> None:
    """Judge rows, then learn them: a record of ``SERIES`` per slot, and of ``JUDGED`` per row."""
    for i in range(slots.size):
        one, row = series[slots[i]], said[i]
        numbers, reference, day, week = one.numbers, one.reference, one.day, one.week
        row.warming = numbers[COUNT] < warm_up
        made = forecast(numbers, day, week, times[i])
        best = best_of(numbers, made)
        scale = max(TO_SIGMA * numbers[ERROR + best], noise[i])
        row.expected = row.low = row.high = np.nan
        size, score, excess, threshold, share = 0.0, 0.0, 0.0, 0.0, 1.0
        if numbers[COUNT] > 0.0:
            row.deviation = (values[i] - made[best]) / scale
            row.expected = made[best]
            row.low, row.high = made[best] - BAND_SIGMAS * scale, made[best] + BAND_SIGMAS * scale
            size = abs(row.deviation)
        if not row.warming:
            threshold, excess, share = _own_tail(reference, int(min(numbers[NEXT], REFERENCE)))
            score = row.score = _score_of(size, threshold, excess, share)
        rate = 0.0
        if score >= (GATE if np.isnan(numbers[SINCE]) else 0.5 * GATE):
            if np.isnan(numbers[SINCE]):
                numbers[SINCE] = times[i]
                learn_residual(numbers, reference, min(size, _size_of(threshold, excess, share)))
            if times[i] - numbers[SINCE] <= patience_s[i]:
                continue
            rate = LASTING_RATE
        else:
            numbers[SINCE] = np.nan
            learn_residual(numbers, reference, size)
        learn_window(numbers, day, week, values[i], times[i], made, rate)
