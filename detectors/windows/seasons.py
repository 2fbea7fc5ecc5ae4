"""What the hour usually brings: profiles over the local day and week, with what is uncertain at each time of them."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.features.clock_changes import are_changed_on
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.stored_numbers import COUNTED, LARGEST

DAY_BINS, WEEK_BINS = 288, 336
DAY_S, WEEK_S = 86_400.0, 604_800.0
SECONDS_PER_DAY_BIN, SECONDS_PER_WEEK_BIN = DAY_S / DAY_BINS, WEEK_S / WEEK_BINS
MEAN, DEVIATION = range(2)
"""Places of a bin: the mean of its windows, NaN where it was never seen, and their mean absolute deviation from what
was forecast, negative where it was seen once and lay beyond the gate."""
BIN = 2
PLACE, WINDOWS, TOTAL, SQUARES, AWAY, DOUBTS = range(6)
"""Places of a visit to a bin: which one, the windows so far, the sums of their values, of the squares of these and
of how far they were from what was forecast; and how many lay beyond the gate."""
VISIT = 6
CENTRE, LOW, HIGH, SPREAD, RAW = range(5)
"""Places of an expectation: of the bin itself, the least and most of it and its neighbours, their largest deviation,
and the bin's mean as it was learned."""
DAY_REACH, WEEK_REACH = 2, 1
"""Neighbours on either side that count: what comes some minutes early or late comes as usual."""
EARLY_S = 600.0
"""Where only the least counts, those do that are no further away."""
DAY_VISITS, WEEK_VISITS = DAY_REACH + 2, WEEK_REACH + 2
"""Visits that wait to be learned, the one under way among them."""
VISITS, LOWEST = ("day_visits", "week_visits"), ("day_lowest", "week_lowest")
PROFILES: Final[dict[str, tuple[Any, tuple[int, ...]]]] = {
    "day": (np.float32, (DAY_BINS, BIN)),
    "week": (np.float32, (WEEK_BINS, BIN)),
    "day_visits": (np.float64, (DAY_VISITS, VISIT)),
    "week_visits": (np.float64, (WEEK_VISITS, VISIT)),
    "day_lowest": (np.uint8, (DAY_BINS,)),
    "week_lowest": (np.uint8, (WEEK_BINS,)),
}
"""The layout of a key's profiles of day and week, of the visits that wait to be learned, and of the least that came in
each bin on the last days."""
VISIT_LEAST: Final = np.array([0.0, 0.0, -LARGEST, 0.0, 0.0, 0.0])
VISIT_MOST: Final = {
    name: np.array([bins - 1.0, COUNTED, LARGEST, LARGEST, LARGEST, COUNTED])
    for name, bins in zip(VISITS, (DAY_BINS, WEEK_BINS), strict=True)
}
"""What the numbers of a stored visit may be."""
MEAN_BY_DAY, MEAN_BY_WEEK, DAY_IN_WEEK = 0.3, 0.5, 0.2
"""Weight of the newest day or week in a bin's mean, and of the day in that of a time of the week that is new."""
DEVIATION_BY_DAY, DEVIATION_BY_WEEK = 0.2, 0.35
"""The same for its deviation: what came at this time on two earlier days is within what is usual."""
ALWAYS_S = 1_800.0
"""What came on all days must have come for so long before and after: a job may end earlier than on any of them."""
LOWEST_RISES = 0.3
"""How far the least of the last days comes nearer to that of a day with more; it begins with nothing."""
PER_UNIT = 8.0
"""Steps a unit in which the least is kept, from 0 to 31.9: nobody asks for more than the root of a thousand."""
DOUBTED = 0.25
"""Weight of a window beyond the gate in a mean, relative to others: it may have been a fault."""
COUNTING = 0.35
"""Variance of the root of a count (a quarter), and some of what an estimate of it over few days is off."""
FEW = 5.0
"""Executions in a visit to a bin below which their number says little."""
TO_SIGMA = 1.2533
"""From a mean absolute deviation to a standard deviation, of a normal distribution."""
BETWEEN = 0.5
"""Where a bin was seen once or twice, and it may have been a fault: the share of the distance that is uncertain."""
CLOCK_S = 3_600.0
"""By how much clocks are changed."""


@njit(cache=True)
def day_bin(time: float) -> int:
    """The bin of the day at ``time`` (epoch seconds)."""
    return int(time % DAY_S / SECONDS_PER_DAY_BIN)


@njit(cache=True)
def week_bin(time: float) -> int:
    """The bin of the week at ``time`` (epoch seconds)."""
    return int(time % WEEK_S / SECONDS_PER_WEEK_BIN)


@njit(cache=True)
def expect(profile: Any, place: int, reach: int, out: Any) -> bool:
    """Fill an expectation (5,) from the bin at ``place`` and ``reach`` neighbours; False where it was never seen."""
    here = profile[place]
    if np.isnan(here[MEAN]):
        return False
    out[CENTRE] = out[LOW] = out[HIGH] = out[RAW] = here[MEAN]
    out[SPREAD] = abs(here[DEVIATION])
    for away in range(-reach, reach + 1):
        one = profile[(place + away) % profile.shape[0]]
        if not np.isnan(one[MEAN]):
            out[LOW], out[HIGH] = min(out[LOW], one[MEAN]), max(out[HIGH], one[MEAN])
            out[SPREAD] = max(out[SPREAD], abs(one[DEVIATION]))
    return True


@njit(cache=True)
def note(visits: Any, place: int, value: float, away: float, doubted: bool) -> bool:
    """Count a window in the newest of the ``visits`` (k, 6); False where it is of another bin than that.

    What is expected now must not follow from a few minutes ago, so a visit waits here until its bin is out of reach.
    """
    newest = visits[0]
    if newest[WINDOWS] > 0.0 and newest[PLACE] != place:
        return False
    newest[PLACE] = place
    newest[WINDOWS] += 1.0
    newest[TOTAL] += value
    newest[SQUARES] += value * value
    newest[AWAY] += away
    newest[DOUBTS] += 1.0 if doubted else 0.0
    return True


@njit(cache=True)
def move_on(visits: Any, profile: Any, lowest: Any, week: bool, usual: float, other: Any) -> None:
    """Make room for a new visit: let the profile learn the oldest one.

    A bin that was never seen begins with a deviation of ``usual``, or more where the visit had it; in a profile of the
    week with a fifth of the mean that ``other``, the profile of the day, has at that time.
    """
    oldest = visits[visits.shape[0] - 1]
    if oldest[WINDOWS] > 0.0:
        place = int(oldest[PLACE])
        _learn(oldest, profile[place], week, usual, other)
        if oldest[DOUBTS] <= 0.5 * oldest[WINDOWS]:
            _learn_lowest(lowest, place, oldest[TOTAL] / oldest[WINDOWS])
    for k in range(visits.shape[0] - 1, 0, -1):
        visits[k] = visits[k - 1]
    visits[0] = 0.0


@njit(cache=True)
def _learn(visit: Any, one: Any, week: bool, usual: float, other: Any) -> None:
    windows = visit[WINDOWS]
    mean, away, doubted = visit[TOTAL] / windows, visit[AWAY] / windows, visit[DOUBTS] > 0.5 * windows
    within = np.sqrt(max(0.0, visit[SQUARES] / windows - mean * mean)) / TO_SIGMA
    if np.isnan(one[MEAN]):
        one[MEAN], one[DEVIATION] = mean, max(usual, within)
        if doubted:
            one[DEVIATION] = -max(one[DEVIATION], BETWEEN * away)
        elif week and not np.isnan(other[MEAN]):
            one[MEAN] += DAY_IN_WEEK * (other[MEAN] - one[MEAN])
    elif one[DEVIATION] < 0.0:
        one[DEVIATION] = max(usual, within, BETWEEN * abs(mean - one[MEAN]))
        one[MEAN] += BETWEEN * (mean - one[MEAN])
    else:
        rate = MEAN_BY_WEEK if week else MEAN_BY_DAY
        one[MEAN] += (DOUBTED * rate if doubted else rate) * (mean - one[MEAN])
        one[DEVIATION] += (DEVIATION_BY_WEEK if week else DEVIATION_BY_DAY) * (away - one[DEVIATION])


@njit(cache=True)
def _learn_lowest(lowest: Any, place: int, mean: float) -> None:
    least = lowest[place] / PER_UNIT
    least = min(mean, least + LOWEST_RISES * (mean - least))
    lowest[place] = np.uint8(min(255.0, max(0.0, least * PER_UNIT)))


@njit(cache=True)
def learn_nothing(
    profile: Any, lowest: Any, place: int, nothing: float, share: float, week: bool, doubted: bool
) -> None:
    """Let the bin at ``place`` learn that for a ``share`` of a visit there was nothing."""
    one = profile[place]
    if not doubted:
        lowest[place] = np.uint8((1.0 - share) * lowest[place])
    if np.isnan(one[MEAN]):
        one[MEAN], one[DEVIATION] = nothing, 0.0
        return
    rate, away = share * (MEAN_BY_WEEK if week else MEAN_BY_DAY), abs(nothing - one[MEAN])
    one[DEVIATION] = abs(one[DEVIATION])
    one[DEVIATION] += share * (DEVIATION_BY_WEEK if week else DEVIATION_BY_DAY) * (away - one[DEVIATION])
    one[MEAN] += (DOUBTED * rate if doubted else rate) * (nothing - one[MEAN])


@njit(cache=True)
def least_counted(profile: Any, lowest: Any, time: float, bin_s: float, ratio: float, windows: float) -> float:
    """How many are at least expected in a window at ``time``, if the profile is of roots of counts and lies ``ratio``
    off; infinite where nothing is known.

    Where many come in the ``windows`` of a visit, it is the least that is usual now or some minutes earlier or later;
    where few do, their mean, since the least of few counts says nothing. Where days differ much, because a job comes
    on some of them, it is what came on all of them, half an hour earlier and later too.
    """
    known, roots, spreads, least = 0, 0.0, 0.0, np.inf
    for place in range(int((time - EARLY_S) // bin_s), int((time + EARLY_S) // bin_s) + 1):
        one = profile[place % profile.shape[0]]
        if np.isnan(one[MEAN]):
            continue
        known += 1
        root = ratio * one[MEAN]
        # What is beyond the scatter of counts is that days differ at this time.
        spread = np.sqrt(max(0.0, (TO_SIGMA * one[DEVIATION]) ** 2 - COUNTING))
        roots, spreads = roots + root, spreads + spread
        least = min(least, root - 2.0 * spread)
    if known == 0:
        return float(np.inf)
    if ((roots / known) ** 2 - 0.375) * windows < FEW:
        least = (roots - 2.0 * spreads) / known
    least = max(least, ratio * _always(lowest, time, bin_s))
    return float(max(0.0, max(0.0, least) ** 2 - 0.375))


@njit(cache=True)
def _always(lowest: Any, time: float, bin_s: float) -> float:
    """The least that came on any of the last days around ``time``."""
    least = 255
    for place in range(int((time - ALWAYS_S) // bin_s), int((time + ALWAYS_S) // bin_s) + 1):
        least = min(least, lowest[place % lowest.shape[0]])
    return float(least / PER_UNIT)


_are_changed_on = njit(cache=True)(are_changed_on)


@njit(cache=True)
def clocks_may_have_changed(time: float) -> bool:
    """Whether clocks were changed somewhere on the last Sunday, which may be today.

    >>> clocks_may_have_changed(1_774_861_200.0), clocks_may_have_changed(1_782_900_000.0)  # 30 March, 1 July 2026
    (True, False)
    """
    day = int(time // DAY_S)
    return bool(_are_changed_on(day - (day + 4) % 7))
