"""The book of all incidents: records in their one order in, events out; nothing but that order decides."""

from collections.abc import Sequence
from typing import Self

from tracehound.detectors.incidents.announcements import Announcements
from tracehound.detectors.incidents.application import KnownApplication
from tracehound.detectors.incidents.book_state import BookState, digest_of, pack_book, unpack_book
from tracehound.detectors.incidents.environment import Environment, EnvironmentState
from tracehound.detectors.incidents.evidence import SILENCE
from tracehound.detectors.incidents.grouping import connected_incidents, is_known_as_nothing, new_incident, own_incident
from tracehound.detectors.incidents.habits import HabitMemory, pattern_of
from tracehound.detectors.incidents.incident import TrackedIncident
from tracehound.detectors.incidents.lifecycle import Lifecycle
from tracehound.detectors.incidents.maintenance import MaintenanceWindows
from tracehound.detectors.incidents.seen_anomaly import SeenAnomaly
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.incidents.storm import raging_storm
from tracehound.detectors.incidents.teaching import Teaching
from tracehound.detectors.incidents.verdicts import judge
from tracehound.schemas.anomaly import Anomaly, AnomalyEvent
from tracehound.schemas.control import Control
from tracehound.schemas.errors import UnknownSubjectError
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.feedback import Verdict
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput
from tracehound.schemas.log_event import LOG_SUFFIX
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.progress import Progress


class IncidentBook:
    """Groups anomalies into incidents and follows those through their lives.

    A function of the order of records alone: it knows no clock but event time. An anomaly that was taken before is
    ignored, told by its id. ``log_suffix`` is behind the name of what an application logs.

    >>> IncidentBook(IncidentSettings()).take(IncidentInput())
    []
    """

    def __init__(
        self, settings: IncidentSettings, state: BookState | None = None, log_suffix: str = LOG_SUFFIX
    ) -> None:
        self._settings, self._log_suffix = settings, log_suffix
        self._state = state or BookState()
        self._windows = MaintenanceWindows(self._state.windows)
        self._announcements = Announcements(settings, self._windows)
        self._lifecycle = Lifecycle(settings, self._announcements)
        self._teaching = Teaching(self._state.teaching, self._state.seen)
        environments = self._state.environments.items()
        self._environments = {name: Environment(one, settings, log_suffix) for name, one in environments}

    @classmethod
    def restore(cls, snapshot: bytes, settings: IncidentSettings, log_suffix: str = LOG_SUFFIX) -> Self:
        """The book that ``snapshot`` was taken of.

        Raises:
            SnapshotError: it is no snapshot of incidents, is damaged, or is of another version.
        """
        return cls(settings, unpack_book(snapshot), log_suffix)

    def snapshot(self) -> bytes:
        """All that is known, to go on from."""
        return pack_book(self._state)

    def take(self, record: IncidentInput) -> list[IncidentEvent]:
        """Take the next record; returns what is to be told because of it, in order.

        Raises:
            ValueError: a time in it is no RFC 3339 date-time; nothing has changed then.
            UnknownSubjectError: it is a verdict on something that is not known, or no longer; nothing has changed.
        """
        if record.progress is not None:
            self._progressed(record.progress)
        if record.anomaly is not None:
            self._deviated(record.anomaly)
        if record.change is not None:
            self._changed(record.change)
        if record.verdict is not None:
            self._judged(record.verdict)
        if record.maintenance is not None:
            self._windows.announce(record.maintenance)
        for incident, window, now_s in self._announcements.take_expected():
            self._teaching.expect(incident.incident_id, incident.numbers, window, now_s)
        return self._announcements.take()

    def take_lessons(self) -> list[Control]:
        """What models are to learn because of the records taken since the last call, in order."""
        return self._teaching.take()

    def statistics(self) -> dict[str, int]:
        """Counts for metrics: ``open``, ``quiet`` and ``pending`` incidents, ``applications``, ``environments``."""
        live = [incident for one in self._environments.values() for incident in one.state.live.values()]
        pending = sum(incident.phase == "pending" for incident in live)
        quiet = sum(incident.phase != "pending" and incident.quiet for incident in live)
        return {
            "open": len(live) - pending - quiet,
            "quiet": quiet,
            "pending": pending,
            "applications": sum(len(one.state.applications) for one in self._environments.values()),
            "environments": len(self._environments),
        }

    def _environment(self, name: str) -> Environment:
        self._state.heard += 1
        found = self._environments.get(name)
        if found is None:
            if len(self._environments) >= self._settings.environments:
                self._forget_environment()
            state = EnvironmentState(name, first_heard=self._state.heard)
            found = self._environments[name] = Environment(state, self._settings, self._log_suffix)
            self._state.environments[name] = state
        found.state.last_heard = self._state.heard
        return found

    def _forget_environment(self) -> None:
        """Forget one that was quiet for longer than it had been heard: who makes up names pushes out nothing else."""
        heard = self._state.heard
        forgotten = max(self._environments.values(), key=lambda one: one.state.quiet_for_its_age(heard))
        self._lifecycle.give_up(forgotten, f"given up: more than {self._settings.environments} environments are known")
        del self._environments[forgotten.state.name], self._state.environments[forgotten.state.name]

    def _deviated(self, event: AnomalyEvent) -> None:
        anomaly, at_s, silent_since_s = event.data, epoch_seconds(event.time), _silent_since(event.data)
        digest = digest_of(event.id)
        if digest in self._state.seen:
            return
        environment = self._environment(anomaly.environment)
        application = environment.heard_of(anomaly.application)
        counted_s = application.deviates(at_s)
        if silent_since_s is not None:
            application.falls_silent(silent_since_s)
        incident = self._home(environment, application, anomaly, at_s, counted_s)
        lasts = anomaly.unit == "ms" and anomaly.actual >= 1_000.0 * self._settings.critical_silence_s
        missed = silent_since_s is not None and lasts and self._is_missed(environment, application)
        incident.add(event, at_s, counted_s, missed and application.silent)
        application.incident = incident.number
        self._remember(digest, incident)
        self._teaching.remember(digest, anomaly, at_s)
        if incident.phase != "resolved":
            incident.held_by = application.name
            incident = self._lifecycle.connect(environment, incident, application, counted_s)
            self._lifecycle.review(environment, incident, application)

    def _judged(self, verdict: Verdict) -> None:
        digest = digest_of(verdict.subject_id)
        number = self._state.seen.get(digest, 0)
        incident = judge(verdict, self._environments.values(), number, self._lifecycle)
        if incident is None and not number and not self._teaching.knows(verdict):
            raise UnknownSubjectError(
                f"A verdict must be on an anomaly or incident that is remembered. Got {verdict.subject_id!r} instead."
            )
        judged = self._teaching.judge(verdict, digest, () if incident is None else incident.numbers)
        self._keep_loud(verdict, judged)

    def _keep_loud(self, verdict: Verdict, judged: Sequence[SeenAnomaly]) -> None:
        """What people confirmed to be faults is told, however often it comes; a later verdict replaces that."""
        for environment in self._environments.values():
            HabitMemory(environment.state.habits).take_back(verdict.subject_id)
        patterns: dict[tuple[str, str], set[bytes]] = {}
        if verdict.judgement == "confirmed":
            for one in judged:
                patterns.setdefault((one.environment, one.application), set()).add(pattern_of(one))
        for (name, application), found in patterns.items():
            if (environment_of_it := self._environments.get(name)) is not None:
                memory = HabitMemory(environment_of_it.state.habits)
                memory.confirm(verdict.subject_id, application, found)

    def _home(
        self,
        environment: Environment,
        application: KnownApplication,
        anomaly: Anomaly,
        at_s: float,
        counted_s: float,
    ) -> TrackedIncident:
        """The incident that an anomaly belongs to: one that is there, one that begins again, or a new one."""
        own = own_incident(environment, application, anomaly, counted_s, self._settings)
        if own is not None and own.phase != "resolved":
            return own
        if own is not None and is_known_as_nothing(own, anomaly):
            own.resolved_s = max(counted_s, own.resolved_s or counted_s)
            return own
        connected = connected_incidents(environment, application, counted_s, self._settings)
        if connected:
            return connected[0]
        storm = raging_storm(environment, anomaly.kind, counted_s)
        if storm is not None:
            return storm
        if own is not None and not own.dismissed_by:
            self._lifecycle.begin_again(environment, own, counted_s)
            return own
        self._lifecycle.make_room(environment)
        self._state.incidents += 1
        incident = new_incident(self._state.incidents, anomaly, at_s, counted_s)
        environment.state.live[incident.number] = incident
        return incident

    def _is_missed(self, environment: Environment, application: KnownApplication) -> bool:
        busy = application.rate >= self._settings.critical_silence_rate
        return busy or environment.graph.has_callers(application.name)

    def _remember(self, digest: bytes, incident: TrackedIncident) -> None:
        seen = self._state.seen
        seen[digest] = incident.number
        if len(seen) > self._settings.remembered_ids:
            del seen[next(iter(seen))]

    def _progressed(self, progress: Progress) -> None:
        through_s = epoch_seconds(progress.scored_through)
        environment = self._environment(progress.environment)
        application = environment.heard_of(progress.application)
        silent_since_s = application.silent_since_s
        application.progresses(through_s, progress.executions)
        if silent_since_s is not None and not application.silent:
            self._teaching.silence_ended(application.name, progress.environment, silent_since_s, through_s)
        scored_s = through_s if application.scored_s is None else application.scored_s
        linked = environment.learn(progress, scored_s)
        incident = environment.incident_of(application)
        if incident is not None:
            self._follow(environment, application, incident, progress, linked)
        self._announcements.tell_unmuted(environment, scored_s)

    def _follow(
        self,
        environment: Environment,
        application: KnownApplication,
        incident: TrackedIncident,
        progress: Progress,
        linked: bool,
    ) -> None:
        """What progress says of the incident that an application is, or was, part of."""
        deviated = self._goes_on(environment, application, incident, progress)
        if incident.phase == "resolved":
            return
        incident.count(progress)
        if (deviated or linked) and application.deviated_s is not None:
            incident = self._lifecycle.connect(environment, incident, application, application.deviated_s)
        self._lifecycle.review(environment, incident, application)

    def _goes_on(
        self,
        environment: Environment,
        application: KnownApplication,
        incident: TrackedIncident,
        progress: Progress,
    ) -> bool:
        """Take what has alarmed without being told; whether any of it is new."""
        deviated = False
        for key, alarmed_s in progress.ongoing.items():
            at_s = min(alarmed_s, application.told_s or alarmed_s)
            if at_s <= incident.keys.get(key, float("-inf")):
                continue
            if incident.phase == "resolved":
                if not self._stirs(incident, key, at_s):
                    continue
                self._lifecycle.begin_again(environment, incident, application.deviates(at_s))
            incident.goes_on(key, application.deviates(at_s))
            incident.held_by = application.name
            deviated = True
        return deviated

    def _stirs(self, incident: TrackedIncident, key: str, at_s: float) -> bool:
        """Whether a resolved incident deviates again in what it was about."""
        known = key in incident.keys and incident.resolved_s is not None and not incident.dismissed_by
        return known and at_s <= (incident.resolved_s or 0.0) + self._settings.grace_s

    def _changed(self, change: ModelEvent) -> None:
        if change.data.change == "release" and change.data.version:
            at_s = epoch_seconds(change.time)
            application = self._environment(change.data.environment).heard_of(change.data.application)
            application.released(change.data.version, at_s)


def _silent_since(anomaly: Anomaly) -> float | None:
    """When the last execution was of an application that has fallen silent; None for any other anomaly."""
    if anomaly.signal != SILENCE or anomaly.window is None:
        return None
    return epoch_seconds(anomaly.window.start)
