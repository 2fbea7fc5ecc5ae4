"""Independent errors keep to the alarm budget over weeks, whatever their rate and however many there are."""

import numpy as np
import pytest

from tracehound.detectors.calibration.calibration import BLOCK_S, DAY_S, Calibration
from tracehound.detectors.ensemble.registry import DETECTORS, channels, chosen
from tracehound.detectors.errors.error_rate import ErrorRate
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.windows.findings import SIGNALS

LEARNING_DAYS, SEEDS = 5, 3
MOST_TOLD, MOST_CLEAR = 0.75, 0.1
"""Blocks a day: the budget is 0.5, and these are means over some 60 days."""
SETTINGS = DetectionSettings()
CHANNELS = channels(SETTINGS, chosen(DETECTORS, SETTINGS), tuple(signal.name for signal in SIGNALS))
COLUMN = [channel.name for channel in CHANNELS].index(ErrorRate.name)


def alarms_a_day(rate: float, executions_a_day: int, operations: int, days: int, seed: int) -> tuple[float, float]:
    """Blocks a day in which failures are told, after the days of learning, and those in which they may be major."""
    random = np.random.default_rng([seed, executions_a_day, operations])
    count = executions_a_day * days
    times = np.sort(random.random(count)) * days * DAY_S
    popular = 1.0 / np.arange(1, operations + 1)
    slots = random.choice(operations, count, p=popular / popular.sum()).astype(np.int64)
    failed = random.random(count) < rate
    bank = ErrorRate()
    for operation in range(operations):
        bank.open(operation, 0)
    given = bank.judge_then_learn_many(slots, failed[:, None].astype(np.float64), times, np.ones(count, np.bool_))
    assert given.lasting is not None
    assert given.typical is not None
    assert given.actual is not None
    assert given.count is not None
    calibration = Calibration(CHANNELS, SETTINGS.alarm_budget)
    calibration.open(0, seed=0)
    told, clear = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for first in range(0, count, 10_000):
        part = slice(first, first + 10_000)
        statistics = np.full((len(times[part]), len(CHANNELS)), np.nan)
        statistics[:, COLUMN] = given.score[part]
        lasting = np.zeros(statistics.shape, np.bool_)
        lasting[:, COLUMN] = given.lasting[part] | ((given.score[part] > 0.0) & ~failed[part])
        judged = calibration.judge_then_learn(np.zeros(len(statistics), np.int64), statistics, times[part], lasting)
        twice = given.actual[part] >= 2.0 * given.typical[part]
        told[part] = judged.alarm[:, COLUMN] & failed[part] & twice
        clear[part] = told[part] & (judged.scores[:, COLUMN] >= judged.limit + 1.0) & (given.count[part] >= 5)
    later = times >= LEARNING_DAYS * DAY_S
    blocks = times // BLOCK_S
    judged_days = days - LEARNING_DAYS
    return len(np.unique(blocks[told & later])) / judged_days, len(np.unique(blocks[clear & later])) / judged_days


@pytest.mark.parametrize("rate", [0.0001, 0.002, 0.01, 0.05])
@pytest.mark.parametrize(
    ("executions_a_day", "operations", "days"), [(1_440, 1, 30), (1_440, 50, 30), (20_000, 1, 25), (20_000, 50, 25)]
)
def test_independent_errors_keep_to_the_budget(rate: float, executions_a_day: int, operations: int, days: int) -> None:
    found = [alarms_a_day(rate, executions_a_day, operations, days, seed) for seed in range(SEEDS)]
    told, clear = np.mean(found, axis=0)
    assert told <= MOST_TOLD
    assert clear <= MOST_CLEAR
