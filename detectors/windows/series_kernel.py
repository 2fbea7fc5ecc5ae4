"""The loop of ``detectors.windows.series``: which forecast counts, what excuses, what is learned, and the gate."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.stored_numbers import COUNTED, EARLIEST_S, LARGEST, LATEST_S
from tracehound.detectors.windows.seasons import (
    CENTRE,
    CLOCK_S,
    HIGH,
    LOW,
    PROFILES,
    RAW,
    SECONDS_PER_DAY_BIN,
    SECONDS_PER_WEEK_BIN,
    SPREAD,
    TO_SIGMA,
    WEEK_REACH,
    WEEK_S,
    clocks_may_have_changed,
    day_bin,
    learn_nothing,
    move_on,
    note,
    week_bin,
)
from tracehound.detectors.windows.series_forecast import (
    BETTER_EARLIER,
    BETTER_LATER,
    COUNT,
    DAY,
    ERROR,
    LAST,
    LEVEL,
    LONG_ERROR,
    LONG_MEAN,
    NEXT,
    NUMBERS,
    SHIFT,
    SHORT,
    SINCE,
    SMOOTH,
    TIMES,
    WEEK,
    away_from,
    chosen,
    excused,
    forecast,
    scale_of,
)
from tracehound.detectors.windows.series_runs import (
    BEFORE,
    BEGUN,
    EXPECTED,
    FEWER,
    MORE,
    RUN,
    RUNS,
    SEEN,
    follow,
    forget,
    learn_slow,
)
from tracehound.detectors.windows.series_tail import REFERENCE, learn_residual, own_tail, score_of, size_of_largest

LEAST: Final = np.zeros(NUMBERS)
MOST: Final = np.full(NUMBERS, LARGEST)
LEAST[[SINCE, LAST]], MOST[[SINCE, LAST]] = EARLIEST_S, LATEST_S
LEAST[[LEVEL, SMOOTH + DAY, SMOOTH + WEEK, LONG_MEAN]] = -LARGEST
LEAST[SHIFT], MOST[SHIFT] = -CLOCK_S, CLOCK_S
MOST[[COUNT, NEXT, TIMES, TIMES + DAY, TIMES + WEEK]] = COUNTED
"""What the numbers of a stored series may be; those of ``MISSING`` may be NaN too."""
MISSING: Final = np.isin(np.arange(NUMBERS), (SINCE, SMOOTH + DAY, SMOOTH + WEEK))

SERIES: Final[dict[str, tuple[Any, tuple[int, ...]]]] = {
    "numbers": (np.float64, (NUMBERS,)),
    **PROFILES,
    "reference": (np.float32, (REFERENCE,)),
    "runs": (np.float64, (RUNS,)),
}
JUDGED: Final = np.dtype(
    [
        *((name, np.float64) for name in ("score", "deviation", "expected", "low", "high", "recent")),
        *((name, np.float64) for name in ("run", "run_begun", "run_before", "run_seen", "run_expected")),
        ("warming", np.bool_),
    ],
    align=True,
)
"""What is said about one window: the fields of ``detectors.windows.series.SeriesJudgement``."""

GATE = 3.0
"""−log10 of the probability from which a window is not learned, and the next ones until they are below half of it."""
BAND_SIGMAS = 1.645
CLIP = 5.0
LASTING_RATE = 0.5
LEVEL_RATE, ERROR_RATE, LONG_RATE = 0.2, 0.02, 1.0 / 20_000.0
COMPARED = 3.0
"""A profile from which a window lies further away, in standard deviations, is not moved towards it: that one is another
story."""
RELAX_RATE = 0.01
"""How fast a profile moves back where the last minutes do not tell how this day compares with others."""
ADOPTED, BETTER_CLIP = 100.0, 5.0
"""How many standard deviations a profile read an hour off must be better by, over some windows, to be adopted, and by
how many at most in one of them."""
KNOWN_S = 432_000.0
"""A profile can only be an hour off if it is known since so long."""
NOTHING = float(np.sqrt(0.375))
"""The root of a count of 0 (Anscombe)."""
LEFT_OUT = 10.0
"""Windows left out after which the last minutes say nothing about a profile any more."""


@njit(cache=True)
def run_series(
    slots: Any, values: Any, times: Any, noise: Any, patience_s: Any, settings: Any, series: Any, said: Any
) -> None:
    """Judge rows, then learn them: a record of ``SERIES`` per slot, and of ``JUDGED`` per row. ``settings`` are the
    width of a window, those before it judges, and whether values are roots of counts.
    """
    step_s, warm_up, counts = settings
    made = np.empty((3, 5))
    for i in range(slots.size):
        one, row, value, time = series[slots[i]], said[i], values[i], times[i]
        numbers, reference, day, week = one.numbers, one.reference, one.day, one.week
        row.warming = numbers[COUNT] < warm_up
        _note_time(one, time, step_s, counts)
        known_day, known_week = forecast(numbers, day, week, time + numbers[SHIFT], counts, made)
        best = chosen(numbers, known_day, known_week)
        row.expected = row.low = row.high = row.recent = np.nan
        size, score, excess, threshold, share, by_clock = 0.0, 0.0, 0.0, 0.0, 1.0, False
        if numbers[COUNT] > 0.0:
            scale = scale_of(numbers, made, best, noise[i])
            away = excused(numbers, made, best, known_day, known_week, value, noise[i])
            known_s = step_s * numbers[TIMES + DAY]
            if abs(away) > 1.0 and best > SHORT and known_s > KNOWN_S and clocks_may_have_changed(time):
                now = away
                away = _by_other_clock(numbers, day, week, time, counts, best, value, noise[i], away)
                by_clock = away != now
            row.deviation, row.expected, row.recent = away, made[best, CENTRE], numbers[LEVEL]
            row.low, row.high = made[best, LOW] - BAND_SIGMAS * scale, made[best, HIGH] + BAND_SIGMAS * scale
            size = abs(away)
        if not row.warming:
            threshold, excess, share = own_tail(reference, int(min(numbers[NEXT], REFERENCE)))
            score = row.score = score_of(size, threshold, excess, share)
        rate, doubted, run = 0.0, False, 0.0
        if counts and known_day and not row.warming and not by_clock:
            run = _follow_runs(one, row, made, best, (known_day, known_week), value, noise[i], excess, time)
        if score >= (GATE if np.isnan(numbers[SINCE]) else 0.5 * GATE):
            if np.isnan(numbers[SINCE]):
                numbers[SINCE] = time
                _learn_residual(one, min(size, size_of_largest(threshold, excess, share)))
            doubted = not time - numbers[SINCE] > patience_s[i]
            rate = LASTING_RATE
        else:
            numbers[SINCE] = np.nan
            _learn_residual(one, size)
        if numbers[COUNT] == 0.0:
            numbers[LEVEL] = made[SHORT, CENTRE] = value
        _learn_profiles(one, made, best, known_day, known_week, value, time + numbers[SHIFT], doubted or run >= GATE)
        _learn_errors(numbers, made, known_day, known_week, value, noise[i], doubted)
        if not doubted:
            _learn_level(numbers, made, known_day, known_week, value, noise[i], rate, counts)
            numbers[COUNT] += 1.0


@njit(cache=True)
def _follow_runs(
    one: Any, row: Any, made: Any, best: int, known: Any, value: float, noise: float, excess: float, time: float
) -> float:
    """Judge the windows one after the other, as well as each by itself; the size of the score."""
    runs = one.runs
    row.run = follow(runs, one.numbers, made, best, known, value, noise, excess, time)
    run = runs[MORE : MORE + RUN] if row.run > 0.0 else runs[FEWER : FEWER + RUN]
    row.run_begun, row.run_before, row.run_seen, row.run_expected = run[BEGUN], run[BEFORE], run[SEEN], run[EXPECTED]
    learn_slow(runs, made, known, value, RAW)
    return float(abs(row.run))


@njit(cache=True)
def _learn_residual(one: Any, size: float) -> None:
    learn_residual(one.reference, one.numbers[NEXT], size)
    one.numbers[NEXT] += 1.0


@njit(cache=True)
def _learn_profiles(
    one: Any, made: Any, best: int, known_day: bool, known_week: bool, value: float, time: float, doubted: bool
) -> None:
    """Let both profiles learn a window; with doubt, if it lies beyond the gate."""
    numbers, expected = one.numbers, made[best, CENTRE]
    place = day_bin(time)
    away = abs(value - (made[DAY, CENTRE] if known_day else expected))
    if not note(one.day_visits, place, value, away, doubted):
        move_on(one.day_visits, one.day, one.day_lowest, False, numbers[ERROR], one.day[0])
        note(one.day_visits, place, value, away, doubted)
    place = week_bin(time)
    away = abs(value - (made[WEEK, CENTRE] if known_week else expected))
    if not note(one.week_visits, place, value, away, doubted):
        other = one.day[day_bin(time - WEEK_REACH * SECONDS_PER_WEEK_BIN)]
        move_on(one.week_visits, one.week, one.week_lowest, True, numbers[ERROR], other)
        note(one.week_visits, place, value, away, doubted)


@njit(cache=True)
def _note_time(one: Any, time: float, step_s: float, counts: bool) -> None:
    """Between windows of counts there was nothing where some are left out, and the last minutes are long ago."""
    numbers = one.numbers
    left_out = (time - numbers[LAST]) / step_s - 1.0 if numbers[COUNT] > 0.0 else 0.0
    if counts and left_out >= 1.0:
        doubted = not np.isnan(numbers[SINCE])
        at = max(numbers[LAST] + step_s, time - WEEK_S)
        while at < time:
            until = min(time, (at // SECONDS_PER_DAY_BIN + 1.0) * SECONDS_PER_DAY_BIN)
            place = at + numbers[SHIFT]
            share = (until - at) / SECONDS_PER_DAY_BIN
            learn_nothing(one.day, one.day_lowest, day_bin(place), NOTHING, share, False, doubted)
            share = (until - at) / SECONDS_PER_WEEK_BIN
            learn_nothing(one.week, one.week_lowest, week_bin(place), NOTHING, share, True, doubted)
            at = until
    if left_out >= LEFT_OUT:
        numbers[SMOOTH + DAY] = numbers[SMOOTH + WEEK] = np.nan
        forget(one.runs)
    numbers[LAST] = time


@njit(cache=True)
def _by_other_clock(
    numbers: Any,
    day: Any,
    week: Any,
    time: float,
    counts: bool,
    best: int,
    value: float,
    noise: float,
    away: float,
) -> Any:
    """The least deviation where profiles are read an hour earlier or later; which is adopted once it fits better."""
    least = away
    made = np.empty((3, 5))
    for direction in range(2):
        shift = CLOCK_S if direction == 0 else -CLOCK_S
        known = forecast(numbers, day, week, time + numbers[SHIFT] + shift, counts, made)
        if not known[best - DAY] or abs(numbers[SHIFT] + shift) > CLOCK_S:
            continue
        other = away_from(numbers, made, best, value, noise)
        least = other if abs(other) < abs(least) else least
        place = BETTER_LATER + direction
        numbers[place] = max(0.0, numbers[place] + min(abs(away), BETTER_CLIP) - min(abs(other), BETTER_CLIP))
        if numbers[place] > ADOPTED:
            numbers[SHIFT] += shift
            numbers[BETTER_LATER] = numbers[BETTER_EARLIER] = 0.0
            return other
    return least


@njit(cache=True)
def _learn_errors(
    numbers: Any, made: Any, known_day: bool, known_week: bool, value: float, noise: float, doubted: bool
) -> None:
    """Let the errors over a week learn a window, and those of late if it is not beyond the gate."""
    for k in range(3):
        if numbers[COUNT] == 0.0 or (k == DAY and not known_day) or (k == WEEK and not known_week):
            continue
        long = abs(value - (numbers[LONG_MEAN] if k == SHORT else made[k, RAW]))
        numbers[LONG_ERROR + k] += max(LONG_RATE, 1.0 / (numbers[TIMES + k] + 1.0)) * (long - numbers[LONG_ERROR + k])
        numbers[TIMES + k] += 1.0
    numbers[LONG_MEAN] += max(LONG_RATE, 1.0 / (numbers[TIMES] + 1.0)) * (value - numbers[LONG_MEAN])
    if doubted or numbers[COUNT] == 0.0:
        return
    seen, error = numbers[COUNT], abs(value - made[SHORT, CENTRE])
    if seen >= 10.0:
        error = min(error, CLIP * numbers[ERROR] + 0.01 * noise)
    numbers[ERROR] += max(ERROR_RATE, 1.0 / (seen + 1.0)) * (error - numbers[ERROR])


@njit(cache=True)
def _is_comparable(numbers: Any, made: Any, k: int, value: float, noise: float) -> bool:
    """Whether a window tells how this day compares with those of a profile: not in a ramp, nor at the usual time of a
    job, where much may be either way."""
    open_to = max(made[k, HIGH] - made[k, LOW], TO_SIGMA * made[k, SPREAD])
    certain = open_to <= 2.0 * max(noise, TO_SIGMA * numbers[ERROR])
    return bool(certain and abs(away_from(numbers, made, k, value, noise)) <= COMPARED)


@njit(cache=True)
def _learn_level(
    numbers: Any, made: Any, known_day: bool, known_week: bool, value: float, noise: float, rate: float, counts: bool
) -> None:
    """Let the last minutes learn a window, and what profiles have for them, where the two may be compared."""
    weight = max(LEVEL_RATE, rate, 1.0 / (numbers[COUNT] + 1.0))
    before, after = numbers[LEVEL], numbers[LEVEL] + weight * (value - numbers[LEVEL])
    numbers[LEVEL] = after
    for k in range(DAY, WEEK + 1):
        smooth = numbers[SMOOTH + k]
        if not (known_day if k == DAY else known_week):
            numbers[SMOOTH + k] = np.nan
        elif np.isnan(smooth):
            numbers[SMOOTH + k] = after  # as if the last minutes had been as they usually are
        elif not _is_comparable(numbers, made, k, value, noise):
            moved = (1.0 - RELAX_RATE) * (before - smooth)
            numbers[SMOOTH + k] = after * (before - moved) / before if counts else after - moved
        else:
            numbers[SMOOTH + k] = smooth + weight * (made[k, RAW] - smooth)
