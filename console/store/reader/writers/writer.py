"""What all writers share: the contract, rows that every database takes, and events that are stored once by their id."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Table, insert, select

from tracehound.console.store.reader.record import Record
from tracehound.console.store.reader.writers.upsert import count_kept
from tracehound.schemas.execution import epoch_seconds

Row = dict[str, Any]

LONGEST_ID: Final = 500
"""Characters of an id: PostgreSQL's indexes hold no more than 2,700 bytes."""
LONGEST_NAME: Final = 200
"""Characters of a name by which rows are found; the rest is in the event alone."""
_AT_ONCE: Final = 500


class Writer(Protocol):
    """What a topic is in rows."""

    def row(self, record: Record) -> Row:
        """What a record says, with the time of its event in ``time_us``. Pure.

        Raises:
            ValueError: it is none of what should be on the topic; msgspec's errors are ValueErrors.
        """

    def write(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Store what records say, within the connection's transaction; what is stored already changes nothing.

        Returns:
            How many rows are new.
        """


def text_of(value: bytes | None) -> str:
    """JSON as text, unchanged.

    Raises:
        ValueError: it is no UTF-8, or holds a NUL, which PostgreSQL does not take and JSON does not allow.
    """
    text = (value or b"").decode()
    if "\0" in text:
        raise ValueError("it holds a NUL byte")
    return text


def microseconds(moment: str) -> int:
    """RFC 3339 in microseconds since the epoch."""
    return round(epoch_seconds(moment) * 1_000_000)


def name_of(text: str) -> str:
    """A text as a column by which rows are found: bounded, and without NUL."""
    return text[:LONGEST_NAME].replace("\0", "\N{REPLACEMENT CHARACTER}")


def words_of_people(text: str) -> str:
    """A text as a column: without NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def id_of(text: str) -> str:
    """An id as it is.

    Raises:
        ValueError: it is empty, too long, or holds a NUL.
    """
    if not text or len(text) > LONGEST_ID or "\0" in text:
        raise ValueError(f"an id must have 1 to {LONGEST_ID} characters and no NUL, it has {len(text)}")
    return text


def finite(number: float) -> float:
    """A number as it is.

    Raises:
        ValueError: it is infinite or none.
    """
    if not isfinite(number):
        raise ValueError(f"a number must be finite, it is {number}")
    return number


def new_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> list[Row]:
    """The rows whose ``id`` is not stored yet, of several with one id the first: an event's id follows from its
    content, so that they say the same.
    """
    by_id: dict[str, Row] = {}
    for row in rows:
        by_id.setdefault(row["id"], row)
    ids = list(by_id)
    for first in range(0, len(ids), _AT_ONCE):
        query = select(table.c.id).where(table.c.id.in_(ids[first : first + _AT_ONCE]))
        for known in connection.execute(query).scalars():
            del by_id[known]
    return list(by_id.values())


def write_events(connection: Connection, table: Table, rows: Sequence[Row]) -> list[Row]:
    """Store those rows of a table with ``id`` and ``bytes`` that are new, and count them as kept; returns them."""
    new = new_rows(connection, table, rows)
    if new:
        connection.execute(insert(table), new)
        count_kept(connection, table, len(new), sum(row["bytes"] for row in new))
    return new


SEVERITY_RANKS: Final[Mapping[str | None, int]] = {None: -1, "minor": 0, "major": 1, "critical": 2}
"""Severities as numbers that grow with them."""
