"""What people are told: incidents made of anomalies, opened, updated and resolved, with severity and cause."""

from typing import Literal

import msgspec

from tracehound.schemas.anomaly import AnomalyKind, Severity
from tracehound.schemas.execution import Count

IncidentState = Literal["open", "persisting", "resolved"]
IncidentChange = Literal["opened", "updated", "resolved"]
INCIDENT_TYPES: dict[IncidentChange, str] = {
    "opened": "io.tracehound.incident.opened.v1",
    "updated": "io.tracehound.incident.updated.v1",
    "resolved": "io.tracehound.incident.resolved.v1",
}


class AffectedOperation(msgspec.Struct):
    """An operation that is part of an incident, and how many of its anomalies belong to it.

    ``operation`` is empty where a whole application is meant (traffic, saturation).
    """

    application: str
    operation: str
    anomalies: Count


class SuspectedCause(msgspec.Struct):
    """Where an incident seems to start: ``share`` (0 to 1) of what is unusual is explained by it.

    ``operation`` is empty where no single operation stands out. ``why`` is one sentence with numbers.
    """

    application: str
    operation: str
    share: float
    why: str


class TopAnomaly(msgspec.Struct):
    """One of the gravest anomalies of an incident; ``id`` is that of its event, ``time`` RFC 3339."""

    id: str
    time: str
    application: str
    operation: str
    kind: AnomalyKind
    severity: Severity
    score: float
    reason: str


class Release(msgspec.Struct):
    """A version of an application that was first seen at ``at`` (RFC 3339), shortly before or during an incident."""

    application: str
    version: str
    at: str


class Recurrence(msgspec.Struct):
    """That an incident is as it was at this time on other days, and no worse, so that nobody need be told.

    It came on ``days`` of ``of_days``, which are the last ones, or the last ones that were the same day of the week
    (``weekly``). ``sentence`` says so, and ``alarms_when`` what would make an incident of it.
    """

    days: Count
    of_days: Count
    weekly: bool
    sentence: str
    alarms_when: str


class Incident(msgspec.Struct):
    """An incident as of ``updated_at``. All times are event time, RFC 3339.

    ``dedup_key`` is the same for everything that is told of one incident, ``revision`` grows by 1 with each event.
    ``operations`` holds those with the most anomalies, ``operation_count`` how many there are in all. ``state`` is
    *persisting* while it lasts beyond what is usual for an incident; ``resolved_at`` is when the last deviation
    was seen, and ``reason`` says why it changed ("escalated to major", "quiet for 120 s"). ``recurring``, which came
    after 0.1.0, is there for as long as it is as on other days, and no worse: it is one quiet line, and no alarm.
    """

    incident_id: str
    dedup_key: str
    revision: Count
    state: IncidentState
    severity: Severity
    previous_severity: Severity | None
    summary: str
    reason: str
    environment: str
    opened_at: str
    updated_at: str
    resolved_at: str | None
    applications: list[str]
    operations: list[AffectedOperation]
    operation_count: Count
    kinds: list[AnomalyKind]
    suspected_cause: SuspectedCause | None
    runner_up: SuspectedCause | None
    anomaly_count: Count
    top_anomalies: list[TopAnomaly]
    exemplar_trace_ids: list[str]
    releases: list[Release]
    reopened: Count
    muted_by: str | None
    recurring: Recurrence | msgspec.UnsetType = msgspec.UNSET


class IncidentEvent(msgspec.Struct):
    """CloudEvents 1.0 envelope of an incident (structured JSON). ``id`` follows from incident and revision alone."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Incident
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | msgspec.UnsetType = msgspec.UNSET
