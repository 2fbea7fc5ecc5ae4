"""What people say of anomalies and incidents: that of which all is judged to be nothing is over."""

from collections.abc import Iterable

from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.incident import JUDGED, TrackedIncident
from tracehound.detectors.incidents.lifecycle import Lifecycle
from tracehound.schemas.feedback import Judgement, Verdict

_NOTHING: dict[Judgement, str] = {
    "false_positive": "judged a false positive",
    "expected_change": "judged an expected change",
}


def judge(
    verdict: Verdict, environments: Iterable[Environment], number: int, lifecycle: Lifecycle
) -> TrackedIncident | None:
    """Take a verdict on an incident, or on an anomaly of the incident with this ``number``; returns the incident.

    An incident that was dismissed stays so while nothing else, and nothing graver, deviates; a verdict that is
    withdrawn, or replaced by *confirmed*, lets it be opened again by what deviates next.
    """
    for environment in environments:
        for incident in (*environment.state.live.values(), *environment.state.resolved.values()):
            if verdict.subject_id == incident.incident_id or number in incident.numbers:
                _judge(verdict, environment, incident, lifecycle)
                return incident
    return None


def _judge(verdict: Verdict, environment: Environment, incident: TrackedIncident, lifecycle: Lifecycle) -> None:
    said = None if verdict.withdrawn else _NOTHING.get(verdict.judgement)
    all_of_it = verdict.subject_id == incident.incident_id or _note(incident, verdict.subject_id, said is not None)
    if said is None or not all_of_it:
        incident.dismissed_by = ""
        return
    incident.dismissed_by = verdict.by or "a person"
    if incident.phase == "pending":
        incident.phase, incident.resolved_s = "resolved", incident.seen_s
        environment.lay_down(incident)
    elif incident.phase != "resolved":
        lifecycle.resolve(environment, incident, incident.seen_s, f"{said} by {incident.dismissed_by}")


def _note(incident: TrackedIncident, identifier: str, nothing: bool) -> bool:
    """Note whether an anomaly was judged to be nothing; returns whether all of the incident's are now."""
    if identifier in incident.judged:
        incident.judged.remove(identifier)
    if nothing and len(incident.judged) < JUDGED:
        incident.judged.append(identifier)
    return len(incident.judged) >= incident.anomaly_count
