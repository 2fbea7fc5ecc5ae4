"""What there is of a word in the store, some of each kind."""

from collections.abc import Iterator
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from tracehound.console.store.tables import anomalies, applications, incidents, operations, scored_logs
from tracehound.console.store.tables.words import has_words
from tracehound.console.web.times import moment
from tracehound.schemas.anomaly import AnomalyEvent

Kind = Literal["application", "operation", "incident", "anomaly", "log"]
_MOST = 10
_ESCAPE = "\\"
_decode = msgspec.json.Decoder(AnomalyEvent).decode


class Found(msgspec.Struct):
    """Something that was found: its kind, its id or name, where it belongs, what it is, and when it was."""

    kind: Kind
    id: str
    application: str
    environment: str
    title: str
    time: str | None


class Results(msgspec.Struct):
    """What was found, at most ten of each kind: those that are meant most likely first."""

    items: list[Found]


def found(connection: Connection, wanted: str) -> Iterator[Found]:
    """What there is of a word: ids that begin so, names and summaries that hold it, messages that have its words."""
    yield from _applications(connection, wanted)
    yield from _operations(connection, wanted)
    yield from _incidents(connection, wanted)
    yield from _anomalies(connection, wanted)
    yield from _logs(connection, wanted)


def _applications(connection: Connection, wanted: str) -> Iterator[Found]:
    columns = applications.c
    query = select(columns.application, columns.environment, columns.scored_through_us)
    query = query.where(_holds(columns.application, wanted)).order_by(columns.application, columns.environment)
    for name, environment, seen_us in connection.execute(query.limit(_MOST)):
        yield Found("application", name, name, environment, name, moment(seen_us))


def _operations(connection: Connection, wanted: str) -> Iterator[Found]:
    columns = operations.c
    query = select(columns.application, columns.environment, columns.operation)
    query = query.where(_holds(columns.operation, wanted)).order_by(columns.operation, columns.application)
    for name, environment, operation in connection.execute(query.limit(_MOST)):
        yield Found("operation", operation, name, environment, operation, None)


def _incidents(connection: Connection, wanted: str) -> Iterator[Found]:
    columns = incidents.c
    query = select(incidents).where(_begins(columns.incident_id, wanted) | _holds(columns.summary, wanted))
    for row in connection.execute(query.order_by(columns.opened_at_us.desc()).limit(_MOST)):
        application = row.cause_application or ""
        yield Found("incident", row.incident_id, application, row.environment, row.summary, moment(row.opened_at_us))


def _anomalies(connection: Connection, wanted: str) -> Iterator[Found]:
    columns = anomalies.c
    query = select(columns.event).where(_begins(columns.id, wanted)).order_by(columns.id).limit(_MOST)
    for (event,) in connection.execute(query):
        told = _decode(event)
        where = (told.data.application, told.data.environment)
        yield Found("anomaly", told.id, *where, told.data.reason, told.time)


def _logs(connection: Connection, wanted: str) -> Iterator[Found]:
    columns = scored_logs.c
    query = select(columns.id, columns.application, columns.environment, columns.message, columns.time_us)
    query = query.where(has_words(wanted)).order_by(columns.time_us.desc(), columns.seq.desc())
    for identity, application, environment, message, time_us in connection.execute(query.limit(_MOST)):
        yield Found("log", identity, application, environment, message, moment(time_us))


def _holds(column: ColumnElement[str], wanted: str) -> ColumnElement[bool]:
    return column.icontains(wanted, autoescape=True)


def _begins(column: ColumnElement[str], wanted: str) -> ColumnElement[bool]:
    return (column >= wanted) & (column < wanted + "zzzz")
