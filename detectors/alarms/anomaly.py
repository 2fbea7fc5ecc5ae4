"""How an alarm becomes the anomaly that is published."""

from tracehound.detectors.application.subject import Subject
from tracehound.detectors.telling.alarm import Finding, incident_key
from tracehound.schemas.anomaly import Anomaly, ModelStamp, Window
from tracehound.schemas.execution import rfc3339

MODEL_VERSION = "2"
HALF_CONFIDENT = 50
"""Executions of an operation at which its models are half as trustworthy as they can be."""


def confidence(learned: int) -> float:
    """How much a judgement is worth, in [0, 1), by how many executions of the operation the models have seen.

    >>> confidence(0), confidence(50), round(confidence(1000), 2)
    (0.0, 0.5, 0.95)
    """
    return learned / (learned + HALF_CONFIDENT)


def anomaly_of(subject: Subject, finding: Finding, scope: str, window: Window | None = None) -> Anomaly:
    """The anomaly of a finding about an execution, or, with an empty ``scope``, about its application."""
    execution, (application, environment) = subject.execution, subject.application.key
    learned = subject.operation.seen if scope else subject.number
    trained = subject.application.trained_s
    return Anomaly(
        application=application,
        operation=scope,
        environment=environment,
        version=execution.version,
        kind=finding.kind,
        score=round(finding.score, 3),
        sigma=round(finding.sigma, 3),
        severity=finding.severity,
        confidence=round(confidence(learned), 3),
        signal=finding.signal,
        typical=round(finding.typical, 4),
        actual=round(finding.actual, 4),
        bounds=(round(finding.bounds[0], 4), round(finding.bounds[1], 4)),
        unit=finding.unit,
        contributions=finding.contributions,
        reason=finding.reason,
        exemplar_trace_ids=[execution.trace_id] if execution.trace_id and window is None else [],
        window=window,
        model=ModelStamp(
            name=finding.model,
            version=MODEL_VERSION,
            learned=learned,
            trained_at=rfc3339(trained) if trained is not None and finding.model == "isolation-forest" else None,
            warming=False,
        ),
        incident_key=incident_key(subject.application.key, finding.kind, scope),
    )
