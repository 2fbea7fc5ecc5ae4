"""How many applications' models have to leave memory, and how many more it holds."""

import math
import time
from collections.abc import Callable
from typing import Final

import structlog

from tracehound.streams.states.scoring_core import ScoringCore

_REST: Final = 20.0
"""A measurement looks at every operation: without need it takes at most one part in so many of the time."""
_NO_BOUND: Final = 10**9

log = structlog.get_logger(__name__)


class MemoryCeiling:
    """Compares the ``state_bytes`` of the core with a ceiling, in applications of average size.

    Parameters:
        ceiling_bytes: 0: there is none.
        clock: seconds, for how long measurements take.
    """

    def __init__(self, scorer: ScoringCore, ceiling_bytes: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self._scorer = scorer
        self._ceiling_bytes = ceiling_bytes
        self._clock = clock
        self._rests_until_s = -math.inf
        self._told = False

    def surplus(self, urgent: bool) -> int:
        """Applications above the ceiling, 0 if none. Not ``urgent``: 0 where it was measured a moment ago."""
        if not self._ceiling_bytes or not (urgent or self._clock() >= self._rests_until_s):
            return 0
        state_bytes, average = self._measure()
        return max(0, math.ceil((state_bytes - self._ceiling_bytes) / average))

    def room(self) -> int:
        """Applications that still fit below the ceiling."""
        if not self._ceiling_bytes:
            return _NO_BOUND
        state_bytes, average = self._measure()
        return max(0, int((self._ceiling_bytes - state_bytes) / average))

    def cannot_be_kept(self) -> None:
        """What one run needs is more than the ceiling: said once."""
        if not self._told:
            self._told = True
            log.warning(
                "model_memory_exceeded",
                sentence=f"The setting 'model_memory_mb' must hold the applications of one fetched run. Got "
                f"{self._ceiling_bytes // 1_000_000:,} instead, while the models at hand take "
                f"{self._scorer.statistics()['state_bytes'] // 1_000_000:,} MB; they are kept all the same.",
            )

    def _measure(self) -> tuple[int, float]:
        begun_s = self._clock()
        found = self._scorer.statistics()
        ended_s = self._clock()
        self._rests_until_s = ended_s + _REST * (ended_s - begun_s)
        state_bytes = found["state_bytes"]
        return state_bytes, max(1.0, state_bytes / max(1, found["applications"]))
