"""Says in the log that records are refused: the first at once, and then once a minute how many more were."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from tracehound.schemas.dead_letter import DeadLetter

SAY_EVERY_S = 60.0
_KEY_BYTES = 200

log = structlog.get_logger(__name__)


class Later(Protocol):
    """Calls back after so many seconds, as ``asyncio.AbstractEventLoop.call_later`` does."""

    def __call__(self, delay: float, callback: Callable[[], None], /) -> object:
        """Have ``callback`` called."""
        ...


def _on_this_loop(delay: float, callback: Callable[[], None], /) -> object:
    return asyncio.get_running_loop().call_later(delay, callback)


class RefusalLog:
    """Tells of dead letters without a line for each: after a minute without one the next is told at once again.

    Parameters:
        topic: of the dead letters, for the sentence.
        later: calls back; without it the running event loop does.
    """

    def __init__(self, topic: str, later: Later = _on_this_loop) -> None:
        self._topic = topic
        self._later = later
        self._counts: Counter[str] | None = None
        self._newest: DeadLetter | None = None

    def note(self, letter: DeadLetter) -> None:
        """A record was refused."""
        if self._counts is not None:
            self._counts[letter.error] += 1
            self._newest = letter
            return
        self._counts = Counter()
        log.warning(
            "record_refused",
            sentence=f"A record was refused and is in {self._topic} (tracehound deadletters list): {letter.reason}",
            **_where(letter),
        )
        self._later(SAY_EVERY_S, self._minute_over)

    def note_all(self, letters: Sequence[DeadLetter]) -> None:
        """Records were refused, at least one, all with the same error."""
        self.note(letters[0])
        if self._counts is not None and len(letters) > 1:
            self._newest = letters[-1]
            self._counts[self._newest.error] += len(letters) - 1

    def _minute_over(self) -> None:
        counts, newest = self._counts, self._newest
        self._counts, self._newest = None, None
        if not counts or newest is None:
            return
        total = counts.total()
        more = "1 more record was" if total == 1 else f"{total:,} more records were"
        log.warning(
            "records_refused",
            sentence=f"{more} refused within {SAY_EVERY_S:.0f} s; the newest: {newest.reason}",
            count=total,
            errors=dict(counts.most_common()),
            **_where(newest),
        )
        self._counts = Counter()
        self._later(SAY_EVERY_S, self._minute_over)


def _where(letter: DeadLetter) -> dict[str, object]:
    key = None if letter.key is None else letter.key[:_KEY_BYTES].decode(errors="backslashreplace")
    return {
        "error": letter.error,
        "stage": letter.stage,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": key,
    }
