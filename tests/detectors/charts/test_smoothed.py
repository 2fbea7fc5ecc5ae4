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


def lasting(made: SmoothedScores, scores: Floats, first_s: float, every_s: float, slot: int = 0) -> list[int]:
    """Which of scores that come ``every_s`` become certain."""
    times = first_s + every_s * np.arange(float(len(scores)))
    rows = slots(len(scores), slot)
    return np.flatnonzero(made.lasts(rows, run(made, scores, slot), scores > 2.5, times) >= 0.0).tolist()


def test_a_deviation_that_half_of_the_executions_show_becomes_certain_once() -> None:
    made = smoothed()
    assert lasting(made, uniform(500), 0.0, 10.0) == []
    [at] = lasting(made, np.tile([4.0, 0.2], 90), 5_000.0, 10.0)
    assert 58 <= at <= 75  # thirty executions, from where it was 6 sigma on


def test_a_deviation_of_few_executions_or_of_a_moment_is_not_certain() -> None:
    assert lasting(smoothed(), np.full(29, 4.0), 0.0, 100.0) == []
    assert lasting(smoothed(), np.full(100, 4.0), 0.0, 2.0) == []


def test_the_end_of_what_became_usual_is_not_certain_and_a_deviation_of_the_next_day_is() -> None:
    made = smoothed()
    assert len(lasting(made, np.full(60, 4.0), 0.0, 10.0)) == 1
    assert lasting(made, np.zeros(60), 600.0, 10.0) == []
    assert lasting(made, np.full(60, 4.0), 1_200.0, 10.0) == []
    assert lasting(made, np.zeros(60), 1_800.0, 10.0) == []
    assert len(lasting(made, np.full(60, 4.0), 90_000.0, 10.0)) == 1


def test_states_of_the_first_release_know_no_lasting_deviation() -> None:
    made, resumed = smoothed(), smoothed()
    run(made, uniform(100))
    state = {name: value for name, value in made.snapshot(0).items() if name in ("fast", "slow", "told")}
    resumed.restore(0, state)
    assert resumed.snapshot(0) == made.snapshot(0)


def test_what_is_certain_is_none_where_it_was_told_since() -> None:
    made = smoothed()
    alarm = np.ones(1, np.bool_)
    assert made.once(slots(1), alarm, np.array([100.0]), 300.0).tolist() == [True]
    assert made.once(slots(1), alarm, np.array([500.0]), 300.0, np.array([90.0])).tolist() == [False]
    assert made.once(slots(1), alarm, np.array([600.0]), 300.0, np.array([110.0])).tolist() == [True]


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
