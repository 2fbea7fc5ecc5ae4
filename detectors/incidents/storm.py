"""Storms: many incidents of one kind that begin at once, of applications that do not call each other, are one.

Where a hundred applications lose their network, some of them show it within the same second; faults that happen to
follow each other within a minute, or are of different kinds, have causes of their own.
"""

from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.incident import TrackedIncident
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.anomaly import AnomalyKind

RAGING_S = 20.0
"""What begins within so much event time of a storm's last deviation is of the storm."""


def raging_storm(environment: Environment, kind: AnomalyKind, counted_s: float) -> TrackedIncident | None:
    """The storm that something which deviates in ``kind`` at ``counted_s`` belongs to, if there is one."""
    incident = environment.state.live.get(environment.state.storm)
    if incident is None or counted_s > incident.seen_s + RAGING_S or _kind(incident) != kind:
        return None
    return incident


def gathering_storm(
    environment: Environment, incident: TrackedIncident, settings: IncidentSettings
) -> list[TrackedIncident]:
    """The incidents that make a storm together with one that is about to be opened; [] where it is none."""
    began_s, kind = incident.spell.since_s, _kind(incident)
    raging = raging_storm(environment, kind, began_s)
    if raging is not None and raging is not incident:
        return [raging]
    others = [
        other
        for other in environment.state.live.values()
        if other is not incident and other.phase == "open" and abs(other.spell.since_s - began_s) <= settings.storm_s
    ]
    alike = [other for other in others if _kind(other) == kind]
    return alike if len(alike) >= settings.storm_groups - 1 else []


def _kind(incident: TrackedIncident) -> AnomalyKind:
    """What the gravest anomaly of an incident is about."""
    return incident.top[0].kind
