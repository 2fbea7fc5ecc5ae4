"""How far the store has come, looked up once for all who wait for more."""

import threading
import time
from collections.abc import Callable, Mapping

from tracehound.console.store.engine import Store
from tracehound.console.stream.queries import Kind, newest
from tracehound.streams.http.refusal import put_off

_FRESH_S = 0.9
MOST_STREAMS = 200
_AGAIN_S = 30


class Watermark:
    """Knows the newest place of each kind, no older than a second, whoever many ask.

    Parameters:
        store: what was told.
        elapsed: elapsed seconds.
    """

    def __init__(self, store: Store, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._store, self._elapsed = store, elapsed
        self._lock = threading.Lock()
        self._known: Mapping[Kind, int] = {}
        self._until_s = 0.0
        self.streams = 0

    def places(self) -> Mapping[Kind, int]:
        """The newest place of each kind.

        Raises:
            StoreError: the database is away.
        """
        with self._lock:
            if not self._known or self._elapsed() >= self._until_s:
                with self._store.read() as connection:
                    self._known = newest(connection)
                self._until_s = self._elapsed() + _FRESH_S
            return self._known

    def enter(self) -> None:
        """One more waits.

        Raises:
            RequestRefusedError: they are too many (503).
        """
        if self.streams >= MOST_STREAMS:
            raise put_off("busy", f"No more than {MOST_STREAMS} streams are open at once.", _AGAIN_S)
        self.streams += 1

    def leave(self) -> None:
        """One less."""
        self.streams -= 1
