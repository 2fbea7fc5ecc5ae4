"""Novelty of values and shapes, asked of a series."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.windows.series import Evidence, Series
from tracehound.detectors.windows.series_novelty import BLOCK, BLOCKS, RECENT, SEEN

STEP_S = 300.0
VALUE, SHAPE = Evidence(0.0, 1.0, 0.0), Evidence(0.0, 0.0, 1.0)


def asked(evidence: Evidence) -> Series:
    made = Series(STEP_S, evidence=evidence)
    made.open(0, seed=0)
    return made


def scores(series: Series, values: Floats, first: int = 0) -> Floats:
    n = len(values)
    times = STEP_S * (first + np.arange(n, dtype=np.float64))
    return series.judge_then_learn(np.zeros(n, np.int64), values, times).score


def noise(rows: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(100.0, 5.0, rows)


def wave(rows: int) -> Floats:
    return noise(rows) + 40.0 * np.sin(2 * np.pi * np.arange(rows) / 288)


def test_a_value_between_two_usual_ones_is_new_and_a_usual_one_is_not() -> None:
    low_or_high = np.where(np.arange(2_000) % 2 == 0, 0.0, 100.0) + noise(2_000) / 10
    series = asked(VALUE)
    scores(series, low_or_high)
    told = scores(series, np.array([60.0, 10.0]), 2_000)
    assert told[0] == pytest.approx(Evidence().largest)
    assert told[1] < 2.0


def test_a_value_is_known_after_the_hold() -> None:
    series = asked(Evidence(0.0, 1.0, 0.0, hold=3))
    scores(series, noise(1_000))
    told = scores(series, np.array([200.0, 200.0, 200.0, 200.0, 200.0]), 1_000)
    assert (told[:4] > 2.5).all()
    assert told[4] < 1.0


def test_a_shape_that_never_was_is_told_though_each_value_was() -> None:
    two_levels = noise(3_000) / 20 + 100.0 * (np.arange(3_000) // (8 * BLOCK) % 2)
    two_levels[:200] = np.concatenate([np.linspace(0.0, 100.0, 100), np.linspace(100.0, 0.0, 100)])
    hurried = two_levels.copy()
    hurried[2_000:2_032] = noise(32) / 20 + 100.0 * (np.arange(32) // BLOCK % 2)
    usual = scores(asked(SHAPE), two_levels)
    assert scores(asked(SHAPE), hurried)[2_016:2_032].max() > usual[1_000:].max() + 0.5
    assert scores(asked(VALUE), hurried)[2_016:2_032].max() < 2.5


def test_rounding_is_no_novelty() -> None:
    flat = 1e6 + 1e-4 * np.random.default_rng(0).normal(size=3_000)
    told = scores(asked(Evidence(0.0, 1.0, 1.0)), flat)
    assert told.max() < 0.5


def test_values_beyond_memory_are_kept_coarsely() -> None:
    series = asked(VALUE)
    scores(series, np.arange(20.0 * SEEN) % (10 * SEEN))
    assert scores(series, np.array([4_801.5]), 20 * SEEN)[0] < 3.0
    assert scores(series, np.array([9_000.0]), 20 * SEEN + 1)[0] > 3.0


def test_missing_windows_change_nothing() -> None:
    series = asked(Evidence(0.0, 1.0, 1.0))
    scores(series, noise(500))
    before = series.snapshot(0)
    assert not scores(series, np.full(5, np.nan), 500).any()
    after = series.snapshot(0)
    assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)


def test_one_by_one_and_resumed_give_the_same_as_a_batch() -> None:
    values = wave(BLOCK * BLOCKS + 700)[-3_000:]
    whole = scores(asked(Evidence(0.5, 1.0, 1.0)), values)
    first, second = asked(Evidence(0.5, 1.0, 1.0)), asked(Evidence(0.5, 1.0, 1.0))
    parts = [scores(first, values[:1_500])]
    second.restore(0, first.snapshot(0))
    parts += [scores(second, values[i : i + 1], i) for i in range(1_500, 3_000)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_memory_with_all_evidence_is_bounded() -> None:
    assert asked(Evidence(1.0, 1.0, 1.0)).nbytes() <= 16_384
    assert asked(Evidence()).nbytes() < 8_192


def test_kinds_are_combined_by_their_weights() -> None:
    one, two, three = np.array([1.0, 9.0]), np.array([2.0, 9.0]), np.array([3.0, 0.0])
    assert Evidence().combine(one, two, three).tolist() == [1.0, 9.0]
    assert Evidence(0.0, 1.0, 1.0, order=1.0, largest=3.0).combine(one, two, three).tolist() == [2.5, 1.5]
    closer = Evidence(0.0, 1.0, 0.5, order=30.0).combine(one, two, three)
    assert closer[0] == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(("name", "value"), [("hold", 0), ("hold", RECENT + 1), ("order", 0.5)])
def test_parameters_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        Evidence(**{name: value})  # type: ignore[arg-type]  # of either type, on purpose
