"""Novelty of values and shapes of a series."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.detection import Evidence
from tracehound.scripts.benchmarks.nab.novelty import BLOCK, BLOCKS, RECENT, SEEN, novelty


def of_values(values: Floats, hold: int = 4) -> Floats:
    return novelty(values, hold)[:, 0]


def of_shapes(values: Floats) -> Floats:
    return novelty(values, 4)[:, 1]


def noise(rows: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(100.0, 5.0, rows)


def wave(rows: int) -> Floats:
    return noise(rows) + 40.0 * np.sin(2 * np.pi * np.arange(rows) / 288)


def test_a_value_between_two_usual_ones_is_new_and_a_usual_one_is_not() -> None:
    low_or_high = np.where(np.arange(2_000) % 2 == 0, 0.0, 100.0) + noise(2_000) / 10
    told = of_values(np.append(low_or_high, [60.0, 10.0]))[2_000:]
    assert told[0] > Evidence().largest
    assert told[1] < 2.0


def test_a_value_is_known_after_the_hold() -> None:
    told = of_values(np.append(noise(1_000), np.full(5, 200.0)), hold=3)[1_000:]
    assert (told[:4] > 2.5).all()
    assert told[4] < 1.0


def test_a_shape_that_never_was_is_told_though_each_value_was() -> None:
    two_levels = noise(3_000) / 20 + 100.0 * (np.arange(3_000) // (8 * BLOCK) % 2)
    two_levels[:200] = np.concatenate([np.linspace(0.0, 100.0, 100), np.linspace(100.0, 0.0, 100)])
    hurried = two_levels.copy()
    hurried[2_000:2_032] = noise(32) / 20 + 100.0 * (np.arange(32) // BLOCK % 2)
    assert of_shapes(hurried)[2_016:2_032].max() > of_shapes(two_levels)[1_000:].max() + 0.5
    assert of_values(hurried)[2_016:2_032].max() < 2.5


def test_rounding_is_no_novelty() -> None:
    flat = 1e6 + 1e-4 * np.random.default_rng(0).normal(size=3_000)
    assert novelty(flat, 4).max() < 0.5


def test_values_beyond_memory_are_kept_coarsely() -> None:
    told = of_values(np.append(np.arange(20.0 * SEEN) % (10 * SEEN), [4_801.5, 9_000.0]))[20 * SEEN :]
    assert told[0] < 3.0 < told[1]


def test_missing_windows_change_nothing() -> None:
    values = noise(600)
    told = novelty(np.concatenate([values[:500], np.full(5, np.nan), values[500:]]), 4)
    assert not told[500:505].any()
    assert np.array_equal(np.delete(told, range(500, 505), 0), novelty(values, 4))


def test_what_comes_later_changes_nothing() -> None:
    values = wave(BLOCK * BLOCKS + 700)[-3_000:]
    assert np.array_equal(novelty(values, 4)[:1_500], novelty(values[:1_500], 4))


def test_values_and_shapes_are_combined_by_their_weights() -> None:
    novel = np.array([[2.0, 3.0], [9.0, 0.0]])
    assert Evidence(shape=0.0, largest=8.0).combine(novel).tolist() == [2.0, 8.0]
    assert Evidence(order=1.0, largest=3.0).combine(novel).tolist() == [2.5, 1.5]
    assert Evidence(shape=0.5, order=30.0).combine(novel)[0] == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(("name", "value"), [("hold", 0), ("hold", RECENT + 1), ("order", 0.5)])
def test_parameters_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        Evidence(**{name: value})  # type: ignore[arg-type]  # of either type, on purpose
