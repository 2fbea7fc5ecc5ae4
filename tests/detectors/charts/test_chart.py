"""The chart: what it flags, what its margin and its prior keep quiet, and that it resumes exactly."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats, Slots, State
from tracehound.detectors.charts.chart import Chart, ChartJudgement, ChartRules
from tracehound.detectors.charts.kernel import CANDIDATES, OWN_LEAST, PRIOR_LIMIT, REFERENCE

FIELDS = ("sigma", "tail", "rank", "level", "bounds", "learned", "lasting", "accepted")


def chart(rules: ChartRules | None = None, signal: str | None = None) -> Chart:
    made = Chart(rules or ChartRules(warm_up=30), signal)
    made.open(0, seed=3)
    made.open_pool(0, seed=3)
    return made


def slots(rows: int, slot: int = 0) -> Slots:
    return np.full(rows, slot, np.int64)


def usual(rows: int, seed: int = 1, median: float = 55.0) -> Floats:
    return np.random.default_rng(seed).lognormal(np.log(median), 0.3, rows)


def times(rows: int, start: float = 0.0, step: float = 1.0) -> Floats:
    return start + step * np.arange(rows, dtype=np.float64)


def run(made: Chart, values: Floats, start: float = 0.0, step: float = 1.0, slot: int = 0) -> ChartJudgement:
    rows = len(values)
    return made.judge_then_learn(slots(rows, slot), slots(rows), values, times(rows, start, step))


def trained(rules: ChartRules | None = None, rows: int = 1_000) -> Chart:
    made = chart(rules)
    run(made, usual(rows))
    return made


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(np.asarray(one[name]), np.asarray(other[name]), equal_nan=True) for name in one
    )


def equal(one: ChartJudgement, other: ChartJudgement) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in FIELDS)


def test_a_key_says_nothing_by_itself_before_it_has_ten_values_and_no_tail_before_its_warm_up() -> None:
    judged = run(chart(), usual(100))
    assert judged.learned.tolist() == list(range(100))
    assert not judged.sigma[:OWN_LEAST].any()
    assert (judged.rank[:OWN_LEAST] == 0.5).all()
    assert not judged.tail[:30].any()
    assert judged.sigma[OWN_LEAST:].any()
    assert judged.tail[30:].any()


def test_three_or_four_extreme_values_make_six_sigma_and_a_single_one_does_not() -> None:
    for seed in range(20):
        made = chart()
        run(made, usual(1_000, seed))
        single = made.judge(slots(1), slots(1), np.array([1e6]))
        assert single.sigma[0] < 6
        assert single.tail[0] > 8
        shifted = run(made, np.full(6, 1e6), 1_000)
        assert np.argmax(shifted.sigma >= 6) + 1 in (2, 3, 4)


def test_a_small_shift_that_lasts_shows_too() -> None:
    made = trained()
    shifted = run(made, 1.5 * usual(60, seed=8), 1_000)
    assert shifted.sigma.max() > 6
    assert shifted.sigma[:3].max() < 6


def test_only_larger_values_deviate() -> None:
    faster = run(trained(), np.full(100, 1e-3), 1_000)
    assert faster.sigma.max() < 4
    assert not faster.tail.any()


def test_normal_values_rarely_pass_the_gate_and_never_eight_sigma() -> None:
    judged = run(chart(), usual(50_000, seed=9), step=0.1)
    assert (judged.sigma >= 4).mean() < 0.01
    assert judged.sigma.max() < 8
    assert (judged.tail[500:] >= 8).mean() <= 2e-4


def test_ties_are_in_the_middle_of_their_rank() -> None:
    judged = run(chart(), np.full(500, 4.0))
    assert np.abs(judged.sigma).max() < 0.1
    assert np.abs(judged.rank - 0.5).max() < 0.1


@pytest.mark.parametrize(
    ("rules", "inside", "outside"),
    [(ChartRules(margin=20.0), 118.0, 160.0), (ChartRules(margin_share=0.5), 148.0, 200.0)],
    ids=["absolute", "share"],
)
def test_what_lies_within_the_margin_means_nothing(rules: ChartRules, inside: float, outside: float) -> None:
    values = 100.0 + np.random.default_rng(1).normal(0.0, 0.1, 1_000)
    strict, lax = chart(), chart(rules)
    run(strict, values)
    run(lax, values)
    assert run(strict, np.full(5, inside), 1_000).sigma.max() > 4
    within = run(lax, np.full(50, inside), 1_000)
    assert within.sigma.max() < 2
    assert not within.tail.any()
    assert run(lax, np.full(10, outside), 1_050).sigma.max() > 6


def test_the_larger_margin_counts() -> None:
    values = 100.0 + np.random.default_rng(1).normal(0.0, 0.1, 1_000)
    made = chart(ChartRules(margin=5.0, margin_share=0.5))
    run(made, values)
    assert run(made, np.full(20, 140.0), 1_000).sigma.max() < 2


def test_a_key_that_only_its_pool_can_judge_never_deviates_by_itself() -> None:
    made = chart(signal="call_gap_ms")
    judged = run(made, np.full(OWN_LEAST, 1e6))
    assert not judged.sigma.any()
    assert not judged.tail.any()
    assert not judged.accepted.any()
    assert made.count(0) == OWN_LEAST
    steady = made.snapshot(0)["slow"]
    assert isinstance(steady, float)
    assert 0 < steady < PRIOR_LIMIT


@pytest.mark.parametrize("seed", range(10))
def test_a_new_peer_that_is_slow_from_the_start_is_no_fault(seed: int) -> None:
    made = chart(signal="call_gap_ms")
    slow = run(made, usual(300, seed, median=400.0))
    assert slow.sigma.max() < 6
    assert not slow.accepted.any()
    assert made.count(0) > 200


@pytest.mark.parametrize("own", [20, 40, 80])
def test_few_values_of_its_own_are_blended_with_the_pool(own: int) -> None:
    """A value that is extreme among its own, and usual in the application, deviates less."""
    alone, among = chart(ChartRules(warm_up=10)), chart(ChartRules(warm_up=10))
    among.open(1, seed=4)
    run(among, usual(300, median=60.0), slot=1)
    for made in (alone, among):
        run(made, 10.0 + 0.01 * np.arange(own, dtype=np.float64), 300)
    value = np.array([60.0])
    by_itself, blended = alone.judge(slots(1), slots(1), value), among.judge(slots(1), slots(1), value)
    assert by_itself.tail[0] > 4
    assert blended.tail[0] < 2
    assert blended.sigma[0] < by_itself.sigma[0]


def largest_of(made: Chart) -> float:
    return float(np.max(made.snapshot(0)["ordered"]))


def test_few_values_take_in_an_outlier_only_once_the_next_is_none() -> None:
    made = chart()
    run(made, usual(40))
    known = made.count(0)
    run(made, np.array([5_000.0]), start=40.0)
    assert made.count(0) == known
    run(made, np.array([55.0]), start=41.0)
    assert made.count(0) == known + 2
    assert largest_of(made) == 5_000.0
    run(made, np.array([50_000.0] * 4), start=10_000.0)
    assert largest_of(made) == 5_000.0


def test_many_values_of_its_own_no_longer_look_at_the_pool() -> None:
    alone, among = chart(), chart()
    among.open(1, seed=4)
    run(among, usual(300, median=20.0), slot=1)
    steady = 10.0 + np.random.default_rng(2).normal(0.0, 0.1, 400)
    for made in (alone, among):
        run(made, steady, 300)
    by_itself, blended = (run(made, np.full(4, 20.0), 700).sigma for made in (alone, among))
    assert np.allclose(by_itself, blended, atol=0.2)


def test_missing_values_change_nothing_but_keep_their_place() -> None:
    made = trained(rows=200)
    before, pool = made.snapshot(0), made.snapshot_pool(0)
    judged = run(made, np.full(3, np.nan), 200)
    assert judged.sigma.tolist() == judged.tail.tolist() == [0.0] * 3
    assert judged.rank.tolist() == [0.5] * 3
    assert same(before, made.snapshot(0))
    assert same(pool, made.snapshot_pool(0))


@pytest.mark.parametrize("value", [-1.0, -1e9, 0.0, 1e30, np.inf])
def test_values_at_the_ends_of_the_range_leave_everything_finite(value: float) -> None:
    made = trained()
    judged = run(made, np.array([value, *usual(5)]), 1_000)
    assert np.isfinite(judged.sigma).all()
    assert not np.isnan(judged.tail).any()
    assert np.isfinite(judged.level[-1]) or np.isinf(value)


def test_the_level_follows_recent_values_and_bounds_are_those_of_the_reference() -> None:
    made = trained()
    low, typical, high = made.typical(0)
    judged = run(made, np.full(10, 400.0), 1_000)
    assert judged.level[0] < judged.level[-1] < 400.0
    assert judged.level[-1] == pytest.approx(400.0, rel=0.1)
    assert judged.bounds[-1] == pytest.approx([low, typical, high], rel=0.05)
    assert low < typical < high
    assert 45 < typical < 65


def test_judging_changes_nothing() -> None:
    made = trained()
    before, pool = made.snapshot(0), made.snapshot_pool(0)
    judged = made.judge(slots(50), slots(50), np.full(50, 1e5))
    assert same(before, made.snapshot(0))
    assert same(pool, made.snapshot_pool(0))
    assert len(set(judged.sigma.tolist())) == 1


def test_what_must_not_be_learned_is_not() -> None:
    made = trained()
    before, pool = made.snapshot(0), made.snapshot_pool(0)
    made.judge_then_learn(slots(50), slots(50), usual(50), times(50, 1_000), np.zeros(50, np.bool_))
    assert same(before, made.snapshot(0))
    assert same(pool, made.snapshot_pool(0))


def story() -> Floats:
    """Normal, a fault, normal again, missing values, and a release."""
    return np.concatenate(
        [usual(900), np.full(60, 400.0), usual(300, 2), [np.nan] * 3, 2.0 * usual(500, 3), usual(50, 4)]
    )


def test_a_batch_is_the_same_as_one_value_after_the_other() -> None:
    values = story()
    n = len(values)
    after = np.full(n, 120.0)
    at_once, in_turn = chart(signal="self_ms"), chart(signal="self_ms")
    everything = np.ones(n, np.bool_)
    whole = at_once.judge_then_learn(slots(n), slots(n), values, times(n), everything, after)
    assert whole.accepted.any()
    for i in range(n):
        part = in_turn.judge_then_learn(
            slots(1), slots(1), values[i : i + 1], times(1, i), everything[:1], after[i : i + 1]
        )
        assert all(np.array_equal(getattr(part, name)[0], getattr(whole, name)[i]) for name in FIELDS)
    assert same(at_once.snapshot(0), in_turn.snapshot(0))
    assert same(at_once.snapshot_pool(0), in_turn.snapshot_pool(0))


@pytest.mark.parametrize("cut", [0, 5, 60, 920, 1_000, 1_262, 1_400])
def test_a_snapshot_of_key_and_pool_resumes_where_it_was_taken(cut: int) -> None:
    values = story()
    n = len(values)
    after = np.full(n, 120.0)
    everything = np.ones(n, np.bool_)
    whole, resumed = chart(signal="self_ms"), Chart(ChartRules(warm_up=30), "self_ms")
    whole.judge_then_learn(slots(cut), slots(cut), values[:cut], times(cut), everything[:cut], after[:cut])
    resumed.open(7, seed=99)
    resumed.open_pool(2, seed=99)
    resumed.restore(7, whole.snapshot(0))
    resumed.restore_pool(2, whole.snapshot_pool(0))
    left = n - cut
    rest = (values[cut:], times(left, cut), everything[cut:], after[cut:])
    went_on = whole.judge_then_learn(slots(left), slots(left), *rest)
    came_back = resumed.judge_then_learn(slots(left, 7), slots(left, 2), *rest)
    assert equal(went_on, came_back)
    assert same(whole.snapshot(0), resumed.snapshot(7))
    assert same(whole.snapshot_pool(0), resumed.snapshot_pool(2))


def test_a_snapshot_is_a_copy() -> None:
    made = trained()
    before, pool = made.snapshot(0), made.snapshot_pool(0)
    run(made, usual(500, 6), 1_000)
    again = trained()
    assert same(before, again.snapshot(0))
    assert same(pool, again.snapshot_pool(0))


def test_keys_of_one_pool_do_not_touch_each_others_references() -> None:
    made = trained()
    made.open(1, seed=8)
    before = made.snapshot(0)
    run(made, usual(500, 6), 1_000, slot=1)
    assert same(before, made.snapshot(0))


def test_what_is_replaced_follows_from_the_seed() -> None:
    values = usual(5_000)
    made = []
    for seed in (3, 3, 4):
        one = Chart(ChartRules())
        one.open(0, seed)
        one.open_pool(0, seed)
        run(one, values)
        made.append(one.snapshot(0)["ordered"])
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_memory_is_bounded_and_references_stay_sorted() -> None:
    made = chart()
    run(made, np.concatenate([usual(20_000, seed=4), np.full(5_000, 1e6)]))
    state, pool = made.snapshot(0), made.snapshot_pool(0)
    for ordered, size in (
        (state["ordered"], REFERENCE),
        (state["candidate"], CANDIDATES),
        (pool["ordered"], REFERENCE),
    ):
        assert isinstance(ordered, np.ndarray)
        assert len(ordered) == size
        assert (np.diff(ordered) >= 0).all()
    assert made.nbytes() < 4_096
    assert made.pool_nbytes() < 4_096


@pytest.mark.parametrize("name", ["ordered", "candidate"])
def test_a_state_that_does_not_fit_is_refused(name: str) -> None:
    made = trained()
    with pytest.raises(ValueError, match=f"The '{name}' of a chart must be an array of float32"):
        made.restore(0, made.snapshot(0) | {name: np.zeros(501)})
    with pytest.raises(KeyError):
        made.restore(0, {})
    with pytest.raises(ValueError, match="'ordered' of a chart's pool"):
        made.restore_pool(0, made.snapshot_pool(0) | {"count": 3})
