"""What an alarm is before it is published: what deviates, its numbers, and what belongs together."""

from collections.abc import Callable
from dataclasses import dataclass

from tracehound.schemas.anomaly import AnomalyKind, Severity
from tracehound.schemas.execution import ApplicationKey


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
    however quiet it was between them. ``size`` is as ``detectors.telling.feedback.size_of``, ``model`` who says so.
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
