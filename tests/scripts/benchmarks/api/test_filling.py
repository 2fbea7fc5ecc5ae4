"""A store is filled as if everything had been told, and the questions are about what is in it."""

from pathlib import Path

from sqlalchemy import func, select

from tracehound.console.store.engine import Store
from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.anomalies import AnomalyWriter
from tracehound.console.store.tables import anomalies, applications, incident_events, incidents, kept
from tracehound.scripts.benchmarks.api.filling import APPLICATIONS, Size, application, fill, told_anew
from tracehound.scripts.benchmarks.api.questions import filtered, questions

SIZE = Size(anomalies=2_000, incidents=40)


def test_it_holds_what_is_asked_for(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    fill(store, SIZE)
    with store.read() as connection:
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (anomalies, incidents, applications)
        }
        events = connection.execute(select(func.count()).select_from(incident_events)).scalar_one()
        size = connection.execute(select(func.sum(anomalies.c.bytes))).scalar_one()
        noted = connection.execute(select(kept.c.rows, kept.c.bytes).where(kept.c.table == "anomalies")).one()
        row = connection.execute(select(anomalies).limit(1)).mappings().one()
    store.close()
    assert counts == {"anomalies": 2_000, "incidents": 40, "applications": APPLICATIONS}
    assert 80 <= events <= 120
    assert tuple(noted) == (2_000, size)
    again = AnomalyWriter().row(Record("", 0, 0, row["told_us"], None, row["event"].encode()))
    assert dict(row) == {"seq": row["seq"], **again}, "a row is what the reader would have made of the event"


def test_what_is_told_anew_is_new() -> None:
    first, second = told_anew(2)
    assert b'"anew-0"' in first
    assert b'"anew-1"' in second


def test_every_kind_of_question_is_asked() -> None:
    asked = questions(SIZE, 20)
    assert {what: len(paths) for what, paths in asked.items()} == dict.fromkeys(
        ("list", "filter", "overview", "incident"), 20
    )
    assert f"application={application(7)}&" in filtered(application(7))
