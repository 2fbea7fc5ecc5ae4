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
    environment: Environment, application: KnownApplication, counted_s: float, settings: IncidentSettings
) -> TrackedIncident | None:
    """The incident that the application is part of, live, or resolved not longer than ``grace_s`` ago."""
    incident = environment.incident_of(application)
    if incident is None or incident.resolved_s is None or incident.phase != "resolved":
        return incident
    return incident if counted_s <= incident.resolved_s + settings.grace_s else None


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


def seniority(incident: TrackedIncident) -> tuple[bool, bool, float, int]:
    """By what the first of several incidents is the one that lives on: those that were told, then the oldest."""
    return incident.phase == "pending", incident.revision == 0, incident.opened_s, incident.number


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
