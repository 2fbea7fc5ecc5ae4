from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.scripts.benchmarks.quality.budget import FalseAlarms, episodes, poisson_interval, raised, together


@given(st.integers(0, 500))
def test_the_interval_is_where_the_count_is_just_not_too_unlikely(count: int) -> None:
    low, high = poisson_interval(count)

    assert low <= count <= high
    assert poisson.cdf(count, high) == pytest.approx(0.025)
    assert low == 0.0 if count == 0 else poisson.sf(count - 1, low) == pytest.approx(0.025)


def test_obtained_over_expected_with_its_interval() -> None:
    figures = FalseAlarms(application_days=5.0, obtained=30, nominal=4.0).figures()

    assert (figures["expected"], figures["ratio"]) == (20.0, 1.5)
    assert figures["ratio_interval"] == pytest.approx([20.24 / 20, 42.83 / 20], rel=1e-3)
    assert figures["per_application_day"] == 6.0


def test_observations_under_one_budget_add_up() -> None:
    assert together([FalseAlarms(1.0, 2, 3.0), FalseAlarms(2.5, 4, 3.0)]) == FalseAlarms(3.5, 6, 3.0)


def test_alarms_of_one_application_within_five_minutes_are_one(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    told = [make_anomaly("cart", "latency", 0.0), make_anomaly("cart", "errors", 299.0)]
    told.append(make_anomaly("cart", "latency", 590.0))

    assert episodes(told) == 1
    assert episodes([make_anomaly("cart", "latency", 1_000.0), *told, make_anomaly("orders", "latency", 10.0)]) == 3
    assert episodes([]) == 0


def test_the_budget_is_raised_to_expect_enough_within_what_is_allowed() -> None:
    assert raised(8.0, default=1.0, highest=100.0) * 8.0 == pytest.approx(40.0)
    assert raised(80.0, default=1.0, highest=100.0) == 1.0
    assert raised(0.1, default=1.0, highest=100.0) == 100.0
