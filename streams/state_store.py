"""Cold model states of one partition on disk: looked up one by one, so that memory holds what is in use only."""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from schemas.model_state import ApplicationKey, Head, ModelState

_SCHEMA = """
CREATE TABLE IF NOT EXISTS states (
    application TEXT NOT NULL, environment TEXT NOT NULL, position INTEGER NOT NULL, head BLOB NOT NULL,
    snapshot BLOB NOT NULL, PRIMARY KEY (application, environment)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    key BLOB PRIMARY KEY, application TEXT NOT NULL, environment TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_application ON records (application, environment);
CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), following INTEGER NOT NULL);
"""
_PUT = """
INSERT INTO states VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    position = excluded.position, head = excluded.head, snapshot = excluded.snapshot
    WHERE excluded.position >= states.position
"""
_encode = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(Head).decode


class StateStore:
    """The states of one partition in an SQLite file. It is a copy of the model state topic, and may be lost.

    Of each application the state with the highest position is kept. ``following`` is the offset of the topic
    from which on it has not been read. One object may be used by one thread at a time.

    Raises:
        sqlite3.Error: by every verb, where the disk is full or the file damaged.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._database = self._connect()
        try:
            self._prepare()
        except sqlite3.OperationalError:  # in use elsewhere, or the disk is full
            self._database.close()
            raise
        except sqlite3.DatabaseError:  # damaged: everything in it can be read again
            self._remove()
            self._database = self._connect()
            self._prepare()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)

    def _prepare(self) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)

    def _remove(self) -> None:
        self._database.close()
        for file in self._path.parent.glob(self._path.name + "*"):
            file.unlink()

    @property
    def following(self) -> int:
        """The offset of the topic at which reading goes on."""
        row = self._database.execute("SELECT following FROM progress").fetchone()
        return 0 if row is None else int(row[0])

    def heads(self) -> dict[ApplicationKey, Head]:
        """The head of every state."""
        rows = self._database.execute("SELECT application, environment, head FROM states")
        return {(application, environment): _decode_head(head) for application, environment, head in rows}

    def snapshot(self, key: ApplicationKey) -> bytes | None:
        """The models of an application, if there is a state of it."""
        row = self._database.execute(
            "SELECT snapshot FROM states WHERE application = ? AND environment = ?", key
        ).fetchone()
        return None if row is None else bytes(row[0])

    def put(
        self,
        states: Iterable[ModelState],
        records: Mapping[bytes, ApplicationKey] | None = None,
        following: int | None = None,
    ) -> None:
        """Keep states, the keys of the records that hold them, and how far the topic was read, all or nothing."""
        with self._transaction():
            self._database.executemany(
                _PUT, ((*state.key, state.head.position, _encode(state.head), state.snapshot) for state in states)
            )
            if records:
                self._database.executemany(
                    "INSERT OR REPLACE INTO records VALUES (?, ?, ?)", ((key, *of) for key, of in records.items())
                )
            if following is not None:
                self._database.execute("INSERT OR REPLACE INTO progress VALUES (1, ?)", (following,))

    def records(self, key: ApplicationKey) -> set[bytes]:
        """The keys of all records of the topic that are about an application."""
        rows = self._database.execute("SELECT key FROM records WHERE application = ? AND environment = ?", key)
        return {bytes(row[0]) for row in rows}

    def forget_records(self, keys: Iterable[bytes]) -> None:
        """These records were removed from the topic."""
        with self._transaction():
            self._database.executemany("DELETE FROM records WHERE key = ?", ((key,) for key in keys))

    def forget(self, key: ApplicationKey) -> None:
        """Forget the state of an application, but not which records of the topic are about it."""
        self._database.execute("DELETE FROM states WHERE application = ? AND environment = ?", key)

    def clear(self) -> None:
        """Forget everything: the topic was made anew."""
        with self._transaction():
            for table in ("states", "records", "progress"):
                self._database.execute(f"DELETE FROM {table}")  # noqa: S608 (names of our own)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._database)


class _Transaction:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")
