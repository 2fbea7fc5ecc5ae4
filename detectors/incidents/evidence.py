"""What is kept of the anomalies of an incident: one summary for each thing that deviates, of bounded size."""

import msgspec

from schemas.anomaly import Anomaly, AnomalyKind

CALLS_TO = "calls to "
"""How contributions name what is called."""
SILENCE = "silence_ms"
"""The signal of an application that sends nothing."""


class CauseEvidence(msgspec.Struct, array_like=True):
    """Everything said of one ``signal`` of an operation, and towards one ``peer`` where it is one of calls.

    ``operation`` is empty where the application as a whole is meant, ``peer`` where no single called service
    stands out. ``about`` is the largest contribution of the gravest anomaly (``its own code``, ``calls to stock``, a
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


def evidence_of(anomaly: Anomaly, at_s: float) -> CauseEvidence:
    """What one anomaly at event time ``at_s`` (epoch seconds) is evidence of.

    The peer is that of the largest contribution, if it names one.
    """
    about, about_share = max(anomaly.contributions.items(), key=lambda item: item[1], default=("", 0.0))
    excess = max(0.0, anomaly.actual - anomaly.typical)
    return CauseEvidence(
        application=anomaly.application,
        operation=anomaly.operation,
        signal=anomaly.signal,
        kind=anomaly.kind,
        peer=about[len(CALLS_TO) :] if about.startswith(CALLS_TO) else "",
        about=about,
        about_share=about_share,
        count=1,
        score=anomaly.score,
        sigma=anomaly.sigma,
        excess_ms=excess if anomaly.unit == "ms" and anomaly.signal != SILENCE else 0.0,
        share=min(1.0, excess) if anomaly.unit == "share" else 0.0,
        first_s=at_s,
        last_s=at_s,
    )
