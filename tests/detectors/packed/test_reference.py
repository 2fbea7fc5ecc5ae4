"""Kernels over sorted samples, against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from tracehound.detectors.packed import reference
from tracehound.detectors.packed.tail import tail_score

VALUES = st.floats(-0.875, 1e6, width=32)
COMPILED = settings(deadline=None)
"""The first example waits for the compiler."""
SAMPLES = st.lists(VALUES, min_size=1, max_size=60)


def filled(sample: list[float], room: int = 64) -> NDArray[np.float32]:
    ordered = np.zeros(room, np.float32)
    ordered[: len(sample)] = np.sort(np.array(sample, np.float32))
    return ordered


@COMPILED
@given(SAMPLES, VALUES)
def test_an_inserted_value_finds_its_place(sample: list[float], value: float) -> None:
    ordered = filled(sample)
    reference.insert(ordered, len(sample), value)
    assert np.array_equal(ordered[: len(sample) + 1], np.sort(np.array([*sample, value], np.float32)))
    assert not ordered[len(sample) + 1 :].any()


@COMPILED
@given(SAMPLES, VALUES, st.integers(0, 59))
def test_a_replaced_value_leaves_the_rest_in_order(sample: list[float], value: float, at: int) -> None:
    ordered, place = filled(sample), at % len(sample)
    expected = np.sort(np.append(np.delete(ordered[: len(sample)], place), np.float32(value)))
    reference.replace(ordered, len(sample), place, value)
    assert np.array_equal(ordered[: len(sample)], expected)
    assert not ordered[len(sample) :].any()


@COMPILED
@given(SAMPLES, VALUES)
def test_the_rank_is_the_mean_of_the_ranks_of_ties(sample: list[float], value: float) -> None:
    ordered = filled(sample)
    own = ordered[: len(sample)]
    low, high = np.searchsorted(own, np.float32(value), "left"), np.searchsorted(own, np.float32(value), "right")
    rank = reference.rank_of(ordered, len(sample), np.float32(value))
    assert rank == pytest.approx((0.5 * (low + high) + 0.5) / (len(sample) + 1.0))
    assert 0 < rank < 1


@COMPILED
@given(SAMPLES, VALUES, st.floats(0, 100), st.floats(0, 1))
def test_a_margin_takes_values_towards_the_median_and_never_across(
    sample: list[float], value: float, margin: float, share: float
) -> None:
    ordered = filled(sample)
    median = float(ordered[len(sample) // 2])
    less = reference.without_margin(ordered, len(sample), value, margin, share)
    if value <= median:
        assert less == value
    else:
        assert median <= less <= value
        assert less == pytest.approx(max(median, value - max(margin, share * median)))


@COMPILED
@given(st.floats(0.5, 15.9))
def test_normal_scores_of_tail_probabilities_are_those_of_the_normal_distribution(tail: float) -> None:
    assert reference.normal_score_of_tail(tail) == pytest.approx(norm.isf(10.0**-tail), abs=0.1)


def test_the_normal_score_of_a_tail_is_bounded_and_finite() -> None:
    assert reference.normal_score_of_tail(0.0) == -8.0
    assert reference.normal_score_of_tail(1e9) == pytest.approx(8.2, abs=0.1)


@COMPILED
@given(st.lists(VALUES, min_size=100, max_size=100), VALUES)
def test_within_the_reference_the_normal_score_is_that_of_the_rank(sample: list[float], value: float) -> None:
    ordered = filled(sample, 128)
    tail = tail_score(ordered, 100, np.float32(value))
    score = reference.normal_score(ordered, 100, np.float32(value), tail)
    if np.searchsorted(ordered[:100], np.float32(value), "left") >= 98:
        assert score == reference.normal_score_of_tail(tail)
    else:
        assert score == pytest.approx(norm.ppf(reference.rank_of(ordered, 100, np.float32(value))), abs=0.05)


@COMPILED
@given(SAMPLES, VALUES)
def test_a_value_within_the_margin_or_below_the_median_has_no_tail(sample: list[float], value: float) -> None:
    ordered = filled(sample)
    rank = reference.rank_of(ordered, len(sample), np.float32(value))
    score, tail = reference.deviation(ordered, len(sample), np.float32(value), rank, 1e7, 0.0)
    assert tail == 0.0
    assert score <= 0.7


def test_larger_values_deviate_more() -> None:
    ordered = filled(np.random.default_rng(1).lognormal(3, 0.5, 500).tolist(), 500)
    values = np.linspace(0.0, 500.0, 200)
    ranks = [reference.rank_of(ordered, 500, value) for value in values]
    scores = np.array(
        [reference.deviation(ordered, 500, *place, 5.0, 0.2) for place in zip(values, ranks, strict=True)]
    )
    assert (np.diff(scores, axis=0) >= -1e-9).all()
    assert scores[-1, 1] > 4


def test_random_numbers_spread_over_all_places() -> None:
    state, places = 7, np.zeros(500, np.int64)
    for _ in range(50_000):
        state = reference.next_random(state)
        assert 0 <= state < 2**31
        places[(state >> 12) % 500] += 1
    assert places.min() > 60
    assert places.max() < 150
