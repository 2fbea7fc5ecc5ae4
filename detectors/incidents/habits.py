"""What an application does now and then and gets over by itself: when, for how long, in what, and how gravely."""

from collections.abc import Collection, Iterator
from hashlib import blake2b

import msgspec

from tracehound.detectors.incidents.seen_anomaly import SeenAnomaly

EPISODES, PATTERNS, HABITUAL, CONFIRMED = 64, 64, 1_000, 64
"""The most episodes of an application, patterns of an episode, applications of an environment of which any are known,
and subjects of an application that people confirmed."""
LONGEST_S = 21_600.0
"""What lasts for longer is a state, and no habit."""
DIGEST_BYTES = 8


class Episode(msgspec.Struct, array_like=True):
    """A stretch of event time, epoch seconds, in which an application deviated until it got over it by itself.

    ``severity`` is a place in ``SEVERITIES``; ``sizes`` maps each pattern that deviated to the largest size it had.
    """

    began_s: float
    ended_s: float
    severity: int
    sizes: dict[bytes, float]


class Habits(msgspec.Struct, array_like=True):
    """The last episodes of an application, the newest last, and the patterns that people confirmed to be faults, by
    what the verdict is on.
    """

    episodes: list[Episode] = []
    confirmed: dict[str, list[bytes]] = {}

    def may_be_quiet(self, patterns: Collection[bytes]) -> bool:
        """Whether nobody confirmed one of these. Where there are too many verdicts to be kept, one may be of it."""
        if len(self.confirmed) >= CONFIRMED:
            return False
        return not any(pattern in patterns for barred in self.confirmed.values() for pattern in barred)

    def began_s(self, since_s: float, shift_s: float) -> float:
        """When it began, what goes on at ``since_s``: a fault that comes and goes is one episode."""
        last = self.episodes[-1] if self.episodes else None
        if last is not None and last.began_s <= since_s <= min(last.ended_s + shift_s, last.began_s + LONGEST_S):
            return last.began_s
        return since_s

    def add(self, episode: Episode, shift_s: float) -> None:
        """Remember an episode; it is part of the last one where that ended less than ``shift_s`` before."""
        if self.began_s(episode.began_s, shift_s) < episode.began_s:
            last = self.episodes.pop()
            sizes = {**last.sizes, **{name: larger(size, last.sizes.get(name)) for name, size in episode.sizes.items()}}
            ended_s, severity = max(last.ended_s, episode.ended_s), max(last.severity, episode.severity)
            episode = Episode(last.began_s, ended_s, severity, dict(list(sizes.items())[:PATTERNS]))
        self.episodes = [*self.episodes, episode][-EPISODES:]


def larger(size: float, other: float | None) -> float:
    """The one of two sizes in the same direction that is further from 0."""
    return size if other is None else max(size, other, key=abs)


def pattern_of(seen: SeenAnomaly) -> bytes:
    """A digest of all that tells what deviated apart but its size: the direction is part of it."""
    direction = "less" if seen.size < 0.0 else "more"
    words = (seen.kind, seen.signal, seen.model, seen.operation, seen.about, direction)
    return blake2b("\0".join(words).encode(), digest_size=DIGEST_BYTES).digest()


class HabitMemory:
    """The habits of an environment's applications; ``habits`` is the state, and is changed in place.

    Applications that added nothing for longest are forgotten first; those of which people confirmed anything are not.
    """

    def __init__(self, habits: dict[str, Habits]) -> None:
        self._habits = habits

    def of(self, application: str) -> Habits | None:
        """The habits of an application; None where nothing is known."""
        return self._habits.get(application)

    def remember(self, application: str, episode: Episode, shift_s: float) -> None:
        """An application got over an episode by itself."""
        if (habits := self._take(application)) is not None:
            habits.add(episode, shift_s)

    def confirm(self, subject_id: str, application: str, patterns: Collection[bytes]) -> None:
        """These are faults, says a verdict on ``subject_id``: they are never quiet."""
        habits = self._take(application)
        if habits is not None and len(habits.confirmed) < CONFIRMED:
            habits.confirmed[subject_id] = sorted(patterns)[:PATTERNS]

    def take_back(self, subject_id: str) -> None:
        """What was said of a subject no longer counts."""
        for habits in self._habits.values():
            habits.confirmed.pop(subject_id, None)

    def _take(self, application: str) -> Habits | None:
        habits = self._habits.pop(application, None)
        if habits is None and len(self._habits) >= HABITUAL:
            oldest = next(self._forgettable(), None)
            if oldest is None:
                return None
            del self._habits[oldest]
        found = self._habits[application] = Habits() if habits is None else habits
        return found

    def _forgettable(self) -> Iterator[str]:
        return (name for name, habits in self._habits.items() if not habits.confirmed)
