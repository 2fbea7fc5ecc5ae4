"""What is told, and what rests: minute by minute of deviations."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tracehound.detectors.alarms.publishing import LONGEST_REST_S, QUIET_EXECUTIONS, QUIET_S, REMEMBERED, is_told
from tracehound.detectors.application.models import ApplicationModels
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.alarm import Alarm
from tracehound.detectors.telling.deviation import Deviation
from tracehound.schemas.anomaly import AnomalyKind, Severity

SETTINGS = DetectionSettings(rest_s=300.0, patience_s=600.0)
RATE = 10.0
"""Executions per second."""


@pytest.fixture
def application() -> ApplicationModels:
    return ApplicationModels(("shop", ""), 0, next_refit=0, next_stop=0)


def alarm(
    severity: Severity = "minor", kind: AnomalyKind = "latency", key: str = "GET /", lasting_s: float = 0.0
) -> Alarm:
    deviation = Deviation("self_ms", "ms", 10.0, 20.0, (5.0, 15.0), 5.0, 4.0)
    return Alarm(kind, severity, "chart", deviation, key, key, lambda: pytest.fail("nobody asked for words"), lasting_s)


def tell(application: ApplicationModels, given: Alarm, now_s: float, rate: float = RATE) -> bool:
    return is_told(application, given, now_s, int(now_s * rate), SETTINGS)


def told_times(application: ApplicationModels, seconds: range, lasting: bool = False) -> list[int]:
    return [now for now in seconds if tell(application, alarm(lasting_s=now if lasting else 0.0), float(now))]


def test_the_first_alarm_is_told_and_repeated_after_a_rest(application: ApplicationModels) -> None:
    assert told_times(application, range(0, 1_000, 5)) == [0, 300, 600, 900]


def test_what_gets_worse_is_told_at_once_and_what_gets_better_is_not(application: ApplicationModels) -> None:
    story: list[tuple[float, Severity]] = [(0, "minor"), (5, "major"), (10, "minor"), (15, "major"), (20, "critical")]
    assert [tell(application, alarm(severity), now) for now, severity in story] == [True, True, False, False, True]


def test_it_begins_anew_after_a_quiet_minute_with_enough_executions(application: ApplicationModels) -> None:
    assert tell(application, alarm(), 0.0)
    assert not tell(application, alarm(), QUIET_S - 1)
    assert not tell(application, alarm(), 2 * QUIET_S - 2)
    assert tell(application, alarm(), 3 * QUIET_S - 2)


def test_a_minute_without_executions_is_not_quiet(application: ApplicationModels) -> None:
    seldom = (QUIET_EXECUTIONS - 1) / QUIET_S
    assert tell(application, alarm(), 0.0, seldom)
    assert not tell(application, alarm(), QUIET_S, seldom)


def test_operations_and_kinds_rest_by_themselves(application: ApplicationModels) -> None:
    assert tell(application, alarm(), 0.0)
    assert tell(application, alarm(key="GET /other"), 1.0)
    assert tell(application, alarm(kind="errors"), 1.0)
    assert not tell(application, alarm(), 1.0)


def test_what_lasts_is_told_ever_more_rarely_up_to_once_an_hour(application: ApplicationModels) -> None:
    times = told_times(application, range(0, 40_000, 10), lasting=True)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[0] == SETTINGS.rest_s
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_REST_S
    assert len(times) < 16


def test_what_lasted_and_was_over_begins_anew(application: ApplicationModels) -> None:
    told_times(application, range(0, 20_000, 10), lasting=True)
    assert tell(application, alarm(), 20_100.0)
    assert not tell(application, alarm(), 20_110.0)
    for now in range(20_120, 20_400, 10):
        assert not tell(application, alarm(), float(now))
    assert tell(application, alarm(), 20_100.0 + SETTINGS.rest_s)


def test_a_late_alarm_does_not_turn_back_the_clock(application: ApplicationModels) -> None:
    assert tell(application, alarm(), 1_000.0)
    assert not is_told(application, alarm(), 900.0, 10_010, SETTINGS)
    assert not is_told(application, alarm(), 1_050.0, 10_500, SETTINGS)


def test_an_alarm_that_says_so_is_the_same_for_longer(application: ApplicationModels) -> None:
    new_type = replace(alarm(key="error Timeout"), same_s=900.0)
    moments = (0.0, 400.0, 899.0, 1_000.0, 1_899.0, 1_901.0, 5_501.0)
    assert [tell(application, new_type, now) for now in moments] == [True, False, False, False, True, False, True]


def test_what_was_published_longest_ago_is_forgotten(application: ApplicationModels) -> None:
    for number in range(REMEMBERED + 10):
        tell(application, alarm(key=f"error {number}"), float(number))
    assert len(application.published) == REMEMBERED
    assert next(iter(application.published)) == ("error 10", "latency")
