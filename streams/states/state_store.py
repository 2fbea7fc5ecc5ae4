"""Cold model states of one partition on disk: looked up one by one, so that memory holds what is in use only."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_state import Head, ModelState

_FORMAT: Final = 3
_DIGEST_BYTES: Final = 8
_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS states (
    application TEXT NOT NULL, environment TEXT NOT NULL, epoch INTEGER NOT NULL, position INTEGER NOT NULL,
    head BLOB NOT NULL, head_digest BLOB NOT NULL, snapshot_digest BLOB NOT NULL, snapshot BLOB NOT NULL,
    PRIMARY KEY (application, environment)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    key BLOB PRIMARY KEY, application TEXT NOT NULL, environment TEXT NOT NULL, digest BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_application ON records (application, environment);
CREATE TABLE IF NOT EXISTS progress (
    one INTEGER PRIMARY KEY CHECK (one = 1), following INTEGER NOT NULL, digest BLOB NOT NULL
);
PRAGMA user_version = {_FORMAT};
COMMIT;
"""
_PUT: Final = """
INSERT INTO states VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    epoch = excluded.epoch, position = excluded.position, head = excluded.head, head_digest = excluded.head_digest,
    snapshot_digest = excluded.snapshot_digest, snapshot = excluded.snapshot
    WHERE (excluded.epoch, excluded.position) >= (states.epoch, states.position)
"""
_OF_DAMAGE: Final = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        # Statements and values are always the same: these say that the tables are not what they were.
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)
_encode = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(Head).decode


class DamagedCopyError(TracehoundError):
    """The file does not hold what was put into it. It is a copy: remove it, and read the topic from its beginning."""


class StateStore:
    """The states of one partition in an SQLite file. It is a copy of the model state topic, and may be lost.

    Of each application the state with the highest rank is kept: epoch, then position. ``following`` is the offset of
    the topic from which on it has not been read. What is read is compared with digests. One object may be used by one
    thread at a time.

    Raises:
        DamagedCopyError: by every verb but the constructor, which begins anew where it notices that.
        sqlite3.Error: by every verb, where the disk is full or the file in use elsewhere.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._database = self._connect()
        try:
            self._prepare()
        except DamagedCopyError:
            self.remove()
            self._database = self._connect()
            self._prepare()
        except sqlite3.Error:
            self._database.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)

    def _prepare(self) -> None:
        with _noticing_damage():
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            ((written_as,),) = self._rows("PRAGMA user_version")
            if written_as == _FORMAT:
                return
            if self._rows("SELECT 1 FROM sqlite_master LIMIT 1"):
                raise DamagedCopyError(f"The copy must be of format {_FORMAT}. Got {written_as} instead.")
            self._database.executescript(_SCHEMA)

    def remove(self) -> None:
        """Close and delete the file."""
        self._database.close()
        for file in self._path.parent.glob(self._path.name + "*"):
            file.unlink()

    @property
    def following(self) -> int:
        """The offset of the topic at which reading goes on."""
        rows = self._rows("SELECT following, digest FROM progress")
        if not rows:
            return 0
        ((following, digest),) = rows
        _compare(digest, following)
        return int(following)

    def heads(self) -> dict[ApplicationKey, Head]:
        """The head of every state."""
        heads: dict[ApplicationKey, Head] = {}
        for application, environment, epoch, position, head, digest in self._rows(
            "SELECT application, environment, epoch, position, head, head_digest FROM states"
        ):
            _compare(digest, application, environment, epoch, position, head)
            try:
                heads[application, environment] = _decode_head(head)
            except msgspec.DecodeError as error:
                raise DamagedCopyError(f"The head of {application!r} cannot be read: {error}.") from error
        return heads

    def rank(self, key: ApplicationKey) -> tuple[int, int] | None:
        """Epoch and position of the state of an application, if there is one."""
        rows = self._rows("SELECT epoch, position FROM states WHERE application = ? AND environment = ?", key)
        return (int(rows[0][0]), int(rows[0][1])) if rows else None

    def snapshot(self, key: ApplicationKey) -> bytes | None:
        """The models of an application, if there is a state of it."""
        rows = self._rows("SELECT snapshot, snapshot_digest FROM states WHERE application = ? AND environment = ?", key)
        if not rows:
            return None
        ((snapshot, digest),) = rows
        _compare(digest, snapshot)
        return bytes(snapshot)

    def put(
        self,
        states: Iterable[ModelState],
        records: Mapping[bytes, ApplicationKey] | None = None,
        following: int | None = None,
    ) -> None:
        """Keep states, the keys of the records that hold them, and how far the topic was read, all or nothing."""
        with self._transaction():
            self._database.executemany(_PUT, map(_row, states))
            if records:
                self._database.executemany(
                    "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)",
                    ((key, *of, _digest(key, *of)) for key, of in records.items()),
                )
            if following is not None:
                self._database.execute(
                    "INSERT OR REPLACE INTO progress VALUES (1, ?, ?)", (following, _digest(following))
                )

    def records(self, key: ApplicationKey) -> set[bytes]:
        """The keys of all records of the topic that are about an application."""
        found = set()
        for record, digest in self._rows(
            "SELECT key, digest FROM records WHERE application = ? AND environment = ?", key
        ):
            _compare(digest, record, *key)  # a key of another application would have that one's state removed
            found.add(bytes(record))
        return found

    def forget_records(self, keys: Iterable[bytes]) -> None:
        """These records were removed from the topic."""
        with self._transaction():
            self._database.executemany("DELETE FROM records WHERE key = ?", ((key,) for key in keys))

    def forget(self, keys: Iterable[ApplicationKey]) -> None:
        """Forget the states of applications, but not which records of the topic are about them."""
        with self._transaction():
            self._database.executemany("DELETE FROM states WHERE application = ? AND environment = ?", keys)

    def clear(self) -> None:
        """Forget everything: the topic was made anew."""
        with self._transaction():
            for table in ("states", "records", "progress"):
                self._database.execute(f"DELETE FROM {table}")  # noqa: S608 (names of our own)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _rows(self, statement: str, values: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
        with _noticing_damage():
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _noticing_damage():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself where the disk is full
                    self._database.execute("ROLLBACK")
                raise


@contextmanager
def _noticing_damage() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if _is_of_damage(error):
            raise DamagedCopyError(f"The copy is damaged: {error}.") from error
        raise
    except UnicodeDecodeError as error:  # raised by the module for what SQLite says where that quotes the file
        raise DamagedCopyError(f"The copy is damaged: {error}.") from error


def _is_of_damage(error: sqlite3.Error) -> bool:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:  # the module's own
        return "Could not decode to UTF-8" in str(error)
    return code & 0xFF in _OF_DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ


def _row(state: ModelState) -> tuple[object, ...]:
    rank, head = state.head.rank, _encode(state.head)
    head_digest = _digest(*state.key, *rank, head)
    return (*state.key, *rank, head, head_digest, _digest(state.snapshot), state.snapshot)


def _digest(*values: object) -> bytes:
    return blake2b(_encode(values), digest_size=_DIGEST_BYTES).digest()


def _compare(digest: object, *values: object) -> None:
    if digest != _digest(*values):
        raise DamagedCopyError("The copy is damaged: the digest of a row is wrong.")
