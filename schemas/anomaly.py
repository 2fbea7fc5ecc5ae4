"""What detection says: what is unusual, how unusual, compared with what, and why, in one sentence."""

from typing import Any, Literal

import msgspec

from tracehound.schemas.execution import Count

AnomalyKind = Literal["latency", "structure", "errors", "outlier", "traffic", "saturation"]
Severity = Literal["minor", "major", "critical"]
SEVERITIES: tuple[Severity, ...] = ("minor", "major", "critical")
"""From harmless to grave."""


class Window(msgspec.Struct, omit_defaults=True):
    """A stretch of event time: RFC 3339 start and end, and the executions it holds."""

    start: str
    end: str
    count: Count


class ModelStamp(msgspec.Struct):
    """Which model judged, what it had learned by then, and whether it was still warming up."""

    name: str
    version: str
    learned: Count
    trained_at: str | None
    warming: bool


class Concentration(msgspec.Struct):
    """What deviating executions have in common: ``share`` of them have this value, ``usual_share`` of the usual ones.

    ``attribute`` is ``host``, ``version``, or the name of one of an execution's ``attributes``; shares are in [0, 1].
    """

    attribute: str
    value: str
    share: float
    usual_share: float


class AnomalyEvidence(msgspec.Struct, omit_defaults=True):
    """What an anomaly rests on, for a person who is to believe it.

    ``waterfall`` is the anomalous execution as text, a line for itself and for each of its longest segments: name,
    place in time, duration. It is empty where no single execution is meant. ``sure`` says how rare that is by chance,
    and how much was learned; ``normal_again`` what would no longer deviate.
    """

    waterfall: list[str] = []
    sure: str = ""
    normal_again: str = ""


class Anomaly(msgspec.Struct):
    """What is unusual about an operation (or, for traffic, a whole application).

    ``score`` is minus log10 of the probability that five fault-free minutes of the application hold anything as
    unusual; ``sigma`` is the deviation by the detector that says so, in standard deviations. ``typical``,
    ``actual`` and ``bounds`` are in ``unit``. ``contributions`` maps a feature to its share; shares sum to 1.
    ``incident_key`` is the same for everything that belongs together. ``evidence`` and
    ``concentrated_in``, which is there where the deviating executions agree in something that usual ones do not, came
    after 0.1.0.
    """

    application: str
    operation: str
    environment: str
    version: str
    kind: AnomalyKind
    score: float
    sigma: float
    severity: Severity
    confidence: float
    signal: str
    typical: float
    actual: float
    bounds: tuple[float, float]
    unit: str
    contributions: dict[str, float]
    reason: str
    exemplar_trace_ids: list[str]
    window: Window | None
    model: ModelStamp
    incident_key: str
    evidence: AnomalyEvidence | msgspec.UnsetType = msgspec.UNSET
    concentrated_in: list[Concentration] | msgspec.UnsetType = msgspec.UNSET


class AnomalyEvent(msgspec.Struct):
    """CloudEvents 1.0 envelope of an anomaly (structured JSON). ``id`` follows from content alone."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Anomaly
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | msgspec.UnsetType = msgspec.UNSET


ANOMALY_TYPE = "io.tracehound.anomaly.detected.v1"


def as_jsonable(event: msgspec.Struct) -> dict[str, Any]:
    """The event as plain dicts and lists, just as a consumer reads it, for printing and for tests."""
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(event))
    return built
