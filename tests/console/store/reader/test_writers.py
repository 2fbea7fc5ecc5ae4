"""What each topic becomes in rows; what comes twice changes nothing, what is newer wins."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import Table, select

from tests.console.store.reader.told import (
    BEGIN_S,
    TOPICS,
    anomaly,
    call,
    call_graph,
    dead_letter,
    delivery,
    incident,
    model_event,
    progress,
    record,
    scored_log,
)
from tracehound.console.store.engine import Store
from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers import writers
from tracehound.console.store.tables import (
    anomalies,
    application_progress,
    applications,
    calls,
    dead_letters,
    deliveries,
    incident_applications,
    incident_events,
    incidents,
    kept,
    model_events,
    named_calls,
    scored_logs,
)
from tracehound.console.store.tables.words import has_words
from tracehound.schemas.model_event import TrainingCost
from tracehound.schemas.topics import Topic

BEGIN_US = round(BEGIN_S * 1_000_000)
WRITERS = writers(TOPICS)


def write(store: Store, records: Iterable[Record]) -> int:
    count = 0
    for one in records:
        writer = WRITERS[one.topic]
        with store.write() as connection:
            count += writer.write(connection, [writer.row(one)])
    return count


def write_together(store: Store, topic: Topic, values: Iterable[bytes]) -> int:
    writer = WRITERS[topic.name]
    with store.write() as connection:
        return writer.write(connection, [writer.row(record(topic.name, value)) for value in values])


def rows(store: Store, table: Table, *order: str) -> list[dict[str, Any]]:
    query = select(table).order_by(*(table.c[name] for name in order))
    with store.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def kept_of(store: Store, table: Table) -> tuple[int, int]:
    return next(((one["rows"], one["bytes"]) for one in rows(store, kept) if one["table"] == table.name), (0, 0))


def test_an_anomaly_is_kept_whole_beside_what_it_is_found_by(store: Store) -> None:
    value = anomaly(3, severity="critical")
    assert write(store, [record(TOPICS.anomalies.name, value, told_s=BEGIN_S + 9)]) == 1
    (row,) = rows(store, anomalies)
    assert row["event"].encode() == value
    assert (row["time_us"], row["told_us"]) == (BEGIN_US + 3_000_000, BEGIN_US + 9_000_000)
    assert (row["application"], row["severity_rank"], row["score"]) == ("shop", 2, 7.5)


def test_what_comes_twice_is_stored_once_and_counted_once(store: Store) -> None:
    values = [anomaly(1), anomaly(2), anomaly(1)]
    assert write_together(store, TOPICS.anomalies, values) == 2
    assert write_together(store, TOPICS.anomalies, [anomaly(2), anomaly(3)]) == 1
    assert [row["id"] for row in rows(store, anomalies, "seq")] == ["anomaly-1", "anomaly-2", "anomaly-3"]
    assert kept_of(store, anomalies) == (3, sum(len(anomaly(number)) for number in (1, 2, 3)))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (1, 3, 2), (2, 3, 1)])
@pytest.mark.parametrize("together", [True, False])
def test_an_incident_is_as_its_highest_revision_says_and_all_are_its_timeline(
    store: Store, order: tuple[int, ...], together: bool
) -> None:
    life = {
        1: incident("a", 1, "opened"),
        2: incident("a", 2, "updated", ("shop", "stock")),
        3: incident("a", 3, "resolved", ("stock",)),
    }
    for values in [[life[one] for one in order]] if together else [[life[one]] for one in order]:
        write_together(store, TOPICS.severity, values)
    (now,) = rows(store, incidents)
    assert (now["revision"], now["state"], now["event"].encode()) == (3, "resolved", life[3])
    assert now["resolved_at_us"] == BEGIN_US + 3_000_000
    assert (now["cause_application"], now["cause_operation"]) == ("stock", "GET /stock")
    assert [row["change"] for row in rows(store, incident_events, "revision")] == ["opened", "updated", "resolved"]
    assert {row["application"] for row in rows(store, incident_applications)} == {"shop", "stock"}


def test_a_training_run_is_kept_with_its_cost(store: Store) -> None:
    cost = TrainingCost(1.5, 2.0, 5_000, 70_000)
    write(store, [record(TOPICS.models.name, value) for value in (model_event(1, cost=cost), model_event(2, "drift"))])
    first, second = rows(store, model_events, "seq")
    assert (first["cpu_s"], first["wall_s"], first["samples"], first["model_bytes"]) == (1.5, 2.0, 5_000, 70_000)
    assert (second["change"], second["cpu_s"]) == ("drift", None)


def test_progress_is_added_up_and_the_newest_is_kept(store: Store) -> None:
    write_together(store, TOPICS.progress, [progress(10, 5), progress(70, 7, errors=2), progress(65, 1)])
    write_together(store, TOPICS.progress, [progress(20, 3), progress(30, 2, "other")])
    (other, shop) = rows(store, applications, "application")
    assert (other["executions"], shop["executions"], shop["errors"]) == (2, 16, 2)
    assert shop["scored_through_us"] == BEGIN_US + 70_000_000
    assert shop["event"].encode() == progress(70, 7, errors=2)
    minutes = [row for row in rows(store, application_progress, "minute_us") if row["application"] == "shop"]
    assert [(row["minute_us"] - BEGIN_US, row["executions"]) for row in minutes] == [(0, 8), (60_000_000, 8)]
    assert kept_of(store, application_progress)[0] == 3


def test_calls_that_executions_name_are_added_up_by_who_is_called(store: Store) -> None:
    write_together(
        store, TOPICS.progress, [progress(10, 5, db=3), progress(70, 7, db=4, cache=1), progress(310, 1, db=2)]
    )
    write_together(store, TOPICS.progress, [progress(20, 3, db=1), progress(30, 2, "other", db=9)])
    found = {
        (row["application"], row["peer"], row["window_us"] - BEGIN_US): row["count"] for row in rows(store, named_calls)
    }
    late_us = 300_000_000
    assert found == {
        ("shop", "db", 0): 8,
        ("shop", "cache", 0): 1,
        ("shop", "db", late_us): 2,
        ("other", "db", 0): 9,
    }
    assert kept_of(store, named_calls)[0] == 4


def test_calls_are_added_up_and_each_record_counts_once(store: Store) -> None:
    first, second = call_graph("0/1", call(2), call(3, 300)), call_graph("0/2", call(5), call(1, peer="other"))
    assert write_together(store, TOPICS.call_graph, [first, first, second]) == 2
    assert write_together(store, TOPICS.call_graph, [second]) == 0
    found = {(row["peer"], row["window_us"] - BEGIN_US): row["count"] for row in rows(store, calls)}
    assert found == {("stock", 0): 7, ("stock", 300_000_000): 3, ("other", 0): 1}
    sums = {row["caller_ms"] for row in rows(store, calls) if row["peer"] == "stock" and row["window_us"] == BEGIN_US}
    assert sums == {70.0}


def test_a_dead_letter_keeps_its_bytes_and_one_that_is_told_twice_is_kept_once(store: Store) -> None:
    assert write(store, [dead_letter(7, b"\x00\xff"), dead_letter(7, b"\x00\xff", position=1), dead_letter(8)]) == 2
    first, _ = rows(store, dead_letters, "seq")
    assert (first["value"], first["key"], first["source_offset"]) == (b"\x00\xff", b"\xff\x00", 7)
    assert (first["stage"], first["reason"], first["headers"]) == ("decode", "It is cut off.", '[["trace","AA=="]]')


def test_a_message_is_kept_with_what_became_of_it(store: Store) -> None:
    values = [delivery(1), delivery(2, "given_up"), delivery(1), delivery(2)]
    assert write_together(store, TOPICS.deliveries, values) == 3
    found = [(row["event_id"], row["outcome"], row["reason"]) for row in rows(store, deliveries, "seq")]
    assert found == [("event-1", "delivered", ""), ("event-2", "given_up", "It is away."), ("event-2", "delivered", "")]


def test_a_log_event_is_found_by_words_and_level(store: Store) -> None:
    write_together(store, TOPICS.scored_logs, [scored_log(1), scored_log(2, "All is well", "info")])
    with store.read() as connection:
        query = select(scored_logs.c.id, scored_logs.c.level_rank).where(has_words("spike cpu"))
        assert connection.execute(query).all() == [("log-1", 3)]


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        (TOPICS.anomalies, None),
        (TOPICS.anomalies, b"{"),
        (TOPICS.anomalies, anomaly(1, id="")),
        (TOPICS.anomalies, anomaly(1, id="x" * 501)),
        (TOPICS.anomalies, anomaly(1, id="a\0b")),
        (TOPICS.anomalies, anomaly(1, time="yesterday")),
        (TOPICS.anomalies, anomaly(1)[:-1] + b',"more":"\xff"}'),
        (TOPICS.anomalies, anomaly(1)[:-1] + b',"more":"\0"}'),
        (TOPICS.severity, incident("a", 1, "opened").replace(b"incident.opened", b"incident.closed")),
        (TOPICS.call_graph, call_graph("1", call(1, 10**15))),
        (TOPICS.dead_letters, b"{}"),
    ],
)
def test_what_is_none_of_what_should_be_there_is_a_value_error(topic: Topic, value: bytes | None) -> None:
    with pytest.raises(ValueError):
        WRITERS[topic.name].row(record(topic.name, value))


def test_names_that_no_index_holds_are_found_by_their_beginning(store: Store) -> None:
    name = "\N{SNOWMAN}" * 5_000 + "\0"
    assert write_together(store, TOPICS.anomalies, [anomaly(1, "a\0" + name)]) == 1
    (row,) = rows(store, anomalies)
    assert row["application"] == "a\N{REPLACEMENT CHARACTER}" + "\N{SNOWMAN}" * 198
