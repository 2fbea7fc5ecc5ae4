"""What an alarm is before it is published: what deviates, its numbers, and what belongs together."""

from collections.abc import Callable
from dataclasses import dataclass

from tracehound.detectors.telling.deviation import Deviation
from tracehound.schemas.anomaly import AnomalyKind, Severity
from tracehound.schemas.execution import ApplicationKey


@dataclass(frozen=True, slots=True)
class Explanation:
    """The words of an anomaly: shares of what contributed, which sum to 1, largest first, and its sentence."""

    contributions: dict[str, float]
    reason: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """A deviation that has a severity, before it is decided whether to publish it; ``model`` says so.

    ``scope`` is the operation that the anomaly names, or empty where it is the application; ``key`` what deviates:
    the operation, the called peer, the type of error, or the application. ``explain`` finds the words, which most
    alarms never need. ``lasting_s`` is for how long it has lasted, in seconds of event time, where that is known.
    ``same_s`` is the event time within which the next alarm is no news, however quiet it was between them.
    ``evident`` is False where the execution itself is as usual, and only those before it were not.
    """

    kind: AnomalyKind
    severity: Severity
    model: str
    deviation: Deviation
    scope: str
    key: str
    explain: Callable[[], Explanation]
    lasting_s: float = 0.0
    same_s: float = 0.0
    evident: bool = True

    @property
    def signal(self) -> str:
        """What deviates, as the anomaly says."""
        return self.deviation.signal


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
