"""Incidents in the store."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Row, exists, or_, select

from tracehound.console.store.tables import incident_applications, incident_events, incidents
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_event
from tracehound.console.web.filters import Conditions, among, equal, within
from tracehound.console.web.lists import List
from tracehound.console.web.shapes import by_shape
from tracehound.schemas.anomaly import SEVERITIES, AnomalyKind, Severity
from tracehound.schemas.incident import IncidentState

Order = Literal["-opened", "opened", "-updated", "updated", "-severity", "severity"]


class IncidentsAsked(Page):
    """Which incidents, in which order."""

    application: Annotated[Name | None, Field(description="That was ever part of them.")] = None
    environment: Name | None = None
    state: list[IncidentState] = Field(default_factory=list, max_length=10)
    severity: list[Severity] = Field(default_factory=list, max_length=10)
    kind: list[AnomalyKind] = Field(default_factory=list, max_length=10, description="That is part of them.")
    recurring: Annotated[
        bool | None, Field(description="That are as on other days, and no worse; or, if false, that are not.")
    ] = None
    since: Annotated[MomentUs | None, Field(description="Opened at that time or later.")] = None
    until: Annotated[MomentUs | None, Field(description="Opened before that time.")] = None
    sort: Order = "-opened"


@by_shape("application", "environment", "since", "until")
def incidents_asked(asked: IncidentsAsked) -> List:
    """The list of those that are asked for."""
    columns = incidents.c
    by: tuple[ColumnElement[object], ...] = {
        "opened": (columns.opened_at_us, columns.incident_id),
        "updated": (columns.updated_at_us, columns.incident_id),
        "severity": (columns.severity_rank, columns.opened_at_us, columns.incident_id),
    }[asked.sort.removeprefix("-")]
    statement = select(columns.event, *by).where(*_conditions(asked))
    return List(statement, by, asked.sort.startswith("-"), CELLS)


def _conditions(asked: IncidentsAsked) -> Conditions:
    columns, part = incidents.c, incident_applications.c
    is_part = exists().where(part.application == asked.application, part.incident_id == columns.incident_id)
    return [
        *([] if asked.application is None else [is_part]),
        *equal(columns.environment, asked.environment),
        *among(columns.state, asked.state),
        *among(columns.severity_rank, [SEVERITIES.index(one) for one in asked.severity]),
        *([or_(*(columns.kinds.contains(f",{kind},") for kind in asked.kind))] if asked.kind else []),
        *equal(columns.recurring, asked.recurring),
        *within(columns.opened_at_us, asked.since, asked.until),
    ]


def incident(connection: Connection, identity: str) -> str | None:
    """The newest event of an incident as it was told."""
    return connection.execute(select(incidents.c.event).where(incidents.c.incident_id == identity)).scalar()


def incident_row(connection: Connection, identity: str) -> Row[Any] | None:
    """An incident as it is now, in columns."""
    return connection.execute(select(incidents).where(incidents.c.incident_id == identity)).first()


def timeline(connection: Connection, identity: str) -> Sequence[str]:
    """All events of an incident, in the order in which they happened."""
    columns = incident_events.c
    wanted = select(columns.event).where(columns.incident_id == identity).order_by(columns.revision)
    return connection.execute(wanted).scalars().all()


CELLS = of_event(
    (
        *("incident_id", "state", "severity", "environment", "opened_at", "updated_at", "resolved_at", "summary"),
        *("reason", "applications", "kinds", "anomaly_count", "exemplar_trace_ids", "muted_by"),
    )
)
"""Of an export as a table."""
