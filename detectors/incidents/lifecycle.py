"""The life of incidents: opened, told again, merged, resolved, and opened again."""

from collections.abc import Iterable

from tracehound.detectors.incidents.announcements import Announcements
from tracehound.detectors.incidents.application import KnownApplication
from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.grouping import connected_incidents, merge, seniority
from tracehound.detectors.incidents.incident import TrackedIncident
from tracehound.detectors.incidents.recurrence import Recurrences
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.incidents.storm import gathering_storm
from tracehound.detectors.incidents.worth_telling import is_confirmed, judge_severity, other_cause, why_again
from tracehound.schemas.incident import Recurrence


class Lifecycle:
    """Moves incidents from one phase to the next, and has each change of what people know told."""

    def __init__(self, settings: IncidentSettings, announcements: Announcements) -> None:
        self._settings = settings
        self._announcements = announcements
        self._recurrences = Recurrences(settings)

    def review(self, environment: Environment, incident: TrackedIncident, application: KnownApplication) -> None:
        """Do what is due of a live incident, now that something was heard of one of its applications."""
        clock_s = incident.spell.since_s if application.scored_s is None else application.scored_s
        now_s = max(clock_s, application.deviated_s or clock_s)
        if incident.phase == "pending" and is_confirmed(incident, self._settings):
            incident = self._open(environment, incident, clock_s, now_s)
        if environment.is_quiet(incident):
            self._quieten(environment, incident, now_s)
        elif incident.phase != "pending":
            self._update(environment, incident, clock_s, now_s)

    def connect(
        self,
        environment: Environment,
        incident: TrackedIncident,
        application: KnownApplication,
        counted_s: float,
    ) -> TrackedIncident:
        """Merge the incidents that the application connects with its own ``incident``; returns the one left."""
        connected = connected_incidents(environment, application, counted_s, self._settings)
        others = [one for one in connected if one is not incident]
        return self._merge(environment, incident, others) if others else incident

    def resolve(self, environment: Environment, incident: TrackedIncident, now_s: float, reason: str) -> None:
        """It is over, and is told so."""
        deviated = [one.deviated_s for one in environment.members(incident) if one.deviated_s is not None]
        incident.phase = "resolved"
        incident.ended_s = min(now_s, max(deviated, default=incident.seen_s))
        incident.resolved_s = now_s
        self._announcements.tell(environment, incident, "resolved", reason, now_s, recurring=_recurring(incident))
        environment.lay_down(incident)

    def begin_again(self, environment: Environment, incident: TrackedIncident, counted_s: float) -> None:
        """A resolved incident deviates again."""
        self.make_room(environment)
        environment.take_up(incident)
        incident.begin_again(counted_s)

    def make_room(self, environment: Environment) -> None:
        """Give up an incident where there are too many: one that nobody was told of, or that deviated longest ago."""
        live, limit = environment.state.live, self._settings.open_per_environment
        if len(live) < limit:
            return
        given_up = min(live.values(), key=lambda one: (one.phase != "pending", one.seen_s, one.number))
        if given_up.phase == "pending":
            environment.drop(given_up)
        else:
            reason = f"given up: more than {limit} incidents are open"
            self.resolve(environment, given_up, given_up.seen_s, reason)

    def give_up(self, environment: Environment, reason: str) -> None:
        """Its incidents that somebody was told of are over, for nobody will follow them any more."""
        for incident in list(environment.state.live.values()):
            if incident.phase != "pending":
                self.resolve(environment, incident, incident.seen_s, reason)

    def _update(self, environment: Environment, incident: TrackedIncident, clock_s: float, now_s: float) -> None:
        severity = judge_severity(incident, clock_s, self._settings)
        if incident.quiet:
            found = self._recurrences.judge(environment, incident)
            if isinstance(found, str):
                why = f"no longer as on other days: {found}"
                self._announcements.tell(environment, incident, "updated", why, now_s, clock_s)
            return
        reason = why_again(incident, clock_s, severity, self._settings)
        reason = reason or self._announcements.why_unmuted(environment, incident)
        reason = reason or other_cause(environment, incident, clock_s, self._settings)
        if reason is not None:
            self._announcements.tell(environment, incident, "updated", reason, now_s, clock_s)

    def _open(
        self, environment: Environment, incident: TrackedIncident, clock_s: float, now_s: float
    ) -> TrackedIncident:
        """Tell of an incident for the first time, or again, unless it is part of a storm; returns the one told."""
        others = gathering_storm(environment, incident, self._settings)
        if others:
            survivor = self._merge(environment, incident, others)
            survivor.storm, environment.state.storm = True, survivor.number
            self._update(environment, survivor, clock_s, now_s)
            return survivor
        judge_severity(incident, clock_s, self._settings)
        reason = (
            "deviates in something major" if incident.spell.worst else "goes on, or shows in more than one execution"
        )
        if incident.revision:
            incident.reopened += 1
            after_s = incident.spell.since_s - (incident.resolved_s or incident.spell.since_s)
            reason = f"deviates again, {max(0.0, after_s):.0f} s after it was resolved"
        recurring = None
        if incident.told is None or incident.quiet:  # what people were told of stays an incident
            found = self._recurrences.judge(environment, incident)
            recurring = None if isinstance(found, str) else found
            reason = reason if recurring is None else recurring.sentence
        incident.phase, incident.ended_s, incident.resolved_s = "open", None, None
        self._announcements.tell(environment, incident, "opened", reason, now_s, clock_s, recurring)
        return incident

    def _quieten(self, environment: Environment, incident: TrackedIncident, now_s: float) -> None:
        """All applications were scored for long enough without deviating."""
        if incident.phase != "pending":
            self.resolve(environment, incident, now_s, self._why_quiet(environment, incident))
            self._recurrences.remember(environment, incident)
        elif incident.revision:
            incident.phase = "resolved"
            environment.lay_down(incident)
        else:
            environment.drop(incident)

    def _why_quiet(self, environment: Environment, incident: TrackedIncident) -> str:
        since_s, quiet = incident.spell.since_s, f"quiet for {self._settings.quiet_s:g} s"
        members = environment.members(incident)
        back = sorted(one.name for one in members if one.back_s is not None and one.back_s >= since_s)
        if not back:
            return quiet
        others = "" if len(back) == 1 else f" and of {len(back) - 1} more"
        return f"executions of {back[0]}{others} came back, and then it was {quiet}"

    def _merge(
        self, environment: Environment, incident: TrackedIncident, others: Iterable[TrackedIncident]
    ) -> TrackedIncident:
        """Make one incident of several; the senior one lives on, and of the others it is told that they are over."""
        survivor, *merged = sorted([incident, *others], key=seniority)
        for one in merged:
            if one.phase != "pending":
                one.phase, one.ended_s = "resolved", one.seen_s
                reason = f"merged into {survivor.incident_id}"
                self._announcements.tell(environment, one, "resolved", reason, one.seen_s, recurring=_recurring(one))
        merge(environment, survivor, merged)
        return survivor


def _recurring(incident: TrackedIncident) -> Recurrence | None:
    """What it was told as last, which is so until it is told otherwise."""
    return None if incident.told is None else incident.told.recurring
