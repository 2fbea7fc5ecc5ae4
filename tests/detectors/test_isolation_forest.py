"""The flattened forest gives scikit-learn's scores, and the reservoir is a fair sample."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest as ScikitIsolationForest

from detectors.forest_fit import SUBSAMPLE, TREES, fit_forest
from detectors.isolation_forest import IsolationForest


@pytest.mark.parametrize("rows", [20, 256, 1500])
def test_scores_equal_scikit_learns(rows: int) -> None:
    bank = IsolationForest()
    bank.open(0, 0)
    random = np.random.default_rng(rows)
    sample = random.random((rows, len(bank.columns))).astype(np.float32)
    bank.install(0, fit_forest(sample, seed=77))
    scikit = ScikitIsolationForest(n_estimators=TREES, max_samples=min(SUBSAMPLE, rows), random_state=77).fit(sample)
    asked = np.vstack([sample, random.uniform(-1, 2, (500, len(bank.columns))).astype(np.float32)])
    ours = bank.score_many(np.zeros(len(asked), np.int64), asked.astype(np.float64))
    assert np.allclose(ours, -scikit.score_samples(asked), rtol=0, atol=2e-7)


def test_constant_rows_are_fitted_and_scored() -> None:
    bank = IsolationForest()
    bank.open(0, 0)
    sample = np.full((300, len(bank.columns)), 0.5, np.float32)
    bank.install(0, fit_forest(sample, seed=1))
    assert np.isfinite(bank.score_many(np.zeros(2, np.int64), np.full((2, len(bank.columns)), 0.5))).all()


def test_the_reservoir_holds_old_and_new_rows() -> None:
    bank = IsolationForest(reservoir=500)
    bank.open(0, 5)
    position = np.linspace(0, 1, 5_000)
    values = np.repeat(position[:, None], len(bank.columns), axis=1)
    bank.learn_many(np.zeros(5_000, np.int64), values, np.arange(5_000.0))
    sample, _ = bank.sample(0)
    assert len(sample) == 500
    counts, _ = np.histogram(sample[:, 0], bins=5, range=(0, 1))
    assert counts.min() > 60


def test_a_forest_from_damaged_state_is_refused() -> None:
    bank = IsolationForest()
    bank.open(0, 0)
    bank.install(0, fit_forest(np.random.default_rng(0).random((300, len(bank.columns))).astype(np.float32), 1))
    state = bank.snapshot(0)
    state["child"] = np.full_like(state["child"], 32_000)
    with pytest.raises(ValueError, match="children"):
        bank.restore(0, state)


def test_the_forest_fits_into_its_ceiling() -> None:
    assert IsolationForest().nbytes(0) < 512 * 1024
