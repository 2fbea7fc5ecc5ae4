"""Numbers of versions of an application's settings: each once, also while the last ones are not stored yet."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.http.refusal import RequestRefusedError

_STORED_S = 60.0
"""By then what Kafka has taken is in the store, or the reader is behind, which is said elsewhere."""
_MOST = 10_000


@dataclass(slots=True)
class Versions:
    """Gives out numbers; knows those that this console gave out of late, whoever asked for them.

    Parameters:
        elapsed: elapsed seconds.
    """

    elapsed: Callable[[], float] = time.monotonic
    _given: dict[ApplicationKey, tuple[int, float]] = field(default_factory=dict)

    def take(self, key: ApplicationKey, stored: int, after: int | None) -> int:
        """The number of the next version.

        Parameters:
            stored: the newest version in the store; 0: none.
            after: the version that whoever asks has seen; None: any.

        Raises:
            RequestRefusedError: there is a later one by now (409).
        """
        given, at_s = self._given.get(key, (0, 0.0))
        newest = max(stored, given if self.elapsed() - at_s < _STORED_S else 0)
        if after is not None and after != newest:
            raise RequestRefusedError(
                409,
                "conflict",
                f"The settings of {key[0]} must be those of version {after} still. It is {newest} by now.",
            )
        if len(self._given) >= _MOST:
            self._given.clear()
        self._given[key] = newest + 1, self.elapsed()
        return newest + 1

    def give_back(self, key: ApplicationKey, version: int) -> None:
        """Kafka has not taken it: the number is free again, unless a later one was given out meanwhile."""
        if self._given.get(key, (0, 0.0))[0] == version:
            self._given[key] = version - 1, self.elapsed()
