"""Templates of a stretch of time: how often, against before, new ones, and bursts, on both engines."""

from typing import Any

import pytest

from tests.console.asking import NOW_S, asking
from tests.console.logs.events import scored, store_burst, store_logs
from tracehound.console.store.engine import Store

S = 1_000_000
BEGIN = round((NOW_S - 100) * 1e6)
STRETCH = {"since": "2025-12-31T23:58:20Z", "until": "2026-01-01T00:00:00Z"}


@pytest.fixture
def filled(store: Store) -> Store:
    paid = [scored(f"p{n}", "order was paid", 0, template_id="1", template_count=40 + n) for n in range(5)]
    new = [scored(f"n{n}", "the ledger is slow", 0, template_id="2", template_count=1 + n) for n in range(2)]
    other = [scored("o", "order was paid", 0, application="bank", template_id="1", template_count=9)]
    old = [scored("x", "gone", 0, template_id="3")]
    times = [BEGIN - 50 * S, BEGIN - 1, BEGIN, BEGIN + S, BEGIN + 99 * S, BEGIN + 2 * S, BEGIN + 3 * S, BEGIN + 4 * S]
    store_logs(store, [*paid, *new, *other, *old], [*times, 5 * S])
    store_burst(store, "burst", "shop logs", "the ledger is slow", BEGIN + 4 * S)
    store_burst(store, "before", "shop logs", "the ledger is slow", BEGIN - 4 * S)
    store_burst(store, "whole", "shop logs", "", BEGIN + 4 * S)
    return store


def told(store: Store, **asked: Any) -> list[dict[str, Any]]:
    with asking(store) as console:
        items: list[dict[str, Any]] = console.get("/logs/templates", **asked)["items"]
    return items


def test_each_template_is_counted_against_before(filled: Store) -> None:
    columns = ("application", "template", "count", "count_before", "new")
    assert [tuple(one[name] for name in columns) for one in told(filled, **STRETCH)] == [
        ("shop", "order was paid", 3, 2, False),
        ("shop", "the ledger is slow", 2, 0, True),
        ("bank", "order was paid", 1, 0, False),
    ]


def test_a_burst_is_told_by_its_anomaly(filled: Store) -> None:
    assert [one["bursts"] for one in told(filled, application="shop", **STRETCH)] == [[], ["burst"]]


def test_the_first_and_the_newest_event_are_named(filled: Store) -> None:
    (paid,) = told(filled, application="shop", limit=1, **STRETCH)
    assert (paid["last_id"], paid["level"], paid["template_id"]) == ("p4", "info", "1")
    assert (paid["first_at"], paid["last_at"]) == ("2025-12-31T23:57:30.000Z", "2025-12-31T23:59:59.000Z")


def test_without_times_it_is_the_last_day(filled: Store) -> None:
    with asking(filled) as console:
        answer = console.get("/logs/templates")
    assert (answer["since"], answer["until"]) == ("2025-12-31T00:00:00.000Z", "2026-01-01T00:00:00.000Z")
    assert [one["count"] for one in answer["items"]] == [5, 2, 1]


def test_where_there_is_nothing_nothing_is_told(filled: Store) -> None:
    assert told(filled, since="2026-01-01T00:00:00Z", until="2025-12-31T00:00:00Z") == []
    assert told(filled, application="nobody") == []
