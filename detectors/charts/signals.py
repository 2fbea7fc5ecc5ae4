"""Which measured values are charted, per operation, per called peer and per queue."""

from dataclasses import dataclass

from tracehound.schemas.anomaly import AnomalyKind


@dataclass(frozen=True, slots=True)
class ChartedSignal:
    """A measured value that is charted; ``unit`` as in the anomaly's ``unit``.

    ``margin`` and ``margin_share`` are what it may lie above typical without mattering to anybody: in its unit
    (for milliseconds in multiples of the setting ``minimum_excess_ms``), and as a share of the typical value.
    """

    name: str
    kind: AnomalyKind
    unit: str
    margin: float
    margin_share: float


CHARTS: tuple[ChartedSignal, ...] = (
    ChartedSignal("self_ms", "latency", "ms", 1.0, 0.5),
    ChartedSignal("local_ms", "latency", "ms", 4.0, 0.5),
    ChartedSignal("memory_peak_mb", "saturation", "MB", 16.0, 0.3),
)
"""Per operation, in the order of ``detectors.features.measures.SIGNALS``."""

CALLS: tuple[ChartedSignal, ...] = (
    ChartedSignal("call_gap_ms", "latency", "ms", 2.0, 0.2),
    ChartedSignal("call_ms", "latency", "ms", 2.0, 0.5),
)
"""Per called peer of an application, in the order of ``detectors.features.batch.CALL_SIGNALS``."""
QUEUE = ChartedSignal("queue_gap_ms", "latency", "ms", 20.0, 1.0)
"""Per queue and consumer group of an application: how long messages waited."""
KEYED: tuple[ChartedSignal, ...] = (*CALLS, QUEUE)
"""All that has keys of its own within an application, in the order of ``detectors.features.batch.KEYED_SIGNALS``."""
