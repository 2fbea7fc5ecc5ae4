"""The flattened forest gives scikit-learn's scores, and the reservoir is a fair sample."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest as ScikitIsolationForest

from tracehound.detectors.forests.forest_fit import SUBSAMPLE, TREES, fit_forest
from tracehound.detectors.forests.isolation_forest import IsolationForest


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


@pytest.mark.parametrize(("rows", "seed"), [(1, 0), (64, 5), (256, 2**31 + 3), (2_000, -9)])
def test_trees_are_scikit_learns_bit_by_bit(rows: int, seed: int) -> None:
    sample = np.random.default_rng(rows).random((rows, 7)).astype(np.float32)
    sample[:, 3] = 0.5
    forest = fit_forest(sample, seed)
    scikit = ScikitIsolationForest(
        n_estimators=TREES, max_samples=min(SUBSAMPLE, rows), random_state=seed & 0x7FFFFFFF
    ).fit(sample)
    for number, estimator in enumerate(scikit.estimators_):
        tree = estimator.tree_
        queue = [(0, 0)]
        for theirs, ours in queue:
            if tree.children_left[theirs] < 0:
                assert forest["feature"][number, ours] == -1
                continue
            assert forest["feature"][number, ours] == tree.feature[theirs]
            threshold = np.float32(forest["value"][number, ours])
            assert threshold <= tree.threshold[theirs] < np.nextafter(threshold, np.float32(np.inf))
            first = int(forest["child"][number, ours])
            queue += [(tree.children_left[theirs], first), (tree.children_right[theirs], first + 1)]
        assert len(queue) == tree.node_count


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
    with pytest.raises(ValueError, match="'child' of an isolation forest"):
        bank.restore(0, state)


def test_the_forest_fits_into_its_ceiling() -> None:
    assert IsolationForest().nbytes(0) < 512 * 1024


def test_applications_in_later_blocks_are_scored_as_in_the_first() -> None:
    bank = IsolationForest(reservoir=200)
    random = np.random.default_rng(4)
    sample = random.random((300, len(bank.columns)))
    asked = random.uniform(-1, 2, (40, len(bank.columns)))
    slots = np.array([0, 63, 64, 130], np.int64)
    for slot in (0, 130, 64, 63):
        bank.open(slot, seed=9)
        bank.install(slot, fit_forest(sample.astype(np.float32), seed=2))
    alone = bank.score_many(np.zeros(40, np.int64), asked)
    mixed = bank.score_many(np.repeat(slots, 40), np.tile(asked, (4, 1)))
    assert np.array_equal(mixed.reshape(4, 40), np.tile(alone, (4, 1)))
    bank.learn_many(np.tile(slots, 300), np.repeat(sample, 4, axis=0), np.arange(1_200.0))
    kept, _ = bank.sample(0)
    assert len(kept) == 200
    assert all(np.array_equal(bank.sample(int(slot))[0], kept) for slot in slots[1:])


def test_a_slot_that_is_used_again_starts_without_forest_and_rows() -> None:
    bank = IsolationForest(reservoir=50)
    values = np.random.default_rng(5).random((300, len(bank.columns)))
    slots = np.full(300, 3, np.int64)
    bank.open(3, seed=1)
    bank.install(3, fit_forest(values.astype(np.float32), seed=2))
    bank.learn_many(slots, values, np.arange(300.0))
    bank.open(3, seed=1)
    fresh = IsolationForest(reservoir=50)
    fresh.open(3, seed=1)
    assert not bank.score_many(slots, values).any()
    assert bank.warming(slots).all()
    assert len(bank.sample(3)[0]) == 0
    for one in (bank, fresh):
        one.learn_many(slots, values, np.arange(300.0))
    assert np.array_equal(bank.sample(3)[0], fresh.sample(3)[0])
