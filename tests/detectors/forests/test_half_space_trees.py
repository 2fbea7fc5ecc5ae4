"""The packed half-space trees give River's scores."""

import numpy as np
from river.anomaly import HalfSpaceTrees as RiverHalfSpaceTrees

from tracehound.detectors.forests.half_space_trees import HEIGHT, TREES, WINDOW, HalfSpaceTrees
from tracehound.detectors.forests.river_trees import SEED


def test_scores_equal_rivers_to_the_last_bit() -> None:
    bank = HalfSpaceTrees()
    bank.open(0, 0)
    river = RiverHalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=SEED)
    values = np.random.default_rng(2).beta(2, 5, (1300, len(bank.columns)))
    ours = bank.score_then_learn_many(np.zeros(1300, np.int64), values, np.arange(1300.0), np.ones(1300, np.bool_))
    theirs = []
    for row in values.tolist():
        features = dict(enumerate(row))
        theirs.append(float(river.score_one(features)))
        river.learn_one(features)
    assert ours.tolist() == theirs
    assert max(theirs) > 0


def test_missing_values_take_rivers_way() -> None:
    bank = HalfSpaceTrees()
    bank.open(0, 0)
    river = RiverHalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=SEED)
    random = np.random.default_rng(3)
    values = random.random((900, len(bank.columns)))
    values[1:][random.random((899, len(bank.columns))) < 0.2] = np.nan
    ours = bank.score_then_learn_many(np.zeros(900, np.int64), values, np.arange(900.0), np.ones(900, np.bool_))
    theirs = []
    for row in values.tolist():
        features = {column: value for column, value in enumerate(row) if value == value}
        theirs.append(float(river.score_one(features)))
        river.learn_one(features)
    assert ours.tolist() == theirs
