"""Keys as requests find them: those of late in memory, so that not every request asks the store."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from tracehound.console.keys.queries import add_key, find_key, has_keys, note_use
from tracehound.console.store.engine import Store, StoreError
from tracehound.console.web.entry import KnownKey
from tracehound.streams.http.keys import NewKey, new_key

_REMEMBERED_S = 5.0
"""How long a key may still be good here that somebody took back elsewhere."""
_NOTED_S = 60.0
"""When a key was last used is written no more often than that."""
_MOST = 10_000

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Remembered:
    key: KnownKey | None
    until_s: float
    noted_s: float


class StoredKeys:
    """Keys of the store.

    Parameters:
        store: holds them.
        clock: epoch seconds.
        elapsed: elapsed seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], float], elapsed: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock, self._elapsed = store, clock, elapsed
        self._remembered: dict[str, _Remembered] = {}

    def remembered(self, prefix: str) -> KnownKey | None:
        """The key that begins so, if it is in memory."""
        kept = self._remembered.get(prefix)
        return kept.key if kept is not None and self._elapsed() < kept.until_s else None

    def used(self, prefix: str) -> KnownKey | None:
        """The key that begins so, which is about to be used.

        Raises:
            StoreError: the store is away.
        """
        with self._store.read() as connection:
            key = find_key(connection, prefix)
        if key is None:
            self.forget(prefix)
            return None
        now_s = self._elapsed()
        before = self._remembered.get(prefix)
        noted_s = before.noted_s if before is not None else now_s - _NOTED_S
        if now_s - noted_s >= _NOTED_S:
            self._note(prefix)
            noted_s = now_s
        if len(self._remembered) >= _MOST:
            self._remembered.clear()
        self._remembered[prefix] = _Remembered(key, now_s + _REMEMBERED_S, noted_s)
        return key

    def forget(self, prefix: str) -> None:
        """A key has changed."""
        self._remembered.pop(prefix, None)

    def _note(self, prefix: str) -> None:
        try:
            with self._store.write() as connection:
                note_use(connection, prefix, round(self._clock() * 1e6))
        except StoreError as error:  # to read must go on where nobody can write
            log.warning("key_use_not_noted", prefix=prefix, sentence=str(error))


def first_key(store: Store, now_us: int) -> NewKey | None:
    """Make the first key, an admin's, where there is none yet: to be shown once."""
    with store.write() as connection:
        if has_keys(connection):
            return None
        made = new_key()
        add_key(connection, made, "admin", "first key", "first start", now_us, None)
    return made
