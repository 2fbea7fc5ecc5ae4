"""What belongs to an incident: anomalies, and calls between its applications."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from tracehound.console.store.tables import anomalies, calls, incident_applications
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


def calls_during(connection: Connection, incident: Incident) -> list[tuple[str, str]]:
    """Who called whom of an incident's applications, as pairs of caller and callee, from an hour before it on."""
    columns = calls.c
    until_us = _microseconds(incident.resolved_at or incident.updated_at)
    wanted = (
        select(columns.application, columns.peer)
        .where(
            columns.application.in_(incident.applications[:_MOST_APPLICATIONS]),
            columns.environment == incident.environment,
            *within(columns.window_us, _microseconds(incident.opened_at) - _BEFORE_US, until_us + 1),
        )
        .distinct()
    )
    return [(row.application, row.peer) for row in connection.execute(wanted)]


def _microseconds(moment: str) -> int:
    return round(epoch_seconds(moment) * 1e6)
