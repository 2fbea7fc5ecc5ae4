"""Which versions of an application run, and which new one is a release: versions side by side are none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

REMEMBERED_VERSIONS = 64
"""Versions that are remembered, those seen last."""
AT_ONCE = 2
"""Versions that run at the same time while one takes the other's place, canaries included. More of them run side by
side: one a pod, one a customer, one a phone. What is new among them replaces nothing."""
LIVE_S, LIVE_EXECUTIONS = 3_600.0, 100
"""A version that was not seen for so much event time, or so many executions, no longer runs."""
Seen = tuple[float, int]
"""When a version was seen last: event time in epoch seconds, and how many executions had been seen."""


@dataclass(slots=True)
class Versions:
    """The versions of one application, by when each was seen last.

    >>> versions = Versions()
    >>> for number, version in enumerate(["1", "1", "2", "1", "2"]):
    ...     if versions.would_release(version, (60.0 * number, number)):
    ...         print(number)
    ...     versions.note(version, (60.0 * number, number))
    2
    """

    seen: dict[str, Seen] = field(default_factory=dict)

    def would_release(self, version: str, now: Seen) -> bool:
        """Whether an execution of ``version`` is the first of a release: not of what runs already, nor of the first
        version that is known, nor where more than ``AT_ONCE`` run side by side.
        """
        if version in self.seen or not self.seen:
            return False
        live = [
            last_s
            for last_s, number in self.seen.values()
            if now[1] - number <= LIVE_EXECUTIONS and abs(now[0] - last_s) <= LIVE_S
        ]
        return len(live) <= AT_ONCE

    def note(self, version: str, now: Seen) -> None:
        """Remember that ``version`` was seen."""
        if version not in self.seen and len(self.seen) >= REMEMBERED_VERSIONS:
            del self.seen[min(self.seen, key=lambda known: self.seen[known][1])]
        self.seen[version] = now

    def stored(self) -> dict[str, Any]:
        """What ``restore`` takes, by name."""
        return {"versions": list(self.seen), "versions_seen": list(self.seen.values())}

    def restore(self, versions: Sequence[str], versions_seen: Sequence[Seen] | None) -> None:
        """Take over what was stored; where it is not known when versions were seen, they no longer run.

        Raises:
            ValueError: versions come twice, or not as often as when they were seen.
        """
        seen = [(0.0, 0)] * len(versions) if versions_seen is None else versions_seen
        if len(set(versions)) < len(versions) or len(seen) != len(versions):
            raise ValueError(f"Versions must be stored once each, with when they were seen. Got {len(seen)} times.")
        self.seen = dict(zip(versions, seen, strict=True))
