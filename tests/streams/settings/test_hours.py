"""Hours of the week, through changes of the clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.streams.settings.hours import WEEKDAYS, Hours

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
]
CLOCKS = st.times(time(0), time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0))
MOMENTS = st.integers(1_735_689_600, 1_798_761_600).map(float)  # 2025 and 2026
HOURS = st.builds(
    Hours, CLOCKS, CLOCKS, st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(tuple), st.sampled_from(ZONES)
)


def moment(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def shown(at_s: float, zone: ZoneInfo = BERLIN) -> str:
    return datetime.fromtimestamp(at_s, zone).strftime("%a %d %H:%M %Z")


@given(HOURS, MOMENTS)
def test_they_open_within_themselves_and_not_before(hours: Hours, at_s: float) -> None:
    opens_s = hours.opens(at_s)
    assert opens_s >= at_s
    assert hours.are_open(opens_s)
    assert hours.are_open(at_s) == (opens_s == at_s)
    if opens_s > at_s:
        assert not hours.are_open(opens_s - 1)
        assert not any(hours.are_open(at_s + (opens_s - at_s) * part / 7) for part in range(7))


@given(HOURS, MOMENTS)
def test_away_from_changes_of_the_clocks_they_are_what_the_clocks_show(hours: Hours, at_s: float) -> None:
    local = datetime.fromtimestamp(at_s, hours.zone)
    around = {datetime.fromtimestamp(at_s + days * 86_400, hours.zone).utcoffset() for days in (-2, -1, 0, 1, 2)}
    if len(around) > 1:
        return
    clock, today = local.time().replace(tzinfo=None), WEEKDAYS[local.weekday()]
    yesterday = WEEKDAYS[(local - timedelta(days=1)).weekday()]
    if hours.begins < hours.ends:
        expected = today in hours.weekdays and hours.begins <= clock < hours.ends
    else:
        expected = (today in hours.weekdays and clock >= hours.begins) or (
            yesterday in hours.weekdays and clock < hours.ends
        )
    assert hours.are_open(at_s) == expected


@settings(max_examples=20)
@given(HOURS)
def test_each_weekday_has_its_hours_once(hours: Hours) -> None:
    start_s = moment("2026-01-05T00:00", hours.zone)
    minutes = range(0, 7 * 1440, 17)
    nominal = (datetime.combine(datetime.min, hours.ends) - datetime.combine(datetime.min, hours.begins)) / timedelta(
        minutes=1
    )
    length = nominal if nominal > 0 else nominal + 1440
    open_minutes = 17 * sum(hours.are_open(start_s + 60.0 * minute) for minute in minutes)
    assert open_minutes == pytest.approx(len(hours.weekdays) * length, abs=17 * 2 * len(hours.weekdays) + 17)


def test_office_hours_follow_the_clocks_from_winter_to_summer() -> None:
    office = Hours(time(8), time(18), ("mon", "tue", "wed", "thu", "fri"), BERLIN)
    assert shown(office.opens(moment("2026-03-27T18:00"))) == "Mon 30 08:00 CEST"  # the clocks change on the 29th
    assert datetime.fromtimestamp(office.opens(moment("2026-03-26T19:00")), UTC).hour == 7
    assert datetime.fromtimestamp(office.opens(moment("2026-03-28T19:00")), UTC).hour == 6


@pytest.mark.parametrize(
    ("begins", "ends", "from_", "until"),
    [
        (time(2, 30), time(9), "Sun 29 03:00 CEST", "Sun 29 09:00 CEST"),  # 02:30 is skipped
        (time(1), time(2, 30), "Sun 29 01:00 CET", "Sun 29 03:00 CEST"),
    ],
)
def test_a_skipped_time_is_the_moment_of_the_skip(begins: time, ends: time, from_: str, until: str) -> None:
    hours = Hours(begins, ends, ("sun",), BERLIN)
    opens_s = hours.opens(moment("2026-03-28T12:00"))
    assert shown(opens_s) == from_
    closes_s = next(s for s in (opens_s + 60 * n for n in range(1_000)) if not hours.are_open(s))
    assert shown(closes_s) == until


def test_hours_that_are_skipped_as_a_whole_come_a_week_later() -> None:
    hours = Hours(time(2, 10), time(2, 50), ("sun",), BERLIN)
    assert shown(hours.opens(moment("2026-03-28T12:00"))) == "Sun 05 02:10 CEST"


def test_times_that_come_twice_are_within_from_the_first_to_the_second() -> None:
    hours = Hours(time(2, 15), time(2, 45), ("sun",), BERLIN)
    opens_s = hours.opens(moment("2026-10-24T12:00"))
    assert shown(opens_s) == "Sun 25 02:15 CEST"
    assert hours.are_open(moment("2026-10-25T02:05", fold=1))
    assert hours.are_open(moment("2026-10-25T02:44", fold=1))
    assert not hours.are_open(moment("2026-10-25T02:45", fold=1))


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = Hours(time(22), time(6), ("fri",), BERLIN)
    assert night.are_open(moment("2026-01-10T05:59"))  # a Saturday
    assert not night.are_open(moment("2026-01-09T05:59"))
    assert not night.are_open(moment("2026-01-10T22:00"))


def test_equal_times_are_a_whole_day() -> None:
    day = Hours(time(7), time(7), ("mon",), ZoneInfo("UTC"))
    assert day.are_open(moment("2026-01-06T06:59", ZoneInfo("UTC")))
    assert not day.are_open(moment("2026-01-06T07:00", ZoneInfo("UTC")))
