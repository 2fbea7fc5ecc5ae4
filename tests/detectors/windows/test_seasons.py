"""What comes back is known after some days: nightly jobs, office hours, changed clocks; a real stop is told."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tracehound.detectors.bank import Floats
from tracehound.detectors.windows.seasons import DAY_S, clocks_may_have_changed
from tracehound.detectors.windows.series import SeriesJudgement, WindowSeries

STEP, HOUR_S = 30.0, 3_600.0
MONDAY = datetime(2026, 2, 2, tzinfo=UTC).timestamp()
TOLD = 5.0
Rate = Callable[[Floats], Any]


def hour(times: Floats) -> Any:
    return (times % DAY_S) / HOUR_S


def weekday(times: Floats) -> Any:
    return (times // DAY_S + 3) % 7


def office(times: Floats, opens: float = 8.0) -> Any:
    """Two executions a second on working days, with a ramp of ten minutes; one a minute else."""
    ramp = np.clip(np.minimum((hour(times) - opens) * 6.0, (17.0 - hour(times)) * 6.0), 0.0, 1.0)
    return 0.02 + 2.0 * ramp * (weekday(times) < 5)


def counted(series: WindowSeries, rate: Rate, days: float, seed: int = 1, start: float = MONDAY) -> SeriesJudgement:
    times = start + STEP * np.arange(float(int(days * DAY_S / STEP)))
    counts = np.random.default_rng(seed).poisson(STEP * rate(times))
    slots = np.zeros(len(times), np.int64)
    return series.judge_counted(slots, np.sqrt(counts + 0.375), times, np.full(len(times), 0.5))


@pytest.fixture
def series() -> WindowSeries:
    made = WindowSeries(STEP, warm_up=40, patience_s=86_400.0, counts=True)
    made.open(0, 0)
    return made


def told_by_day(judged: SeriesJudgement, days: int) -> list[int]:
    found: list[int] = (judged.score.reshape(days, -1) > TOLD).sum(axis=1).tolist()
    return found


def test_a_job_of_every_night_is_known_after_three(series: WindowSeries) -> None:
    told = told_by_day(counted(series, lambda t: 0.3 + 5.0 * ((hour(t) >= 2) & (hour(t) < 2.67)), 14), 14)
    assert told[0] > 10
    assert told[3:] == [0] * 11


def test_a_job_that_begins_up_to_half_an_hour_late_is_known_too(series: WindowSeries) -> None:
    late = np.random.default_rng(3).uniform(0.0, 0.5, 40)

    def rate(times: Floats) -> Any:
        begins = 2.0 + late[((times - MONDAY) // DAY_S).astype(int)]
        return 0.3 + 3.0 * ((hour(times) >= begins) & (hour(times) < begins + 0.5))

    assert sum(told_by_day(counted(series, rate, 28), 28)[7:]) <= 20


def test_office_hours_are_known_in_the_second_week(series: WindowSeries) -> None:
    told = told_by_day(counted(series, office, 21), 21)
    assert told[8:] == [0] * 13


def test_a_morning_on_which_nobody_comes_is_told(series: WindowSeries) -> None:
    counted(series, office, 21)
    nobody = counted(series, lambda t: np.full(len(t), 0.02), 1, seed=2, start=MONDAY + 21 * DAY_S)
    first = (np.flatnonzero(nobody.score > TOLD)[0] * STEP) / HOUR_S
    assert 8.0 < first < 9.6
    assert nobody.deviation[int(12 * HOUR_S / STEP)] < 0
    assert nobody.recent[int(12 * HOUR_S / STEP)] < 1.5


def test_half_of_the_traffic_at_noon_is_told_within_a_minute(series: WindowSeries) -> None:
    counted(series, office, 15)
    day = MONDAY + 15 * DAY_S
    half = counted(series, lambda t: office(t) * np.where(hour(t) >= 12.0, 0.3, 1.0), 1, seed=2, start=day)
    begins = int(12 * HOUR_S / STEP)
    assert (half.score[:begins] < TOLD).all()
    assert (half.score[begins : begins + 3] > TOLD).any()


def test_a_fault_does_not_come_back_as_a_fault_when_it_does_not(series: WindowSeries) -> None:
    counted(series, office, 14)

    def broken(times: Floats) -> Any:
        return office(times) * np.where((hour(times) >= 10) & (hour(times) < 12), 0.02, 1.0)

    fault = counted(series, broken, 1, seed=2, start=MONDAY + 14 * DAY_S)
    assert (fault.score > TOLD).sum() > 100
    after = counted(series, office, 8, seed=3, start=MONDAY + 15 * DAY_S)
    assert not (after.score > TOLD).any()


@pytest.mark.parametrize(
    ("start", "change", "hours"), [("2026-03-02", "2026-03-29", -1.0), ("2026-10-05", "2026-10-25", 1.0)]
)
def test_changed_clocks_are_no_news(series: WindowSeries, start: str, change: str, hours: float) -> None:
    begin, changed = (datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in (start, change))
    days = int((changed - begin) / DAY_S) + 8

    def rate(times: Floats) -> Any:
        return np.where(times < changed, office(times), office(times - hours * HOUR_S))

    told = told_by_day(counted(series, rate, days, start=begin), days)
    assert told[8:] == [0] * (days - 8)


def test_clocks_change_on_some_sundays() -> None:
    for day, expected in (("2026-03-30", True), ("2026-03-10", True), ("2026-11-02", True), ("2026-10-05", True)):
        assert clocks_may_have_changed(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) == expected
    for day in ("2026-01-05", "2026-03-05", "2026-07-01", "2026-10-21", "2026-12-24"):
        assert not clocks_may_have_changed(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def test_what_is_at_least_expected_follows_the_hour(series: WindowSeries) -> None:
    assert series.least_expected(0, MONDAY, MONDAY + HOUR_S, 1e9) == float("inf")
    counted(series, office, 15)
    noon, night = MONDAY + 15 * DAY_S + 12 * HOUR_S, MONDAY + 15 * DAY_S + 2 * HOUR_S
    assert 45.0 < series.least_expected(0, noon, noon + 60.0, 1e9) <= 125.0
    assert series.least_expected(0, night, night + 60.0, 1e9) < 2.0
    ramp = MONDAY + 15 * DAY_S + 8 * HOUR_S
    assert series.least_expected(0, ramp, ramp + 60.0, 1e9) < 30.0


def test_where_windows_are_left_out_there_was_nothing(series: WindowSeries) -> None:
    by_day = np.arange(0.0, 5 * DAY_S, STEP)
    by_day = MONDAY + by_day[(hour(by_day) >= 8) & (hour(by_day) < 18)]
    counts = np.random.default_rng(1).poisson(30.0, len(by_day))
    series.judge_counted(np.zeros(len(by_day), np.int64), np.sqrt(counts + 0.375), by_day, np.full(len(by_day), 0.5))
    evening = MONDAY + 5 * DAY_S + 20 * HOUR_S
    assert series.least_expected(0, evening, evening + 3 * HOUR_S, 1e9) < 0.01
