"""What is kept of the anomalies of an incident: one summary for each thing that deviates, of bounded size."""

from collections.abc import Iterable, Mapping

import msgspec

from tracehound.detectors.telling.names import OTHER_PEERS
from tracehound.schemas.anomaly import Anomaly, AnomalyKind

CALLS_TO = "calls to "
"""How contributions name what is called."""
SILENCE = "silence_ms"
"""The signal of an application that sends nothing."""
LEAST_SHARE = 0.15
"""Of an anomaly's excess, for what a called service has of it to count."""
TOGETHER_S = 60.0
"""Evidence under one key that was told within so long of the newest belongs to the same deviation."""
_UNNAMED = ("", OTHER_PEERS)


class CauseEvidence(msgspec.Struct, array_like=True):
    """Everything said of one ``signal`` of an operation, and towards one ``peer`` where it is one of calls.

    ``operation`` is empty where the application as a whole is meant, ``peer`` where it is not calls of one named
    service. ``about`` is the largest contribution of the gravest anomaly (``its own code``, ``calls to stock``, a
    query, an error type) and ``about_share`` its share. ``count`` counts anomalies; ``score``, ``sigma``,
    ``excess_ms`` (actual less typical, milliseconds, 0 where the unit is another one) and ``share`` (of executions,
    in [0, 1], 0 where the unit is another one) are the largest of them. Times are event time, epoch seconds;
    ``last_s`` is moved on by alarms that were not told again, too.
    """

    application: str
    operation: str
    signal: str
    kind: AnomalyKind
    peer: str
    about: str
    about_share: float
    count: int
    score: float
    sigma: float
    excess_ms: float
    share: float
    first_s: float
    last_s: float

    @property
    def silent(self) -> bool:
        """Whether it is that nothing came at all."""
        return self.signal == SILENCE

    def add(self, other: "CauseEvidence") -> None:
        """Take in what else was said of the same thing."""
        if other.score > self.score:
            self.about, self.about_share = other.about, other.about_share
        self.count += other.count
        self.score = max(self.score, other.score)
        self.sigma = max(self.sigma, other.sigma)
        self.excess_ms = max(self.excess_ms, other.excess_ms)
        self.share = max(self.share, other.share)
        self.first_s = min(self.first_s, other.first_s)
        self.last_s = max(self.last_s, other.last_s)


def evidence_of(anomaly: Anomaly, at_s: float) -> list[CauseEvidence]:
    """What one anomaly at event time ``at_s`` (epoch seconds) is evidence of, the gravest first; never empty.

    An anomaly of several calls is evidence towards each service that a ``LEAST_SHARE`` of the excess is in calls to:
    a service that is itself starved loses time on all its calls.
    """
    parts = sorted(anomaly.contributions.items(), key=lambda item: (-item[1], item[0])) or [("", 1.0)]
    calls = [part for part in parts if part[0].startswith(CALLS_TO) and part[1] >= LEAST_SHARE]
    told = calls if calls and calls[0] == parts[0] else parts[:1]
    largest = told[0][1]
    return [
        _towards(anomaly, at_s, about, share, part_of=share / largest if largest > 0.0 else 1.0)
        for about, share in told
    ]


def _towards(anomaly: Anomaly, at_s: float, about: str, about_share: float, part_of: float) -> CauseEvidence:
    excess = max(0.0, anomaly.actual - anomaly.typical)
    peer = about[len(CALLS_TO) :] if about.startswith(CALLS_TO) else ""
    return CauseEvidence(
        application=anomaly.application,
        operation=anomaly.operation,
        signal=anomaly.signal,
        kind=anomaly.kind,
        peer="" if peer in _UNNAMED else peer,
        about=about,
        about_share=about_share,
        count=1,
        score=anomaly.score,
        sigma=anomaly.sigma,
        excess_ms=excess * part_of if anomaly.unit == "ms" and anomaly.signal != SILENCE else 0.0,
        share=min(1.0, excess) if anomaly.unit == "share" else 0.0,
        first_s=at_s,
        last_s=at_s,
    )


def evidence_key(found: CauseEvidence, environment: str) -> str:
    """The ``incident_key`` of the anomalies that are this evidence."""
    return key_of(found.application, environment, found.kind, found.operation)


def key_of(application: str, environment: str, kind: AnomalyKind, operation: str) -> str:
    """The ``incident_key`` of an operation's anomalies of a kind; without an operation of the application's."""
    return "/".join((application, environment, kind, *([operation] if operation else [])))


def renewed(evidence: Iterable[CauseEvidence], alarmed_s: Mapping[str, float], environment: str) -> list[CauseEvidence]:
    """The evidence, each piece as of its last deviation, told or not; ``alarmed_s`` maps ``incident_key`` to that.

    A key stands for calls to many services. Which of them goes on is not said, so it is taken to be those that were
    told last: the others may be from a fault before.
    """
    known = list(evidence)
    told_s: dict[str, float] = {}
    for one in known:
        key = evidence_key(one, environment)
        told_s[key] = max(one.last_s, told_s.get(key, one.last_s))
    return [_renewed(one, evidence_key(one, environment), told_s, alarmed_s) for one in known]


def _renewed(
    one: CauseEvidence, key: str, told_s: Mapping[str, float], alarmed_s: Mapping[str, float]
) -> CauseEvidence:
    last_s = max(one.last_s, alarmed_s.get(key, one.last_s))
    if last_s == one.last_s or one.last_s < told_s[key] - TOGETHER_S:
        return one
    return msgspec.structs.replace(one, last_s=last_s)
