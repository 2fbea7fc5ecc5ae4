"""A batch is stored with how far it reaches, all or nothing; no record of it ends the reader."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, func, select

from tests.console.store.reader.told import TOPICS, anomaly, incident, record
from tracehound.console.store.engine import Store
from tracehound.console.store.reader.positions import Position
from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.store_batch import BatchWriter, MovedError, put_positions, stored_positions
from tracehound.console.store.reader.writers import writers
from tracehound.console.store.reader.writers.anomalies import AnomalyWriter
from tracehound.console.store.reader.writers.writer import Row
from tracehound.console.store.tables import anomalies, incident_events, unreadable
from tracehound.schemas.drill import DRILL_APPLICATION, DRILL_KEY
from tracehound.streams.kafka.odd_records import UNREAD_HEADER

ANOMALIES, SEVERITY = TOPICS.anomalies.name, TOPICS.severity.name
START = {(ANOMALIES, 0): Position("id", 0), (ANOMALIES, 1): Position("id", 5), (SEVERITY, 0): Position("", 0)}


class RefusedByTheDatabase(AnomalyWriter):
    """Its rows of odd numbers break a rule that the database alone knows; the number 13 breaks this writer."""

    def row(self, record: Record) -> Row:
        row = super().row(record)
        if row["id"] == "anomaly-13":
            raise ZeroDivisionError
        return row | ({"kind": None} if int(row["id"][-1]) % 2 else {})


@pytest.fixture
def batches(store: Store) -> BatchWriter:
    put_positions(store, START)
    return BatchWriter(store, writers(TOPICS))


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(anomalies)).scalar_one()


def told(numbers: Sequence[int], partition: int = 0, first: int = 0) -> list[Record]:
    return [record(ANOMALIES, anomaly(number), first + at, partition) for at, number in enumerate(numbers)]


def test_rows_and_offsets_are_stored_together(store: Store, batches: BatchWriter) -> None:
    records = [*told([1, 2]), *told([3], 1, 5), record(SEVERITY, incident("a", 1, "opened"), 0)]
    stored = batches.write(records, START)
    assert stored.new == {ANOMALIES: 3, SEVERITY: 1}
    assert stored_positions(store) == {
        (ANOMALIES, 0): Position("id", 2),
        (ANOMALIES, 1): Position("id", 6),
        (SEVERITY, 0): Position("", 1),
    }


def test_whoever_is_overtaken_writes_nothing(store: Store, batches: BatchWriter) -> None:
    batches.write(told([1, 2]), START)
    with pytest.raises(MovedError):
        batches.write(told([1, 2, 3]), START)
    assert count(store) == 2


def test_whoever_reads_a_topic_that_was_made_anew_elsewhere_writes_nothing(store: Store, batches: BatchWriter) -> None:
    put_positions(store, {(ANOMALIES, 0): Position("other", 0)})
    with pytest.raises(MovedError):
        batches.write(told([1]), START)
    assert count(store) == 0


def test_what_breaks_off_leaves_neither_rows_nor_offsets(store: Store) -> None:
    class BreaksOff(AnomalyWriter):
        def write(self, connection: Connection, rows: Sequence[Row]) -> int:
            super().write(connection, rows)
            raise KeyboardInterrupt

    put_positions(store, START)
    batches = BatchWriter(store, {ANOMALIES: BreaksOff()})
    with pytest.raises(KeyboardInterrupt):
        batches.write(told([1]), START)
    assert count(store) == 0
    assert stored_positions(store) == START


def test_what_is_no_event_is_kept_with_its_reason_and_the_others_are_stored(store: Store, batches: BatchWriter) -> None:
    bad = Record(ANOMALIES, 0, 1, 7_000_000, b"\xff", b"\x00{")
    stored = batches.write([*told([1]), bad, *told([2], first=2)], START)
    assert (stored.new, stored.unreadable) == ({ANOMALIES: 2}, {ANOMALIES: 1})
    with store.read() as connection:
        (row,) = connection.execute(select(unreadable)).all()
    assert (row.topic, row.partition, row.offset, row.key, row.value) == (ANOMALIES, 0, 1, b"\xff", b"\x00{")
    assert row.reason.startswith("DecodeError: ")
    assert stored_positions(store)[ANOMALIES, 0].offset == 3


def test_a_batch_that_is_not_unpacked_is_kept_with_its_reason(store: Store, batches: BatchWriter) -> None:
    packed = told([1])[0]._replace(headers=((UNREAD_HEADER, b"It is too large."),))
    stored = batches.write([packed, *told([2], first=1)], START)
    assert (stored.new, stored.unreadable) == ({ANOMALIES: 1}, {ANOMALIES: 1})
    with store.read() as connection:
        assert connection.execute(select(unreadable.c.reason)).scalars().all() == ["It is too large."]


def test_what_the_database_refuses_is_kept_with_its_reason_and_the_others_are_stored(store: Store) -> None:
    put_positions(store, START)
    batches = BatchWriter(store, {**writers(TOPICS), ANOMALIES: RefusedByTheDatabase()})
    stored = batches.write([*told([1, 2, 3, 4, 13]), record(SEVERITY, incident("a", 1, "opened"))], START)
    assert (stored.new, stored.unreadable) == ({ANOMALIES: 2, SEVERITY: 1}, {ANOMALIES: 3})
    with store.read() as connection:
        reasons = list(connection.execute(select(unreadable.c.reason).order_by(unreadable.c.offset)).scalars())
        assert connection.execute(select(func.count()).select_from(incident_events)).scalar_one() == 1
    assert len(reasons) == 3
    assert all("null" in reason.lower() for reason in reasons[:2])
    assert reasons[2].startswith("ZeroDivisionError")
    assert stored_positions(store)[ANOMALIES, 0].offset == 5


def test_drills_are_read_and_not_kept(store: Store, batches: BatchWriter) -> None:
    of_a_drill = told([1])[0]._replace(key=DRILL_KEY, value=anomaly(1, DRILL_APPLICATION))
    stored = batches.write([of_a_drill, *told([2], first=1)], START)
    assert stored.new == {ANOMALIES: 1}
    assert stored_positions(store)[ANOMALIES, 0] == Position("id", 2)
    assert batches.write([of_a_drill._replace(offset=2)], stored_positions(store)).new == {}
    assert stored_positions(store)[ANOMALIES, 0] == Position("id", 3)
    assert count(store) == 1
