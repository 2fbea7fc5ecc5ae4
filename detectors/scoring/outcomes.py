"""What judged executions lead to: alarms that are told or withheld, and what has become of the models."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tracehound.detectors.alarms import events
from tracehound.detectors.alarms.anomaly import anomaly_of
from tracehound.detectors.alarms.lessons import Lessons
from tracehound.detectors.alarms.of_levels import level_changed
from tracehound.detectors.alarms.of_sampling import sampling_changed
from tracehound.detectors.alarms.of_stopped import stopped_alarm
from tracehound.detectors.alarms.of_windows import WindowRules
from tracehound.detectors.alarms.publishing import is_told
from tracehound.detectors.alarms.rules import AlarmRules
from tracehound.detectors.alarms.stopped import StoppedOperations
from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.application.subject import Subject
from tracehound.detectors.bank import Slots
from tracehound.detectors.charts.drift import DriftFinding
from tracehound.detectors.charts.signals import CALLS, CHARTS, QUEUE
from tracehound.detectors.ensemble.ensemble import DRIFTING, Ensemble, Judgements
from tracehound.detectors.features.attributes import pairs_of
from tracehound.detectors.features.batch import QUEUES, Batch
from tracehound.detectors.features.paths import named_paths
from tracehound.detectors.features.profile import Profile
from tracehound.detectors.features.sampling import SamplingChange
from tracehound.detectors.levels.watch import LevelFinding
from tracehound.detectors.packed.occurrences import Occurrences
from tracehound.detectors.scoring.deviating import Deviating
from tracehound.detectors.scoring.refits import Refits
from tracehound.detectors.scoring.rows import Rows
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.settings import DetectionSettings
from tracehound.detectors.telling.alarm import Alarm
from tracehound.detectors.telling.deviation import MESSAGES_OF
from tracehound.detectors.telling.names import identity
from tracehound.detectors.windows.findings import WindowFinding
from tracehound.schemas.anomaly import Window
from tracehound.schemas.codec import content_digest
from tracehound.schemas.execution import rfc3339

NewNormal = tuple[str, str, float]
"""What has a new normal (an operation or called peer), its signal, and for how many seconds it had deviated."""
_BATCHES = frozenset({"job", "command"})
_NEWEST_KIND = 1.0 / 32.0
"""Weight of the newest execution in what is known of whether an application's executions are jobs."""


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """Executions, the arrays that were judged, what all detectors said of them, by row the levels that changed, how
    sampling did, and which operations stopped."""

    rows: Rows
    batch: Batch
    judged: Judgements
    levels: dict[int, list[LevelFinding]]
    sampled: list[SamplingChange]
    stopped: list[StoppedOperations]

    def subject(self, row: int) -> Subject:
        """One row, with the models it belongs to."""
        return self.rows.subject(row, self.batch)


class Outcomes:
    """Adds to a scored batch what its executions led to, row by row, in their order.

    Of a row come first the alarms of its execution, then what its operation has learned, then the alarms of the
    windows that it closed, then what became normal with it, then what has drifted or changed within the week.
    """

    def __init__(self, settings: DetectionSettings, ensemble: Ensemble, refits: Refits, lessons: Lessons) -> None:
        self._settings = settings
        self._rules = AlarmRules(settings, ensemble)
        self._window_rules = WindowRules(settings, ensemble)
        self._refits = refits
        self._lessons = lessons
        self._private = frozenset(settings.private_attributes)

    def tell(self, given: JudgedRows, result: ScoredBatch) -> None:
        """Add what the rows led to; their operations count and remember them."""
        rows, judged = given.rows, given.judged
        span = slice(rows.first, rows.first + len(rows))
        result.score[span] = judged.calibrated.score
        result.warming[span] = judged.warming
        candidates = set(self._rules.candidates(judged).tolist())
        windows = self._window_alarms(given)
        accepted = _new_normals(given)
        drifted: dict[int, list[DriftFinding]] = {}
        for drift in judged.drifted:
            drifted.setdefault(drift.row, []).append(drift)
        deviating = Deviating(rows, given.batch, judged, self._private)
        sampled = {change.row: change for change in given.sampled}
        stopped = {found.row: found for found in given.stopped}
        asked = candidates.union(windows, accepted, drifted, given.levels, sampled, stopped)
        for row, teaches in self._worth_a_look(given, asked):
            deviating.note(row)
            if row in candidates:
                self._raise_alarms(given.subject(row), given, result)
            self._remember(row, given, teaches, result)
            if row not in asked:
                continue
            subject = given.subject(row)
            for finding, alarm in windows.get(row, ()):
                within = finding.start_s, finding.end_s, finding.count
                self._raise_window_alarm(subject, within, alarm, rows.first, result)
            if row in stopped:
                alarm = stopped_alarm(subject.application.key[0], stopped[row], self._settings)
                within = stopped[row].since_s, stopped[row].now_s, 0
                self._raise_window_alarm(subject, within, alarm, rows.first, result)
            for what, signal, lasted_s in accepted.get(row, ()):
                result.model_events.append(events.new_normal(subject, what, signal, lasted_s))
            for drift in drifted.get(row, ()):
                refitted = self._refits.drifted(subject.application, subject.number)
                result.model_events.append(events.drift(subject, DRIFTING[drift.column], drift.psi, refitted))
            if row in sampled:
                result.model_events.append(sampling_changed(subject.application, sampled[row], subject.now_s))
            for level in given.levels.get(row, ()):
                result.model_events.append(level_changed(subject.application, level, subject.now_s))
        deviating.note(len(rows))

    def _worth_a_look(self, given: JudgedRows, told: set[int]) -> Iterator[tuple[int, bool]]:
        """The rows that are told, warm up, or teach more than that they came, and whether they teach what is usual; all
        are counted, in order.
        """
        rows, judged, came = given.rows, given.judged, Occurrences(given.batch.operations)
        operations = [rows.operations[row] for row in came.first]
        known = np.array([operation.seen for operation in operations], np.int64)
        seen = known[came.place] + came.earlier
        teaches = judged.normal & Profile.wants(seen + 1)
        looked_at = teaches | judged.structure.remembered | (seen < self._settings.warm_up_executions)
        looked_at[list(told)] = True
        for row in np.flatnonzero(looked_at).tolist():
            if row in given.levels:  # which may tell of any operation
                _set_seen(operations, known + came.until(row))
            rows.operations[row].seen = int(seen[row])
            yield row, bool(teaches[row])
        _set_seen(operations, known + came.until(len(rows)))

    def _raise_alarms(self, subject: Subject, given: JudgedRows, result: ScoredBatch) -> None:
        index, execution = given.rows.first + subject.row, subject.execution
        application, now_s = subject.application, subject.now_s
        found = self._heeded(application, self._rules.alarms(subject, given.judged), now_s, result)
        for alarm in self._rules.gravest(found):
            if alarm.kind == "latency" and now_s >= application.release_s:
                application.slow_s = max(application.slow_s, now_s)
            application.peaks.note(alarm, now_s)
            result.severity[index] = events.graver(result.severity[index], alarm.severity)
            result.note_deviation(application.key, alarm, now_s)
            seen = subject.operation.seen if alarm.key == subject.operation.name else subject.number
            if is_told(application, alarm, now_s, seen, self._settings):
                identifier = identity(content_digest(execution), alarm.kind, alarm.signal)
                data = anomaly_of(subject, alarm)
                result.anomalies.append((index, events.anomaly(application.key, identifier, now_s, data)))

    def _heeded(
        self, application: ApplicationModels, alarms: list[Alarm], now_s: float, result: ScoredBatch
    ) -> list[Alarm]:
        """Those of one execution's or window's alarms that people's verdicts leave to be told."""
        if not application.feedback:
            return alarms
        result.model_events.extend(self._lessons.expire(application, now_s))
        untold = self._lessons.untold(application, alarms, now_s)
        result.count_suppressed(untold)
        return [alarm for alarm in alarms if alarm not in untold] if untold else alarms

    def _window_alarms(self, given: JudgedRows) -> dict[int, list[tuple[WindowFinding, Alarm]]]:
        """The alarms of windows by the row that closed them."""
        found: dict[int, list[tuple[WindowFinding, Alarm]]] = {}
        for finding, alarm in self._window_rules.alarms(given.judged, given.rows.applications):
            found.setdefault(finding.row, []).append((finding, alarm))
        return found

    def _raise_window_alarm(
        self, subject: Subject, span: tuple[float, float, int], alarm: Alarm, first: int, result: ScoredBatch
    ) -> None:
        """An alarm of an application within a ``span``: begin and end in event time, and executions."""
        application, (start_s, end_s, count) = subject.application, span
        if not self._heeded(application, [alarm], end_s, result):
            return
        application.peaks.note(alarm, end_s)
        result.note_deviation(application.key, alarm, end_s)
        if is_told(application, alarm, end_s, subject.number, self._settings):
            start = rfc3339(start_s)
            identifier = identity(*application.key, alarm.kind, alarm.signal, start)
            data = anomaly_of(subject, alarm, Window(start, rfc3339(end_s), count))
            event = events.anomaly(application.key, identifier, end_s, data)
            result.anomalies.append((first + subject.row, event))

    def _remember(self, row: int, given: JudgedRows, teaches: bool, result: ScoredBatch) -> None:
        rows, now_s = given.rows, float(given.batch.times[row])
        application, operation = rows.applications[row], rows.operations[row]
        operation.seen += 1
        needed, kind = self._settings.warm_up_executions, rows.kind(row)
        # those before came with their application, and are told so; templates of logs are new all the time
        if operation.seen == 1 and rows.number(row) > needed and kind != "log":
            result.model_events.append(events.new_operation(application, operation.name, needed, now_s))
        if given.judged.structure.remembered[row]:
            operation.remember_paths(named_paths(rows.execution(row)))
        if teaches:
            operation.profile.learn(rows.parts(row, float(given.batch.signals[row, 0])))
            if operation.contrast.wants(operation.seen):
                operation.contrast.learn(pairs_of(rows.head(row), self._private))
            application.batches += _NEWEST_KIND * ((kind in _BATCHES) - application.batches)
        if operation.seen == needed:
            application.ready += 1
            result.model_events.append(events.ready(application.key, operation, now_s))


def _set_seen(operations: Sequence[OperationModels], seen: Slots) -> None:
    for operation, count in zip(operations, seen.tolist(), strict=True):
        operation.seen = count


def _new_normals(given: JudgedRows) -> dict[int, list[NewNormal]]:
    """What became normal with each row."""
    found: dict[int, list[NewNormal]] = {}
    for signal, chart in zip(CHARTS, given.judged.charts, strict=True):
        for row in chart.accepted.nonzero()[0].tolist():
            name = given.rows.operations[row].name
            found.setdefault(row, []).append((name, signal.name, float(chart.lasting[row])))
    for kind, (signal, call) in enumerate(zip(CALLS, given.judged.calls, strict=True)):
        for entry in call.chart.accepted.nonzero()[0].tolist():
            row, slot = int(given.batch.calls[kind].rows[entry]), int(given.batch.calls[kind].slots[entry])
            peer = given.rows.applications[row].peer_of(kind, slot)
            found.setdefault(row, []).append((f"calls to {peer}", signal.name, float(call.chart.lasting[entry])))
    if (queues := given.judged.queues) is not None:
        for place in queues.chart.accepted.nonzero()[0].tolist():
            row, slot = int(queues.waits.rows[place]), int(queues.waits.slots[place])
            queue = given.rows.applications[row].peer_of(QUEUES, slot)
            lasting_s = float(queues.chart.lasting[place])
            found.setdefault(row, []).append((f"{MESSAGES_OF}{queue}", QUEUE.name, lasting_s))
    return found
