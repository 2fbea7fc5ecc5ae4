"""Anomalies in the store."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection, Row, select

from tracehound.console.store.tables import anomalies
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_event
from tracehound.console.web.filters import Conditions, among, equal, within
from tracehound.console.web.lists import List
from tracehound.console.web.shapes import by_shape
from tracehound.schemas.anomaly import SEVERITIES, AnomalyKind, Severity

Order = Literal["-time", "time"]


class AnomaliesAsked(Page):
    """Which anomalies, in which order."""

    application: Name | None = None
    environment: Name | None = None
    operation: Annotated[Name | None, Field(description="Of the application, which must be named.")] = None
    kind: list[AnomalyKind] = Field(default_factory=list, max_length=10)
    severity: list[Severity] = Field(default_factory=list, max_length=10)
    incident_key: Name | None = None
    since: Annotated[MomentUs | None, Field(description="At that time or later.")] = None
    until: Annotated[MomentUs | None, Field(description="Before that time.")] = None
    sort: Order = "-time"

    @model_validator(mode="after")
    def _operation_of_application(self) -> Self:
        if self.operation is not None and self.application is None:
            raise ValueError("an operation must go with its application")
        return self


@by_shape("application", "environment", "operation", "incident_key", "since", "until")
def anomalies_asked(asked: AnomaliesAsked) -> List:
    """The list of those that are asked for."""
    columns = anomalies.c
    statement = select(columns.event, columns.time_us, columns.seq).where(*_conditions(asked))
    return List(statement, (columns.time_us, columns.seq), asked.sort == "-time", CELLS)


def _conditions(asked: AnomaliesAsked) -> Conditions:
    columns = anomalies.c
    return [
        *equal(columns.application, asked.application),
        *equal(columns.environment, asked.environment),
        *equal(columns.operation, asked.operation),
        *equal(columns.incident_key, asked.incident_key),
        *among(columns.kind, asked.kind),
        *among(columns.severity_rank, [SEVERITIES.index(one) for one in asked.severity]),
        *within(columns.time_us, asked.since, asked.until),
    ]


def anomaly(connection: Connection, identity: str) -> str | None:
    """The event of an anomaly as it was told."""
    return connection.execute(select(anomalies.c.event).where(anomalies.c.id == identity)).scalar()


def anomaly_row(connection: Connection, identity: str) -> Row[Any] | None:
    """An anomaly in columns; ``event`` is it as it was told."""
    return connection.execute(select(anomalies).where(anomalies.c.id == identity)).first()


CELLS = of_event(
    (
        *("application", "environment", "operation", "version", "kind", "severity", "score", "sigma", "confidence"),
        *("signal", "typical", "actual", "unit", "reason", "incident_key", "exemplar_trace_ids"),
    )
)
"""Of an export as a table."""
