"""Which incident a deviation belongs to: that of its application, of a neighbour that deviates too, or a new one."""

from collections.abc import Iterable

from tracehound.detectors.incidents.application import KnownApplication
from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.incident import Spell, TrackedIncident
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.telling.names import identity
from tracehound.schemas.anomaly import SEVERITIES, Anomaly
from tracehound.schemas.execution import rfc3339


def own_incident(
    environment: Environment,
    application: KnownApplication,
    anomaly: Anomaly,
    counted_s: float,
    settings: IncidentSettings,
) -> TrackedIncident | None:
    """The incident that the application is part of, live; or one like it, resolved not longer than ``grace_s`` ago."""
    incident = environment.incident_of(application)
    if incident is not None and incident.phase != "resolved":
        return incident
    known = environment.state.resolved.values()
    alike = [one for one in known if _ended_lately(one, counted_s, settings) and is_alike(one, anomaly)]
    return max(alike, key=lambda one: (one.resolved_s or 0.0, one.number), default=None)


def _ended_lately(incident: TrackedIncident, counted_s: float, settings: IncidentSettings) -> bool:
    return incident.resolved_s is not None and counted_s <= incident.resolved_s + settings.grace_s


def is_alike(incident: TrackedIncident, anomaly: Anomaly) -> bool:
    """Whether an anomaly is of what an incident was about: of the same kind in an application of it, or in the same
    place: the operation, or the application as a whole. A fault of another kind elsewhere is another one.
    """
    member = incident.members.get(anomaly.application)
    if member is None:
        return False
    if anomaly.operation in member.operations:
        return True
    kind = "/".join((anomaly.application, anomaly.environment, anomaly.kind))
    return any(key == kind or key.startswith(kind + "/") for key in incident.keys)


def connected_incidents(
    environment: Environment, application: KnownApplication, counted_s: float, settings: IncidentSettings
) -> list[TrackedIncident]:
    """Live incidents of its neighbours (callers, callees, and those across a queue) that deviated within ``join_s``."""
    if not environment.state.live:
        return []
    found: dict[int, TrackedIncident] = {}
    for name in environment.neighbours(application.name):
        neighbour = environment.state.applications.get(name)
        if neighbour is not None and neighbour.deviates_since(counted_s - settings.join_s):
            incident = environment.state.live.get(neighbour.incident)
            if incident is not None:
                found[incident.number] = incident
    return sorted(found.values(), key=seniority)


def seniority(incident: TrackedIncident) -> tuple[bool, bool, bool, float, int]:
    """By what the first of several incidents is the one that lives on: those that were told, and were no quiet line,
    then the oldest.
    """
    told = incident.revision > 0
    return incident.phase == "pending", not told, incident.quiet, incident.opened_s, incident.number


def new_incident(number: int, anomaly: Anomaly, at_s: float, counted_s: float) -> TrackedIncident:
    """An incident that begins with this anomaly; its id follows from the anomaly alone."""
    identifier = identity(anomaly.environment, anomaly.application, anomaly.incident_key, rfc3339(at_s))
    return TrackedIncident(
        number, identifier, anomaly.environment, opened_s=at_s, spell=Spell(counted_s), seen_s=counted_s
    )


def merge(environment: Environment, survivor: TrackedIncident, others: Iterable[TrackedIncident]) -> None:
    """Let ``survivor`` take in ``others``, which are forgotten."""
    for other in others:
        survivor.absorb(other)
        environment.hand_over(other.members, survivor)
        environment.drop(other)
        if other.storm:
            survivor.storm, environment.state.storm = True, survivor.number


def is_known_as_nothing(incident: TrackedIncident, anomaly: Anomaly) -> bool:
    """Whether the anomaly is like those of an incident that somebody judged to be nothing, and no graver."""
    known = bool(incident.dismissed_by) and anomaly.incident_key in incident.keys
    return known and SEVERITIES.index(anomaly.severity) <= incident.spell.worst
