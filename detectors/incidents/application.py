"""What incidents know of an application: how far it was scored, when it last deviated, and whether it is silent."""

import msgspec

RELEASES = 5
"""Releases that are remembered of an application."""
ATTESTED = 2
"""Progress records that show how far an application really is: a single one may be of a clock that is wrong."""
AHEAD_S = 60.0
"""From so far on a clock that is ahead moves no time but its own (``detectors.features.clocks``)."""
_RATE_WEIGHT = 0.2


class KnownApplication(msgspec.Struct, array_like=True):
    """One application of an environment; times are event time in epoch seconds, None where there is none.

    ``scored_s`` is the lower of its last two progress records, so that one execution from a wrong clock moves
    nothing; ``told_s`` the last of them. ``deviated_s`` is when it last deviated, not before what had been scored
    by then; ``attested`` counts progress records since. ``silent_since_s`` is its last execution while it is
    silent, ``back_s`` when it came back. ``rate`` is executions/s of late. ``incident`` is the number of the incident
    that it was last part of, 0 for none.
    """

    name: str
    scored_s: float | None = None
    told_s: float | None = None
    deviated_s: float | None = None
    attested: int = 0
    silent_since_s: float | None = None
    back_s: float | None = None
    rate: float = 0.0
    incident: int = 0
    releases: list[tuple[str, float]] = []

    @property
    def silent(self) -> bool:
        """Whether it has stopped sending, and nothing came since."""
        return self.silent_since_s is not None

    def deviates(self, at_s: float) -> float:
        """It deviated at ``at_s``; returns the time that counts: not before what had been scored."""
        counted_s = at_s if self.scored_s is None else max(at_s, self.scored_s)
        if self.deviated_s is None or counted_s >= self.deviated_s:
            self.deviated_s = counted_s
        self.attested = 0
        return counted_s

    def falls_silent(self, since_s: float) -> None:
        """Nothing came since ``since_s``."""
        if self.told_s is None or self.told_s <= since_s:
            self.silent_since_s, self.back_s = since_s, None

    def progresses(self, through_s: float, executions: int) -> None:
        """It was scored through ``through_s``, with so many ``executions`` since the last time."""
        last_s = self.told_s
        if last_s is not None and through_s > last_s:
            self.rate += _RATE_WEIGHT * (executions / (through_s - last_s) - self.rate)
        if last_s != through_s:
            self.scored_s = through_s if last_s is None else min(last_s, through_s)
            self.told_s = through_s
            self._attest()
        if self.silent_since_s is not None and (
            through_s > self.silent_since_s or (executions > 0 and self._is_belied(self.silent_since_s - through_s))
        ):
            self.silent_since_s, self.back_s = None, through_s
            self.deviates(through_s)

    def is_quiet(self, quiet_s: float) -> bool:
        """Whether it was scored for ``quiet_s`` beyond its last deviation."""
        if self.deviated_s is None:
            return True
        return not self.silent and self.scored_s is not None and self.scored_s >= self.deviated_s + quiet_s

    def deviates_since(self, since_s: float) -> bool:
        """Whether it deviated at ``since_s`` or later, or still is silent."""
        return self.silent or (self.deviated_s is not None and self.deviated_s >= since_s)

    def released(self, version: str, at_s: float) -> None:
        """A version was first seen at ``at_s``."""
        if (version, at_s) not in self.releases:
            self.releases = [*self.releases, (version, at_s)][-RELEASES:]

    def _is_belied(self, behind_s: float) -> bool:
        """Whether what came since it was said to be silent, though so far behind, shows that it is not: the last that
        came before were of a clock that was ahead, whose time others reach hours or days later. What is hardly behind
        may have come before, and be told late.
        """
        return behind_s > AHEAD_S and self.attested >= ATTESTED

    def _attest(self) -> None:
        """A deviation that lies beyond all that was scored since came from a clock that is wrong."""
        self.attested = min(self.attested + 1, ATTESTED)
        if self.attested >= ATTESTED and self.scored_s is not None and self.deviated_s is not None:
            self.deviated_s = min(self.deviated_s, self.scored_s)
