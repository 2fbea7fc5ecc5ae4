"""New error types: repeated ones are told, single and known ones are not, and many names drown themselves out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.errors.error_types import HANDLED, ErrorTypeJudgement, ErrorTypes, type_number
from tracehound.detectors.packed.snapshot import pack, unpack

OLD, NEW = type_number("ValueError"), type_number("TimeoutError")
ALARM = 6.0


def numbers(*types: int) -> Slots:
    return np.array(types, np.int64)


def run(errors: ErrorTypes, types: Slots, start: float = 0.0, step: float = 1.0, slot: int = 0) -> ErrorTypeJudgement:
    rows = len(types)
    return errors.judge_then_learn(np.full(rows, slot, np.int64), types, start + step * np.arange(float(rows)))


def trained(rows: int = 10_000, **given: float) -> ErrorTypes:
    """An application that knows one type of error, in 1 % of its executions."""
    errors = ErrorTypes(**given)  # type: ignore[arg-type]  # mypy sees one type for all keyword arguments
    errors.open(0, 0)
    run(errors, np.where(np.arange(rows) % 100 == 0, OLD, 0))
    return errors


def test_once_may_be_noise_and_three_times_is_not() -> None:
    judged = run(trained(), numbers(NEW, 0, NEW, 0, NEW), 10_000.0)
    assert judged.score[0] < ALARM <= judged.score[4]
    assert judged.score[[1, 3]].tolist() == [0.0, 0.0]
    assert judged.new.tolist() == [True, False, True, False, True]
    assert judged.sightings.tolist() == [1, 0, 2, 0, 3]
    assert judged.since.tolist() == [1, 0, 3, 0, 5]


def test_the_score_is_the_stated_formula() -> None:
    judged = run(trained(), numbers(NEW, 0, 0, NEW), 10_000.0)
    before = 10_000.0 * (1.0 - 0.5 * 0.1)  # what of 10,000 executions is left with a memory of 100,000, to 1 %
    once = 1.0 / (before + 2.0)
    assert abs(judged.score[0] + np.log10(once)) < 0.01
    assert abs(judged.score[3] + np.log10(once * 4.0 / (4.0 + before))) < 0.02


def test_a_known_type_is_never_told_however_often() -> None:
    judged = run(trained(), np.full(200, OLD), 10_000.0)
    assert judged.score.max() == 0.0
    assert not judged.new.any()


def test_seldom_repeats_are_weaker_evidence_than_quick_ones() -> None:
    quick, seldom = trained(), trained()
    rows = np.zeros(501, np.int64)
    rows[[0, 250, 500]] = NEW
    assert run(seldom, rows, 10_000.0).score[500] < run(quick, numbers(NEW, NEW, NEW), 10_000.0).score[2] - 3.0


def test_a_type_is_known_after_its_patience() -> None:
    errors = trained(patience_s=600.0)
    first = run(errors, np.full(10, NEW), 10_000.0, step=60.0)
    assert first.new.all()
    later = run(errors, np.full(10, NEW), 10_601.0)
    assert not later.new.any()
    assert later.score.max() == 0.0


def test_types_of_the_warm_up_are_known() -> None:
    errors = ErrorTypes(warm_up=50)
    errors.open(0, 0)
    assert run(errors, np.full(60, OLD)).score.max() == 0.0
    assert run(errors, numbers(NEW), 60.0).score[0] > 0.0


def test_a_handled_error_is_not_told_and_does_not_make_the_unhandled_one_known() -> None:
    errors, handled = trained(), type_number("TimeoutError", handled=True)
    assert run(errors, np.full(20, handled), 10_000.0).score.max() == 0.0
    assert run(errors, numbers(NEW, NEW, NEW), 12_000.0).score[2] > ALARM


def test_an_application_that_shows_new_types_often_is_surprised_by_none() -> None:
    errors = trained()
    rows = np.where(np.arange(20_000) % 50 == 0, 1_000 + 2 * np.arange(20_000), 0)
    judged = run(errors, rows, 10_000.0)
    assert judged.score[:2_000].max() > 3.0
    assert judged.score[-10_000:].max() < 2.0


def test_types_that_a_full_set_has_forgotten_are_no_alarm() -> None:
    random = np.random.default_rng(7)
    rows = np.where(random.random(200_000) < 0.01, 2 * (random.zipf(1.2, 200_000) % 1_000_000), 0)
    errors = ErrorTypes()
    errors.open(0, 0)
    judged = run(errors, rows, step=0.1)
    assert (judged.sightings == 1).sum() > 500
    assert judged.score.max() < ALARM


def test_names_become_numbers_that_are_no_zero() -> None:
    assert type_number("") == type_number("", handled=True) == 0
    assert len({type_number(name, handled) for name in ("A", "B", "a") for handled in (False, True)}) == 6


@given(st.text(min_size=1), st.booleans())
def test_the_lowest_bit_says_whether_it_was_handled(name: str, handled: bool) -> None:
    number = type_number(name, handled)
    assert number not in (0, HANDLED)
    assert bool(number & HANDLED) is handled
    assert int(np.int64(number)) == number


def mixed() -> tuple[Slots, Slots, Floats]:
    random = np.random.default_rng(3)
    types = np.where(random.random(4_000) < 0.05, random.zipf(1.3, 4_000) % 1_000, 0)
    return random.integers(0, 3, 4_000), types, np.cumsum(random.exponential(1.0, 4_000))


def three(**given: int) -> ErrorTypes:
    errors = ErrorTypes(**given)
    for slot in range(3):
        errors.open(slot, slot)
    return errors


@pytest.mark.parametrize("size", [1, 7])
def test_a_batch_is_the_same_as_smaller_ones(size: int) -> None:
    slots, types, times = mixed()
    whole, split = three(capacity=16), three(capacity=16)
    together = whole.judge_then_learn(slots, types, times)
    parts = [
        split.judge_then_learn(slots[i : i + size], types[i : i + size], times[i : i + size])
        for i in range(0, len(slots), size)
    ]
    assert (together.score > 2).any()
    for name in ErrorTypeJudgement.__slots__:
        assert np.array_equal(getattr(together, name), np.concatenate([getattr(part, name) for part in parts]))


def test_a_snapshot_resumes_identically() -> None:
    slots, types, times = mixed()
    whole, first, second = three(capacity=16), three(capacity=16), ErrorTypes(capacity=16)
    together = whole.judge_then_learn(slots, types, times)
    first.judge_then_learn(slots[:2_000], types[:2_000], times[:2_000])
    second.open(9, 0)
    second.restore(9, unpack(pack(first.snapshot(1))))
    mine = (slots == 1) & (np.arange(4_000) >= 2_000)
    resumed = second.judge_then_learn(np.full(int(mine.sum()), 9), types[mine], times[mine])
    assert np.array_equal(resumed.score, together.score[mine])
    assert pack(second.snapshot(9)) == pack(whole.snapshot(1))


@settings(deadline=None)  # the first call compiles the kernel
@given(st.lists(st.integers(0, 40), max_size=200))
def test_the_set_is_bounded_and_scores_stay_finite(types: list[int]) -> None:
    errors = ErrorTypes(warm_up=5, capacity=8)
    errors.open(0, 0)
    before = errors.nbytes()
    judged = run(errors, np.array(types, np.int64))
    assert errors.known(0) == min(8, len(set(types) - {0})) or errors.known(0) <= 8 < len(set(types))
    assert errors.nbytes() == before
    assert np.isfinite(judged.score).all()
    assert (judged.score >= 0.0).all()


def test_an_opened_slot_forgets_who_was_there_before() -> None:
    errors = trained()
    errors.open(0, 0)
    fresh = ErrorTypes()
    fresh.open(0, 0)
    assert pack(errors.snapshot(0)) == pack(fresh.snapshot(0))


def test_a_state_of_a_larger_set_is_refused() -> None:
    larger, smaller = ErrorTypes(capacity=8, warm_up=1), ErrorTypes(capacity=4)
    larger.open(0, 0)
    smaller.open(0, 0)
    run(larger, 2 * np.arange(1, 8))
    with pytest.raises(ValueError, match="from 0 to 4"):
        smaller.restore(0, larger.snapshot(0))


@pytest.mark.parametrize("wrong", [{"warm_up": 0}, {"capacity": 0}, {"patience_s": -1}])
def test_illegal_settings_are_named(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"parameter of ErrorTypes must be at least"):
        ErrorTypes(**wrong)
