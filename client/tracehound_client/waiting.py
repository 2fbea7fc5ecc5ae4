"""Executions that wait to be sent, within a bound of bytes: where there is no room, the oldest make it."""

import sys
from collections import deque

_AROUND = sys.getsizeof(b"") + 8
"""Bytes that an encoded execution takes besides its own: Python's object, and its place in the queue."""


class Waiting:
    """A queue of encoded executions.

    Parameters:
        most_bytes: that it may hold, together with those that were taken and not yet ``released``.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._queue: deque[bytes] = deque()
        self._taken = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, encoded: bytes) -> int:
        """Another one waits; returns how many are dropped for it, which may be itself."""
        self._queue.append(encoded)
        self.bytes += len(encoded) + _AROUND
        dropped = 0
        while self._queue and self.bytes + self._taken > self._most:
            self.bytes -= len(self._queue.popleft()) + _AROUND
            dropped += 1
        return dropped

    def take(self, most: int, most_bytes: int) -> list[bytes]:
        """The oldest, at least one: so many, and so many bytes of them, at most."""
        taken: list[bytes] = []
        size = 0
        while self._queue and len(taken) < most and (not taken or size + len(self._queue[0]) <= most_bytes):
            one = self._queue.popleft()
            size += len(one)
            taken.append(one)
        held = size + len(taken) * _AROUND
        self.bytes -= held
        self._taken += held
        return taken

    def release(self) -> None:
        """What was taken is done with."""
        self._taken = 0

    def clear(self) -> int:
        """Drop all; returns how many."""
        dropped = len(self._queue)
        self._queue.clear()
        self.bytes = 0
        return dropped
