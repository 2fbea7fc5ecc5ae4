"""What an incident has shown: each pattern that deviated, how large, how often, and whether it may be chance."""

import msgspec

from tracehound.detectors.incidents.evidence import key_of
from tracehound.detectors.incidents.seen_anomaly import SeenAnomaly


class Shown(msgspec.Struct, array_like=True):
    """One pattern: ``seen`` as it began (``at_s``), with the largest size that it had.

    ``occasions`` counts its anomalies; ``certain``: one of them was no single minor outlier.
    """

    seen: SeenAnomaly
    occasions: int = 1
    certain: bool = False

    @property
    def key(self) -> str:
        """The ``incident_key`` of its anomalies."""
        return key_of(self.seen.application, self.seen.environment, self.seen.kind, self.seen.operation)

    @property
    def words(self) -> str:
        """What deviates, for a sentence."""
        return f"{self.seen.kind} of {self.seen.operation or self.seen.application}"

    def add(self, other: "Shown") -> None:
        """Take in what else was said of the same pattern."""
        size = max(self.seen.size, other.seen.size, key=abs)
        at_s = min(self.seen.at_s, other.seen.at_s)
        self.seen = msgspec.structs.replace(self.seen, size=size, at_s=at_s)
        self.occasions += other.occasions
        self.certain = self.certain or other.certain
