"""What the agents need of the scoring core; ``detectors.scoring.scorer.Scorer`` is the real one, tests have a fake."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.execution import ApplicationKey, ExecutionHead
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import ModelEvent


class ScoringCore(Protocol):
    """See ``detectors.scoring.scorer.Scorer`` for what each verb promises."""

    @property
    def chunk(self) -> int:
        """The most executions of one call of ``score``."""
        ...

    def fits_due(self, executions: Sequence[ExecutionHead]) -> list[Future[Any]]:
        """Refits that ``score(executions)`` would wait for."""
        ...

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        """Score, then learn, in order."""
        ...

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies for applications that have missed traffic at event time ``now_s``."""
        ...

    def heed(self, key: ApplicationKey, lesson: Lesson) -> list[ModelEvent]:
        """Learn of a verdict; returns what changed."""
        ...

    def refit(self, application: ApplicationKey, asked_s: float) -> list[ModelEvent]:
        """Train an application's models, as asked at this time; returns what is to be told."""
        ...

    def now_s(self, application: ApplicationKey) -> float | None:
        """What time it is in an application by most of its executions; None where nobody knows."""
        ...

    def snapshot(self, application: ApplicationKey) -> bytes:
        """The complete state of an application."""
        ...

    def restore(self, snapshot: bytes, wanted: ApplicationKey | None = None) -> ApplicationKey:
        """Take over an application's state.

        Raises:
            SnapshotError: another version wrote it, it is damaged, or of another application than ``wanted``.
        """
        ...

    def forget(self, application: ApplicationKey) -> None:
        """Drop all models of an application."""
        ...

    def statistics(self) -> dict[str, int]:
        """Counts for metrics."""
        ...

    def drift(self) -> dict[ApplicationKey, float]:
        """The largest population stability index of each application."""
        ...
