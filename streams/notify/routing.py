"""Who is to be told of an incident, and from when on: routes, read from the settings. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import msgspec

from tracehound.schemas.anomaly import SEVERITIES
from tracehound.schemas.incident import Incident, IncidentChange
from tracehound.streams.settings.hours import Hours
from tracehound.streams.settings.notify import NotifySettings, Route

_ENDING_KINDS = frozenset({"alertmanager", "pagerduty"})
"""Kinds with a state of their own, which must hear how an incident goes on and ends, whatever a route leaves out."""


@dataclass(frozen=True, slots=True)
class _OpenRoute:
    route: Route
    hours: Hours | None

    def concerns(self, incident: Incident) -> bool:
        """Whether application and environment fit."""
        return _any_matches(self.route.applications, incident.applications) and _any_matches(
            self.route.environments, (incident.environment,)
        )

    def grave_enough(self, incident: Incident) -> bool:
        return SEVERITIES.index(incident.severity) >= SEVERITIES.index(self.route.severity)

    def due_s(self, incident: Incident, at_s: float) -> float:
        """When it may be told, which is ``at_s`` within the hours."""
        given = self.route.hours
        if self.hours is None or given is None or (given.critical_at_any_time and incident.severity == "critical"):
            return at_s
        return self.hours.opens(at_s)


class Routes:
    """All routes: each that matches counts, and a receiver that several name is told once, at the earliest.

    Parameters:
        settings: receivers and routes, which fit (``NotifySettings`` sees to that).
    """

    def __init__(self, settings: NotifySettings) -> None:
        self.receivers = tuple(settings.receivers)
        self._kinds: Mapping[str, str] = {name: receiver.kind for name, receiver in settings.receivers.items()}
        self._routes: dict[str, list[_OpenRoute]] = {name: [] for name in settings.receivers}
        for route in settings.routes:
            opened = _OpenRoute(route, None if route.hours is None else route.hours.hours)
            for name in dict.fromkeys(route.receivers):
                self._routes[name].append(opened)

    def first_told_s(self, receiver: str, incident: Incident, change: IncidentChange, at_s: float) -> float | None:
        """When a receiver that knows nothing of an incident is told of it; None: not for this change.

        What recurs, and is no worse, only routes let through that ask for it. ``at_s`` is the time of the change; both
        are epoch seconds.
        """
        return _earliest(
            one.due_s(incident, at_s)
            for one in self._routes[receiver]
            if one.concerns(incident)
            and one.grave_enough(incident)
            and (one.route.recurring or incident.recurring is msgspec.UNSET)
            and ("opened" in one.route.changes or change in one.route.changes)
        )

    def told_further_s(self, receiver: str, incident: Incident, change: IncidentChange, at_s: float) -> float | None:
        """When a receiver that was told of an incident is told how it goes on; None: it is not.

        Severity no longer matters: who knows that it is open must know that it eases and ends.
        """
        if self._kinds[receiver] in _ENDING_KINDS:
            return at_s
        return _earliest(
            one.due_s(incident, at_s)
            for one in self._routes[receiver]
            if one.concerns(incident) and change in one.route.changes
        )


def _earliest(times_s: Iterable[float]) -> float | None:
    return min(times_s, default=None)


def _any_matches(patterns: tuple[str, ...], names: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
