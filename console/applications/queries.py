"""Applications in the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from tracehound.console.store.tables import (
    application_progress,
    applications,
    incident_applications,
    incidents,
    is_open,
    model_events,
)
from tracehound.console.web.asked import Name, Page
from tracehound.console.web.filters import equal, within

MOST_POINTS = 5_000
_MOST_OPEN = 10_000
_MOST_VERSIONS = 200
Key = tuple[str, str]
"""Application and environment."""


class ApplicationsAsked(Page):
    """Which applications, in the order of their names."""

    environment: Name | None = None


def applications_asked(asked: ApplicationsAsked) -> Select[Any]:
    """Those that are asked for, and what they go by."""
    columns = applications.c
    wanted = select(applications, columns.application.label("by_name"), columns.environment.label("by_environment"))
    return wanted.where(*equal(columns.environment, asked.environment))


def application_of(connection: Connection, key: Key) -> Row[Any] | None:
    """What is known of an application."""
    columns = applications.c
    wanted = select(applications).where(columns.application == key[0], columns.environment == key[1])
    return connection.execute(wanted).first()


def open_incidents(connection: Connection, application: str | None = None) -> Mapping[Key, Sequence[int]]:
    """The severities (0 minor, 1 major, 2 critical) of the incidents that applications have now."""
    part = incident_applications.c
    wanted = (
        select(part.application, incidents.c.environment, incidents.c.severity_rank)
        .join(incidents, incidents.c.incident_id == part.incident_id)
        .where(is_open, *equal(part.application, application))
        .limit(_MOST_OPEN)
    )
    found: dict[Key, list[int]] = {}
    for name, environment, rank in connection.execute(wanted):
        found.setdefault((name, environment), []).append(rank)
    return found


def progress(connection: Connection, key: Key, span: tuple[int | None, int | None], step_us: int) -> Sequence[Row[Any]]:
    """What was scored of an application, added up by so many microseconds of event time, the newest first."""
    columns = application_progress.c
    start = (columns.minute_us - columns.minute_us % step_us).label("start_us")
    sums = [func.sum(columns[name]).label(name) for name in ("executions", "errors", "anomalies")]
    wanted = (
        select(start, *sums)
        .where(columns.application == key[0], columns.environment == key[1], *within(columns.minute_us, *span))
        .group_by(start)
        .order_by(start.desc())
        .limit(MOST_POINTS)
    )
    return connection.execute(wanted).all()


def releases(connection: Connection, key: Key) -> Sequence[Row[str, int, str]]:
    """The versions of an application as they were first seen, the newest first."""
    columns = model_events.c
    wanted = (
        select(columns.version, columns.time_us, columns.sentence)
        .where(columns.application == key[0], columns.environment == key[1], columns.change == "release")
        .order_by(columns.time_us.desc(), columns.seq.desc())
        .limit(_MOST_VERSIONS)
    )
    return connection.execute(wanted).all()
