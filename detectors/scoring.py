"""The scoring core: executions in, scores, anomalies and model events out; the same in a worker, on a file, in a test."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.fitting import Fitter
from detectors.settings import DetectionSettings
from schemas.anomaly import AnomalyEvent, Severity
from schemas.execution import Execution
from schemas.model_event import ModelEvent

ApplicationKey = tuple[str, str]
"""Models belong to (application, environment)."""


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """What scoring a sequence of n executions led to, in their order.

    ``score`` (n,) is −log10 of the false-alarm probability, ``severity`` has n entries, ``warming`` (n,) is True
    where the models had not learned enough to judge (a low score then says nothing). ``anomalies`` pairs each
    published anomaly with the index of the execution that led to it.
    """

    score: NDArray[np.float64]
    severity: list[Severity | None]
    warming: NDArray[np.bool_]
    anomalies: list[tuple[int, AnomalyEvent]]
    model_events: list[ModelEvent]


class Scorer:
    """Scores executions, then learns them, one after the other per application.

    What is learned depends on the order of an application's executions alone: not on batch boundaries, on
    other applications, on wall time or on the process.
    """

    chunk: int
    """The most executions that one call of ``score`` may be given so that it never waits for a refit it started itself."""

    def __init__(self, settings: DetectionSettings, fitter: Fitter) -> None: ...

    def fits_due(self, executions: Sequence[Execution]) -> list[Future[Any]]:
        """Unfinished refits that ``score(executions)`` would wait for. Await them first to keep an event loop free."""
        raise NotImplementedError

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order. Executions may be of several applications."""
        raise NotImplementedError

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies for applications that have missed traffic at event time ``now_s``. Never changes what is learned.

        Call it only for applications whose partition has been read to its end.
        """
        raise NotImplementedError

    def applications(self) -> list[ApplicationKey]:
        """Every application that has models here."""
        raise NotImplementedError

    def forget(self, application: ApplicationKey) -> None:
        """Drop all models of an application."""
        raise NotImplementedError

    def snapshot(self, application: ApplicationKey) -> bytes:
        """The complete state of an application: versioned, checksummed, without pickle."""
        raise NotImplementedError

    def restore(self, snapshot: bytes) -> ApplicationKey:
        """Take over an application's state.

        Raises:
            SnapshotError: another version wrote it, or it is damaged. Nothing is changed then.
        """
        raise NotImplementedError

    def statistics(self) -> dict[str, int]:
        """Counts for metrics: ``applications``, ``operations``, ``ready_operations``, ``forests``, ``state_bytes``."""
        raise NotImplementedError
