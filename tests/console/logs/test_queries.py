"""Log events are found by what they are, newest first, page by page, on both engines."""

from typing import Any

import pytest

from tests.console.asking import NOW_S, asking
from tests.console.logs.events import scored, store_logs
from tracehound.console.store.engine import Store
from tracehound.schemas.codec import encode

T0 = round((NOW_S - 3_600) * 1e6)
S = 1_000_000
EVENTS = [
    scored("a", "CPU spike detected", T0, application="system", level="warning", host="db-1"),
    scored("b", "order 7 was paid", T0 + S, template_id="2"),
    scored("c", "the ledger does not answer", T0 + 2 * S, level="error", template_id="3", trace_id="t1"),
    scored("d", "order 8 was paid", T0 + 3 * S, template_id="2", environment="test"),
    scored("e", "disk is full", T0 + 3 * S, level="critical", template_id="4", host="db-1"),
]
TIMES = [T0, T0 + S, T0 + 2 * S, T0 + 3 * S, T0 + 3 * S]


def found(told: dict[str, Any]) -> str:
    return "".join(item["id"] for item in told["items"])


def at(seconds: int) -> str:
    return f"2025-12-31T23:00:{seconds:02}Z"


@pytest.fixture
def filled(store: Store) -> Store:
    store_logs(store, EVENTS, TIMES)
    return store


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, "edcba"),
        ({"sort": "time"}, "abcde"),
        ({"application": "shop"}, "edcb"),
        ({"application": "shop", "environment": ""}, "ecb"),
        ({"environment": "test"}, "d"),
        ({"level": ["warning", "error"]}, "ca"),
        ({"severity": "minor"}, "a"),
        ({"severity": ["major", "critical"]}, "ec"),
        ({"application": "shop", "template_id": "2"}, "db"),
        ({"trace_id": "t1"}, "c"),
        ({"host": "db-1"}, "ea"),
        ({"words": "SPIKE cpu"}, "a"),
        ({"words": "order paid", "since": at(2)}, "d"),
        ({"since": at(1), "until": at(3)}, "cb"),
        ({"words": "?!"}, ""),
        ({"application": "shop' OR 1=1 --"}, ""),
    ],
)
def test_events_are_found_by_what_they_are(filled: Store, asked: dict[str, Any], ids: str) -> None:
    with asking(filled) as console:
        assert found(console.get("/logs", **asked)) == ids


def test_pages_follow_each_other_without_gap_or_repeat(filled: Store) -> None:
    with asking(filled) as console:
        page = console.get("/logs", limit=2)
        seen = found(page)
        while page["next"] is not None:
            page = console.get("/logs", limit=2, cursor=page["next"])
            seen += found(page)
    assert seen == "edcba"


def test_an_event_is_answered_as_it_was_told(filled: Store) -> None:
    with asking(filled) as console:
        answer = console.ask("GET", "/logs/a", "viewer")
        assert answer.content == encode(EVENTS[0])
        assert answer.json()["data"]["severity"] == "minor"
        assert console.ask("GET", "/logs/z").status_code == 404


def test_events_are_exported_as_lines_and_as_a_table(filled: Store) -> None:
    with asking(filled) as console:
        lines = console.ask("GET", "/logs", params={"format": "jsonl"})
        table = console.ask("GET", "/logs", params={"format": "csv", "application": "system"})
    assert lines.content.splitlines() == [encode(event) for event in reversed(EVENTS)]
    head, row = table.text.splitlines()
    assert head.startswith("id,time,application")
    assert "CPU spike detected" in row


@pytest.mark.parametrize("wrong", [{"level": "loud"}, {"severity": "none"}, {"template": "x"}, {"since": "soon"}])
def test_what_cannot_be_asked_is_400(store: Store, wrong: dict[str, str]) -> None:
    with asking(store) as console:
        assert console.ask("GET", "/logs", params=wrong).status_code == 400
