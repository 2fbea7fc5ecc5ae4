"""Window series: a score that follows sampling noise and the key's own bursts, and a gate that holds a fault off."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.windows.series import SeriesJudgement, WindowSeries
from tracehound.detectors.windows.series_kernel import GATE

STEP = 30.0


def opened(patience_s: float = 10_800.0) -> WindowSeries:
    series = WindowSeries(STEP, warm_up=40, patience_s=patience_s)
    series.open(0, 0)
    return series


def run(series: WindowSeries, values: Floats, first: int = 0, noise: float = 1.0) -> SeriesJudgement:
    rows = len(values)
    times = STEP * np.arange(float(first), float(first + rows))
    return series.judge_counted(np.zeros(rows, np.int64), values, times, np.full(rows, noise))


def normal(rows: int, seed: int = 1, scale: float = 1.0) -> Floats:
    return 50.0 + np.random.default_rng(seed).normal(0.0, scale, rows)


@pytest.mark.parametrize("seed", range(5))
def test_noise_exceeds_a_score_no_more_often_than_it_says(seed: int) -> None:
    judged = run(opened(), normal(20_000, seed))
    for score in (2.0, 3.0, 4.0):
        assert (judged.score >= score).sum() <= 1.5 * 20_000 * 10.0**-score + 2


def test_bursts_that_are_usual_widen_the_tail() -> None:
    bursty = normal(2_000)
    bursty[::40] += 12.0
    calm = run(opened(), np.append(normal(2_000), 62.0)).score[-1]
    assert run(opened(), np.append(bursty, 62.0)).score[-1] < 3.0 < 6.0 < calm


def test_a_constant_past_is_no_reason_to_be_sure() -> None:
    small, large = (run(opened(), np.append(np.full(500, 50.0), value)) for value in (52.0, 60.0))
    assert (small.deviation[-1], large.deviation[-1]) == (2.0, 10.0)
    assert small.score[-1] < 2.0 < 6.0 < large.score[-1]


def test_a_lasting_deviation_is_not_learned_before_its_patience() -> None:
    series = opened(patience_s=3_000.0)
    run(series, normal(500))
    lasting = run(series, normal(200, 2) + 15.0, first=500)
    assert (lasting.score[:100] > 6.0).all()
    assert (np.abs(lasting.expected[:100] - 50.0) < 1.0).all()
    assert (lasting.score[120:] < GATE).all()


def test_after_a_fault_the_old_normal_is_normal_at_once_and_the_next_fault_is_told() -> None:
    series = opened()
    run(series, normal(500))
    run(series, normal(100, 2) + 15.0, first=500)
    assert run(series, normal(100, 3), first=600).score.max() < GATE
    assert run(series, normal(1, 4) + 15.0, first=700).score[0] > 6.0


DAY = 288


def daily(days: int) -> Floats:
    """Every five minutes."""
    return normal(days * DAY) + 12.0 * np.sin(2 * np.pi * np.arange(days * DAY) / DAY)


def run_days(series: WindowSeries, values: Floats, first: int = 0) -> SeriesJudgement:
    rows = len(values)
    times = 300.0 * np.arange(float(first), float(first + rows))
    return series.judge_counted(np.zeros(rows, np.int64), values, times, np.ones(rows))


def test_a_daily_season_is_learned_where_it_exists() -> None:
    values = daily(10)
    judged = run_days(series := opened(), values)
    late = slice(5 * DAY, None)
    assert np.abs(judged.expected[late] - values[late]).mean() < 1.2
    assert run_days(series, np.array([38.0]), 10 * DAY + DAY // 4).score[0] > 6.0


def test_windows_after_a_gap_find_their_season() -> None:
    run_days(series := opened(), daily(6))
    judged = run_days(series, daily(16)[15 * DAY :], 15 * DAY)
    assert (judged.score < GATE).mean() > 0.98


def test_it_warms_up_in_silence() -> None:
    judged = run(opened(), normal(100))
    assert judged.warming.tolist() == [True] * 40 + [False] * 60
    assert not judged.score[:40].any()
    assert judged.score[40:].any()


def test_nine_of_ten_normal_windows_lie_in_the_band() -> None:
    values = normal(5_000)
    judged = run(opened(), values)
    inside = (judged.low <= values) & (values <= judged.high)
    assert 0.85 < inside[500:].mean() < 0.96


def test_a_snapshot_of_another_shape_is_refused() -> None:
    series = opened()
    with pytest.raises(ValueError, match="'reference' of a series must be an array"):
        series.restore(0, series.snapshot(0) | {"reference": np.zeros(7)})


@pytest.mark.parametrize(("step_s", "warm_up", "name"), [(0.0, 60, "step_s"), (60.0, 3, "warm_up")])
def test_parameters_out_of_range_are_refused(step_s: float, warm_up: int, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        WindowSeries(step_s, warm_up)


def test_a_key_takes_memory_from_its_first_window_on_and_begins_afresh_whatever_was_there() -> None:
    series, fresh = opened(), opened()
    run(series, normal(500))
    known = series.snapshot(0)
    for slot in range(1, 1_000):
        series.open(slot, seed=0)
    assert len(series._store.records) < 100
    series.open(0, seed=0)
    for slot in (0, 999):
        assert series.learned(slot) == 0
        for name, values in fresh.snapshot(0).items():
            np.testing.assert_array_equal(series.snapshot(slot)[name], values)
    assert len(series._store.records) < 100
    series.restore(999, known)
    assert series.learned(999) == 500
    assert (run(series, normal(60)).score == run(opened(), normal(60)).score).all()
