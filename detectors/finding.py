"""What an alarm is before it is published: whom it is about, its numbers, and how it becomes an anomaly."""

from collections.abc import Callable
from dataclasses import dataclass

from detectors.application import ApplicationKey, ApplicationModels, OperationModels
from schemas.anomaly import Anomaly, AnomalyKind, ModelStamp, Severity, Window
from schemas.execution import Execution, rfc3339

MODEL_VERSION = "2"
HALF_CONFIDENT = 50
"""Executions of an operation at which its models are half as trustworthy as they can be."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The execution at ``row`` of a batch, with the models it belongs to; ``number`` counts the application's."""

    row: int
    execution: Execution
    application: ApplicationModels
    operation: OperationModels
    self_ms: float
    number: int


@dataclass(frozen=True, slots=True)
class Finding:
    """The numbers of an anomaly and its sentence; ``typical``, ``actual`` and ``bounds`` in ``unit``."""

    kind: AnomalyKind
    signal: str
    unit: str
    severity: Severity
    score: float
    sigma: float
    typical: float
    actual: float
    bounds: tuple[float, float]
    model: str
    contributions: dict[str, float]
    reason: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """A deviation that has a severity, before it is decided whether to publish it.

    ``scope`` is the operation that the anomaly names, or empty where it is the application; ``key`` what deviates:
    the operation, the called peer, the type of error, or the application. ``lasting_s`` is for how long it has, in
    seconds of event time, where that is known. ``same_s`` is the event time within which the next alarm is no news,
    however quiet it was between them. ``size`` is as ``detectors.feedback.size_of``, ``model`` who says so.
    ``evident`` is False where the execution itself is as usual, and only those before it were not.
    """

    kind: AnomalyKind
    signal: str
    severity: Severity
    score: float
    scope: str
    key: str
    lasting_s: float
    describe: Callable[[], Finding]
    same_s: float = 0.0
    size: float = 0.0
    model: str = ""
    evident: bool = True


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


def incident_key(application: ApplicationKey, kind: AnomalyKind, scope: str) -> str:
    """The same for everything that belongs together; an empty ``scope`` stands for the whole application.

    >>> incident_key(("shop", "test"), "latency", "GET /"), incident_key(("shop", ""), "traffic", "")
    ('shop/test/latency/GET /', 'shop//traffic')
    """
    return "/".join((*application, kind, *([scope] if scope else [])))


def shares(weights: dict[str, float]) -> dict[str, float]:
    """Weights as shares that sum to 1, largest first; equal shares where all weights are 0.

    >>> shares({"a": 1.0, "b": 3.0})
    {'b': 0.75, 'a': 0.25}
    """
    total = sum(weights.values())
    if total <= 0.0:
        return {name: 1.0 / len(weights) for name in weights}
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return {name: weight / total for name, weight in ranked if weight > 0.0}
