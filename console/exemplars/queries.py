"""Exemplars in the store."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from pydantic import Field
from sqlalchemy import Connection, Row, select

from tracehound.console.exemplars.waterfall import Exemplar, waterfall
from tracehound.console.store.tables import exemplars
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_item
from tracehound.console.web.lists import List
from tracehound.console.web.times import moment
from tracehound.schemas.execution import Execution


class ExemplarsAsked(Page):
    """Which exemplars."""

    application: Name | None = None
    environment: Name | None = None
    operation: Name | None = None
    trace_id: Name | None = None
    since: Annotated[MomentUs | None, Field(description="At that time or later.")] = None
    until: Annotated[MomentUs | None, Field(description="Before that time.")] = None


class ExemplarHead(msgspec.Struct, frozen=True):
    """Which execution is kept for which anomaly, and whether there is a usual one beside it."""

    anomaly_id: str
    time: str
    application: str
    environment: str
    operation: str
    trace_id: str
    has_usual: bool


def exemplars_asked(asked: ExemplarsAsked) -> List:
    """The list of those that are asked for, the newest first."""
    of = exemplars.c
    statement = select(
        *(of.application, of.environment, of.operation, of.trace_id, of.usual.is_not(None).label("has_usual")),
        *(of.time_us, of.anomaly_id),
    )
    for column in (of.application, of.environment, of.operation, of.trace_id):
        wanted = getattr(asked, column.name)
        if wanted is not None:
            statement = statement.where(column == wanted)
    if asked.since is not None:
        statement = statement.where(of.time_us >= asked.since)
    if asked.until is not None:
        statement = statement.where(of.time_us < asked.until)
    return List(statement, (of.time_us, of.anomaly_id), True, _CELLS, _item)


def _item(row: Row[Any]) -> str:
    named = (row.application, row.environment, row.operation, row.trace_id, bool(row.has_usual))
    return msgspec.json.encode(ExemplarHead(row.anomaly_id, moment(row.time_us), *named)).decode()


_CELLS = of_item(ExemplarHead.__struct_fields__)


def exemplar(connection: Connection, anomaly_id: str) -> Exemplar | None:
    """What is kept of an anomaly's execution."""
    row = connection.execute(select(exemplars).where(exemplars.c.anomaly_id == anomaly_id)).one_or_none()
    if row is None:
        return None
    execution = msgspec.json.decode(row.execution, type=Execution)
    usual = None if row.usual is None else msgspec.json.decode(row.usual, type=Execution)
    return Exemplar(
        *(row.anomaly_id, moment(row.time_us), row.application, row.environment, row.operation),
        execution=waterfall(execution, usual),
        usual=None if usual is None else waterfall(usual),
    )


def kept_of(connection: Connection, anomaly_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Which of some anomalies have an execution that is kept, the oldest first."""
    of = exemplars.c
    wanted = select(of.anomaly_id, of.time_us, of.application, of.operation, of.trace_id, of.usual.is_not(None))
    return connection.execute(wanted.where(of.anomaly_id.in_(anomaly_ids)).order_by(of.time_us)).all()
