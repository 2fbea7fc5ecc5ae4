"""The error chart: bursts are seen soon, single errors and the usual rate are not."""

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.errors.error_rate import ErrorRate


def run(bank: ErrorRate, failed: Floats, start: float = 0.0) -> Floats:
    rows = len(failed)
    return bank.score_then_learn_many(
        np.zeros(rows, np.int64), failed[:, None], start + np.arange(rows, dtype=np.float64), np.ones(rows, np.bool_)
    )


def trained(rate: float, rows: int = 4_000) -> ErrorRate:
    bank = ErrorRate()
    bank.open(0, 0)
    run(bank, (np.random.default_rng(1).random(rows) < rate).astype(np.float64))
    return bank


def test_a_burst_of_half_errors_is_seen_within_twenty_executions() -> None:
    bank = trained(0.005)
    scores = run(bank, np.tile([1.0, 0.0], 10), start=4_000)
    assert (scores >= 8).any()


def test_the_usual_rate_stays_quiet_even_where_it_is_high() -> None:
    for rate in (0.0, 0.01, 0.1, 0.3):
        bank = trained(rate)
        later = (np.random.default_rng(2).random(20_000) < rate).astype(np.float64)
        assert run(bank, later, start=4_000).max() < 8


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_an_outage_of_two_hours_does_not_become_the_usual_rate(rate: float) -> None:
    bank = trained(0.005)
    failed = (np.random.default_rng(3).random(7_200) < rate).astype(np.float64)
    scores = run(bank, failed, start=4_000)
    assert scores[100:].min() >= 3
    over = run(bank, np.zeros(1_000), start=11_200)
    assert over[-500:].max() == 0


@pytest.mark.parametrize(("rate", "good"), [(1.0, 6), (0.6, 30), (0.3, 60)])
def test_a_burst_is_over_once_that_many_executions_are_good(rate: float, good: int) -> None:
    bank = trained(0.005)
    burst = (np.random.default_rng(3).random(300) < rate).astype(np.float64)
    assert run(bank, burst, start=4_000)[-1] > 12
    after = run(bank, np.zeros(100), start=4_300)
    assert after[0] > 12
    assert after[good:].max() == 0
    assert run(bank, np.ones(10), start=4_400).max() > 8, "the next burst is seen as the first was"


def test_a_burst_with_good_executions_in_it_is_not_over() -> None:
    bank = trained(0.005)
    failed = np.tile([1.0, 1.0, 1.0, 0.0, 0.0], 200)
    assert run(bank, failed, start=4_000)[20:].min() > 12


@pytest.mark.parametrize("rate", [0.7, 0.97, 1.0])
def test_an_operation_that_fails_often_from_the_start_is_known_for_it(rate: float) -> None:
    bank = ErrorRate()
    bank.open(0, 0)
    failed = (np.random.default_rng(4).random(4_000) < rate).astype(np.float64)
    assert run(bank, failed).max() < 3
    judged = bank.judge_then_learn_many(
        np.zeros(1, np.int64), np.ones((1, 1)), np.full(1, 4_000.0), np.ones(1, np.bool_)
    )
    assert judged.typical is not None
    assert abs(judged.typical[0] - rate) < 0.03


@pytest.mark.parametrize("good", [10, 15, 25, 40, 60, 100])
def test_pure_failure_is_seen_at_the_fifth_however_little_was_known(good: int) -> None:
    bank = ErrorRate()
    bank.open(0, 0)
    assert run(bank, np.zeros(good)).max() == 0
    assert run(bank, np.ones(5), start=good)[-1] > 5


def test_what_lasts_is_no_news_and_failures_are_counted() -> None:
    bank = ErrorRate(patience_s=600.0)
    bank.open(0, 0)
    run(bank, np.zeros(200))
    judged = bank.judge_then_learn_many(
        np.zeros(700, np.int64), np.ones((700, 1)), 200 + np.arange(700.0), np.ones(700, np.bool_)
    )
    assert judged.lasting is not None
    assert judged.count is not None
    assert not judged.lasting[:600].any()
    assert judged.lasting[650:].all()
    assert judged.count[:6].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_two_errors_in_a_row_are_no_burst() -> None:
    assert run(trained(0.005), np.array([1.0, 1.0, 0.0]), start=4_000).max() < 6


def test_typical_and_actual_rate_are_those_of_the_row() -> None:
    bank = trained(0.02)
    rows = 60
    judged = bank.judge_then_learn_many(
        np.zeros(rows, np.int64), np.ones((rows, 1)), 4_000 + np.arange(rows, dtype=np.float64), np.ones(rows, np.bool_)
    )
    assert judged.typical is not None
    assert judged.actual is not None
    assert abs(judged.typical[0] - 0.02) < 0.01
    assert judged.actual[-1] > 0.9
    assert judged.typical[-1] < 0.05
