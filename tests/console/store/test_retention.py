"""What is too old or too much goes, the oldest first, so many rows at a time; open incidents stay."""

from collections.abc import Mapping

import pytest
from sqlalchemy import Table, func, select

from tests.console.store.reader.told import (
    BEGIN_S,
    TOPICS,
    anomaly,
    call,
    call_graph,
    incident,
    progress,
    record,
    scored_log,
)
from tracehound.console.store.engine import Store
from tracehound.console.store.reader.writers import writers
from tracehound.console.store.retention import KEPT, Retention
from tracehound.console.store.tables import (
    anomalies,
    call_records,
    calls,
    incident_applications,
    incident_events,
    incidents,
    kept,
    metadata,
    scored_logs,
)
from tracehound.console.store.tables.words import has_words
from tracehound.schemas.topics import Topic
from tracehound.streams.settings.console import ConsoleSettings

DAY_S = 86_400
WRITERS = writers(TOPICS)


def tell(store: Store, topic: Topic, value: bytes, day: float) -> None:
    writer = WRITERS[topic.name]
    with store.write() as connection:
        writer.write(connection, [writer.row(record(topic.name, value, told_s=BEGIN_S + day * DAY_S))])


def retention(store: Store, day: float, rows_at_once: int = 1_000, **settings: float) -> Retention:
    now_us = round((BEGIN_S + day * DAY_S) * 1_000_000)
    return Retention(store, ConsoleSettings(**settings), lambda: now_us, rows_at_once=rows_at_once)  # type: ignore[arg-type]


def all_steps(one: Retention) -> list[Mapping[str, int]]:
    steps = []
    while removed := one.step():
        steps.append(removed)
    return steps


def count(store: Store, table: Table) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def numbers(store: Store, table: Table) -> list[int]:
    with store.read() as connection:
        ids = connection.execute(select(table.c.id).order_by(table.c.seq)).scalars()
        return [int(one.rpartition("-")[2]) for one in ids]


def assert_counted(store: Store) -> None:
    """What is noted as kept is what there is."""
    with store.read() as connection:
        for row in connection.execute(select(kept)):
            table = metadata.tables[row.table]
            assert row.rows == connection.execute(select(func.count()).select_from(table)).scalar_one()
            if "bytes" in table.c:
                assert row.bytes == (connection.execute(select(func.sum(table.c.bytes))).scalar_one() or 0)
            else:
                assert (row.bytes == 0) == (row.rows == 0)


def test_what_is_older_than_it_is_kept_goes_a_bounded_number_at_a_time(store: Store) -> None:
    for number in range(10):
        tell(store, TOPICS.anomalies, anomaly(number), number)
    steps = all_steps(retention(store, 12.5, rows_at_once=3, keep_days=5.0))
    assert steps == [{"anomalies": 3}, {"anomalies": 3}, {"anomalies": 2}]
    assert numbers(store, anomalies) == [8, 9]
    assert_counted(store)


def test_age_is_that_of_telling_and_not_that_of_the_event(store: Store) -> None:
    tell(store, TOPICS.anomalies, anomaly(-400 * DAY_S), 0)
    assert all_steps(retention(store, 1, keep_days=5.0)) == []


def test_where_it_is_too_much_the_table_with_most_loses_its_oldest(store: Store) -> None:
    tell(store, TOPICS.severity, incident("a", 1, "opened"), 0)
    for number in range(3):
        tell(store, TOPICS.anomalies, anomaly(number), number)
    for number in range(30):
        tell(store, TOPICS.scored_logs, scored_log(number), number)
    size = len(scored_log(10))
    keep_mb = (3 * len(anomaly(1)) + len(incident("a", 1, "opened")) + 12.5 * size) / 1e6
    steps = all_steps(retention(store, 31, rows_at_once=2, keep_mb=keep_mb))
    assert {table for step in steps for table in step} == {"scored_logs"}
    assert all(sum(step.values()) <= 2 for step in steps)
    assert numbers(store, scored_logs) == list(range(18, 30))
    assert (count(store, anomalies), count(store, incident_events)) == (3, 1)
    assert_counted(store)
    with store.read() as connection:
        assert (
            connection.execute(select(func.count()).select_from(scored_logs).where(has_words("spike"))).scalar_one()
            == 12
        )


def test_an_incident_that_is_open_stays_and_one_that_ended_goes_with_its_applications(store: Store) -> None:
    tell(store, TOPICS.severity, incident("open", 1, "opened"), 0)
    tell(store, TOPICS.severity, incident("over", 1, "opened"), 0)
    tell(store, TOPICS.severity, incident("over", 2, "resolved"), 1)
    all_steps(retention(store, 50, keep_days=5.0))
    with store.read() as connection:
        assert list(connection.execute(select(incidents.c.incident_id)).scalars()) == ["open"]
        assert list(connection.execute(select(incident_applications.c.incident_id)).scalars()) == ["open"]


@pytest.mark.parametrize("limit", [{"keep_days": 5.0}, {"keep_mb": 0.0001}])
def test_what_is_added_up_goes_too(store: Store, limit: dict[str, float]) -> None:
    for day in range(8):
        tell(store, TOPICS.progress, progress(day * DAY_S, 5), day)
        tell(store, TOPICS.call_graph, call_graph(f"0/{day}", call(2, day * DAY_S)), day)
    all_steps(retention(store, 10.5, rows_at_once=2, **limit))
    assert 0 <= count(store, calls) <= 2
    assert_counted(store)
    if "keep_days" in limit:
        assert count(store, call_records) == 2


def test_every_table_that_the_reader_fills_is_bounded() -> None:
    bounded_by_another = {"incident_applications", "kept", "offsets"}
    of_the_reader = {
        *("anomalies", "application_progress", "applications", "call_records", "calls", "dead_letters"),
        *("incident_events", "incidents", "model_events", "named_calls", "scored_logs", "unreadable"),
    }
    assert set(KEPT) >= of_the_reader
    assert bounded_by_another.isdisjoint(KEPT)
