"""Smoothed probabilities: several improbable executions add up, single and probable ones do not."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.charts.smoothed import SmoothedScores


def smoothed() -> SmoothedScores:
    made = SmoothedScores()
    made.open(0)
    return made


def slots(rows: int, slot: int = 0) -> Slots:
    return np.full(rows, slot, np.int64)


def run(made: SmoothedScores, scores: Floats, slot: int = 0) -> Floats:
    return made.judge_then_learn(slots(len(scores), slot), scores)


def uniform(rows: int, seed: int = 1) -> Floats:
    """Scores of executions that are as unusual as chance makes them."""
    return -np.log10(np.random.default_rng(seed).random(rows))


def test_chance_alone_stays_small() -> None:
    sigma = run(smoothed(), uniform(50_000))
    assert (sigma > 4).mean() < 0.01
    assert sigma.max() < 9


def test_one_impossible_execution_is_no_change_and_four_are() -> None:
    sigma = run(smoothed(), np.full(4, 300.0))
    assert sigma[0] < 4
    assert sigma[3] > 6


def test_a_third_of_improbable_executions_over_a_longer_time_shows() -> None:
    made = smoothed()
    run(made, uniform(500))
    mixed = uniform(120, 2)
    mixed[::3] = 3.0
    assert run(made, mixed).max() > 5


def test_a_good_execution_cannot_hide_bad_ones() -> None:
    made = smoothed()
    run(made, np.zeros(1_000))
    assert run(made, np.full(5, 5.0))[-1] > 6


def test_a_missing_score_changes_nothing() -> None:
    made = smoothed()
    run(made, uniform(50))
    before = made.snapshot(0)
    assert run(made, np.full(3, np.nan)).tolist() == [0.0] * 3
    assert made.snapshot(0) == before


@pytest.mark.parametrize("size", [1, 7])
def test_batches_and_neighbours_change_nothing(size: int) -> None:
    scores = np.concatenate([uniform(200), np.full(10, 4.0), uniform(200, 3)])
    alone, among = smoothed(), smoothed()
    among.open(1)
    expected = run(alone, scores)
    found = []
    for first in range(0, len(scores), size):
        some = scores[first : first + size]
        both = among.judge_then_learn(np.tile([0, 1], len(some)), np.repeat(some, 2) * np.tile([1.0, 9.0], len(some)))
        found.append(both[::2])
    assert np.array_equal(np.concatenate(found), expected)


def test_a_deviation_begins_once_per_rest() -> None:
    made = smoothed()
    times = np.arange(0.0, 1_000.0, 10.0)
    alarms = np.ones(len(times), np.bool_)
    alarms[:5] = False
    begins = made.once(slots(len(times)), alarms, times, rest_s=300.0)
    assert times[begins].tolist() == [50.0, 350.0, 650.0, 950.0]


def test_when_it_was_told_is_part_of_the_snapshot() -> None:
    made, resumed = smoothed(), SmoothedScores()
    run(made, uniform(100))
    assert made.once(slots(1), np.ones(1, np.bool_), np.array([100.0]), 300.0).tolist() == [True]
    resumed.open(3)
    resumed.restore(3, made.snapshot(0))
    for one, slot in ((made, 0), (resumed, 3)):
        assert one.once(slots(1, slot), np.ones(1, np.bool_), np.array([399.0]), 300.0).tolist() == [False]
    later = uniform(50, 5)
    assert np.array_equal(run(made, later), run(resumed, later, slot=3))


def test_an_opened_slot_forgets_who_was_there_before() -> None:
    made = smoothed()
    run(made, np.full(20, 9.0))
    made.once(slots(1), np.ones(1, np.bool_), np.array([100.0]), 300.0)
    made.open(0)
    assert made.snapshot(0) == smoothed().snapshot(0)
