"""What is said of an incident: its event, with one sentence that sums it up."""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from tracehound.detectors.incidents.cause import suspected_causes
from tracehound.detectors.incidents.environment import Environment
from tracehound.detectors.incidents.evidence import renewed
from tracehound.detectors.incidents.incident import Phase, TrackedIncident
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.detectors.telling.names import identity
from tracehound.schemas.anomaly import SEVERITIES
from tracehound.schemas.execution import rfc3339
from tracehound.schemas.incident import (
    INCIDENT_TYPES,
    AffectedOperation,
    Incident,
    IncidentChange,
    IncidentEvent,
    IncidentState,
    Recurrence,
    Release,
    SuspectedCause,
)

OPERATIONS_LISTED, APPLICATIONS_LISTED, RELEASES_LISTED = 20, 500, 20
"""The most that an event lists, those with the most anomalies first, and of releases the last."""
_LONGEST_REASON = 500
_STATES: dict[Phase, IncidentState] = {
    "pending": "open",
    "open": "open",
    "persisting": "persisting",
    "resolved": "resolved",
}


def incident_event(
    environment: Environment,
    incident: TrackedIncident,
    change: IncidentChange,
    reason: str,
    now_s: float,
    muted_by: str | None,
    recurring: Recurrence | None,
    settings: IncidentSettings,
) -> IncidentEvent:
    """The next event of an incident at event time ``now_s`` (epoch seconds); counts its revision."""
    previous = None if incident.told is None else SEVERITIES[incident.told.severity]
    incident.revision += 1
    time = rfc3339(now_s)
    causes = causes_of(environment, incident)
    data = Incident(
        incident_id=incident.incident_id,
        dedup_key=incident.incident_id,
        revision=incident.revision,
        state=_STATES[incident.phase],
        severity=SEVERITIES[incident.spell.severity],
        previous_severity=previous,
        summary=_summary(incident),
        reason=reason,
        environment=incident.environment,
        opened_at=rfc3339(incident.opened_s),
        updated_at=time,
        resolved_at=None if incident.ended_s is None else rfc3339(incident.ended_s),
        applications=_applications(incident),
        operations=_operations(incident),
        operation_count=incident.operation_count,
        kinds=list(incident.kinds),
        suspected_cause=causes[0] if causes else None,
        runner_up=causes[1] if len(causes) > 1 else None,
        anomaly_count=incident.anomaly_count,
        top_anomalies=list(incident.top),
        exemplar_trace_ids=list(incident.exemplars),
        releases=_releases(environment, incident, now_s, settings),
        reopened=incident.reopened,
        muted_by=muted_by,
        recurring=msgspec.UNSET if recurring is None else recurring,
    )
    return IncidentEvent(
        id=identity(incident.incident_id, str(incident.revision)),
        source=f"/tracehound/{quote(incident.environment, safe='')}/incidents".replace("//", "/"),
        type=INCIDENT_TYPES[change],
        subject=incident.incident_id,
        time=time,
        data=data,
    )


def causes_of(environment: Environment, incident: TrackedIncident) -> list[SuspectedCause]:
    """The suspected causes of an incident as of now, the first suspect first."""
    evidence = renewed(incident.evidence.values(), incident.keys, incident.environment)
    return suspected_causes(evidence, environment.graph.calls, takes=environment.takes.calls)


def _summary(incident: TrackedIncident) -> str:
    gravest = incident.top[0]
    said = " ".join(gravest.reason[:_LONGEST_REASON].split()).rstrip(".")
    operations = _counted(incident.operation_count, "operation")
    applications = sorted(incident.members)
    where = f"{len(applications)} applications" if len(applications) > 3 else _listed(applications)
    return f"{gravest.application}: {said} ({_counted(incident.anomaly_count, 'anomaly')} in {operations} of {where})."


def _counted(count: int, what: str) -> str:
    if count == 1:
        return f"1 {what}"
    return f"{count} {what[:-1]}ies" if what.endswith("y") else f"{count} {what}s"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _applications(incident: TrackedIncident) -> list[str]:
    most = sorted(incident.members, key=lambda name: (-sum(incident.members[name].operations.values()), name))
    return most[:APPLICATIONS_LISTED]


def _operations(incident: TrackedIncident) -> list[AffectedOperation]:
    found = [
        AffectedOperation(name, operation, count)
        for name, member in incident.members.items()
        for operation, count in member.operations.items()
    ]
    return sorted(found, key=lambda one: (-one.anomalies, one.application, one.operation))[:OPERATIONS_LISTED]


def _releases(
    environment: Environment, incident: TrackedIncident, now_s: float, settings: IncidentSettings
) -> list[Release]:
    earliest_s = incident.opened_s - settings.release_before_s
    found = [
        (at_s, application.name, version)
        for application in environment.members(incident)
        for version, at_s in application.releases
        if earliest_s <= at_s <= now_s
    ]
    return [Release(name, version, rfc3339(at_s)) for at_s, name, version in sorted(found)[-RELEASES_LISTED:]]
