"""What a scoring worker tells the incident stage, recorded in process: anomalies, and progress every few seconds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from detectors.application import ApplicationKey
from detectors.scoring import ScoredBatch, Scorer
from schemas.anomaly import AnomalyEvent
from schemas.execution import Execution, rfc3339
from schemas.incident_input import IncidentInput
from schemas.progress import Progress

PROGRESS_S = 5.0


@dataclass(slots=True)
class Tally:
    """What was scored of an application since its last progress record."""

    newest_s: float = 0.0
    executions: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    ongoing: dict[str, float] = field(default_factory=dict)


class Recording:
    """A scorer that keeps, in ``log``, the records that its results are for incidents."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._tallies: dict[ApplicationKey, Tally] = {}
        self._told_keys: dict[tuple[str, str], set[str]] = {}
        self._next_s: float | None = None
        self.log: list[IncidentInput] = []

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        batch = self._scorer.score(executions)
        self._take(event for _, event in batch.anomalies)
        self.log += [IncidentInput(change=event) for event in batch.model_events]
        for execution, severity in zip(executions, batch.severity, strict=True):
            self._count(execution, alarming=severity is not None)
        newest_s = max(execution.started_s for execution in executions)
        if self._next_s is None or newest_s >= self._next_s:
            self._next_s = newest_s + PROGRESS_S
            self._report()
        return batch

    def judge_silence(self, now_s: float, applications: Sequence[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies for applications that have fallen silent."""
        found = self._scorer.judge_silence(now_s, applications)
        self._take(found)
        return found

    def applications(self) -> list[ApplicationKey]:
        """Every application known."""
        return self._scorer.applications()

    def _take(self, events: Iterable[AnomalyEvent]) -> None:
        for event in events:
            self.log.append(IncidentInput(anomaly=event))
            key = (event.data.application, event.data.operation)
            self._told_keys.setdefault(key, set()).add(event.data.incident_key)

    def _count(self, execution: Execution, alarming: bool) -> None:
        tally = self._tallies.setdefault((execution.application, execution.environment), Tally())
        tally.newest_s = max(tally.newest_s, execution.started_s)
        tally.executions += 1
        tally.operations[execution.operation] += 1
        tally.calls.update(segment.peer for segment in execution.segments if segment.peer)
        if alarming:  # of which kind is not known here: of all that it was told of
            told = sorted(self._told_keys.get((execution.application, execution.operation), ()))
            tally.ongoing.update(dict.fromkeys(told, execution.started_s))

    def _report(self) -> None:
        for (application, environment), tally in self._tallies.items():
            record = Progress(
                application,
                environment,
                rfc3339(tally.newest_s),
                tally.executions,
                0,
                0,
                dict(tally.operations),
                tally.ongoing,
                dict(tally.calls),
            )
            self.log.append(IncidentInput(progress=record))
        self._tallies = {}
