"""The reference check, the search and the cross-validation on a corpus made here."""

from collections.abc import Sequence
from math import erfc, sqrt

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.detection import Detections, Setting, detect
from tracehound.scripts.benchmarks.nab.reference import windowed_gaussian
from tracehound.scripts.benchmarks.nab.scorer import PROFILES, worth_of
from tracehound.scripts.benchmarks.nab.search import Search
from tracehound.scripts.benchmarks.nab.validation import choose, cross_validate, tune_on_all
from tracehound.scripts.benchmarks.nab.workload import LabelledSeries


def series(seed: int, fault: int | None = 1_500) -> LabelledSeries:
    draws = np.random.default_rng(seed)
    values = draws.normal(50.0, 3.0, 2_000)
    if fault is not None:
        values[fault : fault + 12] += 60.0
    windows = () if fault is None else ((fault - 60, fault + 60),)
    return LabelledSeries(f"{seed}.csv", np.arange(0.0, 600_000.0, 300.0), values, windows)


CORPUS = [series(seed, None if seed == 2 else 1_200 + 100 * seed) for seed in range(6)]
WORTHS = [worth_of(each) for each in CORPUS]


class FewSettings(Search):
    """A search over two orders of the evidence, to be quick."""

    def best(self, tuning: Sequence[int], smoothing: float) -> Setting:
        choices = [Setting(), Setting(order=2.0)]
        return max(choices, key=lambda setting: self._value(setting, list(tuning), smoothing))


def search() -> FewSettings:
    return FewSettings(Detections(CORPUS), WORTHS, lambda: None)


def normal_tail(value: float, past: Floats) -> float:
    return 1.0 - 0.5 * erfc(abs(value - past.mean()) / past.std() / sqrt(2))


def test_the_windowed_gaussian_is_the_normal_tail_over_what_came_before() -> None:
    values = CORPUS[0].values[:300]
    assert windowed_gaussian(values)[[50, 299]] == pytest.approx(
        [normal_tail(values[row], values[:row]) for row in (50, 299)]
    )


def test_the_windowed_gaussian_moves_by_a_hundred_once_it_is_full() -> None:
    values = np.random.default_rng(0).normal(size=6_800)
    scores = windowed_gaussian(values)
    assert scores[6_499] == pytest.approx(normal_tail(values[6_499], values[:6_400]))
    assert scores[6_500] == pytest.approx(normal_tail(values[6_500], values[100:6_500]))


def test_detections_give_what_the_detector_gives() -> None:
    detections = Detections(CORPUS[:2])
    for setting in (Setting(), Setting(hold=2, order=2.0, shape=0.9, settle=0, largest=3.0)):
        for each, told in zip(CORPUS, detections.told(setting), strict=False):
            assert np.array_equal(told, detect(each, setting))


def test_the_faults_are_found_on_the_half_that_was_not_tuned_on() -> None:
    result = cross_validate(CORPUS, WORTHS, search())
    assert result.choices.keys() == {"tuned_on_even", "tuned_on_odd"}
    assert all(result.scores[profile.name] > 80.0 for profile in PROFILES)


def test_what_is_chosen_depends_on_the_tuning_half_alone() -> None:
    others = [each if index % 2 == 0 else series(index + 50, 700) for index, each in enumerate(CORPUS)]
    worths = [worth_of(each) for each in others]
    even = [0, 2, 4]
    one = choose(CORPUS, WORTHS, even, search())
    other = choose(others, worths, even, FewSettings(Detections(others), worths, lambda: None))
    assert one == other


def test_tuned_on_all_is_at_least_as_good_as_the_default_setting() -> None:
    result = tune_on_all(CORPUS, WORTHS, search())
    assert result.scores["standard"] >= 80.0
    assert list(result.choices) == ["tuned_on_all"]


def test_the_search_climbs_from_the_default_and_remembers_what_it_tried() -> None:
    steps: list[None] = []
    found = Search(Detections(CORPUS[:2]), WORTHS[:2], lambda: steps.append(None))
    setting = found.best([0, 1], 0.1)
    tried = found.tried
    assert found.best([0, 1], 0.1) == setting
    assert found.tried == tried > 20
    assert len(steps) > 20
