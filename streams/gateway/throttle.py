"""How many requests each key may send: a token bucket."""

import math
import time
from collections.abc import Callable

from tracehound.streams.http.refusal import put_off

BURST_S = 10.0
"""How long a sender may save up what it did not send."""


class Throttle:
    """One bucket for each sender; who has emptied it is told when to come again.

    Parameters:
        per_s: requests per second that each may send; 0: no bound.
        clock: elapsed seconds.
    """

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._most, self._clock = per_s, max(1.0, per_s * BURST_S), clock
        self._buckets: dict[str, tuple[float, float]] = {}  # what is left, and as of when

    def take(self, sender: str) -> None:
        """A request came.

        Raises:
            RequestRefusedError: it is one too many (429).
        """
        if not self._per_s:
            return
        now = self._clock()
        left, then = self._buckets.get(sender, (self._most, now))
        left = min(self._most, left + (now - then) * self._per_s)
        if left < 1:
            self._buckets[sender] = (left, now)
            raise put_off(
                "rate",
                f"A key may send {self._per_s:g} requests per second (setting 'gateway.requests_per_s').",
                math.ceil((1 - left) / self._per_s),
                429,
            )
        self._buckets[sender] = (left - 1, now)
