"""Everything that is known of one environment: its applications, who calls whom, and its incidents."""

from collections.abc import Iterable, Iterator

import msgspec

from tracehound.detectors.incidents.application import KnownApplication
from tracehound.detectors.incidents.call_graph import CallGraph
from tracehound.detectors.incidents.habits import Habits
from tracehound.detectors.incidents.incident import TrackedIncident
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.progress import Progress

RESOLVED = 100
"""Resolved incidents that are remembered, to be opened again; of more, the one resolved first is forgotten."""


class EnvironmentState(msgspec.Struct, array_like=True):
    """What is saved of an environment. Applications come in the order in which they were last heard of.

    ``storm`` is the number of the incident that unconnected applications join, 0 for none; ``unmute_s`` the
    event time from which silence during maintenance is to be told. ``takes`` is of consumers and queues what ``calls``
    is of callers and callees. ``habits`` come in the order in which an application last added to its own.
    """

    name: str
    applications: dict[str, KnownApplication] = {}
    calls: dict[str, dict[str, float]] = {}
    faded_s: dict[str, float] = {}
    live: dict[int, TrackedIncident] = {}
    resolved: dict[int, TrackedIncident] = {}
    storm: int = 0
    unmute_s: float | None = None
    takes: dict[str, dict[str, float]] = {}
    took_faded_s: dict[str, float] = {}
    first_heard: int = 0
    last_heard: int = 0
    habits: dict[str, Habits] = {}

    def quiet_for_its_age(self, heard: int) -> float:
        """For how long nothing was heard of it, next to for how long something had been; by what is ``heard`` of all.

        The largest is that of a name that came once, or for a moment, and not of one that is in use or comes back.
        """
        return (heard - self.last_heard + 1) / (self.last_heard - self.first_heard + 1)


class Environment:
    """One environment, around its state.

    ``log_suffix`` is behind the name of what an application logs, which is scored as an application of its own.
    """

    def __init__(self, state: EnvironmentState, settings: IncidentSettings, log_suffix: str) -> None:
        self.state, self._log_suffix = state, log_suffix
        self.graph = CallGraph(state.calls, state.faded_s)
        self.takes = CallGraph(state.takes, state.took_faded_s)
        self._settings = settings

    def heard_of(self, name: str) -> KnownApplication:
        """The application, which something was just heard of."""
        applications = self.state.applications
        known = applications.pop(name, None)
        if known is None:
            known = KnownApplication(name)
            if len(applications) >= self._settings.applications_per_environment:
                self._forget_one()
        applications[name] = known
        return known

    def learn(self, progress: Progress, at_s: float) -> bool:
        """Learn whom an application calls and from which queues it takes; whether one of them was not known."""
        half_life_s = self._settings.calls_half_life_s
        calls = self.graph.learn(progress.application, progress.calls, at_s, half_life_s)
        return self.takes.learn(progress.application, progress.taken, at_s, half_life_s) or calls

    def neighbours(self, application: str) -> list[str]:
        """In alphabetical order who calls the application or is called by it, whose messages it takes, who takes its
        own, and what it logs, or is logged by.
        """
        called = self.graph.callees(application)
        found = {*called, *self.graph.callers(application)}
        for queue in self.takes.callees(application):
            found.update(self.graph.callers(queue))
        for queue in called:
            found.update(self.takes.callers(queue))
        if suffix := self._log_suffix:
            twins = (application + suffix, application.removesuffix(suffix))
            found.update(one for one in twins if one in self.state.applications)
        return sorted(found - {application})

    def members(self, incident: TrackedIncident) -> Iterator[KnownApplication]:
        """The applications of an incident that are remembered."""
        applications = self.state.applications
        return (applications[name] for name in incident.members if name in applications)

    def incident_of(self, application: KnownApplication) -> TrackedIncident | None:
        """The incident that the application was last part of, live or resolved."""
        return self.state.live.get(application.incident) or self.state.resolved.get(application.incident)

    def is_quiet(self, incident: TrackedIncident) -> bool:
        """Whether all applications of an incident were scored for ``quiet_s`` without deviating."""
        quiet_s = self._settings.quiet_s
        holding = self.state.applications.get(incident.held_by)
        if holding is not None and not holding.is_quiet(quiet_s):
            return False
        found = next((one.name for one in self.members(incident) if not one.is_quiet(quiet_s)), "")
        incident.held_by = found
        return not found

    def lay_down(self, incident: TrackedIncident) -> None:
        """A live incident is resolved, and remembered for a while."""
        self.drop(incident)
        self.state.resolved[incident.number] = incident
        if len(self.state.resolved) > RESOLVED:
            del self.state.resolved[next(iter(self.state.resolved))]

    def take_up(self, incident: TrackedIncident) -> None:
        """A resolved incident is live again."""
        del self.state.resolved[incident.number]
        self.state.live[incident.number] = incident

    def drop(self, incident: TrackedIncident) -> None:
        """Forget a live incident."""
        del self.state.live[incident.number]
        if self.state.storm == incident.number:
            self.state.storm = 0

    def hand_over(self, names: Iterable[str], incident: TrackedIncident) -> None:
        """Applications are part of this incident from now on."""
        for name in names:
            if name in self.state.applications:
                self.state.applications[name].incident = incident.number

    def _forget_one(self) -> None:
        """Forget the application that was heard of longest ago, of those in no incident."""
        live, applications = self.state.live, self.state.applications
        name = next((one.name for one in applications.values() if one.incident not in live), None)
        if name is not None:
            del applications[name]
            self.graph.forget(name)
            self.takes.forget(name)
