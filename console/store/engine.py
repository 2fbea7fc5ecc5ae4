"""The database: opened by its URL, read and written in transactions; SQLite (one file, WAL) or PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from tracehound.console.store.migrations.migrate import migrate
from tracehound.schemas.errors import ConfigurationError, TracehoundError

_BUSY_S: Final = 30.0
_CONNECT_S: Final = 10
_CACHE_KB: Final = 16_000
"""Pages that each connection to SQLite keeps in memory."""
_STEPS: Final = 20_000
"""Steps of SQLite's machine, of which a page of a list by an index takes some hundreds: about a millisecond."""
_WRITES: Final = "tracehound_writes"
_POOL: Final = 10
_SAMPLE: Final = 100_000
"""Rows of each index that are looked at to know how values are distributed: so many that one value alone does not fill
them, or none is taken to be rarer than any other. A second for a million rows."""


class StoreError(TracehoundError):
    """The database cannot be used now; the message says which and why, without its password."""


class NotAtOnceError(TracehoundError):
    """It takes longer than somebody may be kept who must not wait."""


class Store:
    """A database of what was told. Connections are made when they are needed; it may be shared by threads.

    Parameters:
        url: ``sqlite:///FILE`` or ``postgresql+psycopg://USER:PASSWORD@HOST/DATABASE``; what libpq takes from its
            environment (``PGPASSWORD``, ``PGPASSFILE``, ``PGSSLMODE``) need not be in it.

    Raises:
        ConfigurationError: the URL is none of those.
    """

    def __init__(self, url: str) -> None:
        try:
            given = make_url(url)
        except ArgumentError:
            raise ConfigurationError(
                "The setting 'console.database_url' must be a URL such as sqlite:///tracehound.db. Got none instead."
            ) from None
        self.dialect = given.get_backend_name()
        self.name = given.render_as_string(hide_password=True)
        """The URL as it may be shown."""
        self.path = Path(given.database or "") if self.dialect == "sqlite" else None
        """The file; None on PostgreSQL."""
        self.engine = _in_transactions(_sqlite(url)) if self.dialect == "sqlite" else _postgresql(url)
        self._quick = None if self.path is None or _in_memory(url) else _quick(url)
        self._at_once: Connection | None = None  # kept open: to take one from the pool costs what a statement does

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database from its first query on.

        Raises:
            StoreError: the database is away.
        """
        with self._told(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def read_at_once(self) -> Iterator[Connection]:
        """As ``read``, for the one thread that must not wait: a statement ends after a few milliseconds, and sees a
        state of its own.

        Raises:
            NotAtOnceError: it takes longer, or would have to wait; or the database is a server, to be waited for.
            StoreError: the database is away.
        """
        if self._quick is None:
            raise NotAtOnceError("This database must be waited for.")
        with self._told():
            try:
                self._at_once = self._at_once or self._quick.connect()
                yield self._at_once
            except DBAPIError as error:
                self._end_at_once()
                if (getattr(error.orig, "sqlite_errorcode", 0) & 0xFF) in _NOT_AT_ONCE:
                    raise NotAtOnceError("It takes longer.") from error
                raise

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection whose writes are all there in the end, or none of them, where anything is raised.

        Raises:
            StoreError: the database is away, or another writer keeps it for longer than half a minute.
        """
        with self._told(), self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def migrate(self) -> None:
        """Make the tables what this version wants; they and what is in them may be of an earlier one.

        Raises:
            ConfigurationError: a later version made them, which this one does not know.
            StoreError: the database is away.
        """
        if self.path is not None and not self.path.parent.is_dir():
            raise ConfigurationError(
                f"The setting 'console.database_url' must name a file in a folder that exists. Got {str(self.path)!r}."
            )
        with self.write() as connection:
            migrate(connection)

    def analyze(self) -> None:
        """Tell SQLite's planner how values are distributed, from a sample; PostgreSQL finds that out by itself.

        Raises:
            StoreError: the database is away.
        """
        if self.path is not None:
            with self.write() as connection:
                connection.exec_driver_sql(f"PRAGMA analysis_limit = {_SAMPLE}")
                connection.exec_driver_sql("ANALYZE")

    def close(self) -> None:
        """Close all connections; one that a thread still has is closed when it is given back."""
        self._end_at_once()
        for engine in filter(None, (self.engine, self._quick)):
            event.listen(engine, "checkin", lambda _, record: record.close())
            engine.dispose()

    def _end_at_once(self) -> None:
        connection, self._at_once = self._at_once, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """An error that says that the database is away, in one sentence; all others as they are."""
        try:
            yield
        except DBAPIError as error:
            if not is_away(error):
                raise
            raise StoreError(f"The database {self.name} cannot be used: {_why(error)}.") from error


def is_away(error: SQLAlchemyError) -> bool:
    """Whether an error is about the database as a whole and may be over later, not about what was asked of it."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in _SQLITE_AWAY
    state = getattr(error.orig, "sqlstate", None)
    # no state: no connection was made. Classes: connection, resources, operator intervention, system; rolled back
    return type(error).__name__ == "OperationalError" and (state is None or state[:2] in _CLASSES_AWAY)


_NOT_AT_ONCE: Final = frozenset({sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_AWAY: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CORRUPT,
    }
)
_CLASSES_AWAY: Final = ("08", "28", "3D", "40", "53", "55", "57", "58")


def _why(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split()).rstrip(".") or type(error).__name__


def _in_memory(url: str) -> bool:
    return make_url(url).database in (None, "", ":memory:")


def _quick(url: str) -> Engine:
    """One connection that waits for nobody, and gives up a statement after so many steps of SQLite's machine."""
    engine = _sqlite(url, 0.0, pool_reset_on_return=None)

    @event.listens_for(engine, "connect")
    def bound(connection: Any, _record: Any) -> None:
        connection.set_progress_handler(lambda: 1, _STEPS)

    return engine


def _sqlite(url: str, busy_s: float = _BUSY_S, **more: Any) -> Engine:
    in_memory = _in_memory(url)
    engine = create_engine(
        url,
        connect_args={"timeout": busy_s, "check_same_thread": False},
        pool_size=_POOL,
        # the connection that was used last: each has pages of its own in memory
        **{} if in_memory else {"pool_use_lifo": True},
        **more,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, below
        for pragma in (
            "journal_mode = WAL",
            # what is not on disk yet when the power goes is read again from Kafka: rows and offsets go together
            "synchronous = NORMAL",
            "foreign_keys = ON",
            f"cache_size = -{_CACHE_KB}",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _in_transactions(engine: Engine) -> Engine:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # one that reads first and then writes would fail at once where another one has written meanwhile
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: str) -> Engine:
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=_POOL,
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": _CONNECT_S, "application_name": "tracehound"},
    )
