"""Judges what was told of a life: false alarms where nothing was wrong, and each planted fault by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tracehound.schemas.anomaly import SEVERITIES, Anomaly, AnomalyEvent, Severity
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import IncidentEvent
from tracehound.scripts.benchmarks.weeks.curves import DAY_S, epoch
from tracehound.scripts.benchmarks.weeks.faults import Planted
from tracehound.scripts.benchmarks.weeks.life import Life
from tracehound.scripts.benchmarks.weeks.watching import Record

RECOVERY_S = 1_800.0
"""For so long after a fault what is told falsely counts as told of its recovery."""


@dataclass(slots=True)
class FaultVerdict:
    """What was told of one fault, in order, with the event times in epoch seconds: anomalies of a right kind, and
    anomalies that only follow from it. ``recovery`` were told of what came after it, and are false.
    """

    fault: Planted
    right: list[tuple[float, AnomalyEvent]] = field(default_factory=list)
    beside: list[tuple[float, AnomalyEvent]] = field(default_factory=list)
    recovery: list[AnomalyEvent] = field(default_factory=list)

    @property
    def delay_s(self) -> float | None:
        """From its start to the first right anomaly; None if it was missed."""
        return max(0.0, min(at_s for at_s, _ in self.right) - self.fault.start_s) if self.right else None

    @property
    def gravest(self) -> Anomaly | None:
        """The gravest right anomaly, of several the first."""
        if not self.right:
            return None
        return max(self.right, key=lambda pair: (SEVERITIES.index(pair[1].data.severity), -pair[0]))[1].data

    @property
    def severity_right(self) -> bool:
        """Whether it is as grave as it should be."""
        return self.gravest is not None and self.gravest.severity in self.fault.rule.severities

    @property
    def cause(self) -> str | None:
        """The largest contribution of the gravest right anomaly."""
        gravest = self.gravest
        return None if gravest is None else max(gravest.contributions, key=gravest.contributions.__getitem__)

    @property
    def cause_right(self) -> bool:
        """Whether that is what a person would name."""
        return self.cause in self.fault.causes


@dataclass(slots=True)
class Judgement:
    """What was told of one life: while it was judged without faults, and of its faults.

    ``days`` and ``fault_days`` are application-days; ``quiet`` the anomalies, ``incidents`` those opened on the
    former; ``false`` the anomalies of the latter that no fault explains, those of recoveries among them.
    """

    name: str
    days: float
    fault_days: float
    executions: int
    quiet: list[AnomalyEvent]
    incidents: list[IncidentEvent]
    verdicts: list[FaultVerdict]
    false: list[AnomalyEvent] = field(default_factory=list)

    @property
    def anomalies_per_day(self) -> float:
        """Anomalies a day where nothing was wrong."""
        return len(self.quiet) / self.days

    @property
    def major_per_day(self) -> float:
        """Those that are major or worse."""
        return sum(is_grave(event.data.severity) for event in self.quiet) / self.days


def is_grave(severity: Severity) -> bool:
    """Whether somebody has to act."""
    return severity != "minor"


def judge(name: str, life: Life, record: Record, planted: Sequence[Planted], fault_days: int) -> Judgement:
    """Sort what was told: of the learning days nothing counts, of the judged ones everything is false."""
    start_s = epoch(life.start, life.zone)
    judged_s, faults_s = start_s + life.learning * DAY_S, start_s + life.days * DAY_S
    known: dict[str, AnomalyEvent] = {event.id: event for event in record.anomalies}
    quiet = [event for event in known.values() if judged_s <= epoch_seconds(event.time) < faults_s]
    opened = [event for event in record.opened if judged_s <= epoch_seconds(event.time) < faults_s]
    verdicts = [FaultVerdict(fault) for fault in planted]
    judgement = Judgement(name, life.days - life.learning, fault_days, record.executions, quiet, opened, verdicts)
    slack_s = life.delivery.ahead_s
    for event in known.values():
        if epoch_seconds(event.time) >= faults_s:
            _sort(event, judgement, slack_s)
    return judgement


def _sort(event: AnomalyEvent, judgement: Judgement, slack_s: float) -> None:
    """Only the right kind, operation and time explain an anomaly; what begins after a fault is not explained by it."""
    at_s, said = epoch_seconds(event.time), event.data
    begins_s = at_s if said.window is None else epoch_seconds(said.window.start)
    for verdict in judgement.verdicts:
        fault = verdict.fault
        if not (begins_s < fault.end_s + slack_s and at_s >= fault.start_s):
            continue
        if said.operation and fault.operations and said.operation not in fault.operations:
            continue
        if said.kind in fault.rule.right:
            verdict.right.append((at_s, event))
            return
        if said.kind in fault.rule.beside:
            verdict.beside.append((at_s, event))
            return
    judgement.false.append(event)
    for verdict in judgement.verdicts:
        if verdict.fault.end_s <= begins_s < verdict.fault.end_s + RECOVERY_S:
            verdict.recovery.append(event)
