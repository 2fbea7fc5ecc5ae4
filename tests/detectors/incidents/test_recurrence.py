"""What comes back at its hour and is no worse is one quiet line; whatever is worse, or other, is an incident."""

from typing import Any

import pytest

from tests.detectors.incidents.nights import DAY_S, HOUR_S, MINUTE_S, TWO, Nights, alarmed, is_quiet, slow
from tests.detectors.incidents.records import changes, progress, silence
from tracehound.detectors.incidents.settings import IncidentSettings


def known(days: int = 5, **of_slow: Any) -> Nights:
    """Nights of which the first so many had half an hour of slowness at two."""
    nights = Nights()
    for day in range(days):
        assert alarmed(nights.night(day, **of_slow))
    return nights


def test_the_sixth_night_that_is_no_worse_is_a_quiet_line() -> None:
    nights = known()
    told = nights.night(5)
    assert changes(told) == [("opened", "major"), ("resolved", "major")]
    assert is_quiet(told)
    opened = told[0].data
    assert opened.reason == "as on 5 of the last 7 days at this time, no worse"
    assert opened.recurring
    assert (opened.recurring.days, opened.recurring.of_days, opened.recurring.weekly) == (5, 7, False)
    assert opened.recurring.alarms_when == (
        "It becomes an incident if it lasts for more than 36 minutes, comes to more than 11 times the usual, "
        "shows in anything else, or becomes critical."
    )
    assert is_quiet(nights.night(6))


def test_it_ends_with_the_habit() -> None:
    nights = known()
    assert is_quiet(nights.night(5))
    assert alarmed(nights.night(9))


def test_at_another_hour_it_is_an_incident() -> None:
    assert alarmed(known().night(5, at_s=14 * HOUR_S))
    assert is_quiet(known().night(5, at_s=TWO - 25 * MINUTE_S))


@pytest.mark.parametrize(
    "worse",
    [
        {"actual": 150.0},
        {"actual": 1.0},
        {"kind": "saturation", "signal": "cpu_ms"},
        {"operation": "GET /pay"},
        {"about": "calls to bank", "signal": "call_ms"},
        {"severity": "critical"},
    ],
)
def test_what_is_worse_or_other_is_an_incident(worse: dict[str, Any]) -> None:
    told = known().night(5, **worse)
    assert [event.data.reason for event in told[:1]] == alarmed(told)[:1]


def test_a_little_more_is_no_worse() -> None:
    assert is_quiet(known().night(5, actual=115.0, lasts_s=34 * MINUTE_S))


def test_what_lasts_longer_is_told_once_it_does() -> None:
    told = known().night(5, lasts_s=60 * MINUTE_S)
    assert changes(told)[:2] == [("opened", "major"), ("updated", "major")]
    assert told[0].data.recurring
    assert alarmed(told)[0] == "no longer as on other days: it lasts for more than 36 minutes"
    assert told[1].data.updated_at == "2026-01-06T02:37:00.000Z"


def test_a_graver_one_is_told() -> None:
    assert alarmed(known(severity="minor").night(5, severity="major", actual=100.0))


def test_something_else_meanwhile_is_told_with_its_name() -> None:
    begins_s = 5 * DAY_S + TWO
    told = known().night(5, anomalies=[slow(begins_s), slow(begins_s + 1.0, operation="GET /pay")])
    assert told[0].data.recurring
    assert alarmed(told)[0] == "no longer as on other days: it shows in latency of GET /pay, too"


@pytest.mark.parametrize(("lasts_s", "told_of_it"), [(0.0, False), (60.0, True)])
def test_a_single_minor_outlier_meanwhile_is_told_only_if_it_goes_on(lasts_s: float, told_of_it: bool) -> None:
    begins_s = 5 * DAY_S + TWO
    outlier = slow(begins_s + 1.0, operation="GET /pay", severity="minor", actual=30.0)
    told = known().night(5, lasts_s=lasts_s, anomalies=[slow(begins_s), outlier])
    assert told[0].data.recurring
    assert bool(alarmed(told)) == told_of_it


def test_another_application_that_joins_is_told() -> None:
    begins_s = 5 * DAY_S + TWO
    both = [slow(begins_s), slow(begins_s + 1.0, application="gateway")]
    told = known().night(5, anomalies=both, calls={"gateway": ["shop"]})
    assert told[0].data.recurring
    assert sorted(told[1].data.applications) == ["gateway", "shop"]
    assert alarmed(told)[0] == "no longer as on other days: it did not come at this time often enough"


def test_applications_that_do_it_together_are_quiet_together() -> None:
    nights, calls = Nights(), {"gateway": ["shop"]}
    for day in range(8):
        begins_s = day * DAY_S + TWO
        both = [slow(begins_s), slow(begins_s + 1.0, application="gateway")]
        told = nights.night(day, anomalies=both, calls=calls)
        assert is_quiet(told) == (day >= 5)


def test_an_outage_at_the_hour_of_the_habit_is_told() -> None:
    begins_s = 5 * DAY_S + TWO
    nights = known()
    assert is_quiet(nights.night(5, lasts_s=0.0))
    assert alarmed(nights.take(silence("shop", begins_s + 400.0, begins_s + 460.0)))


def test_silence_is_told_however_often_it_comes() -> None:
    nights = Nights()
    for day in range(12):
        at_s = day * DAY_S + TWO
        nights.take(progress("shop", at_s - 60.0))
        assert alarmed(nights.take(silence("shop", at_s - 60.0, at_s)))
        for after_s in (60.0, 120.0, 400.0, 700.0):
            nights.take(progress("shop", at_s + after_s))


@pytest.mark.parametrize(("share", "quiet"), [(0.9, False), (0.05, True)])
def test_the_failure_of_most_executions_is_told_however_often_it_comes(share: float, quiet: bool) -> None:
    nights = Nights()
    for day in range(8):
        errors = slow(day * DAY_S + TWO, actual=share, kind="errors", signal="error_rate")
        errors.data.unit, errors.data.typical = "share", 0.001
        told = nights.night(day, lasts_s=10 * MINUTE_S, anomalies=[errors])
        assert is_quiet(told) == (quiet and day >= 5)


def test_a_fault_that_grows_night_after_night_is_told() -> None:
    nights, grown, loud = known(), 100.0, []
    for day in range(5, 12):
        grown *= 1.15
        if alarmed(nights.night(day, actual=grown)):
            loud.append(day)
    assert loud[0] == 6  # 100, 115 and then 132, though 132 is no more than 1.2 times what came the night before
    assert len(loud) >= 2


def test_a_fault_that_lasts_longer_night_after_night_is_told() -> None:
    nights, lasts_s, loud = known(), 30 * MINUTE_S, []
    for day in range(5, 12):
        lasts_s *= 1.15
        if alarmed(nights.night(day, lasts_s=lasts_s)):
            loud.append(day)
    assert loud[0] == 6


def test_more_at_once_than_on_any_night_is_told() -> None:
    """Each of four operations had its nights, one after the other."""
    nights, names = Nights(), [f"GET /{k}" for k in range(4)]
    for day in range(12):
        begins_s = day * DAY_S + TWO
        assert nights.night(day, anomalies=[slow(begins_s), slow(begins_s, operation=names[day % 4])])
    begins_s = 12 * DAY_S + TWO
    told = nights.night(12, anomalies=[slow(begins_s), *(slow(begins_s, operation=name) for name in names)])
    assert alarmed(told)[0] == "no longer as on other days: it shows in more at once"


def test_a_single_minor_outlier_of_a_neighbour_changes_nothing() -> None:
    begins_s = 5 * DAY_S + TWO
    outlier = slow(begins_s + 1.0, application="gateway", severity="minor", actual=30.0)
    told = known().night(5, lasts_s=0.0, anomalies=[slow(begins_s), outlier], calls={"gateway": ["shop"]})
    assert sorted(told[-1].data.applications) == ["gateway", "shop"]
    assert is_quiet(told)


def test_nothing_is_made_quiet_where_that_is_set() -> None:
    nights = Nights(IncidentSettings(recurring_days=0))
    for day in range(10):
        assert alarmed(nights.night(day))
