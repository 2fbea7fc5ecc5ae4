"""Onsets: rest, worse, habituation, and settling."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.onsets import REMEMBERED, Onsets


def told(onsets: Onsets, scores: Floats) -> Floats:
    return onsets.worth(scores)


def opened(rest: int = 20, *, worse: float = 0.1, habituation: float = 2.0, settle: int = 0) -> Onsets:
    return Onsets(rest, worse=worse, habituation=habituation, settle=settle)


def spikes(rows: int, **at: float) -> Floats:
    scores = np.zeros(rows)
    for row, score in at.items():
        scores[int(row[1:])] = score
    return scores


def test_one_deviation_is_told_once_and_again_when_it_gets_worse() -> None:
    scores = np.concatenate([np.zeros(5), np.full(100, 3.0), np.full(50, 4.0)])
    assert np.flatnonzero(told(opened(), scores)).tolist() == [5, 105]


def test_after_the_rest_the_same_is_told_again_but_is_worth_less() -> None:
    worth = told(opened(), spikes(60, r5=3.0, r40=3.0))
    assert worth[5] == 3.0
    assert worth[40] == pytest.approx(3.0 - 2.0 * np.log10(2.0), abs=0.01)


def test_within_the_rest_only_what_is_worse_is_told() -> None:
    worth = told(opened(), spikes(60, r5=3.0, r10=3.2, r15=3.4))
    assert np.flatnonzero(worth).tolist() == [5, 15]


def test_a_stronger_onset_than_any_before_keeps_its_full_worth() -> None:
    worth = told(opened(), spikes(400, r5=3.0, r50=3.0, r100=3.0, r200=6.0))
    assert worth[200] == pytest.approx(6.0, abs=1e-6)


def test_old_onsets_count_less() -> None:
    soon, late = (Onsets(20, half_life=100.0) for _ in range(2))
    assert told(late, spikes(1_001, r5=3.0, r1000=3.0))[1000] > told(soon, spikes(101, r5=3.0, r100=3.0))[100]


def test_an_onset_settles_at_its_highest_score() -> None:
    worth = told(opened(settle=2), spikes(60, r5=3.0, r6=4.0, r7=5.0))
    assert np.flatnonzero(worth).tolist() == [9]
    assert worth[9] == 5.0


def test_nan_and_zero_are_nothing() -> None:
    assert not told(opened(), np.array([0.0, np.nan, 0.0])).any()


def test_what_comes_later_changes_nothing_and_old_onsets_give_way() -> None:
    scores = np.random.default_rng(3).exponential(1.0, 3_000)
    whole = told(opened(settle=1), scores)
    assert np.array_equal(whole[:1_000], told(opened(settle=1), scores[:1_000]))
    assert np.count_nonzero(whole) > REMEMBERED


@pytest.mark.parametrize(("rest", "alive", "name"), [(0, 0.6, "rest"), (10, 0.0, "alive")])
def test_parameters_out_of_range_are_refused(rest: int, alive: float, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Onsets(rest, alive=alive)
