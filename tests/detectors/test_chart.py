"""The chart: what it flags, what it learns, and that it resumes exactly."""

import numpy as np
import pytest

from detectors.bank import Floats, Slots
from detectors.chart import REFERENCE, Chart


def chart() -> Chart:
    made = Chart(warm_up=60, gate_sigma=4.0, patience_s=600.0)
    made.open(0, seed=3)
    return made


def slots(rows: int) -> Slots:
    return np.zeros(rows, np.int64)


def usual(rows: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).lognormal(4.0, 0.3, rows)


def times(rows: int, start: float = 0.0, step: float = 1.0) -> Floats:
    return start + step * np.arange(rows, dtype=np.float64)


def test_it_warms_up_and_then_judges() -> None:
    judged = chart().judge_then_learn(slots(100), usual(100), times(100))
    assert judged.warming.tolist() == [True] * 60 + [False] * 40
    assert not judged.sigma[:60].any()
    assert judged.sigma[60:].any()


def test_a_lasting_shift_passes_six_sigma_after_six_values_and_one_outlier_does_not() -> None:
    made = chart()
    made.judge_then_learn(slots(1000), usual(1000), times(1000))
    single = made.judge(slots(1), np.array([1e6]))
    assert single.sigma[0] < 4
    assert single.tail[0] > 8
    shifted = made.judge_then_learn(slots(12), np.full(12, 400.0), times(12, 1000))
    assert (shifted.sigma >= 6).argmax() in range(4, 9)


def test_a_fault_is_not_learned_before_patience_ends() -> None:
    made = chart()
    made.judge_then_learn(slots(1000), usual(1000), times(1000))
    before = made.typical(0)
    made.judge_then_learn(slots(590), np.full(590, 400.0), times(590, 1000))
    assert made.typical(0) == pytest.approx(before, rel=0.1)
    made.judge_then_learn(slots(3000), np.full(3000, 400.0), times(3000, 1590))
    assert made.typical(0)[1] == pytest.approx(400.0)
    assert made.judge(slots(1), np.array([400.0])).sigma[0] < 4


def test_ties_are_in_the_middle_of_their_rank() -> None:
    made = chart()
    judged = made.judge_then_learn(slots(500), np.full(500, 4.0), times(500))
    assert np.abs(judged.sigma).max() < 0.1


def test_missing_values_change_nothing_but_keep_their_place() -> None:
    made = chart()
    made.judge_then_learn(slots(200), usual(200), times(200))
    before = made.snapshot(0)
    judged = made.judge_then_learn(slots(3), np.full(3, np.nan), times(3, 200))
    after = made.snapshot(0)
    assert judged.sigma.tolist() == [0.0] * 3
    assert judged.rank.tolist() == [0.5] * 3
    assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)


def test_the_reference_stays_sorted_and_bounded() -> None:
    made = chart()
    made.judge_then_learn(slots(20_000), usual(20_000, seed=4), times(20_000))
    ordered = made.snapshot(0)["ordered"]
    assert isinstance(ordered, np.ndarray)
    assert len(ordered) == REFERENCE
    assert (np.diff(ordered) >= 0).all()
    assert made.nbytes() < 4_096


def test_bounds_are_of_the_moment_not_of_the_end_of_the_batch() -> None:
    values = np.concatenate([usual(800), np.full(900, 400.0)])
    at_once, in_turn = chart(), chart()
    whole = at_once.judge_then_learn(slots(1700), values, times(1700))
    parts = [in_turn.judge_then_learn(slots(1), values[i : i + 1], times(1, i)) for i in range(1700)]
    assert np.array_equal(whole.bounds, np.vstack([part.bounds for part in parts]))
    assert np.array_equal(whole.sigma, np.concatenate([part.sigma for part in parts]))


def test_normal_values_stay_below_the_limits() -> None:
    made = chart()
    judged = made.judge_then_learn(slots(20_000), usual(20_000, seed=9), times(20_000, step=0.1))
    assert (judged.sigma[500:] >= 6).mean() == 0.0
    assert (judged.tail[500:] >= 8).mean() <= 2e-4
