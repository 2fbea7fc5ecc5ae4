"""NAB's scoring on series small enough to be counted by hand."""

import math

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.scorer import (
    CANDIDATES,
    NO_WINDOW,
    PROBATION,
    PROFILES,
    Worth,
    normalised_at,
    optimise,
    probation_rows,
    raw_score,
    scaled_sigmoid,
    smooth,
    smooth_threshold,
    totals_by_threshold,
    worth_of,
)
from tracehound.scripts.benchmarks.nab.workload import LabelledSeries

STANDARD, LOW_FP, LOW_FN = PROFILES


def worth(rows: int = 1_000, *windows: tuple[int, int]) -> Worth:
    return worth_of(LabelledSeries("some.csv", np.arange(0.0, 300.0 * rows, 300.0), np.zeros(rows), windows))


def at(rows: int, **scores: float) -> Floats:
    made = np.zeros(rows)
    for row, score in scores.items():
        made[int(row[1:])] = score
    return made


@pytest.mark.parametrize(("rows", "probation"), [(1_000, 150), (1_127, 169), (5_000, 750), (22_695, 750)])
def test_probation_is_a_share_up_to_a_limit(rows: int, probation: int) -> None:
    assert probation_rows(rows) == probation
    assert (worth(rows).window == PROBATION).sum() == probation


def test_the_sigmoid_is_as_published() -> None:
    obtained = scaled_sigmoid(np.array([-1.0, -0.5, 0.0, 1.0, 3.1]))
    assert obtained == pytest.approx([0.98661, 0.84828, 0.0, -0.98661, -1.0], abs=1e-5)


def test_rows_are_worth_most_at_the_beginning_of_a_window_and_least_far_behind_it() -> None:
    of = worth(1_000, (400, 499))
    assert of.worth[400] == pytest.approx(1.0)
    assert (np.diff(of.worth[400:800]) <= 1e-12).all()
    assert of.worth[300] == -1.0
    assert of.worth[500] == pytest.approx(2 / (1 + math.exp(5 / 99)) - 1)
    assert of.worth[900] == -1.0
    assert (np.flatnonzero(of.window == 0) == np.arange(400, 500)).all()
    assert of.window[600] == NO_WINDOW


def test_nothing_scores_0_and_perfection_100() -> None:
    worths = [worth(1_000, (400, 499)), worth(1_000)]
    perfect = [at(1_000, r400=1.0), np.zeros(1_000)]
    for each in PROFILES:
        assert normalised_at(perfect, worths, [0.5, 0.5], each) == pytest.approx(100.0)
        assert normalised_at(perfect, worths, [2.0, 2.0], each) == 0.0


def test_only_the_best_detection_of_a_window_counts_and_each_false_one() -> None:
    of = worth(1_000, (400, 499))
    scores = at(1_000, r300=1.0, r310=1.0, r420=1.0, r460=1.0)
    assert raw_score(scores, of, 0.5, STANDARD) == pytest.approx(of.worth[420] - 2 * 0.11)
    assert raw_score(scores, of, 0.5, LOW_FP) == pytest.approx(of.worth[420] - 2 * 0.22)


def test_a_missed_window_costs_its_weight() -> None:
    of = worth(1_000, (400, 499), (700, 799))
    assert raw_score(at(1_000, r400=1.0), of, 0.5, LOW_FN) == pytest.approx(1.0 - 2.0)


def test_probation_is_free() -> None:
    assert raw_score(at(1_000, r100=1.0), worth(), 0.5, STANDARD) == 0.0


def test_the_optimum_is_the_best_of_all_thresholds() -> None:
    draws = np.random.default_rng(5)
    worths = [worth(1_000, (400, 499)), worth(1_000, (600, 650), (800, 900))]
    scores = [np.round(draws.random(1_000) ** 4, 2) for _ in worths]
    for row, window in ((0, 410), (1, 605)):
        scores[row][window] = 0.99
    for profile in PROFILES:
        optimum = optimise(scores, worths, profile)
        tried = [normalised_at(scores, worths, [threshold] * 2, profile) for threshold in np.unique(scores)]
        assert optimum.normalised == pytest.approx(max(0.0, *tried))
        assert optimum.normalised == pytest.approx(
            normalised_at(scores, worths, [optimum.threshold] * 2, profile), abs=1e-9
        )


def test_where_nothing_is_worth_telling_the_threshold_is_out_of_reach() -> None:
    optimum = optimise([at(1_000, r300=1.0)], [worth(1_000, (400, 499))], STANDARD)
    assert (optimum.threshold, optimum.normalised) == (math.inf, 0.0)


def test_totals_by_threshold_agree_with_the_score_at_each() -> None:
    of = worth(1_000, (400, 499))
    scores = at(1_000, r300=0.3, r420=0.5, r410=0.2, r700=3.0)
    totals = totals_by_threshold(scores, of, STANDARD)
    for index in (0, 100, 150, 239):
        raw = raw_score(scores, of, float(CANDIDATES[index]), STANDARD)
        assert totals[index] == pytest.approx(raw + 1.0)


def test_smoothing_prefers_a_broad_optimum() -> None:
    totals = np.zeros(len(CANDIDATES))
    totals[50], totals[150:200] = 1.2, 1.0
    assert int(totals.argmax()) == 50
    assert 150 <= int(smooth(totals, 0.2).argmax()) < 200
    assert smooth(totals, 0.0).max() == 1.2


def test_the_smooth_threshold_lies_between_detections_and_false_ones() -> None:
    scores = at(1_000, r420=3.0, r300=0.2, r310=0.2, r700=0.2)
    assert 0.2 < smooth_threshold([scores], [worth(1_000, (400, 499))], STANDARD, 0.1) <= 3.0
