"""The scoring core: executions in, scores, anomalies and model events out; the same in a worker and on a file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from tracehound.detectors.alarms import events
from tracehound.detectors.alarms.lessons import Lessons
from tracehound.detectors.application.models import ApplicationModels, OperationModels, seed_of
from tracehound.detectors.application.places import PERIOD
from tracehound.detectors.columns.columned_executions import ColumnedExecutions, columned
from tracehound.detectors.ensemble import state as ensemble_state
from tracehound.detectors.ensemble.ensemble import Ensemble
from tracehound.detectors.features.batch import KEYED_SIGNALS, QUEUES
from tracehound.detectors.features.clocks import EARLY, LATE
from tracehound.detectors.forests.fitting import Fitter
from tracehound.detectors.packed.slots import SlotNumbers
from tracehound.detectors.scoring import snapshot as application_snapshot
from tracehound.detectors.scoring.coming import Coming
from tracehound.detectors.scoring.free_places import free_places, may_be_full
from tracehound.detectors.scoring.outcomes import JudgedRows, Outcomes
from tracehound.detectors.scoring.refits import AFTER_DRIFT, Refits
from tracehound.detectors.scoring.rows import Rows
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.watches import Watches
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.names import OTHER_OPERATIONS, OTHER_PEERS, OTHER_QUEUES
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey, ExecutionHead
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import ModelEvent


class Scorer:
    """Scores executions, then learns them, one after the other per application.

    What is learned depends on the order of an application's executions alone: not on batch boundaries, on
    other applications, on wall time or on the process.

    >>> from tracehound.detectors.forests.fitting import InlineFitter
    >>> from tracehound.schemas.execution import Execution
    >>> scorer = Scorer(DetectionSettings(), InlineFitter())
    >>> normal = [Execution("shop", "GET /", float(i), 100.0 + i % 7) for i in range(200)]
    >>> len(scorer.score(normal).anomalies)
    0
    >>> [(_, anomaly)] = scorer.score([Execution("shop", "GET /", 200.0, 50_000.0)]).anomalies
    >>> anomaly.data.kind, anomaly.data.severity
    ('latency', 'minor')
    """

    def __init__(self, settings: DetectionSettings, fitter: Fitter) -> None:
        self._settings = settings
        self._ensemble = Ensemble(settings)
        self._refits = Refits(settings, self._ensemble, fitter)
        self._lessons = Lessons(settings)
        self._outcomes = Outcomes(settings, self._ensemble, self._refits, self._lessons)
        self._watches = Watches(settings, self._ensemble.windows)
        self._clocks = self._watches.clocks
        self._applications: dict[ApplicationKey, ApplicationModels] = {}
        self._operation_slots, self._application_slots = SlotNumbers(), SlotNumbers()
        self._call_slots = tuple(SlotNumbers() for _ in KEYED_SIGNALS)
        self._calls = 0

    @property
    def chunk(self) -> int:
        """The most executions per call of ``score`` with which it never waits for a refit it started itself."""
        return self._settings.refit_delay

    def fits_due(self, executions: Sequence[ExecutionHead]) -> list[Future[Any]]:
        """Unfinished refits that ``score(executions)`` would wait for. Await them first to keep an event loop free."""
        may_be = [
            application
            for key in self._refits.under_way()
            if self._refits.due(application := self._applications[key], len(executions))
        ]
        if not may_be:  # as for most chunks
            return []
        heads = columned(executions).heads
        counts = Counter(heads.names.applications.names[number] for number in heads.application.tolist())
        return [future for application in may_be for future in self._refits.due(application, counts[application.key])]

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        """Score, then learn, in order. Executions may be of several applications."""
        given, n = columned(executions), len(executions)
        self._calls += 1
        result = ScoredBatch(np.zeros(n), [None] * n, np.ones(n, np.bool_), [], [])
        rows, coming = Rows(0), Coming(given.heads, self._applications.get, self._calls)
        index = 0
        while index < n:
            until = min(coming.due, rows.first + AFTER_DRIFT)
            if until > index:
                coming.take(index, until, rows, self._operation)
                index = until
                continue
            rows = self._prepare(index, rows, coming, given, result)
            coming.take(index, index + 1, rows, self._operation, counted=True)
            index += 1
        self._judge(rows, given, result)
        return result

    def _prepare(self, index: int, rows: Rows, coming: Coming, given: ColumnedExecutions, result: ScoredBatch) -> Rows:
        """Let happen what has to before an execution, and count it; the rows that it comes to, without it."""

        def judged() -> Rows:
            self._judge(rows, given, result)
            coming.look_again()
            return Rows(index)

        heads = given.heads
        started_s, duration_ms = float(heads.started_s[index]), float(given.columns.whole_ms[index])
        application = coming.application(index)
        if application is None:
            full = len(self._applications) >= self._settings.applications_per_worker  # one has to go
            if full:
                rows = judged()
            application = self._welcome(heads.names.applications.names[heads.application[index]], started_s, result)
            if full:
                coming.find_again()
            coming.welcome(index, application)
        if index - rows.first >= AFTER_DRIFT:
            rows = judged()
        if application.seen >= application.next_stop:
            rows = judged()
            now_s = self._clocks.told(application.slot, started_s, duration_ms)
            self._refits.advance(application, now_s, result.model_events)
        if application.seen and application.seen % PERIOD == 0:
            waiting = given[rows.first : index]
            if may_be_full(application, self._settings, waiting, waiting.heads.application == heads.application[index]):
                rows = judged()
            free_places(application, self._settings, self._ensemble.charts, self._operation_slots, self._call_slots)
            rows.begin_period(application)
            coming.forget_operations()
        application.seen += 1
        version = heads.names.versions.names[heads.version[index]]
        if version and application.versions.would_release(version, (started_s, application.seen)):
            rows = judged()
            self._release(application, version, started_s, duration_ms, result)
        return rows

    def _release(
        self, application: ApplicationModels, version: str, started_s: float, duration_ms: float, result: ScoredBatch
    ) -> None:
        now_s = self._clocks.told(application.slot, started_s, duration_ms)
        # After a rest the first execution may bring the version, before anybody agrees on what time it is.
        patience_s = self._settings.release_patience_s
        application.begin_release(max(now_s, started_s), patience_s)
        result.model_events.append(events.release(application, version, patience_s, now_s))

    def _call(self, application: ApplicationModels, kind: int, peer: str) -> int:
        known = application.calls[kind]
        if len(known) >= self._settings.peers_per_application:
            peer = OTHER_QUEUES if kind == QUEUES else OTHER_PEERS
            if peer in known:
                application.idle[kind][peer] = 0
                return known[peer]
        return self._open_call(application, kind, peer)

    def _open_call(self, application: ApplicationModels, kind: int, peer: str) -> int:
        slot = application.calls[kind][peer] = self._call_slots[kind].take()
        application.idle[kind][peer] = 0
        self._watches.open_call(kind, slot)
        self._ensemble.charts.open_call(kind, slot, seed_of(*application.key, KEYED_SIGNALS[kind], peer))
        return slot

    def _welcome(self, key: ApplicationKey, started_s: float, result: ScoredBatch) -> ApplicationModels:
        if len(self._applications) >= self._settings.applications_per_worker:
            idle = min(self._applications.values(), key=lambda application: application.used)
            result.model_events.append(events.dropped(idle, self._settings.applications_per_worker, started_s))
            self.forget(idle.key)
        result.model_events.append(events.warming(key, self._settings.warm_up_executions, started_s))
        return self._open(key)

    def _open(self, key: ApplicationKey) -> ApplicationModels:
        slot, seed = self._application_slots.take(), seed_of(*key)
        self._ensemble.open_application(slot, seed)
        self._watches.open_application(slot, seed)
        application = ApplicationModels(key, slot, next_stop=0, next_refit=0)
        self._refits.schedule(application)
        self._applications[key] = application
        return application

    def _operation(self, application: ApplicationModels, name: str) -> OperationModels:
        """The models of an operation: those that all share for whom there is no place, where it has none of its own."""
        if name in application.operations:
            return application.operations[name]
        if len(application.operations) >= self._settings.operations_per_application:
            name = OTHER_OPERATIONS
            if name in application.operations:
                return application.operations[name]
        return self._open_operation(application, name)

    def _open_operation(self, application: ApplicationModels, name: str) -> OperationModels:
        slot = self._operation_slots.take()
        self._ensemble.open_operation(slot, seed_of(*application.key, name))
        self._watches.open_operation(slot)
        operation = application.operations[name] = OperationModels(name, slot)
        return operation

    def _open_to_restore(self, application: ApplicationModels, names: Iterable[str]) -> None:
        operations = {name: OperationModels(name, self._operation_slots.take()) for name in names}
        application.operations, slots = operations, np.array([one.slot for one in operations.values()], np.int64)
        self._ensemble.open_to_restore(slots, [seed_of(*application.key, name) for name in operations])
        self._watches.open_operations(slots)

    def _judge(self, rows: Rows, executions: ColumnedExecutions, result: ScoredBatch) -> None:
        if not len(rows):
            return
        given = executions[rows.first : rows.first + len(rows)]
        batch = rows.batch(given, self._settings, self._clocks, self._watches.answered, self._call)
        result.count_calls(rows.called)
        judged = self._ensemble.judge_then_learn(batch)
        self._watches.silence.learn(batch)
        for row in batch.anew.nonzero()[0].tolist():
            rows.applications[row].set_back(float(batch.times[row]))
        levels = self._watches.levels.learn(batch, rows.applications)
        sampled = self._watches.sampling.learn(batch.applications, batch.times, batch.adjusted)
        stopped = self._watches.stopped.learn(batch, rows.applications, given.heads.kind)
        self._outcomes.tell(JudgedRows(rows, batch, judged, levels, sampled, stopped), result)

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies for applications that have missed traffic at event time ``now_s``. Never changes what is learned.

        Call it only for applications whose partition has been read to its end. One event when a silence is noticed; a
        sudden one has another when it has lasted (``detectors.alarms.silence``).
        """
        known = (self._applications[key] for key in applications if key in self._applications)
        found = (self._watches.silence.judge(application, now_s) for application in known)
        return [event for event in found if event is not None]

    def refit(self, application: ApplicationKey, asked_s: float = 0.0) -> list[ModelEvent]:
        """Refit the application's models from its next execution on, or once refits under way have taken effect.

        The new models judge ``refit_delay`` executions later, and a model event tells it as after any refit.
        ``asked_s`` is when that was asked for, in epoch seconds. Returns what is to be told: that it is asked for, or
        why it cannot be.
        """
        models = self._applications.get(application)
        if models is None:
            return [events.not_trained(application, "it has no models", asked_s)]
        return [self._refits.demand(models, asked_s)]

    def heed(self, key: ApplicationKey, lesson: Lesson) -> list[ModelEvent]:
        """Learn of a verdict, in order with the executions of its application; what changed is told.

        What was judged to be nothing is not told again up to a fifth beyond its size, for ``feedback_days`` of event
        time. An expected change is soon the new normal, as if there had been a release. Learning it twice, or
        one that was replaced by a later one of the same subject, changes nothing; nor does it where the application
        has no models.
        """
        application = self._applications.get(key)
        if application is None:
            return []
        return self._lessons.learn(application, lesson, self._clocks.now_s(application.slot))

    def now_s(self, application: ApplicationKey) -> float | None:
        """What time it is in an application, in epoch seconds: what most of its executions say; None without any."""
        models = self._applications.get(application)
        return None if models is None or not models.seen else self._clocks.now_s(models.slot)

    def drift(self) -> dict[ApplicationKey, float]:
        """The largest population stability index of each application's operations; without those not yet known."""
        known = [(key, models.operations.values()) for key, models in self._applications.items() if models.operations]
        if not known:
            return {}
        slots = np.array([operation.slot for _, operations in known for operation in operations], np.int64)
        starts = np.cumsum([0, *(len(operations) for _, operations in known[:-1])])
        indexes = self._ensemble.drift.largest(slots, starts)
        return {known[at][0]: float(indexes[at]) for at in np.flatnonzero(~np.isnan(indexes)).tolist()}

    def applications(self) -> list[ApplicationKey]:
        """Every application that has models here."""
        return list(self._applications)

    def models(self, application: ApplicationKey) -> ApplicationModels | None:
        """What is remembered of an application beside its detectors, to look at; None without models."""
        return self._applications.get(application)

    def forget(self, application: ApplicationKey) -> None:
        """Drop all models of an application, if it has any."""
        models = self._applications.pop(application, None)
        if models is None:
            return
        self._refits.forget(models)
        self._application_slots.give_back(models.slot)
        for operation in models.operations.values():
            self._operation_slots.give_back(operation.slot)
        for slots, calls in zip(self._call_slots, models.calls, strict=True):
            for slot in calls.values():
                slots.give_back(slot)

    def snapshot(self, application: ApplicationKey) -> bytes:
        """The complete state of an application: versioned, checksummed, without pickle.

        Raises:
            KeyError: the application has no models here.
        """
        return application_snapshot.take(self._applications[application], self._ensemble, self._watches)

    def restore(self, snapshot: bytes, wanted: ApplicationKey | None = None) -> ApplicationKey:
        """Take over an application's state, replacing what is here.

        Raises:
            SnapshotError: it is damaged, or another version wrote it, and the application may have no models then;
                or it is not that of the application ``wanted``, and nothing has changed.
        """
        state = application_snapshot.read(snapshot)
        key = state.key
        if wanted is not None and key != wanted:
            raise SnapshotError(f"The snapshot must be that of {wanted[0]!r}. Got that of {key[0]!r} instead.")
        self.forget(key)
        application = self._open(key)
        try:
            application_snapshot.check_sizes(state, self._settings)
            self._open_to_restore(application, state.operations)
            for kind, peers in enumerate(state.keyed):
                for peer in peers:
                    self._open_call(application, kind, peer)
            application_snapshot.fill(state, application, self._ensemble, self._watches)
            needed = self._settings.warm_up_executions
            application.ready = sum(operation.seen >= needed for operation in application.operations.values())
            self._refits.resume(application)
        except BaseException:
            self.forget(key)
            raise
        return key

    def statistics(self) -> dict[str, int]:
        """Counts for metrics: ``applications``, ``operations``, ``ready_operations``, ``forests``, ``state_bytes``; and
        since the start ``early`` executions and ``late`` ones (``detectors.features.clocks``), and those ``left_out``
        of windows that had closed.
        """
        calls = sum(map(len, self._call_slots))
        places = len(self._operation_slots), len(self._application_slots), calls
        models = self._applications.values()
        return {
            "applications": len(self._applications),
            "operations": len(self._operation_slots),
            "ready_operations": sum(one.ready for one in models),
            "forests": sum(one.trained_s is not None for one in models),
            "early": int(self._clocks.counts[EARLY]),
            "late": int(self._clocks.counts[LATE]),
            "left_out": self._ensemble.windows.left_out(),
            "state_bytes": ensemble_state.nbytes(self._ensemble, *places) + self._watches.nbytes(*places),
        }
