"""Whether daily levels went up or down within a week, in many steps: pure functions of arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats
from tracehound.detectors.levels.daily_levels import COUNT, FAILED, LOG_VARIANCE, MEAN_LOG

WEEK = 7
FACTOR, LATELY = 2.0, 1.5
"""A level has changed if it is so many times that of a week ago, and on the two days before so many."""
LARGEST_STEP = 0.5
"""The largest share of a change, on the logarithmic scale, that one day may bring: what comes at once is no drift."""
STEADY = 3.0
"""A change is at least so many times what its steps scatter."""
KNOWN_STEPS = 5
LEAST_COUNT, LEAST_FAILED = 100.0, 20.0
"""Executions of a day by which it is judged, and failures of the newest."""
CERTAIN = 5.0
"""Standard deviations of independent executions by which a change must be certain."""
LEAST_SHARE = 0.002
"""A change of the share of failures must be as large."""


@dataclass(frozen=True, slots=True)
class Change:
    """What m operations did within the week: ``found`` (m,) True where they drifted, from ``before`` (m,) to ``after``
    (m,), and ``step`` (m,): by how much at most from one day to the next, as a factor in the direction of the drift.
    """

    found: Flags
    before: Floats
    after: Floats
    step: Floats


def latency(days: NDArray[np.float64], least_ms: float) -> Change:
    """Whether durations grew, by at least ``least_ms``, given (m, 15, 4) ``DailyLevels.before``; geometric means."""
    count = days[:, :, COUNT]
    change, step = _drifted(np.where(count >= LEAST_COUNT, days[:, :, MEAN_LOG], np.nan), weekly_only=False)
    now, then = days[:, 0], days[:, WEEK]
    noise = np.sqrt(sum(one[:, LOG_VARIANCE] / np.maximum(one[:, COUNT], 1.0) for one in (now, then)))
    before, after = np.exp(then[:, MEAN_LOG]), np.exp(now[:, MEAN_LOG])
    return Change((change >= CERTAIN * noise) & (change > 0.0) & (after - before >= least_ms), before, after, step)


def failures(days: NDArray[np.float64]) -> Change:
    """Whether the share of failures grew, given (m, 15, 4) ``DailyLevels.before``."""
    count, failed = days[:, :, COUNT], days[:, :, FAILED]
    level = np.where(count >= LEAST_COUNT, np.log((failed + 0.5) / (count + 1.0)), np.nan)
    change, step = _drifted(level, weekly_only=False)
    share = failed / np.maximum(count, 1.0)
    before, after = share[:, WEEK], share[:, 0]
    counts = count[:, [0, WEEK]].sum(axis=1)
    pooled = failed[:, [0, WEEK]].sum(axis=1) / np.maximum(counts, 1.0)
    noise = np.sqrt(pooled * (1.0 - pooled) * sum(1.0 / np.maximum(count[:, place], 1.0) for place in (0, WEEK)))
    certain = (after - before >= np.maximum(CERTAIN * noise, LEAST_SHARE)) & (failed[:, 0] >= LEAST_FAILED)
    return Change((change > 0.0) & certain, before, after, step)


def traffic(days: NDArray[np.float64]) -> Change:
    """Whether executions became more or fewer, given (m, 15, 4) ``DailyLevels.before``; a day.

    Days are compared with those a week before alone: on weekends nobody may come.
    """
    count = days[:, :, COUNT]
    level = np.log(np.where(count >= LEAST_COUNT, count, np.nan))
    change, step = _drifted(level, weekly_only=True)
    return Change(change != 0.0, count[:, WEEK], count[:, 0], step)


def _drifted(level: Floats, weekly_only: bool) -> tuple[Floats, Floats]:
    """The change (m,) of ``level`` (m, 15), a logarithm, within a week, 0 where it is no drift; its largest step.

    Each day is compared with the same of the week before. The steps from day to day are those of that difference; of
    what is not known for two weeks yet, those of the level itself, unless these are to be ``weekly_only``.
    """
    weekly = level[:, : WEEK + 1] - level[:, WEEK : 2 * WEEK + 1]
    change = weekly[:, 0]
    steps = weekly[:, :-1] - weekly[:, 1:]
    if not weekly_only:
        steps = np.where(np.isnan(steps), level[:, :WEEK] - level[:, 1 : WEEK + 1], steps)
    known = ~np.isnan(steps)
    number = np.maximum(known.sum(axis=1), 1)
    each = np.where(known, steps, 0.0)
    mean = each.sum(axis=1) / number
    scatter = np.sqrt(np.where(known, np.square(steps - mean[:, None]), 0.0).sum(axis=1) / number)
    up = np.sign(change)
    largest = (each * up[:, None]).max(axis=1)
    lately = (weekly[:, 1:3] * up[:, None]).min(axis=1)
    size = np.abs(change)
    found = (size >= np.log(FACTOR)) & (lately >= np.log(LATELY)) & (number >= KNOWN_STEPS)
    found &= (largest <= LARGEST_STEP * size) & (size >= STEADY * scatter)
    return np.where(found, change, 0.0), np.exp(largest)
