"""Maintenance windows: announced and ended over Kafka, listed as the topic says."""

import msgspec
import pytest

from tests.console.asking import NOW_S, Asking
from tests.console.telling import tell
from tracehound.schemas.feedback import Maintenance

GIVEN = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-01T02:00:00Z", "application": "shop"}


def test_a_window_is_announced_listed_and_ended(console: Asking) -> None:
    announced = console.ask("POST", "/maintenance", "operator", json=GIVEN | {"note": "upgrade"})
    assert announced.status_code == 202
    (record,) = console.sender.records
    window = msgspec.json.decode(record.value, type=Maintenance)
    assert (record.topic, record.key) == ("tracehound.maintenance.v1", window.window_id.encode())
    assert (window.starts_at, window.ends_at, window.by) == (NOW_S, NOW_S + 7_200.0, console.keys["operator"].prefix)
    tell(console.store, "maintenance", record.value)
    assert console.ask("GET", "/maintenance").json()["items"] == [announced.json()]
    console.now_s[0] += 60.0
    assert len(console.get("/maintenance", state="open")["items"]) == 1
    assert console.get("/maintenance", state="over")["items"] == []
    ended = console.ask("POST", f"/maintenance/{window.window_id}/end", "operator").json()
    assert ended["ends_at"] == NOW_S + 60.0
    tell(console.store, "maintenance", console.sender.records[-1].value)
    assert len(console.get("/maintenance", state="over")["items"]) == 1
    assert console.ask("POST", f"/maintenance/{window.window_id}/end", "operator").status_code == 404


def test_one_that_has_not_begun_is_withdrawn(console: Asking) -> None:
    window = Maintenance("later", NOW_S + 60.0, NOW_S + 120.0)
    tell(console.store, "maintenance", msgspec.json.encode(window))
    assert len(console.get("/maintenance", state="announced")["items"]) == 1
    assert console.ask("POST", "/maintenance/later/end", "operator").json()["withdrawn"] is True
    tell(console.store, "maintenance", console.sender.records[-1].value)
    assert console.get("/maintenance")["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_at": "2026-01-01T00:00:00Z"},
        {"ends_at": "2027-01-01T00:00:00Z"},
        {"application": "a" * 201},
        {"environment": "\x00"},
        {"starts_at": 5},
    ],
)
def test_what_the_reader_of_windows_would_refuse_is_refused_at_once(console: Asking, wrong: dict[str, object]) -> None:
    answer = console.ask("POST", "/maintenance", "operator", json=GIVEN | wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert console.sender.records == []
