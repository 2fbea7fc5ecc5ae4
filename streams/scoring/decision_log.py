"""A line of the log for each anomaly that is told, with the same names as those of predictions on demand."""

import structlog

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.codec import content_digest
from tracehound.schemas.execution import Execution

log = structlog.get_logger(__name__)


def log_anomaly(told: AnomalyEvent, execution: Execution | None = None, waited_s: float | None = None) -> None:
    """Write down what was decided, by which model, and of which input.

    Parameters:
        told: what is published.
        execution: the one that it was decided at; None where it is that nothing came.
        waited_s: from Kafka's record of that execution to the decision.
    """
    anomaly = told.data
    log.info(
        "anomaly",
        anomaly_id=told.id,
        application=anomaly.application,
        environment=anomaly.environment,
        operation=anomaly.operation,
        kind=anomaly.kind,
        model_version=f"{anomaly.model.version}.{anomaly.model.learned}",
        input_hash=None if execution is None else content_digest(execution),
        prediction="anomalous",
        score=anomaly.score,
        severity=anomaly.severity,
        confidence=anomaly.confidence,
        latency_ms=None if waited_s is None else round(1_000.0 * waited_s, 3),
    )
