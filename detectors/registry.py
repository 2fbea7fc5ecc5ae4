"""Which detectors run: the charted signals, and every other bank. A new detector is one file and one line here."""

from collections.abc import Callable
from dataclasses import dataclass

from detectors.bank import Bank
from detectors.error_rate import ErrorRate
from detectors.half_space_trees import HalfSpaceTrees
from detectors.isolation_forest import IsolationForest
from detectors.settings import DetectionSettings
from schemas.anomaly import AnomalyKind


@dataclass(frozen=True, slots=True)
class ChartedSignal:
    """A measured value that every operation has a chart for; ``unit`` as in the anomaly's ``unit``.

    ``whole`` marks a signal that contains what other operations did, and so has to deviate more for an alarm.
    """

    name: str
    kind: AnomalyKind
    unit: str
    whole: bool = False


CHARTS: tuple[ChartedSignal, ...] = (
    ChartedSignal("self_ms", "latency", "ms"),
    ChartedSignal("call_gap_ms", "latency", "ms"),
    ChartedSignal("duration_ms", "latency", "ms", whole=True),
    ChartedSignal("segments", "structure", "segments"),
)
"""In the order of ``detectors.features.SIGNALS``."""

DETECTORS: tuple[Callable[[DetectionSettings], Bank], ...] = (
    lambda settings: ErrorRate(patience_s=settings.patience_s),
    lambda _: HalfSpaceTrees(),
    lambda settings: IsolationForest(settings.reservoir),
)
"""Everything else that judges executions, built from the settings."""
