"""Rows that are added to or replaced where they exist: the same statements on both engines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from tracehound.console.store.tables import kept

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of a row that exists: numbers that are added, columns that are replaced.

    ``where_higher`` names the column that must be higher than that of the row that exists, else nothing changes.
    """

    added: Sequence[str] = ()
    replaced: Sequence[str] = ()
    where_higher: str = ""


def upsert(connection: Connection, table: Table, rows: Rows, changes: Changes) -> None:
    """Insert rows, no two of which have the same primary key; one that exists is changed instead."""
    if not rows:
        return
    statement = _insert(connection, table)
    new = statement.excluded
    values = {name: table.c[name] + new[name] for name in changes.added}
    values |= {name: new[name] for name in changes.replaced}
    where: ColumnElement[bool] | None = None
    if changes.where_higher:
        where = new[changes.where_higher] > table.c[changes.where_higher]
    keys = [column.name for column in table.primary_key.columns]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values, where=where), list(rows))


def insert_new(connection: Connection, table: Table, rows: Rows) -> set[tuple[Any, ...]]:
    """Insert the rows whose primary key does not exist yet; returns their keys."""
    if not rows:
        return set()
    statement = _insert(connection, table).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return {tuple(row) for row in connection.execute(statement, list(rows))}


def add_up(connection: Connection, table: Table, rows: Rows, changes: Changes, bytes_each: int) -> int:
    """Insert rows, or change those that exist; returns how many are new, of which each counts as so many bytes."""
    keys = [column.name for column in table.primary_key.columns]
    new = insert_new(connection, table, rows)
    upsert(connection, table, [row for row in rows if tuple(row[name] for name in keys) not in new], changes)
    count_kept(connection, table, len(new), len(new) * bytes_each)
    return len(new)


def count_kept(connection: Connection, table: Table, rows: int, bytes_: int) -> None:
    """Note that a table has so many rows and bytes more (or, below 0, fewer)."""
    if rows or bytes_:
        row = {"table": table.name, "rows": rows, "bytes": bytes_}
        upsert(connection, kept, [row], Changes(added=("rows", "bytes")))


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
