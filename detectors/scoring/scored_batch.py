"""What scoring a sequence of executions led to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.telling.alarm import Alarm, incident_key
from tracehound.schemas.anomaly import AnomalyEvent, AnomalyKind, Severity
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.model_event import ModelEvent


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """What scoring a sequence of n executions led to, in their order.

    ``score`` (n,) is −log10 of the false-alarm probability, ``severity`` has n entries, ``warming`` (n,) is True
    where the models had not learned enough to judge (a low score then says nothing). ``anomalies`` pairs each
    published anomaly with the index of the execution that led to it. ``deviating`` says of each application which
    ``incident_key`` alarmed, published or not, and at which event time (epoch seconds) last; ``calls`` how often it
    called which peer, ``suppressed`` how many alarms of each kind feedback kept from being told.
    """

    score: NDArray[np.float64]
    severity: list[Severity | None]
    warming: NDArray[np.bool_]
    anomalies: list[tuple[int, AnomalyEvent]]
    model_events: list[ModelEvent]
    deviating: dict[ApplicationKey, dict[str, float]] = field(default_factory=dict)
    calls: dict[ApplicationKey, dict[str, int]] = field(default_factory=dict)
    suppressed: dict[AnomalyKind, int] = field(default_factory=dict)

    def note_deviation(self, application: ApplicationKey, alarm: Alarm, at_s: float) -> None:
        """An application alarms at event time ``at_s``, whether that is published or not."""
        known = self.deviating.setdefault(application, {})
        key = incident_key(application, alarm.kind, alarm.scope)
        known[key] = max(at_s, known.get(key, at_s))

    def count_suppressed(self, alarms: Iterable[Alarm]) -> None:
        """Alarms that are not told because of feedback; they are no deviations either, or no incident would end."""
        for alarm in alarms:
            self.suppressed[alarm.kind] = self.suppressed.get(alarm.kind, 0) + 1

    def count_calls(self, called: Mapping[ApplicationKey, Mapping[str, int]]) -> None:
        """Add calls by application and peer."""
        for application, counts in called.items():
            known = self.calls.setdefault(application, {})
            for peer, count in counts.items():
                known[peer] = known.get(peer, 0) + count
