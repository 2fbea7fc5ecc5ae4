"""How often may be asked: by key, and by address where no key is known yet."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from tracehound.streams.http.refusal import put_off


class Rates:
    """Counts requests; who asks too often is told when to come again.

    Parameters:
        per_minute: that each key may send; 0: no bound.
        refused_per_minute: without a key that is known, that each address may send: who guesses keys, guesses slowly.
    """

    def __init__(self, per_minute: int, refused_per_minute: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._of_key = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._of_address = RateLimitItemPerMinute(refused_per_minute)

    def take(self, key: str) -> None:
        """A request with a key came.

        Raises:
            RequestRefusedError: it is one too many (429).
        """
        if self._of_key is not None and not self._limiter.hit(self._of_key, "key", key):
            self._put_off(self._of_key, "key", key, "console.requests_per_minute")

    def check_address(self, address: str) -> None:
        """Whether an address may try a key.

        Raises:
            RequestRefusedError: it was refused too often of late (429).
        """
        if not self._limiter.test(self._of_address, "address", address):
            self._put_off(self._of_address, "address", address, "console.refused_per_minute")

    def refused(self, address: str) -> None:
        """A request from this address had no key that is known."""
        self._limiter.hit(self._of_address, "address", address)

    def _put_off(self, item: RateLimitItemPerMinute, kind: str, who: str, setting: str) -> None:
        again_s = self._limiter.get_window_stats(item, kind, who).reset_time - time.time()
        raise put_off(
            "rate",
            f"No more than {item.amount} of these requests per minute come from one {kind} (setting '{setting}').",
            max(1, math.ceil(again_s)),
            429,
        )
