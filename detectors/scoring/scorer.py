"""The scoring core: executions in, scores, anomalies and model events out; the same in a worker and on a file."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.alarms import events
from tracehound.detectors.alarms.anomaly import anomaly_of
from tracehound.detectors.alarms.of_windows import WindowRules
from tracehound.detectors.alarms.publishing import is_told
from tracehound.detectors.alarms.rules import AlarmRules
from tracehound.detectors.alarms.silence import SilenceWatch
from tracehound.detectors.application.models import (
    OTHER_OPERATIONS,
    OTHER_PEERS,
    ApplicationModels,
    OperationModels,
    seed_of,
)
from tracehound.detectors.application.subject import Subject
from tracehound.detectors.charts.drift import DriftFinding
from tracehound.detectors.charts.signals import CALLS, CHARTS
from tracehound.detectors.columns.segment_columns import SegmentColumns, columns_of
from tracehound.detectors.ensemble import state as ensemble_state
from tracehound.detectors.ensemble.ensemble import DRIFTING, Ensemble, Judgements
from tracehound.detectors.features.batch import CALL_SIGNALS, Batch
from tracehound.detectors.features.paths import named_paths
from tracehound.detectors.features.profile import Profile, parts
from tracehound.detectors.forests.fitting import Fitter
from tracehound.detectors.packed.slots import SlotNumbers
from tracehound.detectors.scoring import snapshot as application_snapshot
from tracehound.detectors.scoring.refits import AFTER_DRIFT, Refits
from tracehound.detectors.scoring.rows import Rows
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.alarm import Alarm, incident_key
from tracehound.detectors.telling.feedback import DAY_S, Change
from tracehound.detectors.windows.findings import WindowFinding
from tracehound.schemas.anomaly import AnomalyEvent, AnomalyKind, Severity, Window
from tracehound.schemas.codec import content_digest
from tracehound.schemas.errors import SnapshotError
from tracehound.schemas.execution import ApplicationKey, ExecutionHead, rfc3339
from tracehound.schemas.feedback import Lesson
from tracehound.schemas.model_event import ModelEvent


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """What scoring a sequence of n executions led to, in their order.

    ``score`` (n,) is −log10 of the false-alarm probability, ``severity`` has n entries, ``warming`` (n,) is True
    where the models had not learned enough to judge (a low score then says nothing). ``anomalies`` pairs each
    published anomaly with the index of the execution that led to it. ``deviating`` says of each application which
    ``incident_key`` alarmed, published or not, and at which event time (epoch seconds) last; ``calls`` how often it
    called which peer, ``suppressed`` how many alarms of each kind feedback kept from being told.
    """

    score: NDArray[np.float64]
    severity: list[Severity | None]
    warming: NDArray[np.bool_]
    anomalies: list[tuple[int, AnomalyEvent]]
    model_events: list[ModelEvent]
    deviating: dict[ApplicationKey, dict[str, float]] = field(default_factory=dict)
    calls: dict[ApplicationKey, dict[str, int]] = field(default_factory=dict)
    suppressed: dict[AnomalyKind, int] = field(default_factory=dict)

    def note_deviation(self, application: ApplicationKey, alarm: Alarm, at_s: float) -> None:
        """An application alarms at event time ``at_s``, whether that is published or not."""
        known = self.deviating.setdefault(application, {})
        key = incident_key(application, alarm.kind, alarm.scope)
        known[key] = max(at_s, known.get(key, at_s))

    def count_suppressed(self, alarms: Iterable[Alarm]) -> None:
        """Alarms that are not told because of feedback; they are no deviations either, or no incident would end."""
        for alarm in alarms:
            self.suppressed[alarm.kind] = self.suppressed.get(alarm.kind, 0) + 1

    def count_calls(self, called: Mapping[ApplicationKey, Mapping[str, int]]) -> None:
        """Add calls by application and peer."""
        for application, counts in called.items():
            known = self.calls.setdefault(application, {})
            for peer, count in counts.items():
                known[peer] = known.get(peer, 0) + count


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
        self._rules = AlarmRules(settings, self._ensemble)
        self._window_rules = WindowRules(settings, self._ensemble)
        self._refits = Refits(settings, self._ensemble, fitter)
        self._silence = SilenceWatch(settings)
        self._applications: dict[ApplicationKey, ApplicationModels] = {}
        self._operation_slots, self._application_slots = SlotNumbers(), SlotNumbers()
        self._call_slots = tuple(SlotNumbers() for _ in CALL_SIGNALS)
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
        counts = Counter((execution.application, execution.environment) for execution in executions)
        return [future for application in may_be for future in self._refits.due(application, counts[application.key])]

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        """Score, then learn, in order. Executions may be of several applications."""
        columns = columns_of(executions)
        n = len(executions)
        self._calls += 1
        result = ScoredBatch(np.zeros(n), [None] * n, np.ones(n, np.bool_), [], [])
        rows = Rows(0)
        for index, execution in enumerate(executions):
            application = self._applications.get((execution.application, execution.environment))
            if application is None:
                self._judge(rows, columns, result)
                rows = Rows(index)
                application = self._welcome(execution, result)
            application.used = self._calls
            if index - rows.first >= AFTER_DRIFT:
                self._judge(rows, columns, result)
                rows = Rows(index)
            if application.seen >= application.next_stop:
                self._judge(rows, columns, result)
                rows = Rows(index)
                self._refits.advance(application, execution.started_s, result.model_events)
            if execution.version and execution.version not in application.versions:
                self._judge(rows, columns, result)
                rows = Rows(index)
            application.seen += 1
            if execution.version and application.notice_version(execution.version, execution.started_s):
                patience_s = self._settings.release_patience_s
                told = events.release(application, execution.version, patience_s, execution.started_s)
                result.model_events.append(told)
            operation = application.operations.get(execution.operation)
            if operation is None:
                operation = self._new_operation(application, execution.operation)
            rows.add(application, operation, execution)
        self._judge(rows, columns, result)
        return result

    def _call(self, application: ApplicationModels, kind: int, peer: str) -> int:
        known = application.calls[kind]
        if len(known) >= self._settings.peers_per_application:
            peer = OTHER_PEERS
            if peer in known:
                return known[peer]
        return self._open_call(application, kind, peer)

    def _open_call(self, application: ApplicationModels, kind: int, peer: str) -> int:
        slot = application.calls[kind][peer] = self._call_slots[kind].take()
        self._ensemble.charts.open_call(kind, slot, seed_of(*application.key, CALL_SIGNALS[kind], peer))
        return slot

    def _welcome(self, execution: ExecutionHead, result: ScoredBatch) -> ApplicationModels:
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

    def _new_operation(self, application: ApplicationModels, name: str) -> OperationModels:
        """The models of an operation without any of its own."""
        if len(application.operations) >= self._settings.operations_per_application:
            name = OTHER_OPERATIONS
            if name in application.operations:
                return application.operations[name]
        return self._open_operation(application, name)

    def _open_operation(self, application: ApplicationModels, name: str) -> OperationModels:
        slot = self._operation_slots.take()
        self._ensemble.open_operation(slot, seed_of(*application.key, name))
        operation = application.operations[name] = OperationModels(name, slot)
        return operation

    def _judge(self, rows: Rows, columns: SegmentColumns, result: ScoredBatch) -> None:
        if not len(rows):
            return
        last = rows.first + len(rows)
        batch = rows.batch(columns.part(rows.first, last), self._settings, self._call)
        result.count_calls(rows.called)
        judged = self._ensemble.judge_then_learn(batch)
        self._silence.learn(batch)
        span = slice(rows.first, last)
        result.score[span] = judged.calibrated.score
        result.warming[span] = judged.warming
        candidates = set(self._rules.candidates(judged).tolist())
        windows = self._window_alarms(rows, judged)
        accepted = self._new_normals(rows, batch, judged)
        drifted: dict[int, list[DriftFinding]] = {}
        for drift in judged.drifted:
            drifted.setdefault(drift.row, []).append(drift)
        told = candidates | windows.keys() | accepted.keys() | drifted.keys()
        for row in self._lessons(rows, judged, told):
            subject = rows.subject(row, batch)
            if row in candidates:
                self._raise_alarms(subject, judged, rows.first, result)
            self._remember(subject, judged, result)
            for finding, alarm in windows.get(row, ()):
                self._raise_window_alarm(subject, finding, alarm, rows.first, result)
            for what, signal, lasted_s in accepted.get(row, ()):
                result.model_events.append(events.new_normal(subject, what, signal, lasted_s))
            for drift in drifted.get(row, ()):
                refitted = self._refits.drifted(subject.application, subject.number)
                result.model_events.append(events.drift(subject, DRIFTING[drift.column], drift.psi, refitted))

    def _lessons(self, rows: Rows, judged: Judgements, told: set[int]) -> Iterator[int]:
        """The rows that are told, warm up, or teach more than that they came; all are counted, in order."""
        needed, wants = self._settings.warm_up_executions, Profile.wants
        asked = told.union(np.flatnonzero(judged.structure.remembered).tolist())
        for row, (operation, normal) in enumerate(zip(rows.operations, judged.normal.tolist(), strict=True)):
            number = operation.seen + 1
            if number <= needed or row in asked or (normal and wants(number)):
                yield row
            else:
                operation.seen = number

    def _raise_alarms(self, subject: Subject, judged: Judgements, first: int, result: ScoredBatch) -> None:
        index, execution = first + subject.row, subject.execution
        for alarm in self._rules.alarms(
            subject, judged, self._heeding(subject.application, execution.started_s, result)
        ):
            subject.application.peaks.note(alarm, execution.started_s)
            result.severity[index] = events.graver(result.severity[index], alarm.severity)
            result.note_deviation(subject.application.key, alarm, execution.started_s)
            seen = subject.operation.seen if alarm.key == subject.operation.name else subject.number
            if is_told(subject.application, alarm, execution.started_s, seen, self._settings):
                identifier = events.identity(content_digest(execution), alarm.kind, alarm.signal)
                data = anomaly_of(subject, alarm.describe(), alarm.scope)
                event = events.anomaly(subject.application.key, identifier, execution.started_s, data)
                result.anomalies.append((index, event))

    def _heeding(
        self, application: ApplicationModels, now_s: float, result: ScoredBatch
    ) -> Callable[[list[Alarm]], list[Alarm]] | None:
        """Keeps those of an execution's alarms that may be told; None where there is no feedback to heed."""
        feedback = application.feedback
        if not feedback:
            return None
        life_s = self._settings.feedback_days * DAY_S
        for change in feedback.expire(now_s, life_s):
            result.model_events.append(events.feedback(application, change, self._settings.feedback_days, now_s))

        def told(alarms: list[Alarm]) -> list[Alarm]:
            untold = feedback.untold(alarms, now_s)
            result.count_suppressed(untold)
            return [alarm for alarm in alarms if alarm not in untold] if untold else alarms

        return told

    def _window_alarms(self, rows: Rows, judged: Judgements) -> dict[int, list[tuple[WindowFinding, Alarm]]]:
        """The alarms of windows by the row that closed them."""
        found: dict[int, list[tuple[WindowFinding, Alarm]]] = {}
        for finding, alarm in self._window_rules.alarms(judged, lambda row: rows.applications[row].key[0]):
            found.setdefault(finding.row, []).append((finding, alarm))
        return found

    def _raise_window_alarm(
        self, subject: Subject, finding: WindowFinding, alarm: Alarm, first: int, result: ScoredBatch
    ) -> None:
        application = subject.application
        told = self._heeding(application, finding.end_s, result)
        if told is not None and not told([alarm]):
            return
        application.peaks.note(alarm, finding.end_s)
        result.note_deviation(application.key, alarm, finding.end_s)
        if is_told(application, alarm, finding.end_s, subject.number, self._settings):
            start = rfc3339(finding.start_s)
            identifier = events.identity(*application.key, alarm.kind, alarm.signal, start)
            window = Window(start, rfc3339(finding.end_s), finding.count)
            data = anomaly_of(subject, alarm.describe(), alarm.scope, window)
            event = events.anomaly(application.key, identifier, finding.end_s, data)
            result.anomalies.append((first + subject.row, event))

    @staticmethod
    def _new_normals(rows: Rows, batch: Batch, judged: Judgements) -> dict[int, list[tuple[str, str, float]]]:
        """What became normal with each row: operation or called peer, signal, and for how long it had deviated."""
        found: dict[int, list[tuple[str, str, float]]] = {}
        for signal, chart in zip(CHARTS, judged.charts, strict=True):
            for row in np.flatnonzero(chart.accepted).tolist():
                name = rows.subject(row, batch).operation.name
                found.setdefault(row, []).append((name, signal.name, float(chart.lasting[row])))
        for kind, (signal, call) in enumerate(zip(CALLS, judged.calls, strict=True)):
            for entry in np.flatnonzero(call.chart.accepted).tolist():
                row, slot = int(batch.calls[kind].rows[entry]), int(batch.calls[kind].slots[entry])
                peer = rows.subject(row, batch).application.peer_of(kind, slot)
                found.setdefault(row, []).append((f"calls to {peer}", signal.name, float(call.chart.lasting[entry])))
        return found

    def _remember(self, subject: Subject, judged: Judgements, result: ScoredBatch) -> None:
        application, operation, execution = subject.application, subject.operation, subject.execution
        operation.seen += 1
        needed = self._settings.warm_up_executions
        if operation.seen == 1 and subject.number > needed:  # those before came with their application, and are told so
            told = events.new_operation(application, operation.name, needed, execution.started_s)
            result.model_events.append(told)
        if judged.structure.remembered[subject.row]:
            operation.remember_paths(named_paths(execution))
        if judged.normal[subject.row] and operation.profile.wants(operation.seen):
            operation.profile.learn(parts(execution, subject.self_ms))
        if operation.seen == needed:
            result.model_events.append(events.ready(application.key, operation, execution.started_s))

    def judge_silence(self, now_s: float, applications: Iterable[ApplicationKey]) -> list[AnomalyEvent]:
        """Anomalies for applications that have missed traffic at event time ``now_s``. Never changes what is learned.

        Call it only for applications whose partition has been read to its end. One event per silence.
        """
        known = (self._applications[key] for key in applications if key in self._applications)
        found = (self._silence.judge(application, now_s) for application in known)
        return [event for event in found if event is not None]

    def refit(self, application: ApplicationKey) -> None:
        """Refit the application's models from its next execution on, or once refits under way have taken effect.

        The new models judge ``refit_delay`` executions later, and a model event tells it as after any refit.

        Raises:
            KeyError: the application has no models here.
        """
        self._refits.demand(self._applications[application])

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
        days = self._settings.feedback_days
        changes = application.feedback.learn(lesson, application.peaks, days * DAY_S)
        for change in changes:
            if change.lesson.judgement == "expected_change":
                self._expect(application, change)
        return [events.feedback(application, change, days, lesson.judged_at) for change in changes]

    def _expect(self, application: ApplicationModels, change: Change) -> None:
        """What deviates since the change is accepted soon; the chart saw it somewhat earlier than it was told."""
        application.expected_s = application.expected_until_s = float("-inf")
        if change.occasion == "learned":
            told_s = [pattern.at_s for pattern in change.lesson.patterns]
            newest_s = self._silence.newest_s(application.slot)
            application.expected_s = min(told_s) - self._settings.release_patience_s
            application.expected_until_s = max([*told_s, newest_s]) + self._settings.release_window_s

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
        return application_snapshot.take(self._applications[application], self._ensemble, self._silence)

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
            for name in state.operations:
                self._open_operation(application, name)
            for kind, peers in enumerate(state.calls):
                for peer in peers:
                    self._open_call(application, kind, peer)
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
            "state_bytes": ensemble_state.nbytes(
                self._ensemble,
                len(self._operation_slots),
                len(self._application_slots),
                sum(len(slots) for slots in self._call_slots),
            ),
        }
