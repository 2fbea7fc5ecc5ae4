"""What the chart learns and what it holds back: gate, single outliers, faults that persist, and new normals."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.charts.chart import Chart, ChartJudgement, ChartRules
from tracehound.detectors.charts.kernel import CANDIDATES_LEAST

PATIENCE_S = 600.0
TWO_HOURS = 7_200


def slots(rows: int) -> Slots:
    return np.zeros(rows, np.int64)


def usual(rows: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).lognormal(4.0, 0.3, rows)


def run(made: Chart, values: Floats, start: float, after_s: float = np.inf, step: float = 1.0) -> ChartJudgement:
    n = len(values)
    times = start + step * np.arange(n, dtype=np.float64)
    return made.judge_then_learn(slots(n), slots(n), values, times, None, np.full(n, after_s))


def trained(rows: int = 1_000) -> Chart:
    made = Chart(ChartRules(patience_s=PATIENCE_S))
    made.open(0, seed=1)
    made.open_pool(0, seed=1)
    run(made, usual(rows), 0.0)
    return made


def test_nothing_is_learned_beyond_the_gate() -> None:
    made = trained()
    run(made, np.full(10, 400.0), 1_000)
    before, pool = made.snapshot(0), made.snapshot_pool(0)
    run(made, np.full(500, 400.0), 1_010)
    assert np.array_equal(before["ordered"], made.snapshot(0)["ordered"])
    assert np.array_equal(pool["ordered"], made.snapshot_pool(0)["ordered"])


def test_a_fault_of_two_hours_does_not_become_normal() -> None:
    made = trained()
    normal = made.typical(0)
    fault = run(made, 4.0 * usual(TWO_HOURS, seed=2), 1_000)
    assert (fault.sigma[10:] >= 6).all()
    assert not fault.accepted.any()
    assert made.typical(0) == pytest.approx(normal, rel=0.05)
    assert fault.lasting[-1] == pytest.approx(TWO_HOURS, abs=10)
    assert (np.diff(fault.lasting[10:]) > 0).all()
    over = run(made, usual(200, seed=3), 1_000 + TWO_HOURS)
    assert not over.sigma[60:].max() >= 4
    assert not over.lasting[60:].any()


def test_a_deviation_that_a_release_brought_becomes_the_new_normal() -> None:
    made = trained()
    slower = run(made, 4.0 * usual(1_000, seed=2), 1_000, after_s=120.0)
    [accepted] = np.flatnonzero(slower.accepted)
    assert 120 < accepted < 130
    assert slower.lasting[accepted] > 120
    assert slower.sigma[accepted] >= 6
    assert slower.sigma[accepted + 1 :].max() < 6
    assert made.typical(0)[1] == pytest.approx(4 * np.exp(4.0), rel=0.1)
    back = run(made, usual(300, seed=4), 2_000)
    assert back.sigma.max() < 6
    again = run(made, 16.0 * usual(30, seed=5), 2_300)
    assert again.sigma.max() > 6


def test_a_new_normal_rests_on_enough_values() -> None:
    made = trained()
    seldom = run(made, np.full(100, 400.0), 1_000, after_s=120.0, step=60.0)
    [accepted] = np.flatnonzero(seldom.accepted)
    deviating_from = int(np.argmax(seldom.sigma >= 4))
    assert accepted - deviating_from + 1 == CANDIDATES_LEAST


@pytest.mark.parametrize(("released_s", "expected"), [(990.0, True), (1_300.0, False)])
def test_a_release_brings_only_what_began_after_it(released_s: float, expected: bool) -> None:
    made, n = trained(), 600
    times = 1_000.0 + np.arange(n, dtype=np.float64)
    judged = made.judge_then_learn(
        slots(n), slots(n), np.full(n, 400.0), times, None, np.full(n, 120.0), np.full(n, released_s)
    )
    assert judged.accepted.any() == expected
    assert (judged.lasting > 500).any() != expected


def test_a_deviation_that_is_interrupted_begins_anew() -> None:
    made = trained()
    first = run(made, np.full(100, 400.0), 1_000, after_s=120.0)
    run(made, usual(60, seed=6), 1_100, after_s=120.0)
    second = run(made, np.full(100, 400.0), 1_160, after_s=120.0)
    assert not first.accepted.any()
    assert not second.accepted.any()
    assert second.lasting.max() <= 100


def test_a_key_that_is_still_young_accepts_after_patience_though_it_was_told_never() -> None:
    young, grown = trained(60), trained(150)
    for made, start in ((young, 60.0), (grown, 150.0)):
        run(made, np.full(550, 400.0), start)
    still = [run(made, np.full(100, 400.0), start).accepted.any() for made, start in ((young, 610.0), (grown, 700.0))]
    assert still == [True, False]
    assert young.typical(0)[1] == pytest.approx(400.0)
    assert grown.typical(0)[1] < 80


def test_a_single_outlier_is_learned_at_most_once_per_patience() -> None:
    made = trained()
    learned = 0
    for minute in range(20):
        before = made.snapshot(0)
        start = 1_000.0 + 60 * minute
        run(made, np.array([1e5]), start)
        learned += made.snapshot(0)["outlier_learned"] != before["outlier_learned"]
        run(made, usual(30, seed=minute), start + 1)
    assert learned == 2
    ordered = np.asarray(made.snapshot(0)["ordered"], np.float64)
    assert (ordered > 1e4).sum() <= 2


def test_an_outlier_that_comes_often_keeps_its_surprise() -> None:
    """One in fifty: the reference must not fill with them, or the next fault would be within its tail."""
    made = trained()
    values = usual(5_000, seed=7)
    values[::50] = 1e5
    run(made, values, 1_000, step=0.1)
    assert made.judge(slots(1), slots(1), np.array([1e5])).tail[0] > 4


def test_a_slow_drift_is_followed() -> None:
    made = trained()
    drifting = usual(60_000, seed=5) * np.linspace(1.0, 2.0, 60_000)
    judged = run(made, drifting, 1_000)
    assert judged.sigma.max() < 8
    assert made.typical(0)[1] > 1.7 * np.exp(4.0)
