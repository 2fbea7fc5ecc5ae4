"""Every registered detector keeps the contract of tracehound.detectors.bank; a new one is found here by itself."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.detectors.damage import changes
from tracehound.detectors.bank import Bank, Floats, Slots, State
from tracehound.detectors.ensemble.registry import DETECTORS
from tracehound.detectors.forests.refitting import RefittedBank
from tracehound.detectors.settings import DetectionSettings

SETTINGS = DetectionSettings(reservoir=256)
ROWS = 700
MAKERS: list[Callable[[], Bank]] = [lambda build=build: build(SETTINGS) for build in DETECTORS]  # type: ignore[misc]
IDS = [make().name for make in MAKERS]


@pytest.fixture(params=MAKERS, ids=IDS)
def make(request: pytest.FixtureRequest) -> Callable[[], Bank]:
    maker: Callable[[], Bank] = request.param
    return maker


def normal(bank: Bank, rows: int = ROWS, seed: int = 5) -> Floats:
    """Values in the middle of each column's range; the error flag is almost never set."""
    random = np.random.default_rng(seed)
    values = random.uniform(0.3, 0.7, (rows, len(bank.columns)))
    for column, name in enumerate(bank.columns):
        if name == "error":
            values[:, column] = random.random(rows) < 0.002
    return values


def anomalous(bank: Bank, rows: int = 20) -> Floats:
    """Values at the upper end of each column's range."""
    return np.full((rows, len(bank.columns)), 0.999)


def slots(rows: int, slot: int = 0) -> Slots:
    return np.full(rows, slot, np.int64)


def times(rows: int, start: float = 0.0) -> Floats:
    return start + np.arange(rows, dtype=np.float64)


def learned(make: Callable[[], Bank], *, slot: int = 0, seed: int = 11) -> Bank:
    """A bank that has learned normal values for one key and, where it refits, was refitted."""
    bank = make()
    bank.open(slot, seed)
    bank.learn_many(slots(ROWS, slot), normal(bank), times(ROWS))
    refit(bank, slot)
    return bank


def refit(bank: Bank, slot: int) -> None:
    if isinstance(bank, RefittedBank):
        bank.install(slot, bank.fit(*bank.sample(slot)))


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(np.asarray(one[name]), np.asarray(other[name]), equal_nan=True) for name in one
    )


def test_a_cold_score_is_zero_and_says_that_it_is_warming(make: Callable[[], Bank]) -> None:
    bank = make()
    bank.open(0, 1)
    scores = bank.score_many(slots(5), anomalous(bank, 5))
    assert scores.tolist() == [0.0] * 5
    assert bank.warming(slots(5)).all()


def test_a_learned_key_no_longer_warms(make: Callable[[], Bank]) -> None:
    assert not learned(make).warming(slots(1)).any()


def test_scoring_changes_neither_state_nor_input(make: Callable[[], Bank]) -> None:
    bank = learned(make)
    before, values = bank.snapshot(0), anomalous(bank)
    given = values.copy()
    bank.score_many(slots(len(values)), values)
    assert same(before, bank.snapshot(0))
    assert np.array_equal(values, given)


def test_learning_leaves_its_input_alone(make: Callable[[], Bank]) -> None:
    bank = make()
    bank.open(0, 1)
    values = normal(bank)
    given = values.copy()
    bank.learn_many(slots(ROWS), values, times(ROWS))
    assert np.array_equal(values, given)


def test_missing_and_extreme_values_score_finite(make: Callable[[], Bank]) -> None:
    bank = learned(make)
    width = len(bank.columns)
    values = np.array([[np.nan] * width, [0.0] * width, [1.0] * width, [1e12] * width, [-1e12] * width])
    rows = len(values)
    assert np.isfinite(bank.score_many(slots(rows), values)).all()
    scores = bank.score_then_learn_many(slots(rows), values, times(rows, ROWS), np.ones(rows, np.bool_))
    assert np.isfinite(scores).all()
    assert np.isfinite(bank.score_many(slots(ROWS), normal(bank))).all()


def test_the_same_seed_gives_the_same_scores(make: Callable[[], Bank]) -> None:
    one, other = learned(make, seed=3), learned(make, seed=3)
    values = normal(one, seed=6)
    assert np.array_equal(one.score_many(slots(ROWS), values), other.score_many(slots(ROWS), values))
    assert same(one.snapshot(0), other.snapshot(0))


def test_a_batch_is_the_same_as_one_row_after_the_other(make: Callable[[], Bank]) -> None:
    batch, single = learned(make), learned(make)
    values = np.vstack([normal(batch, 300, seed=8), anomalous(batch), normal(batch, 300, seed=9)])
    rows = len(values)
    learn = np.arange(rows) % 5 != 0
    at_once = batch.score_then_learn_many(slots(rows), values, times(rows, ROWS), learn)
    in_turn = Bank.score_then_learn_many(single, slots(rows), values, times(rows, ROWS), learn)
    assert np.array_equal(at_once, in_turn)
    assert same(batch.snapshot(0), single.snapshot(0))


def test_keys_do_not_influence_each_other(make: Callable[[], Bank]) -> None:
    alone, together = learned(make), learned(make)
    for slot in (1, 40):
        together.open(slot, 99 + slot)
    values = normal(alone, 400, seed=10)
    mixed_slots = np.array([0, 1, 40, 0] * 400)
    mixed = np.repeat(values, 4, axis=0)[: len(mixed_slots)]
    mine = mixed_slots == 0
    everything = np.ones(len(mixed), np.bool_)
    among_others = together.score_then_learn_many(mixed_slots, mixed, times(len(mixed), ROWS), everything)[mine]
    by_itself = alone.score_then_learn_many(
        slots(int(mine.sum())), mixed[mine], times(len(mixed), ROWS)[mine], everything[mine]
    )
    assert np.array_equal(among_others, by_itself)


def test_a_snapshot_resumes_where_it_was_taken(make: Callable[[], Bank]) -> None:
    bank, resumed = learned(make), make()
    resumed.open(7, 12345)
    resumed.restore(7, bank.snapshot(0))
    values, everything = normal(bank, 600, seed=13), np.ones(600, np.bool_)
    went_on = bank.score_then_learn_many(slots(600), values, times(600, ROWS), everything)
    came_back = resumed.score_then_learn_many(slots(600, 7), values, times(600, ROWS), everything)
    assert np.array_equal(went_on, came_back)
    assert same(bank.snapshot(0), resumed.snapshot(7))


def test_a_snapshot_is_a_copy(make: Callable[[], Bank]) -> None:
    bank = learned(make)
    taken, expected = bank.snapshot(0), learned(make).snapshot(0)
    bank.learn_many(slots(300), anomalous(bank, 300), times(300, ROWS))
    assert same(taken, expected)


def test_opening_a_slot_again_forgets_its_key(make: Callable[[], Bank]) -> None:
    bank, fresh = learned(make), make()
    bank.open(0, 21)
    fresh.open(0, 21)
    assert same(bank.snapshot(0), fresh.snapshot(0))


def test_memory_stays_bounded(make: Callable[[], Bank]) -> None:
    bank = learned(make)
    before = bank.nbytes(0)
    bank.learn_many(slots(20_000), np.tile(normal(bank, 2_000, seed=17), (10, 1)), times(20_000, ROWS))
    refit(bank, 0)
    assert bank.nbytes(0) == before
    stored = sum(np.asarray(value).nbytes for value in bank.snapshot(0).values())
    assert stored <= before
    assert before < (16_384 if bank.scope == "operation" else 524_288)


def test_planted_anomalies_rank_above_normal(make: Callable[[], Bank]) -> None:
    bank = learned(make)
    usual = bank.score_many(slots(ROWS), normal(bank, seed=19))
    rows = 20
    planted = bank.score_then_learn_many(slots(rows), anomalous(bank), times(rows, ROWS), np.ones(rows, np.bool_))
    assert np.median(planted) > np.quantile(usual, 0.95)


def test_a_state_with_a_number_changed_is_refused_or_taken_as_it_is(make: Callable[[], Bank]) -> None:
    bank, other = learned(make), make()
    values, everything, refused = np.vstack([normal(bank, 40, seed=23), anomalous(bank, 5)]), np.ones(45, np.bool_), 0
    for path, change, damaged in changes(bank.snapshot(0)):
        other.open(0, 1)
        try:
            other.restore(0, damaged)
        except (KeyError, ValueError):
            refused += 1
            continue
        assert same(other.snapshot(0), damaged), f"{path} = {change!r:.200} is taken over as something else."
        scores = other.score_then_learn_many(slots(45), values, times(45, ROWS), everything)
        assert np.isfinite(scores).all(), f"{path} = {change!r:.200} makes scores that are no numbers."
        refit(other, 0)
        other.restore(0, other.snapshot(0))
    assert refused


def test_a_state_of_another_shape_is_refused(make: Callable[[], Bank]) -> None:
    bank = learned(make)
    with pytest.raises(KeyError):
        bank.restore(0, {})
