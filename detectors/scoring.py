"""The scoring core: executions in, scores, anomalies and model events out; the same in a worker and on a file."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import application_snapshot, events
from detectors.alarms import AlarmRules, Subject
from detectors.application import (
    OTHER_OPERATIONS,
    ApplicationKey,
    ApplicationModels,
    OperationModels,
    seed_of,
)
from detectors.ensemble import Batch, Ensemble, Judgements
from detectors.features import signals
from detectors.fitting import Fitter
from detectors.profile import parts
from detectors.publishing import publish
from detectors.refits import Refits
from detectors.settings import DetectionSettings
from detectors.silence import SilenceWatch
from detectors.slots import SlotNumbers
from schemas.anomaly import AnomalyEvent, Severity
from schemas.execution import Execution
from schemas.model_event import ModelEvent


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


class _Rows:
    """Executions collected until something has to happen between two of them."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.subjects: list[Subject] = []
        self.signals: list[tuple[float, float, float, float]] = []

    def batch(self) -> Batch:
        subjects = self.subjects
        return Batch(
            operations=np.array([subject.operation.slot for subject in subjects], np.int64),
            applications=np.array([subject.application.slot for subject in subjects], np.int64),
            times=np.array([subject.execution.started_at for subject in subjects], np.float64),
            signals=np.array(self.signals, np.float64).reshape(len(subjects), -1),
            errors=np.array([subject.execution.failed for subject in subjects], np.float64),
        )


class Scorer:
    """Scores executions, then learns them, one after the other per application.

    What is learned depends on the order of an application's executions alone: not on batch boundaries, on
    other applications, on wall time or on the process.

    >>> from detectors.fitting import InlineFitter
    >>> scorer = Scorer(DetectionSettings(), InlineFitter())
    >>> normal = [Execution("shop", "GET /", float(i), 100.0 + i % 7) for i in range(200)]
    >>> len(scorer.score(normal).anomalies)
    0
    >>> [(_, anomaly)] = scorer.score([Execution("shop", "GET /", 200.0, 5000.0)]).anomalies
    >>> anomaly.data.kind, anomaly.data.severity
    ('latency', 'minor')
    """

    def __init__(self, settings: DetectionSettings, fitter: Fitter) -> None:
        self._settings = settings
        self._ensemble = Ensemble(settings)
        self._rules = AlarmRules(settings, self._ensemble.detectors)
        self._refits = Refits(settings, self._ensemble, fitter)
        self._silence = SilenceWatch(settings)
        self._applications: dict[ApplicationKey, ApplicationModels] = {}
        self._operation_slots, self._application_slots = SlotNumbers(), SlotNumbers()
        self._calls = 0

    @property
    def chunk(self) -> int:
        """The most executions per call of ``score`` with which it never waits for a refit it started itself."""
        return self._settings.refit_delay

    def fits_due(self, executions: Sequence[Execution]) -> list[Future[Any]]:
        """Unfinished refits that ``score(executions)`` would wait for. Await them first to keep an event loop free."""
        counts: dict[ApplicationKey, int] = {}
        for execution in executions:
            key = (execution.application, execution.environment)
            counts[key] = counts.get(key, 0) + 1
        known = ((self._applications[key], count) for key, count in counts.items() if key in self._applications)
        return [future for application, count in known for future in self._refits.due(application, count)]

    def score(self, executions: Sequence[Execution]) -> ScoredBatch:
        """Score, then learn, in order. Executions may be of several applications."""
        n = len(executions)
        self._calls += 1
        result = ScoredBatch(np.zeros(n), [None] * n, np.ones(n, np.bool_), [], [])
        rows = _Rows(0)
        for index, execution in enumerate(executions):
            application = self._applications.get((execution.application, execution.environment))
            if application is None:
                self._judge(rows, result)
                rows = _Rows(index)
                application = self._welcome(execution, result)
            application.used = self._calls
            if application.seen >= application.next_stop:
                self._judge(rows, result)
                rows = _Rows(index)
                self._refits.advance(application, execution.started_s, result.model_events)
            application.seen += 1
            operation = self._operation(application, execution.operation)
            rows.subjects.append(Subject(index - rows.first, execution, application, operation))
            rows.signals.append(signals(execution))
        self._judge(rows, result)
        return result

    def _welcome(self, execution: Execution, result: ScoredBatch) -> ApplicationModels:
        key = (execution.application, execution.environment)
        if len(self._applications) >= self._settings.applications_per_worker:
            idle = min(self._applications.values(), key=lambda application: application.used)
            result.model_events.append(
                events.dropped(idle, self._settings.applications_per_worker, execution.started_s)
            )
            self.forget(idle.key)
        result.model_events.append(events.warming(key, self._settings.warm_up_executions, execution.started_s))
        return self._open(key)

    def _open(self, key: ApplicationKey) -> ApplicationModels:
        slot, seed = self._application_slots.take(), seed_of(*key)
        self._ensemble.open_application(slot, seed)
        self._silence.open(slot, seed)
        application = ApplicationModels(key, slot, next_stop=0, next_refit=0)
        self._refits.schedule(application)
        self._applications[key] = application
        return application

    def _operation(self, application: ApplicationModels, name: str) -> OperationModels:
        operation = application.operations.get(name)
        if operation is None:
            if len(application.operations) >= self._settings.operations_per_application:
                name = OTHER_OPERATIONS
                if name in application.operations:
                    return application.operations[name]
            operation = self._open_operation(application, name)
        return operation

    def _open_operation(self, application: ApplicationModels, name: str) -> OperationModels:
        slot = self._operation_slots.take()
        self._ensemble.open_operation(slot, seed_of(*application.key, name))
        operation = application.operations[name] = OperationModels(name, slot)
        return operation

    def _judge(self, rows: _Rows, result: ScoredBatch) -> None:
        if not rows.subjects:
            return
        batch = rows.batch()
        judged = self._ensemble.judge_then_learn(batch)
        self._silence.learn(batch)
        span = slice(rows.first, rows.first + len(rows.subjects))
        result.score[span] = judged.score
        result.warming[span] = judged.warming
        candidates = set(self._rules.candidates(judged).tolist())
        for subject in rows.subjects:
            if subject.row in candidates:
                self._raise_alarms(subject, batch, judged, rows.first, result)
            self._remember(subject, batch, judged, result)

    def _raise_alarms(
        self, subject: Subject, batch: Batch, judged: Judgements, first: int, result: ScoredBatch
    ) -> None:
        index = first + subject.row
        for alarm in self._rules.alarms(subject, batch, judged):
            result.severity[index] = events.graver(result.severity[index], alarm.severity)
            event = publish(subject, alarm, self._settings.rest_s)
            if event is not None:
                result.anomalies.append((index, event))

    def _remember(self, subject: Subject, batch: Batch, judged: Judgements, result: ScoredBatch) -> None:
        application, operation, execution = subject.application, subject.operation, subject.execution
        application.newest_s = max(application.newest_s, execution.started_s)
        operation.seen += 1
        if judged.normal[subject.row] and operation.profile.wants(operation.seen):
            operation.profile.learn(parts(execution, float(batch.signals[subject.row, 0])))
        if operation.seen == self._settings.warm_up_executions:
            result.model_events.append(events.ready(application.key, operation, execution.started_s))

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies for applications that have missed traffic at event time ``now_s``. Never changes what is learned.

        Call it only for applications whose partition has been read to its end. One event per silence.
        """
        known = (self._applications[key] for key in applications if key in self._applications)
        found = (self._silence.judge(application, now_s) for application in known)
        return [event for event in found if event is not None]

    def applications(self) -> list[ApplicationKey]:
        """Every application that has models here."""
        return list(self._applications)

    def forget(self, application: ApplicationKey) -> None:
        """Drop all models of an application, if it has any."""
        models = self._applications.pop(application, None)
        if models is None:
            return
        self._refits.forget(models)
        self._application_slots.give_back(models.slot)
        for operation in models.operations.values():
            self._operation_slots.give_back(operation.slot)

    def snapshot(self, application: ApplicationKey) -> bytes:
        """The complete state of an application: versioned, checksummed, without pickle.

        Raises:
            KeyError: the application has no models here.
        """
        return application_snapshot.take(self._applications[application], self._ensemble, self._silence)

    def restore(self, snapshot: bytes) -> ApplicationKey:
        """Take over an application's state, replacing what is here.

        Raises:
            SnapshotError: another version wrote it, or it is damaged. The application has no models then.
        """
        state = application_snapshot.read(snapshot)
        key = state.key
        self.forget(key)
        application = self._open(key)
        try:
            for name in state.operations:
                self._open_operation(application, name)
            application_snapshot.fill(state, application, self._ensemble, self._silence)
            self._refits.resume(application)
        except BaseException:
            self.forget(key)
            raise
        return key

    def statistics(self) -> dict[str, int]:
        """Counts for metrics: ``applications``, ``operations``, ``ready_operations``, ``forests``, ``state_bytes``."""
        needed = self._settings.warm_up_executions
        models = self._applications.values()
        ready = sum(operation.seen >= needed for one in models for operation in one.operations.values())
        return {
            "applications": len(self._applications),
            "operations": len(self._operation_slots),
            "ready_operations": ready,
            "forests": sum(one.trained_s is not None for one in models),
            "state_bytes": self._ensemble.nbytes(len(self._operation_slots), len(self._application_slots)),
        }
