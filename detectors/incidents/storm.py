"""Storms: many incidents that begin at once, of applications that do not call each other, are one."""

from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.incident import TrackedIncident
from tracehound.detectors.incidents.settings import IncidentSettings


def raging_storm(environment: Environment, counted_s: float, settings: IncidentSettings) -> TrackedIncident | None:
    """The storm that something which deviates at ``counted_s`` belongs to, if there is one."""
    incident = environment.state.live.get(environment.state.storm)
    if incident is None or counted_s > incident.seen_s + settings.storm_s:
        return None
    return incident


def gathering_storm(
    environment: Environment, incident: TrackedIncident, settings: IncidentSettings
) -> list[TrackedIncident]:
    """The incidents that make a storm together with one that is about to be opened; [] where it is none."""
    began_s = incident.spell.since_s
    raging = raging_storm(environment, began_s, settings)
    if raging is not None and raging is not incident:
        return [raging]
    others = [
        other
        for other in environment.state.live.values()
        if other is not incident and other.phase == "open" and abs(other.spell.since_s - began_s) <= settings.storm_s
    ]
    return others if len(others) >= settings.storm_groups - 1 else []
