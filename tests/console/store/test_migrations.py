"""What the revisions make is what the tables say, on both engines; running them again changes nothing."""

import threading
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Inspector, inspect, text
from sqlalchemy.dialects.postgresql import ARRAY

from tracehound.console.store.engine import Store
from tracehound.console.store.migrations.__main__ import is_compared
from tracehound.console.store.migrations.migrate import VERSION_TABLE, migrate, script
from tracehound.console.store.tables import metadata
from tracehound.schemas.errors import ConfigurationError


def differences(store: Store) -> list[Any]:
    options = {"version_table": VERSION_TABLE, "include_object": is_compared, "compare_type": True}
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts=options)
        found: list[Any] = compare_metadata(context, metadata)
        return found


def test_the_revisions_make_the_tables(store: Store) -> None:
    assert differences(store) == []


def test_a_difference_is_seen(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("ALTER TABLE anomalies ADD COLUMN more INTEGER"))
    assert len(differences(store)) == 1


def test_running_them_again_changes_nothing(store: Store) -> None:
    store.migrate()
    assert differences(store) == []


def test_several_may_run_them_at_once(database_url: str) -> None:
    stores = [Store(database_url) for _ in range(3)]
    failures: list[BaseException] = []

    def run(store: Store) -> None:
        try:
            store.migrate()
        except BaseException as error:  # noqa: BLE001 (whatever it is, the test must say it)
            failures.append(error)

    threads = [threading.Thread(target=run, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert differences(stores[0]) == []
    for store in stores:
        store.close()


def some_row(inspector: Inspector, table: str) -> dict[str, Any]:
    """A row with what has to be in it, whatever it means."""
    of_type: dict[type, Any] = {int: 1, float: 0.5, str: "{}", bytes: b"{}", bool: True}
    return {
        column["name"]: [] if isinstance(column["type"], ARRAY) else of_type[column["type"].python_type]
        for column in inspector.get_columns(table)
        if not column["nullable"] and column["default"] is None and column.get("autoincrement") is not True
    }


def parents_first(inspector: Inspector) -> list[str]:
    named = [name for name, _ in inspector.get_sorted_table_and_fkc_names() if name is not None]
    return [name for name in named if name in metadata.tables]  # SQLite has tables of its own for words


def count(store: Store, tables: Iterable[str]) -> dict[str, int]:
    with store.read() as connection:
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}


@pytest.mark.parametrize("revision", [one.revision for one in script().walk_revisions()][1:])
def test_what_an_earlier_version_has_stored_is_kept(database_url: str, revision: str) -> None:
    with closing(Store(database_url)) as store:
        with store.write() as connection:
            migrate(connection, revision)
            inspector = inspect(connection)
            stored = {name: row for name in parents_first(inspector) if (row := some_row(inspector, name))}
            for name, row in stored.items():
                columns, values = ", ".join(f'"{one}"' for one in row), ", ".join(f":{one}" for one in row)
                connection.execute(text(f"INSERT INTO {name} ({columns}) VALUES ({values})"), row)
        assert len(stored) > 8
        store.migrate()
        assert count(store, stored) == dict.fromkeys(stored, 1)
        assert differences(store) == []


def test_a_database_of_a_later_version_is_refused_and_left_alone(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999_later'"))
    with pytest.raises(ConfigurationError, match=r"later version of tracehound.*9999_later"):
        store.migrate()


def test_what_fails_half_way_leaves_nothing(database_url: str) -> None:
    store = Store(database_url)

    def break_off() -> None:
        with store.write() as connection:
            migrate(connection)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert inspect(store.engine).get_table_names() == []
    store.close()
