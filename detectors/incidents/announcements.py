"""Tells events of incidents: with what was told before, and whether a maintenance window mutes them."""

from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.incident import Told, TrackedIncident
from tracehound.detectors.incidents.incident_event import incident_event
from tracehound.detectors.incidents.maintenance import MaintenanceWindows
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.feedback import Maintenance
from tracehound.schemas.incident import IncidentChange, IncidentEvent, Recurrence


class Announcements:
    """Collects the events that a record leads to."""

    def __init__(self, settings: IncidentSettings, windows: MaintenanceWindows) -> None:
        self._settings = settings
        self._windows = windows
        self._events: list[IncidentEvent] = []
        self._expected: list[tuple[TrackedIncident, Maintenance, float]] = []

    def take_expected(self) -> list[tuple[TrackedIncident, Maintenance, float]]:
        """Incidents told since the last call within windows that are to be learned, with the event time of each."""
        expected, self._expected = self._expected, []
        return expected

    def take(self) -> list[IncidentEvent]:
        """The events since the last call, in order."""
        events, self._events = self._events, []
        return events

    def tell(
        self,
        environment: Environment,
        incident: TrackedIncident,
        change: IncidentChange,
        reason: str,
        now_s: float,
        clock_s: float | None = None,
        recurring: Recurrence | None = None,
    ) -> None:
        """Tell an incident as of event time ``now_s``; ``clock_s`` is how far was scored, ``now_s`` without it.

        With ``recurring`` nobody is alarmed.
        """
        window = self._muting(environment, incident, None)
        muted_by = None if window is None else window.window_id
        event = incident_event(environment, incident, change, reason, now_s, muted_by, recurring, self._settings)
        self._events.append(event)
        cause, told_s = event.data.suspected_cause, now_s if clock_s is None else clock_s
        incident.told = Told(
            told_s,
            incident.spell.severity,
            incident.spell.silences,
            len(incident.members),
            incident.anomaly_count,
            muted_by,
            None if cause is None else cause.application,
            told_s,
            recurring,
        )
        if window is not None and window.learn:
            self._expected.append((incident, window, now_s))
        if window is not None and incident.phase != "resolved":
            self._wait_for_end(environment, incident, window)

    def why_unmuted(
        self, environment: Environment, incident: TrackedIncident, now_s: float | None = None
    ) -> str | None:
        """Why an incident that was muted no longer is; None where nothing of that kind has happened.

        With ``now_s`` silence is held to last until then.
        """
        muted_by = None if incident.told is None else incident.told.muted_by
        if muted_by is None or self._muting(environment, incident, now_s) is not None:
            return None
        return f"no longer within the maintenance window {muted_by}"

    def tell_unmuted(self, environment: Environment, now_s: float) -> None:
        """Tell of silence that has outlasted its maintenance window: its own application makes no progress."""
        if environment.state.unmute_s is None or now_s < environment.state.unmute_s:
            return
        environment.state.unmute_s = None
        for incident in environment.state.live.values():
            if incident.told is None or incident.told.muted_by is None or incident.phase == "pending":
                continue
            reason = self.why_unmuted(environment, incident, now_s)
            if reason is not None:
                for application in environment.members(incident):
                    if application.silent:
                        application.deviates(now_s)
                self.tell(environment, incident, "updated", reason, now_s)
            else:
                window = self._muting(environment, incident, now_s)
                if window is not None:
                    self._wait_for_end(environment, incident, window)

    def _wait_for_end(self, environment: Environment, incident: TrackedIncident, window: Maintenance) -> None:
        if any(application.silent for application in environment.members(incident)):
            earlier_s = environment.state.unmute_s
            environment.state.unmute_s = window.ends_at if earlier_s is None else min(window.ends_at, earlier_s)

    def _muting(self, environment: Environment, incident: TrackedIncident, now_s: float | None) -> Maintenance | None:
        """The window that ends first of those that cover the last deviation of all applications."""
        if not self._windows:
            return None
        deviations = [
            (one.name, max(one.deviated_s, now_s) if one.silent and now_s is not None else one.deviated_s)
            for one in environment.members(incident)
            if one.deviated_s is not None
        ]
        return self._windows.covering(environment.state.name, deviations)
