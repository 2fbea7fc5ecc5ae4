"""What belongs to an incident: anomalies, and calls between its applications."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from tracehound.console.store.tables import anomalies, calls, incident_applications, incidents, named_calls
from tracehound.console.web.filters import within
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import Incident

MOST_ANOMALIES = 5_000
_MOST_APPLICATIONS = 500
_BEFORE_US = 3_600_000_000


def anomalies_of(connection: Connection, incident: Row[Any]) -> Sequence[str]:
    """The events of the anomalies of an incident's applications while it lasted, the oldest first."""
    part, columns = incident_applications.c, anomalies.c
    until_us = incident.updated_at_us if incident.resolved_at_us is None else incident.resolved_at_us
    members = select(part.application).where(part.incident_id == incident.incident_id)
    wanted = (
        select(columns.event)
        .where(
            columns.application.in_(members),
            columns.environment == incident.environment,
            *within(columns.time_us, incident.opened_at_us, until_us + 1),
        )
        .order_by(columns.time_us, columns.seq)
        .limit(MOST_ANOMALIES)
    )
    return connection.execute(wanted).scalars().all()


def incident_of(connection: Connection, anomaly: Row[Any]) -> Row[str, str, str, str] | None:
    """The incident that an anomaly belongs to: the last that held its application at its time."""
    part, columns = incident_applications.c, incidents.c
    wanted = (
        select(columns.incident_id, columns.summary, columns.severity, columns.state)
        .join(incident_applications, part.incident_id == columns.incident_id)
        .where(
            part.application == anomaly.application,
            columns.environment == anomaly.environment,
            columns.opened_at_us <= anomaly.time_us,
            or_(columns.resolved_at_us.is_(None), columns.resolved_at_us >= anomaly.time_us),
        )
        .order_by(columns.opened_at_us.desc())
        .limit(1)
    )
    return connection.execute(wanted).first()


def calls_during(connection: Connection, incident: Incident) -> list[tuple[str, str]]:
    """Who called whom of an incident's applications, as pairs of caller and callee, from an hour before it on."""
    until_us = _microseconds(incident.resolved_at or incident.updated_at)
    found = set[tuple[str, str]]()
    for table in (calls, named_calls):
        columns = table.c
        wanted = (
            select(columns.application, columns.peer)
            .where(
                columns.application.in_(incident.applications[:_MOST_APPLICATIONS]),
                columns.environment == incident.environment,
                *within(columns.window_us, _microseconds(incident.opened_at) - _BEFORE_US, until_us + 1),
            )
            .distinct()
        )
        found.update((row.application, row.peer) for row in connection.execute(wanted))
    return sorted(found)


def _microseconds(moment: str) -> int:
    return round(epoch_seconds(moment) * 1e6)
