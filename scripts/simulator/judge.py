"""Judges detection honestly: only the right application, kind and time counts; everything else is said apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tracehound.schemas.anomaly import SEVERITIES, Anomaly, AnomalyEvent
from tracehound.schemas.execution import epoch_seconds
from tracehound.scripts.simulator.truth import Expected, Truth

GRACE_S = 60.0
"""How long after a fault's end anomalies still count as its own: requests under way, windows being closed."""


@dataclass(slots=True)
class Verdict:
    """What was said about one fault: anomalies that detect it, and those that only follow from it.

    Each anomaly is paired with its event time in epoch seconds, and both lists are in order of arrival.
    """

    truth: Truth
    detections: list[tuple[float, AnomalyEvent]] = field(default_factory=list)
    collateral: list[tuple[float, AnomalyEvent]] = field(default_factory=list)

    @property
    def detected(self) -> bool:
        """Whether one anomaly had application, kind and time right."""
        return bool(self.detections)

    @property
    def delay_s(self) -> float | None:
        """Seconds of event time from the fault's start to the earliest detection; None if it was missed."""
        return min((at_s - self.truth.fault.start_s for at_s, _ in self.detections), default=None)

    @property
    def gravest(self) -> Anomaly | None:
        """The gravest detection, of several the earliest: what a person would look at. None if it was missed."""
        told = max(self.detections, key=lambda pair: (SEVERITIES.index(pair[1].data.severity), -pair[0]), default=None)
        return None if told is None else told[1].data

    @property
    def severity_right(self) -> bool:
        """Whether the gravest detection has a severity that the fault must lead to."""
        return self.gravest is not None and self.gravest.severity in self.truth.severities

    @property
    def cause(self) -> str | None:
        """The largest contribution of the gravest detection; None if it was missed."""
        return None if self.gravest is None else max(self.gravest.contributions.items(), key=lambda item: item[1])[0]

    @property
    def cause_right(self) -> bool:
        """Whether the largest contribution of the gravest detection names what was injected."""
        return self.cause in self.truth.causes


@dataclass(slots=True)
class Judgement:
    """One verdict per fault, in the order given, and the anomalies that no fault explains."""

    verdicts: list[Verdict]
    false_alarms: list[AnomalyEvent] = field(default_factory=list)

    @property
    def missed(self) -> list[Verdict]:
        """Faults without a detection."""
        return [verdict for verdict in self.verdicts if not verdict.detected]

    @property
    def collateral(self) -> int:
        """How many anomalies follow from a fault without detecting it."""
        return sum(len(verdict.collateral) for verdict in self.verdicts)


def judge(truths: Sequence[Truth], anomalies: Iterable[AnomalyEvent], grace_s: float = GRACE_S) -> Judgement:
    """Sort anomalies into detections, collateral and false alarms by their event times.

    An anomaly is a detection of a fault when its time lies in [start, end + ``grace_s``], and its application and
    kind are those of ``truth.right``; collateral, when application and kind are those of ``truth.collateral`` at
    such a time; and else a false alarm. A detection of any fault goes before collateral of another; of several
    faults that fit, the one that started last is meant. The same ``id`` counts once.
    """
    judgement = Judgement([Verdict(truth) for truth in truths])
    latest_first = sorted(judgement.verdicts, key=lambda verdict: -verdict.truth.fault.start_s)
    seen: set[str] = set()
    for anomaly in anomalies:
        if anomaly.id in seen:
            continue
        seen.add(anomaly.id)
        at_s = epoch_seconds(anomaly.time)
        open_verdicts = [verdict for verdict in latest_first if _in_time(verdict.truth, at_s, grace_s)]
        right = next((verdict for verdict in open_verdicts if _fits(verdict.truth.right, anomaly)), None)
        if right is not None:
            right.detections.append((at_s, anomaly))
            continue
        near = next((verdict for verdict in open_verdicts if _fits(verdict.truth.collateral, anomaly)), None)
        if near is not None:
            near.collateral.append((at_s, anomaly))
        else:
            judgement.false_alarms.append(anomaly)
    return judgement


def _in_time(truth: Truth, at_s: float, grace_s: float) -> bool:
    return epoch_seconds(truth.starts) <= at_s <= truth.fault.end_s + grace_s  # both to the millisecond


def _fits(expected: Iterable[Expected], anomaly: AnomalyEvent) -> bool:
    said = anomaly.data
    return any(said.application == one.application and said.kind in one.kinds for one in expected)
