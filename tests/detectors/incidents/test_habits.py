"""On which days something comes, what people say of it, and how much is kept."""

from datetime import UTC, date, datetime, time

import msgspec
import pytest

from tests.detectors.incidents.nights import DAY_S, HOUR_S, MINUTE_S, TWO, Nights, alarmed, is_quiet, slow
from tests.detectors.incidents.records import START_S, maintenance, progress, verdict
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.habits import CONFIRMED, EPISODES, HABITUAL, PATTERNS, Episode, HabitMemory, Habits
from tracehound.schemas.errors import SnapshotError


def test_four_days_are_too_few() -> None:
    nights = Nights()
    for day in (0, 1, 2, 4):
        assert alarmed(nights.night(day))
    assert alarmed(nights.night(5))
    assert is_quiet(nights.night(6))


def test_working_nights_are_known_after_a_week_and_through_weekends() -> None:
    nights = Nights()
    working = [day for day in range(28) if (day + 3) % 7 < 5]
    assert [is_quiet(nights.night(day)) for day in working] == [day >= 7 for day in working]


def test_on_a_day_of_the_week_that_was_free_of_it_for_two_weeks_it_is_told() -> None:
    nights = Nights()
    for day in range(16):
        if (day + 3) % 7 < 5:
            nights.night(day)
    assert alarmed(nights.night(16))


def test_what_comes_every_week_is_known_after_three() -> None:
    nights = Nights()
    assert [is_quiet(nights.night(7 * week)) for week in range(6)] == [False] * 3 + [True] * 3
    assert alarmed(nights.night(7 * 5 + 1))
    [opened, _] = nights.night(7 * 6)
    assert opened.data.recurring
    assert opened.data.recurring.weekly
    assert opened.data.recurring.sentence == "as in 4 of the last 4 weeks at this time, no worse"


@pytest.mark.parametrize(
    ("first", "shift_s"),
    [("2026-03-23", -HOUR_S), ("2026-10-19", HOUR_S), ("2026-03-02", -HOUR_S), ("2026-11-02", 0.0)],
)
def test_it_is_the_same_time_after_clocks_were_changed(first: str, shift_s: float) -> None:
    """From the seventh night on it comes an hour earlier or later by UTC."""
    start_s = datetime.combine(date.fromisoformat(first), time(), UTC).timestamp() - START_S
    nights = Nights()
    for day in range(12):
        told = nights.night(0, at_s=start_s + day * DAY_S + TWO + (shift_s if day >= 6 else 0.0))
        assert is_quiet(told) == (day >= 5)


def test_in_summer_an_hour_later_is_another_time() -> None:
    start_s = datetime(2026, 7, 1, tzinfo=UTC).timestamp() - START_S
    nights = Nights()
    for day in range(6):
        nights.night(0, at_s=start_s + day * DAY_S + TWO, lasts_s=10 * MINUTE_S)
    assert alarmed(nights.night(0, at_s=start_s + 6 * DAY_S + TWO + HOUR_S, lasts_s=10 * MINUTE_S))


def test_it_survives_restarts_and_a_quiet_one_goes_on_quietly() -> None:
    nights = Nights()
    for day in range(5):
        nights.night(day)
        nights.restart()
    begins_s = 5 * DAY_S + TWO
    assert is_quiet(nights.take(slow(begins_s)))
    nights.restart()
    assert nights.take(progress("shop", begins_s + 30.0)) == []
    nights.take(progress("shop", begins_s + 200.0))
    assert is_quiet(nights.take(progress("shop", begins_s + 400.0)))


def test_each_environment_has_habits_of_its_own() -> None:
    nights = Nights()
    for day in range(5):
        nights.night(day, environment="prod")
    assert alarmed(nights.night(5, environment="test"))
    assert is_quiet(nights.night(5, at_s=TWO + MINUTE_S, environment="prod"))


def test_what_people_confirmed_is_told_until_they_take_that_back() -> None:
    nights = Nights()
    for day in range(6):
        told = nights.night(day)
    of_incident = told[0].data.incident_id
    assert is_quiet(told)
    nights.take(verdict(of_incident, "confirmed"))
    nights.restart()
    assert alarmed(nights.night(6))
    nights.take(verdict(of_incident, "confirmed", withdrawn=True))
    assert is_quiet(nights.night(7))


def test_a_quiet_one_that_is_confirmed_while_it_lasts_is_told() -> None:
    nights = Nights()
    for day in range(5):
        nights.night(day)
    begins_s = 5 * DAY_S + TWO
    [opened] = nights.take(slow(begins_s))
    nights.take(verdict(opened.data.incident_id, "confirmed"))
    told = nights.take(progress("shop", begins_s + 30.0, ongoing={"shop//latency/GET /": begins_s + 30.0}))
    assert alarmed(told) == ["no longer as on other days: it was confirmed to be a fault"]


def test_verdicts_that_it_is_nothing_make_no_habit() -> None:
    nights = Nights()
    for day in range(5):
        nights.take(progress("shop", day * DAY_S + TWO - 60.0))
        [opened] = nights.take(slow(day * DAY_S + TWO))
        nights.take(verdict(opened.data.incident_id))
    assert alarmed(nights.night(5))


def test_what_lies_in_maintenance_windows_makes_no_habit() -> None:
    nights = Nights()
    nights.take(maintenance(0.0, 5 * DAY_S))
    for day in range(5):
        nights.night(day)
    assert alarmed(nights.night(5))


def test_what_comes_and_goes_in_one_night_is_one_episode() -> None:
    nights = Nights()
    for day in range(8):
        parts = [nights.night(day, TWO + 20 * MINUTE_S * part, 5 * MINUTE_S) for part in range(3)]
        assert [is_quiet(told) for told in parts] == [day >= 5] * 3
    [habits] = [one.habits["shop"] for one in nights.book._state.environments.values()]
    assert [round(one.ended_s - one.began_s) for one in habits.episodes] == [2_700] * 8


def test_no_more_is_kept_than_is_said() -> None:
    state: dict[str, Habits] = {}
    memory = HabitMemory(state)
    for day in range(EPISODES + 10):
        memory.remember("shop", Episode(day * DAY_S, day * DAY_S + 60.0, 0, {b"a": 1.0}), 1_800.0)
    assert len(state["shop"].episodes) == EPISODES
    memory.confirm("v", "shop", [b"a"])
    for number in range(HABITUAL + 10):
        memory.remember(f"one {number}", Episode(0.0, 60.0, 0, {b"a": 1.0}), 1_800.0)
    assert len(state) == HABITUAL
    assert not state["shop"].may_be_quiet([b"a"])
    for number in range(CONFIRMED + 10):
        memory.confirm(f"v{number}", "shop", [bytes([number])])
    assert len(state["shop"].confirmed) == CONFIRMED
    assert not state["shop"].may_be_quiet([b"never judged"])


def test_where_all_were_confirmed_nothing_of_others_is_kept() -> None:
    state: dict[str, Habits] = {}
    memory = HabitMemory(state)
    for number in range(HABITUAL):
        memory.confirm("v", f"one {number}", [b"a"])
    memory.remember("another", Episode(0.0, 60.0, 0, {b"a": 1.0}), 1_800.0)
    assert "another" not in state


def test_an_incident_of_too_much_is_no_habit() -> None:
    nights = Nights()
    for day in range(7):
        begins_s = day * DAY_S + TWO
        told = nights.night(day, anomalies=[slow(begins_s, operation=f"GET /{k}") for k in range(PATTERNS + 1)])
        assert alarmed(told)


@pytest.mark.parametrize(
    "habits",
    [
        Habits([Episode(2.0, 1.0, 0, {})]),
        Habits([Episode(1.0, 2.0, 7, {})]),
        Habits([Episode(1.0, 2.0, 0, {b"a": float("nan")})]),
        Habits([Episode(1.0, 2.0, 0, {})] * (EPISODES + 1)),
        Habits([Episode(1.0, 2.0, 0, {bytes([k]): 1.0 for k in range(PATTERNS + 1)})]),
        Habits([], {str(k): [] for k in range(CONFIRMED + 1)}),
    ],
)
def test_stored_habits_out_of_bounds_are_refused(habits: Habits) -> None:
    nights = Nights()
    nights.night(0)
    for environment in nights.book._state.environments.values():
        environment.habits["shop"] = habits
    with pytest.raises(SnapshotError):
        IncidentBook.restore(nights.book.snapshot(), nights.settings)


def test_a_book_without_habits_is_read() -> None:
    nights = Nights()
    nights.night(0)
    version, incidents, environments, *rest = msgspec.msgpack.decode(nights.book.snapshot())
    cut = {name: fields[:-1] for name, fields in environments.items()}
    nights.book = IncidentBook.restore(msgspec.msgpack.encode([version, incidents, cut, *rest]), nights.settings)
    assert nights.night(1)
