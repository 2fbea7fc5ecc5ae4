"""Ranks from bounded memory: like exact ranks, continued beyond the largest, and fair to ties."""

import math

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.rank import LEAST_SEEN, MOST_COUNTED, SAMPLE, TOP, learn_rank, rank_score


class Ranked:
    """What a series keeps of one kind of distance."""

    def __init__(self) -> None:
        self.sample, self.top, self.seen = np.zeros(SAMPLE, np.float32), np.zeros(TOP, np.float32), 0.0

    def learn(self, numbers: Floats) -> "Ranked":
        for number in numbers.astype(np.float32):
            self.seen = learn_rank(self.sample, self.top, self.seen, number)
        return self

    def score(self, number: float) -> float:
        return float(rank_score(self.sample, self.top, self.seen, np.float32(number)))


def exponential(rows: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).exponential(1.0, rows)


def test_nothing_is_told_before_enough_was_seen() -> None:
    assert Ranked().learn(exponential(LEAST_SEEN - 1)).score(100.0) == 0.0
    assert Ranked().learn(exponential(LEAST_SEEN)).score(100.0) > 2.0


@pytest.mark.parametrize("rows", [300, 2_000, 20_000])
def test_scores_are_near_the_probabilities_of_the_distribution(rows: int) -> None:
    ranked = Ranked().learn(exponential(rows))
    for number in (1.0, 3.0, 5.0, 9.0):
        assert ranked.score(number) == pytest.approx(number / math.log(10.0), abs=0.35, rel=0.2)


def test_a_number_like_all_others_is_in_the_middle_however_many_there_were() -> None:
    ranked = Ranked().learn(np.zeros(5_000))
    assert ranked.score(0.0) == pytest.approx(math.log10(2.0), abs=0.01)
    assert ranked.score(1.0) > 3.0


def test_larger_numbers_score_higher() -> None:
    ranked = Ranked().learn(exponential(3_000))
    scores = [ranked.score(number) for number in np.linspace(0.0, 20.0, 200)]
    assert min(np.diff(scores)) >= -0.3
    assert scores[-1] > scores[100] > scores[20]


def test_what_is_kept_stays_sorted_and_the_largest_are_among_it() -> None:
    numbers = exponential(10_000)
    ranked = Ranked().learn(numbers)
    assert (np.diff(ranked.sample) >= 0).all()
    assert np.array_equal(ranked.top, np.sort(numbers.astype(np.float32))[-TOP:])


def test_the_largest_age() -> None:
    ranked = Ranked().learn(np.concatenate([exponential(200) + 50.0, exponential(3 * MOST_COUNTED)]))
    assert ranked.seen < MOST_COUNTED
    assert (np.diff(ranked.top) >= 0).all()
    assert (ranked.top > 50.0).sum() < TOP / 2
