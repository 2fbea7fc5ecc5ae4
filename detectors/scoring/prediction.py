"""What would be said of executions, by an application's models as they are: nothing is learned of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from tracehound.detectors.alarms.anomaly import MODEL_VERSION, confidence
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.names import OTHER_OPERATIONS
from tracehound.schemas.anomaly import AnomalyEvent, ModelStamp
from tracehound.schemas.codec import content_digest
from tracehound.schemas.errors import TracehoundError
from tracehound.schemas.execution import ApplicationKey, Execution, rfc3339
from tracehound.schemas.score import Prediction, Verdict


class NotTrainedError(TracehoundError):
    """Nothing is trained for a prediction."""


class NoFitter:
    """Starts no fit, so that the models stay those that they are."""

    def submit(self, fit: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":  # noqa: ARG002 (as ``Fitter`` has it)
        """A fit that has failed."""
        future: Future[Any] = Future()
        future.set_exception(NotTrainedError("Nothing is trained for a prediction."))
        return future

    def close(self) -> None:
        """Nothing to end."""


class Predictor:
    """Judges executions by a copy of an application's models, which is thrown away afterwards.

    Executions that are given together are judged one after the other, as if they came now in this order: so each of
    them is judged as a worker would judge it, with its neighbours. Refits that would take effect among them do not.

    >>> from tracehound.detectors.forests.fitting import InlineFitter
    >>> scorer = Scorer(DetectionSettings(), InlineFitter())
    >>> _ = scorer.score([Execution("shop", "GET /", float(i), 100.0 + i % 7) for i in range(200)])
    >>> state = scorer.snapshot(("shop", ""))
    >>> slow = [Execution("shop", "GET /", 200.0, 50_000.0), Execution("shop", "GET /", 201.0, 103.0)]
    >>> model, predictions = Predictor(DetectionSettings()).predict(("shop", ""), state, slow)
    >>> [one.prediction for one in predictions], model.learned, scorer.snapshot(("shop", "")) == state
    (['anomalous', 'normal'], 200, True)
    """

    def __init__(self, settings: DetectionSettings) -> None:
        self._settings = settings
        self._scorer = Scorer(settings, NoFitter())

    def predict(
        self, key: ApplicationKey, snapshot: bytes | None, executions: Sequence[Execution]
    ) -> tuple[ModelStamp, list[Prediction]]:
        """Which models judged, and what they say of each execution of the application, in order.

        ``snapshot`` is the state of its models; None: it has none, so that they are warming up.

        Raises:
            SnapshotError: the snapshot is damaged, or another application's.
        """
        try:
            if snapshot is not None:
                self._scorer.restore(snapshot, key)
            model, learned = self._known(key)
            scored = self._scorer.score(executions)
        finally:
            self._scorer.forget(key)
        return model, _predictions(executions, scored, learned)

    def _known(self, key: ApplicationKey) -> tuple[ModelStamp, dict[str, int]]:
        models = self._scorer.models(key)
        if models is None:
            return ModelStamp("all", MODEL_VERSION, 0, None, True), {}
        trained = None if models.trained_s is None else rfc3339(models.trained_s)
        warming = models.seen < self._settings.warm_up_executions
        learned = {operation.name: operation.seen for operation in models.operations.values()}
        return ModelStamp("all", MODEL_VERSION, models.seen, trained, warming), learned


def _predictions(executions: Sequence[Execution], scored: ScoredBatch, learned: dict[str, int]) -> list[Prediction]:
    told: dict[int, list[AnomalyEvent]] = {}
    for index, anomaly in scored.anomalies:
        told.setdefault(index, []).append(anomaly)
    found = []
    for index, execution in enumerate(executions):
        severity = scored.severity[index]
        seen = learned.get(execution.operation, learned.get(OTHER_OPERATIONS, 0))
        warming: Verdict = "warming" if scored.warming[index] else "normal"
        found.append(
            Prediction(
                prediction=warming if severity is None else "anomalous",
                score=round(float(scored.score[index]), 3),
                severity=severity,
                confidence=round(confidence(seen), 3),
                learned=seen,
                input_hash=content_digest(execution),
                anomalies=told.get(index, []),
            )
        )
    return found
