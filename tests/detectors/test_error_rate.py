"""The error chart: bursts are seen soon, single errors and the usual rate are not."""

import numpy as np

from detectors.bank import Floats
from detectors.error_rate import ErrorRate


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
