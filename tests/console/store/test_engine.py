"""The database is opened by URL, reads see one state, writes are all or nothing, and what is wrong is said."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from tracehound.console.store.engine import NotAtOnceError, Store, StoreError
from tracehound.console.store.tables import anomalies, kept, offsets
from tracehound.schemas.errors import ConfigurationError


def row(partition: int) -> dict[str, object]:
    return {"topic": "t", "partition": partition, "topic_id": "", "next_offset": 1}


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(offsets)).scalar_one()


def test_a_write_is_there_as_a_whole_or_not_at_all(store: Store) -> None:
    def break_off() -> None:
        with store.write() as connection:
            connection.execute(insert(offsets), [row(0), row(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert count(store) == 0
    with store.write() as connection:
        connection.execute(insert(offsets), [row(0), row(1)])
    assert count(store) == 2


def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(offsets), [row(0)])
        assert count(store) == 0
    assert count(store) == 1


def test_writers_take_turns(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(kept), {"table": "t", "rows": 0, "bytes": 0})

    def add() -> None:
        for _ in range(20):
            with store.write() as connection:
                connection.execute(kept.update().values(rows=kept.c.rows + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert connection.execute(select(kept.c.rows)).scalar_one() == 80


def test_a_connection_that_is_in_use_when_all_are_closed_is_closed_when_it_is_given_back(store: Store) -> None:
    with store.read() as reading:
        made = reading.connection.dbapi_connection
        with store.read():
            pass
        store.close()
        assert reading.execute(text("SELECT 1")).scalar_one() == 1
    assert made is not None
    with pytest.raises(Exception, match=r"closed"):
        made.cursor().execute("SELECT 1")


def test_the_planner_is_told_how_values_are_distributed(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(offsets), [row(number) for number in range(5_000)])
    store.analyze()
    if store.path is not None:
        with store.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'offsets'")).scalar_one()


def test_an_application_is_known_to_be_rarer_than_a_kind_whatever_else_is_asked(store: Store) -> None:
    if store.path is None:
        return  # PostgreSQL samples whole tables by itself
    with store.write() as connection:
        told = [anomaly(number, f"application-{number % 20}", number % 3) for number in range(30_000)]
        connection.execute(insert(anomalies), told)
    store.analyze()
    for asked, used in (
        ("application = 'application-7' AND kind = 'outlier' AND severity_rank = 2", "application_severity_rank"),
        ("application = 'application-7' AND environment = 'prod'", "application"),
        ("application = 'application-7' AND kind = 'outlier'", "application"),
        ("application = 'application-7' AND operation = 'x'", "application_operation"),
        ("environment = 'prod' AND kind = 'traffic'", "environment_kind"),
    ):
        listed = f"SELECT event FROM anomalies WHERE {asked} ORDER BY time_us DESC, seq DESC LIMIT 51"
        with store.read() as connection:
            plan = " ".join(row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {listed}")))
        assert f"ix_anomalies_{used}_time_us_seq" in plan, plan
        assert "TEMP B-TREE" not in plan


def anomaly(number: int, application: str, rank: int) -> dict[str, object]:
    texts = dict.fromkeys(("version", "severity", "signal", "incident_key", "event"), "")
    return texts | {
        "id": str(number),
        "time_us": number,
        "application": application,
        "environment": "prod",
        "operation": "GET /",
        "kind": ("latency", "errors", "outlier")[rank],
        "severity_rank": rank,
        "score": 1.0,
        "told_us": number,
        "bytes": 0,
    }


def test_a_database_that_is_away_is_said_without_its_password() -> None:
    store = Store("postgresql+psycopg://me:hush@127.0.0.1:1/nothing")
    with pytest.raises(StoreError, match=r"me:\*\*\*@127.0.0.1:1/nothing cannot be used: ") as raised, store.read():
        pass
    assert "hush" not in str(raised.value)


def test_a_folder_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must name a file in a folder that exists"):
        Store(f"sqlite:///{tmp_path}/none/x.db").migrate()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError, match="file is not a database"):
        Store(f"sqlite:///{tmp_path}/x.db").migrate()


def test_what_takes_long_or_must_be_waited_for_is_not_read_at_once(store: Store) -> None:
    with store.write() as connection:
        connection.execute(insert(offsets), [row(number) for number in range(300)])
    many = text("SELECT count(*) FROM offsets a, offsets b, offsets c")
    with pytest.raises(NotAtOnceError), store.read_at_once() as connection:
        connection.execute(many).all()
    if store.path is not None:
        with store.read_at_once() as connection:
            assert connection.execute(select(func.count()).select_from(offsets)).scalar() == 300
        with store.write() as connection:
            connection.execute(insert(offsets), [row(300)])
        with store.read_at_once() as connection:
            assert connection.execute(select(func.count()).select_from(offsets)).scalar() == 301
