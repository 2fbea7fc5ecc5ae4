"""Rows that are inserted, or replaced where they exist: the same statement on both engines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_AT_ONCE = 500
_T = TypeVar("_T")


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    replaced: Sequence[str],
    added: Sequence[str] = (),
) -> None:
    """Insert rows; of one whose primary key is there, replace some columns and add to others instead."""
    if not rows:
        return
    statement = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)
    new = statement.excluded
    values = {name: new[name] for name in replaced} | {name: table.c[name] + new[name] for name in added}
    keys = [column.name for column in table.primary_key.columns]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values), list(rows))


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; those that clash with one that is there are left out."""
    if rows:
        statement = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)
        connection.execute(statement.on_conflict_do_nothing(), list(rows))


def some_at_once(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The values in lists that are short enough for one statement.

    >>> [len(some) for some in some_at_once(range(1_001))]
    [500, 500, 1]
    """
    return (values[first : first + _AT_ONCE] for first in range(0, len(values), _AT_ONCE))


def plain(text: str) -> str:
    """A text as both databases keep it: PostgreSQL has no character 0.

    >>> plain("a" + chr(0) + "b") == "a" + chr(0xFFFD) + "b"
    True
    """
    return text.replace("\0", "\ufffd") if "\0" in text else text
