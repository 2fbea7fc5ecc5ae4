"""Pools of a chart begin with one prior in memory, and none changes that of the others."""

import numpy as np

from tests.detectors.charts.test_chart import same, slots, times
from tracehound.detectors.charts.chart import Chart, ChartRules
from tracehound.detectors.charts.priors import shipped_reference


def test_pools_share_the_prior_until_one_learns() -> None:
    made, prior = Chart(ChartRules(), "call_gap_ms"), shipped_reference("call_gap_ms")
    for pool in range(3):
        made.open_pool(pool, seed=pool)
    made.open(0, seed=1)
    before = made._rows.nbytes()
    made.judge_then_learn(slots(30), slots(30, 1), np.full(30, 100.0), times(30))
    learned = made.snapshot_pool(1)
    assert int(learned["count"]) > len(prior)
    assert made._rows.nbytes() > before
    for pool in (0, 2):
        np.testing.assert_array_equal(made.snapshot_pool(pool)["ordered"], prior)
    made.restore_pool(2, learned)
    made.judge_then_learn(slots(30), slots(30, 2), np.full(30, 100.0), times(30, 30.0))
    assert same(made.snapshot_pool(1), learned)
    for pool in range(3):
        made.open_pool(pool, seed=pool)
        np.testing.assert_array_equal(made.snapshot_pool(pool)["ordered"], prior)
    made.open(0, seed=1)
    assert made._rows.nbytes() == before


def test_a_pool_that_had_learned_nothing_shares_the_prior_once_restored() -> None:
    made, prior = Chart(ChartRules(), "call_gap_ms"), shipped_reference("call_gap_ms")
    made.open_pool(0, seed=0)
    before = made._rows.nbytes()
    made.restore_pool(1, made.snapshot_pool(0))
    assert made._rows.nbytes() == before
    made.open(0, seed=1)
    made.judge_then_learn(slots(30), slots(30, 1), np.full(30, 100.0), times(30))
    np.testing.assert_array_equal(made.snapshot_pool(0)["ordered"], prior)
    assert int(made.snapshot_pool(1)["count"]) > len(prior)
