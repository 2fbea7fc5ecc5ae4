"""Costs of training are estimated from runs: of known laws exactly, of real fits within 30 %, whatever one run met."""

import random
from collections.abc import Callable
from statistics import median

import numpy as np
import pytest

from tracehound.console.training.estimate import (
    SUBSAMPLE,
    TrainingRun,
    cost_model,
    error_share,
    estimated_before,
)
from tracehound.detectors.forests import forest_fit

REPETITIONS = 7


def run(samples: int, cpu_s: float) -> TrainingRun:
    return TrainingRun(cpu_s, 1.5 * cpu_s, samples, 98_304)


def law(samples: int) -> float:
    return 0.004 + 1e-5 * min(samples, SUBSAMPLE) + 2e-7 * samples


def runs_of(cost: Callable[[int], float], sizes: list[int]) -> list[TrainingRun]:
    return [run(samples, cost(samples)) for samples in sizes]


SIZES = [64, 90, 150, 256, 400, 800, 1_300, 2_000]


def test_the_subsample_is_that_of_the_forests() -> None:
    assert forest_fit.SUBSAMPLE == SUBSAMPLE


def test_a_law_of_its_own_form_is_found() -> None:
    model = cost_model(runs_of(law, SIZES))
    for samples in (70, 200, 1_000, 5_000):
        assert model.cpu_s(samples) == pytest.approx(law(samples), rel=0.01)
    assert model.waits == pytest.approx(1.5)
    assert (model.model_bytes, model.runs) == (98_304, 8)


def test_runs_that_others_made_dearer_do_not_spoil_it() -> None:
    draw = random.Random(5)
    noisy = [run(n, law(n) * draw.uniform(0.95, 1.05)) for n in SIZES * 5]
    for place in range(0, len(noisy), 6):  # every sixth met a machine with no time for it
        noisy[place] = run(noisy[place].samples, noisy[place].cpu_s * draw.uniform(2.0, 30.0))
    model = cost_model(noisy)
    for samples in (70, 200, 1_000):
        assert model.cpu_s(samples) == pytest.approx(law(samples), rel=0.15)


def test_few_runs_scale_the_reference_and_none_is_the_reference() -> None:
    reference = cost_model([])
    assert reference.runs == 0
    assert 0.001 < reference.cpu_s(2_000) < 0.1
    slow = cost_model([run(500, 3.0 * reference.cpu_s(500))])
    assert slow.cpu_s(2_000) == pytest.approx(3.0 * reference.cpu_s(2_000))


def test_runs_of_one_size_say_what_that_size_costs() -> None:
    model = cost_model(runs_of(law, [2_000] * 6))
    assert model.cpu_s(2_000) == pytest.approx(law(2_000), rel=0.01)
    assert model.cpu_s(1_000) > 0.0


def test_what_cost_nothing_teaches_nothing() -> None:
    assert cost_model([run(0, 1.0), run(100, 0.0)]) == cost_model([])
    assert error_share(1.0, 0.0) is None


def test_each_run_was_estimated_from_those_before_it() -> None:
    runs = runs_of(law, SIZES * 3)
    estimates = estimated_before(runs, anew_every=4)
    assert len(estimates) == len(runs)
    assert estimates[:4] == [cost_model([]).cpu_s(one.samples) for one in runs[:4]]
    errors = [error_share(told, one.cpu_s) for told, one in zip(estimates[8:], runs[8:], strict=True)]
    assert max(error or 0.0 for error in errors) < 0.05
    assert estimated_before(runs[:20], 4) == estimates[:20]


def test_a_real_fit_costs_what_was_estimated_within_30_percent() -> None:
    """CPU seconds of real fits, all sizes in turn, the cheapest of several of each.

    What else the machine does can only make a fit dearer, and it meets those that are learned from and those that are
    estimated alike; wall time plays no part.
    """
    draw = np.random.default_rng(1)
    learned, asked = [64, 128, 200, 400, 900, 2_000], [96, 256, 600, 1_500]
    samples = {size: draw.random((size, 5), np.float32) for size in (*learned, *asked)}
    took: dict[int, list[float]] = {size: [] for size in samples}
    for repetition in range(REPETITIONS):
        for size, rows in samples.items():
            took[size].append(forest_fit.fit_forest(rows, repetition)["cpu_s"])
    model = cost_model([run(size, min(took[size])) for size in learned])
    errors = [error_share(model.cpu_s(size), min(took[size])) or 0.0 for size in asked]
    assert median(errors) <= 0.3
    assert min(took[2_000]) > min(took[64])
