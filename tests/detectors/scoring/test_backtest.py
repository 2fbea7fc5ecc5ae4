"""A backtest says what settings would have told, what of it was confirmed, and what that cost."""

from collections.abc import Iterator

import pytest

from tests.detectors.scoring.shop import SETTINGS, slowed, workload
from tracehound.detectors.candidates import with_candidate
from tracehound.detectors.scoring.backtest import GRACE_S, Stretch, backtest
from tracehound.schemas.execution import Execution

FAULTY_S = (1_500.0, 1_650.0)


def recorded() -> list[Execution]:
    """Half an hour and more in which executions are slow for two minutes and a half, and one is far out earlier."""
    usual = workload("shop", 2_200)
    slow = [one for one in usual if FAULTY_S[0] <= one.started_s < FAULTY_S[1]]
    usual[1_500:1_650] = slowed(slow, 200.0)
    usual[1_100:1_101] = slowed(usual[1_100:1_101], 60_000.0)
    return usual


def batches(size: int = 500) -> Iterator[list[Execution]]:
    given = recorded()
    yield from (given[first : first + size] for first in range(0, len(given), size))


def test_what_is_told_is_counted_within_and_outside_of_what_was_confirmed() -> None:
    found = backtest(SETTINGS, batches(), [Stretch(*FAULTY_S), Stretch(500.0, 600.0)], 1e9)
    assert (found.executions, found.complete) == (2_200, True)
    assert found.days == pytest.approx(2_199 / 86_400)
    assert (found.confirmed, found.found, found.recall) == (2, 1, 0.5)
    assert 1 <= found.outside < found.anomalies
    assert found.outside_a_day == found.outside / found.days
    assert found.cpu_s > 0.0


def test_how_it_is_cut_into_batches_makes_no_difference() -> None:
    whole, pieces = (backtest(SETTINGS, batches(size), [], 1e9) for size in (10_000, 70))
    assert (whole.anomalies, whole.outside, whole.days) == (pieces.anomalies, pieces.outside, pieces.days)
    assert whole.recall is None


def test_stricter_settings_tell_less() -> None:
    strict = with_candidate(SETTINGS, {"least_sigma": 15, "major_sigma": 40, "tail_score": 50, "certain_gap_sigma": 40})
    assert backtest(strict, batches(), [], 1e9).anomalies < backtest(SETTINGS, batches(), [], 1e9).anomalies


def test_it_ends_when_its_cpu_seconds_are_used_up() -> None:
    spent = iter(range(100))
    found = backtest(SETTINGS, batches(100), [], 3.0, lambda: float(next(spent)))
    assert (found.executions, found.complete, found.cpu_s) == (300, False, 4.0)


def test_without_executions_nothing_is_claimed() -> None:
    found = backtest(SETTINGS, iter(()), [Stretch(0.0, 1.0)], 1.0)
    assert (found.executions, found.days, found.outside_a_day, found.recall) == (0, 0.0, 0.0, 0.0)


def test_an_anomaly_just_after_an_incident_is_of_it() -> None:
    stretch = Stretch(100.0, 200.0)
    assert stretch.holds(100.0)
    assert stretch.holds(200.0 + GRACE_S)
    assert not stretch.holds(99.9)
    assert not stretch.holds(200.1 + GRACE_S)
