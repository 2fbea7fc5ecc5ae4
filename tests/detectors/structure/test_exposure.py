"""Exposure: the average share of the budget is 1, and more parts get more of it."""

import numpy as np

from tracehound.detectors.bank import Flags
from tracehound.detectors.features.paths import PATH, Paths
from tracehound.detectors.structure.exposure import Exposure


def paths(sizes: list[int]) -> Paths:
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Paths(starts, np.zeros(starts[-1], PATH))


def all_of(rows: int) -> Flags:
    return np.ones(rows, np.bool_)


def test_the_average_share_is_one_and_grows_with_the_parts() -> None:
    exposure = Exposure()
    exposure.open(0)
    sizes = [1, 4, 100] * 1000
    weights = exposure.weigh_then_learn(np.zeros(3000, np.int64), paths(sizes), all_of(3000))[300:]
    assert abs((10.0**weights).mean() - 1.0) < 0.02
    assert abs(weights[2] - weights[0] - 2.0) < 0.02


def test_a_batch_equals_one_by_one_and_a_snapshot_resumes() -> None:
    together, single = Exposure(), Exposure()
    together.open(0)
    single.open(0)
    sizes = [1, 7, 3, 9, 2] * 20
    expected = together.weigh_then_learn(np.zeros(100, np.int64), paths(sizes), all_of(100))
    for row, size in enumerate(sizes):
        if row == 50:
            resumed = Exposure()
            resumed.open(4)
            resumed.restore(4, single.snapshot(0))
            single = resumed
        slot = np.full(1, 4 if row >= 50 else 0, np.int64)
        assert single.weigh_then_learn(slot, paths([size]), all_of(1))[0] == expected[row]


def test_what_must_not_be_learned_is_not() -> None:
    exposure = Exposure()
    exposure.open(0)
    exposure.weigh_then_learn(np.zeros(1, np.int64), paths([5]), np.zeros(1, np.bool_))
    assert exposure.snapshot(0)["count"] == 0
