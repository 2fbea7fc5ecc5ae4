"""Templates of a stretch of time: how often, against before, new ones, and bursts, on both engines."""

from tests.console.logs.events import S, scored, store_burst, store_logs
from tracehound.console.logs.templates import Template, find_templates
from tracehound.console.store.engine import Store

NOON = 1_000_000 * S


def told(store: Store, application: str = "", limit: int = 10) -> list[Template]:
    with store.read() as connection:
        return find_templates(connection, NOON, NOON + 100 * S, application, " logs", limit)


def fill(store: Store) -> None:
    paid = [scored(f"p{n}", "order was paid", 0, template_id="1", template_count=40 + n) for n in range(5)]
    new = [scored(f"n{n}", "the ledger is slow", 0, template_id="2", template_count=1 + n) for n in range(2)]
    other = [scored("o", "order was paid", 0, application="bank", template_id="1", template_count=9)]
    old = [scored("x", "gone", 0, template_id="3")]
    times = [NOON - 50 * S, NOON - 1, NOON, NOON + S, NOON + 99 * S, NOON + 2 * S, NOON + 3 * S, NOON + 4 * S, 5 * S]
    store_logs(store, [*paid, *new, *other, *old], times)
    store_burst(store, "burst", "shop logs", "the ledger is slow", NOON + 4 * S)
    store_burst(store, "before", "shop logs", "the ledger is slow", NOON - 4 * S)
    store_burst(store, "whole", "shop logs", "", NOON + 4 * S)


def test_each_template_is_counted_against_before(store: Store) -> None:
    fill(store)
    counts = [(one.application, one.template, one.count, one.count_before, one.new) for one in told(store)]
    assert counts == [
        ("shop", "order was paid", 3, 2, False),
        ("shop", "the ledger is slow", 2, 0, True),
        ("bank", "order was paid", 1, 0, False),
    ]


def test_a_burst_is_told_by_its_anomaly(store: Store) -> None:
    fill(store)
    assert [list(one.bursts) for one in told(store, "shop")] == [[], ["burst"]]


def test_the_first_and_the_newest_event_are_named(store: Store) -> None:
    fill(store)
    paid = told(store, "shop", limit=1)
    assert [(one.first_at_us, one.last_at_us, one.last_id) for one in paid] == [(NOON - 50 * S, NOON + 99 * S, "p4")]


def test_where_there_is_nothing_nothing_is_told(store: Store) -> None:
    assert told(store) == []
