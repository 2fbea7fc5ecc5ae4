"""What is remembered of a single anomaly: what deviated, where, and by how much."""

import msgspec

from tracehound.detectors.telling.deviation import size_of
from tracehound.detectors.telling.feedback import about_of
from tracehound.schemas.anomaly import Anomaly, AnomalyKind
from tracehound.schemas.feedback import Pattern

_LARGEST = 1_000.0


class SeenAnomaly(msgspec.Struct, array_like=True):
    """What can be learned of one anomaly; fields as in ``schemas.feedback.Pattern``."""

    application: str
    environment: str
    kind: AnomalyKind
    signal: str
    model: str
    operation: str
    about: str
    size: float
    at_s: float

    @classmethod
    def of(cls, anomaly: Anomaly, at_s: float) -> "SeenAnomaly":
        """What can be learned of an anomaly of event time ``at_s``."""
        size = size_of(anomaly.signal, anomaly.unit, anomaly.typical, anomaly.actual)
        return cls(
            anomaly.application,
            anomaly.environment,
            anomaly.kind,
            anomaly.signal,
            anomaly.model.name,
            anomaly.operation,
            about_of(anomaly.signal, anomaly.contributions),
            min(_LARGEST, max(-_LARGEST, size)),
            at_s,
        )

    @property
    def pattern(self) -> Pattern:
        """The pattern, without whose it is."""
        return Pattern(self.kind, self.signal, self.model, self.operation, self.about, self.size, self.at_s)
