"""What a scoring worker tells the incident stage, recorded in process: anomalies, and progress every few seconds."""

from collections.abc import Sequence

from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, Execution
from tracehound.schemas.incident_input import IncidentInput
from tracehound.streams.delivery.outputs import incident_input_of
from tracehound.streams.scoring.report_progress import ProgressLedger, tally
from tracehound.streams.scoring.score_chunk import ChunkOutcome

PROGRESS_S = 5.0


class Recording:
    """A scorer that keeps, in ``log``, the records that its results are for incidents."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._ledger = ProgressLedger()
        self._next_s: float | None = None
        self.log: list[IncidentInput] = []

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order."""
        batch = self._scorer.score(executions)
        self.log += incident_input_of((event for _, event in batch.anomalies), batch.model_events)
        outcome = ChunkOutcome(batch.anomalies, deviating=batch.deviating, calls=batch.calls)
        self._ledger.acknowledged(tally(columned(executions), [outcome], self._scorer.now_s))
        newest_s = max(execution.started_s for execution in executions)
        if self._next_s is None or newest_s >= self._next_s:
            self._next_s = newest_s + PROGRESS_S
            self.log += [IncidentInput(progress=one) for one in self._ledger.take()]
        return batch

    def judge_silence(self, now_s: float, applications: Sequence[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies for applications that have fallen silent."""
        found = self._scorer.judge_silence(now_s, applications)
        self.log += incident_input_of(found, ())
        return found

    def applications(self) -> list[ApplicationKey]:
        """Every application known."""
        return self._scorer.applications()
