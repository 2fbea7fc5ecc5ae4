"""The series detector: what it flags, what it forecasts, what it learns, and that it resumes exactly."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.windows.series import Series, SeriesJudgement

STEP_S = 300.0
DAY = 288


def series(step_s: float = STEP_S) -> Series:
    made = Series(step_s=step_s)
    made.open(0, seed=3)
    return made


def slots(rows: int) -> Slots:
    return np.zeros(rows, np.int64)


def times(rows: int, first: int = 0) -> Floats:
    return STEP_S * (first + np.arange(rows, dtype=np.float64))


def noise(rows: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(100.0, 5.0, rows)


def daily(rows: int, seed: int = 1) -> Floats:
    return noise(rows, seed) + 60.0 * np.sin(2 * np.pi * np.arange(rows) / DAY)


def learned(values: Floats) -> Series:
    made = series()
    made.judge_then_learn(slots(len(values)), values, times(len(values)))
    return made


def stacked(judged: SeriesJudgement) -> Floats:
    return np.vstack([getattr(judged, name) for name in SeriesJudgement.__slots__]).astype(np.float64)


def test_it_warms_up_in_silence() -> None:
    judged = series().judge_then_learn(slots(100), noise(100), times(100))
    assert judged.warming.tolist() == [True] * 60 + [False] * 40
    assert not judged.score[:60].any()
    assert judged.score[60:].any()


@pytest.mark.parametrize(("value", "sign"), [(200.0, 1), (0.0, -1)])
def test_spikes_both_ways_score_high_with_their_sign(value: float, sign: int) -> None:
    judged = learned(noise(1000)).judge(slots(1), np.array([value]), times(1, 1000))
    assert judged.score[0] > 4
    assert judged.deviation[0] * sign > 6
    assert judged.low[0] < judged.expected[0] < judged.high[0]


def test_scores_of_normal_windows_are_like_probabilities() -> None:
    judged = series().judge_then_learn(slots(30_000), noise(30_000), times(30_000))
    for score in (1.0, 2.0, 3.0):
        obtained = (judged.score[1000:] >= score).mean()
        assert 0.05 * 10**-score < obtained < 4 * 10**-score


def test_nine_of_ten_normal_windows_lie_in_the_band() -> None:
    values = noise(5000)
    judged = series().judge_then_learn(slots(5000), values, times(5000))
    inside = (judged.low <= values) & (values <= judged.high)
    assert 0.85 < inside[500:].mean() < 0.96


def test_a_daily_season_is_learned_where_it_exists() -> None:
    values = daily(10 * DAY)
    judged = series().judge_then_learn(slots(len(values)), values, times(len(values)))
    late = slice(5 * DAY, None)
    assert np.abs(judged.expected[late] - values[late]).mean() < 6.0
    night_at_noon = learned(values).judge(slots(1), np.array([40.0]), times(1, 10 * DAY + DAY // 4))
    assert night_at_noon.score[0] > 3


def test_a_fault_is_not_learned_before_patience_ends_and_is_after() -> None:
    made = learned(noise(2000))
    judged = made.judge_then_learn(slots(30), noise(30) * 3, times(30, 2000))
    assert (judged.score > 3).all()
    made.judge_then_learn(slots(500), noise(500) * 3, times(500, 2030))
    after = made.judge(slots(1), np.array([300.0]), times(1, 2530))
    assert after.score[0] < 2
    assert after.expected[0] == pytest.approx(300.0, rel=0.1)


def test_missing_windows_are_neither_judged_nor_learned() -> None:
    made = learned(noise(500))
    before = made.snapshot(0)
    judged = made.judge_then_learn(slots(3), np.full(3, np.nan), times(3, 500))
    after = made.snapshot(0)
    assert not judged.score.any()
    assert judged.expected == pytest.approx(100.0, abs=10.0)
    assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)


def test_windows_after_a_gap_find_their_season() -> None:
    made = learned(daily(6 * DAY))
    values = daily(20 * DAY)[15 * DAY :]
    judged = made.judge_then_learn(slots(DAY), values[:DAY], times(DAY, 15 * DAY))
    assert (judged.score < 4).mean() > 0.98


def test_a_constant_series_tells_its_first_change() -> None:
    made = learned(np.zeros(300))
    assert made.judge(slots(1), np.zeros(1), times(1, 300)).score[0] < 1
    assert made.judge(slots(1), np.array([0.05]), times(1, 300)).score[0] > 4


def test_judging_changes_nothing_and_batches_do_not_matter() -> None:
    values = daily(900)
    at_once, in_turn = series(), series()
    whole = at_once.judge_then_learn(slots(900), values, times(900))
    parts = []
    for i in range(900):
        seen = in_turn.judge(slots(1), values[i : i + 1], times(1, i))
        parts.append(in_turn.judge_then_learn(slots(1), values[i : i + 1], times(1, i)))
        assert np.array_equal(stacked(seen), stacked(parts[-1]), equal_nan=True)
    assert np.array_equal(stacked(whole), np.hstack([stacked(part) for part in parts]), equal_nan=True)


def test_keys_do_not_influence_each_other() -> None:
    both, alone = Series(STEP_S), series()
    both.open(0, seed=3)
    both.open(20, seed=4)
    mixed = np.column_stack([daily(600), noise(600)]).ravel()
    judged = both.judge_then_learn(np.tile([0, 20], 600), mixed, np.repeat(times(600), 2))
    expected = alone.judge_then_learn(slots(600), daily(600), times(600))
    assert np.array_equal(judged.score[::2], expected.score)


def test_it_resumes_exactly_from_a_snapshot() -> None:
    made, resumed = learned(daily(2000)), series()
    resumed.restore(0, made.snapshot(0))
    rest = (slots(500), daily(2500)[2000:], times(500, 2000))
    assert np.array_equal(stacked(made.judge_then_learn(*rest)), stacked(resumed.judge_then_learn(*rest)))


def test_a_snapshot_of_another_shape_is_refused() -> None:
    made = learned(noise(100))
    state = made.snapshot(0) | {"reference": np.zeros(7)}
    with pytest.raises(ValueError, match="'reference' of a series must be an array"):
        made.restore(0, state)


def test_memory_of_a_key_is_bounded() -> None:
    assert series().nbytes() <= 16_384


@pytest.mark.parametrize(("step_s", "warm_up", "name"), [(0.0, 60, "step_s"), (60.0, 3, "warm_up")])
def test_parameters_out_of_range_are_refused(step_s: float, warm_up: int, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Series(step_s, warm_up)
