"""Contender: our worker with a scoring core that judges nothing, so that all is left but the detectors.

Run as ``python -m tracehound.scripts.benchmarks.throughput.contenders.detection_off`` with a worker's
settings in the environment.
"""

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import orjson

from tracehound.detectors.columns.columned_executions import columned
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey, ExecutionHead
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import ModelEvent
from tracehound.streams.scoring.app import build_scoring
from tracehound.streams.settings.settings import load_settings
from tracehound.streams.worker.worker import run_worker

CHUNK = DetectionSettings().refit_delay
"""The most executions of one call, as with the real core."""


class NoDetection:
    """A scoring core without models: the state of an application is how many of its executions have come."""

    chunk = CHUNK

    def __init__(self) -> None:
        self._seen: dict[ApplicationKey, int] = {}

    def fits_due(self, executions: Sequence[ExecutionHead]) -> list[Future[Any]]:  # noqa: ARG002 (the core's signature)
        """None."""
        return []

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        """Count, by the numbers that reading gave their names; nothing is unusual."""
        heads, n = columned(executions).heads, len(executions)
        for number, count in enumerate(np.bincount(heads.application).tolist()):
            if count:
                key = heads.names.applications.names[number]
                self._seen[key] = self._seen.get(key, 0) + count
        return ScoredBatch(np.zeros(n), [None] * n, np.zeros(n, np.bool_), [], [])

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:  # noqa: ARG002
        """None."""
        return []

    def refit(self, application: ApplicationKey, asked_s: float) -> list[ModelEvent]:  # noqa: ARG002 (the core's signature)
        """Nothing is trained."""
        return []

    def now_s(self, application: ApplicationKey) -> float | None:  # noqa: ARG002 (the core's signature)
        """Nobody knows: the newest execution says it."""
        return None

    def heed(self, key: ApplicationKey, lesson: Lesson) -> list[ModelEvent]:  # noqa: ARG002 (the core's signature)
        """Nothing."""
        return []

    def snapshot(self, application: ApplicationKey) -> bytes:
        """The application's name and count."""
        return orjson.dumps([*application, self._seen[application]])

    def restore(self, snapshot: bytes, wanted: ApplicationKey | None = None) -> ApplicationKey:
        """Take over a count.

        Raises:
            SnapshotError: it is none, or another application's than ``wanted``.
        """
        try:
            application, environment, seen = orjson.loads(snapshot)
            key, count = (str(application), str(environment)), int(seen)
        except (ValueError, TypeError) as error:
            raise SnapshotError(f"The snapshot must be a name and a count. Got {snapshot[:80]!r} instead.") from error
        if wanted is not None and key != wanted:
            raise SnapshotError(f"The snapshot must be that of {wanted[0]!r}. Got that of {key[0]!r} instead.")
        self._seen[key] = count
        return key

    def forget(self, application: ApplicationKey) -> None:
        """Drop the count."""
        self._seen.pop(application, None)

    def statistics(self) -> dict[str, int]:
        """How many applications there are; they take next to no memory."""
        return {"applications": len(self._seen), "operations": 0, "ready_operations": 0, "forests": 0, "state_bytes": 0}

    def drift(self) -> dict[ApplicationKey, float]:
        """None."""
        return {}


if __name__ == "__main__":
    sys.exit(run_worker(load_settings(), lambda settings: build_scoring(settings, NoDetection())))
