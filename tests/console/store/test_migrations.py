"""What the revisions make is what the tables say, on both engines; running them again changes nothing."""

import threading
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from tracehound.console.store.engine import Store
from tracehound.console.store.migrations.__main__ import is_compared
from tracehound.console.store.migrations.migrate import VERSION_TABLE, migrate
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
