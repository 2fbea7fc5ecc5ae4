"""One console of several on one database reads at a time; the others stand by and take over when it ends.

That spares work and no more: positions are compared in each transaction, so that two that read at once store nothing
twice.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import text

from tracehound.console.store.engine import Store

_LOCK: Final = 7_483_920_118
"""Whoever reads holds this advisory lock of PostgreSQL."""


@contextmanager
def turn(store: Store) -> Iterator[bool]:
    """Whether it is this console's turn to read, until the end of the context. Lost with its connection, or process.

    Raises:
        StoreError: the database is away.
    """
    if store.path is not None:
        yield from _by_file(store.path.with_name(store.path.name + "-reader"))
    else:
        yield from _by_connection(store)


def _by_file(path: Path) -> Iterator[bool]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _by_connection(store: Store) -> Iterator[bool]:
    with store.read() as connection:
        own = bool(connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar_one())
        connection.commit()  # the lock is the session's: no transaction stays open
        try:
            yield own
        finally:
            connection.invalidate()  # with its session, the lock is gone
