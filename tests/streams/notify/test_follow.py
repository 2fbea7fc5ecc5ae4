"""Who is told what and when: routes and the life of an incident, without I/O."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.notify.conftest import TUESDAY_NOON_S, make_event, make_record
from tracehound.schemas.incident import IncidentChange, IncidentEvent, Recurrence
from tracehound.streams.notify.follow import IncidentFollower
from tracehound.streams.notify.notice import Notice
from tracehound.streams.notify.routing import Routes
from tracehound.streams.settings.notify import NotifySettings

DAY = {"begins": "08:00", "ends": "18:00"}
RECEIVERS: dict[str, Any] = {
    "team": {"kind": "webhook", "url": "http://localhost/", "secret_env": "S"},
    "chat": {"kind": "apprise", "secret_env": "S"},
    "pager": {"kind": "pagerduty", "secret_env": "S"},
    "alerts": {"kind": "alertmanager", "url": "http://localhost/"},
}
HOUR = 3_600.0


def follower(*routes: dict[str, Any]) -> IncidentFollower:
    named = {name for route in routes for name in route["receivers"]}
    settings = {"receivers": {name: RECEIVERS[name] for name in named}, "routes": routes}
    return IncidentFollower(Routes(NotifySettings.model_validate(settings)))


def told(notices: Sequence[Notice]) -> list[tuple[str, IncidentChange]]:
    return sorted((notice.receiver, notice.change) for notice in notices)


def at(hour: float) -> float:
    """Epoch seconds of an hour of that Tuesday, UTC; 24 and more are of Wednesday."""
    return TUESDAY_NOON_S + (hour - 12) * HOUR


class Day:
    """Feeds a follower, with offsets that count up."""

    def __init__(self, *routes: dict[str, Any]) -> None:
        self.follower = follower(*routes)
        self.offset = 0

    def take(self, hour: float, *args: Any, **fields: Any) -> list[tuple[str, IncidentChange]]:
        return told(self.decide(hour, make_event(*args, **fields)).now)

    def decide(self, hour: float, event: IncidentEvent) -> Any:
        self.offset += 1
        return self.follower.take(event, make_record(event, self.offset, at(hour)))


def test_every_matching_route_counts_and_a_receiver_is_told_once() -> None:
    day = Day(
        {"receivers": ["team", "chat"], "applications": ["shop*"]},
        {"receivers": ["team", "pager"], "severity": "critical"},
        {"receivers": ["alerts"], "environments": ["test"]},
    )
    assert day.take(12) == [("chat", "opened"), ("team", "opened")]
    assert day.take(12, "i2", severity="critical") == [("chat", "opened"), ("pager", "opened"), ("team", "opened")]
    assert day.take(12, "i3", environment="test", applications=["bank"]) == [("alerts", "opened")]


def test_globs_match_any_application_of_an_incident() -> None:
    day = Day({"receivers": ["team"], "applications": ["st?ck", "bank"]})
    assert day.take(12, applications=["shop", "stock"]) == [("team", "opened")]
    assert day.take(12, "i2", applications=["shop", "stocks"]) == []


def test_who_was_told_is_told_how_it_goes_on_whatever_its_severity() -> None:
    day = Day({"receivers": ["team"], "severity": "major"})
    assert day.take(12, severity="minor") == []
    assert day.take(12, "i1", 2, "updated", "major") == [("team", "opened")]
    assert day.take(12, "i1", 3, "updated", "minor") == [("team", "updated")]
    assert day.take(12, "i1", 4, "resolved", "minor") == [("team", "resolved")]


def test_who_was_not_told_does_not_hear_of_the_end() -> None:
    day = Day({"receivers": ["team"], "severity": "major"})
    assert day.take(12, severity="minor") == []
    assert day.take(12, "i1", 2, "resolved", "minor") == []


def test_changes_limit_chats_but_never_the_end_of_what_has_a_state_elsewhere() -> None:
    day = Day({"receivers": ["chat", "pager", "alerts"], "changes": ["opened"]})
    assert day.take(12) == [("alerts", "opened"), ("chat", "opened"), ("pager", "opened")]
    assert day.take(12, "i1", 2, "updated") == [("alerts", "updated"), ("pager", "updated")]
    assert day.take(12, "i1", 3, "resolved") == [("alerts", "resolved"), ("pager", "resolved")]


def test_repeated_and_overtaken_events_lead_to_nothing() -> None:
    day = Day({"receivers": ["team"]})
    assert day.take(12) == [("team", "opened")]
    assert day.take(12) == []
    assert day.take(12, "i1", 3, "updated") == [("team", "updated")]
    assert day.take(12, "i1", 2, "updated") == []
    assert day.take(12, "i1", 4, "resolved") == [("team", "resolved")]
    assert day.take(12, "i1", 4, "resolved") == []


def test_an_incident_that_opens_again_is_new_to_everyone() -> None:
    day = Day({"receivers": ["team"], "changes": ["opened", "resolved"]})
    assert day.take(12) == [("team", "opened")]
    assert day.take(12.5, "i1", 2, "resolved") == [("team", "resolved")]
    assert day.take(13, "i1", 3, "updated", reopened=1) == [("team", "opened")]


def test_muted_incidents_are_skipped_but_who_was_told_hears_of_the_end() -> None:
    day = Day({"receivers": ["team"]})
    assert day.take(12, muted_by="w1") == []
    assert day.take(12, "i1", 2, "updated") == [("team", "opened")]
    assert day.take(12, "i1", 3, "updated", muted_by="w1") == []
    assert day.take(12, "i1", 4, "resolved", muted_by="w1") == [("team", "resolved")]
    assert day.take(12, "i2", muted_by="w1") == []
    assert day.take(12, "i2", 2, "resolved", muted_by="w1") == []
    assert day.take(12, "forgotten", 9, "resolved", muted_by="w1") == []


AS_USUAL = Recurrence(5, 7, False, "as on 5 of the last 7 days at this time, no worse", "It becomes one if it grows.")


def test_what_is_as_on_other_days_goes_only_to_those_who_ask() -> None:
    day = Day({"receivers": ["team"]}, {"receivers": ["chat"], "recurring": True})
    assert day.take(12, recurring=AS_USUAL) == [("chat", "opened")]
    assert day.take(12, "i1", 2, "resolved", recurring=AS_USUAL) == [("chat", "resolved")]
    assert day.take(12, "i2", recurring=AS_USUAL) == [("chat", "opened")]
    assert day.take(12, "i2", 2, "updated") == [("chat", "updated"), ("team", "opened")]
    assert day.take(12, "i2", 3, "resolved") == [("chat", "resolved"), ("team", "resolved")]
    assert day.take(12, "forgotten", 9, "resolved", recurring=AS_USUAL) == [("chat", "resolved")]


def test_the_end_of_an_incident_whose_beginning_is_forgotten_is_told() -> None:
    day = Day({"receivers": ["team"], "severity": "major"})
    assert day.take(12, "old", 9, "resolved") == [("team", "resolved")]
    assert day.take(12, "older", 9, "resolved", "minor") == []


def test_outside_of_the_hours_it_is_held_and_critical_passes() -> None:
    day = Day({"receivers": ["team"], "hours": DAY})
    first = day.decide(20, make_event())
    assert (told(first.now), told(first.held)) == ([], [("team", "opened")])
    assert [due_s for _, due_s in day.follower.held()] == [at(32)]
    assert day.take(21, "i2", severity="critical") == [("team", "opened")]
    assert told(day.follower.release(at(31.9))) == []
    assert told(day.follower.release(at(32))) == [("team", "opened")]
    assert told(day.follower.release(at(33))) == []


def test_critical_waits_too_where_the_route_says_so() -> None:
    day = Day({"receivers": ["team"], "hours": DAY | {"critical_at_any_time": False}})
    assert day.take(20, severity="critical") == []


def test_what_came_and_went_in_the_night_is_never_told() -> None:
    day = Day({"receivers": ["team"], "hours": DAY})
    first = day.decide(20, make_event())
    last = day.decide(23, make_event("i1", 2, "resolved"))
    assert (told(last.now), last.needless) == ([], first.held)
    assert told(day.follower.release(at(40))) == []


def test_of_several_held_changes_only_the_last_is_told() -> None:
    day = Day({"receivers": ["team"], "hours": DAY})
    assert day.take(17) == [("team", "opened")]
    first = day.decide(20, make_event("i1", 2, "updated"))
    second = day.decide(21, make_event("i1", 3, "updated"))
    last = day.decide(22, make_event("i1", 4, "resolved"))
    assert (second.needless, last.needless) == (first.held, second.held)
    released = day.follower.release(at(32))
    assert (told(released), released[0].incident.revision) == ([("team", "resolved")], 4)
    assert list(day.follower.held()) == []


def test_what_opens_again_before_the_end_was_told_goes_on() -> None:
    day = Day({"receivers": ["team", "pager"], "hours": DAY})
    assert day.take(17) == [("pager", "opened"), ("team", "opened")]
    held = day.decide(20, make_event("i1", 2, "resolved"))
    assert (told(held.now), told(held.held)) == ([("pager", "resolved")], [("team", "resolved")])
    again = day.decide(21, make_event("i1", 3, "updated"))
    assert again.needless == held.held
    assert told(day.follower.release(at(32))) == [("pager", "opened"), ("team", "updated")]


def test_an_escalation_in_the_night_is_told_at_once_and_makes_the_held_needless() -> None:
    day = Day({"receivers": ["team"], "hours": DAY})
    first = day.decide(20, make_event())
    second = day.decide(21, make_event("i1", 2, "updated", "critical"))
    assert (told(second.now), second.needless) == ([("team", "opened")], first.held)


def test_what_eases_before_the_hours_begin_is_not_told() -> None:
    day = Day({"receivers": ["team"], "severity": "major", "hours": DAY})
    first = day.decide(20, make_event())
    assert day.decide(21, make_event("i1", 2, "updated", "minor")).needless == first.held
    muted = Day({"receivers": ["team"], "hours": DAY})
    first = muted.decide(20, make_event())
    assert muted.decide(21, make_event("i1", 2, "updated", muted_by="w1")).needless == first.held


def test_what_was_due_before_the_next_change_counts_as_told() -> None:
    """As when the same records are read again after a restart: the morning lay between them."""
    day = Day({"receivers": ["team"], "hours": DAY})
    assert day.take(20) == []
    assert day.take(33, "i1", 2, "resolved") == [("team", "opened"), ("team", "resolved")]


def test_severities_told_before_and_the_first_application_are_remembered() -> None:
    day = Day({"receivers": ["alerts"]})
    day.take(12, severity="minor")
    day.take(12, "i1", 2, "updated", "major", applications=["bank", "shop"])
    (last,) = day.decide(12, make_event("i1", 3, "updated", "critical")).now
    assert (last.severities, last.application) == (("minor", "major"), "shop")
    assert list(day.follower.open_notices()) == [last]
    day.take(12, "i1", 4, "resolved", "critical")
    assert list(day.follower.open_notices()) == []


CHANGES = st.sampled_from(["opened", "updated", "updated", "resolved"])


@given(
    st.lists(
        st.tuples(st.integers(0, 2), CHANGES, st.sampled_from(["minor", "major", "critical"]), st.floats(0.0, 9.0)),
        max_size=25,
    )
)
def test_in_every_history_each_receiver_hears_a_beginning_before_an_end(history: list[Any]) -> None:
    """And the same records lead to the same messages, whether time passed between them or not."""
    routes = (
        {"receivers": ["team", "alerts"], "severity": "major", "hours": DAY},
        {"receivers": ["pager"], "severity": "critical"},
        {"receivers": ["chat"], "hours": DAY},
    )
    live, again = follower(*routes), follower(*routes)
    heard: dict[tuple[str, str], str] = {}
    sent_live: list[tuple[str, str, int]] = []
    sent_again: list[tuple[str, str, int]] = []
    hour = 0.0
    seen: set[int] = set()
    for offset, (number, change, severity, pause) in enumerate(history):
        seen, begins = seen | {number}, number not in seen
        event = make_event(f"i{number}", offset + 1, "opened" if begins else change, severity)
        record = make_record(event, offset, at(hour))
        now = live.release(at(hour)) + live.take(event, record).now
        for notice in now:
            key = (notice.receiver, notice.incident.incident_id)
            if notice.change == "opened":
                assert heard.get(key) != "open"
                heard[key] = "open"
            else:
                assert heard.get(key) == "open"
                heard[key] = "ended" if notice.change == "resolved" else "open"
        sent_live += [(notice.receiver, notice.change, notice.offset) for notice in now]
        decided = again.take(event, record).now
        sent_again += [(notice.receiver, notice.change, notice.offset) for notice in decided]
        hour += pause
    for one, sent in ((live, sent_live), (again, sent_again)):
        sent += [(notice.receiver, notice.change, notice.offset) for notice in one.release(at(hour + 48))]
    assert sorted(sent_live) == sorted(sent_again)


def test_incidents_without_end_are_forgotten_at_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracehound.streams.notify.follow._MOST_OPEN", 3)
    day = Day({"receivers": ["team"], "hours": DAY})
    sent = [day.take(20, f"i{number}") for number in range(5)]
    assert sent == [[], [], [], [("team", "opened")], [("team", "opened")]]  # rather early than never
    assert len(list(day.follower.held())) == 3


def test_the_clock_of_these_tests_is_right() -> None:
    assert datetime.fromtimestamp(at(12), UTC).isoformat() == "2026-01-06T12:00:00+00:00"
