"""What the overview shows, in a few statements however many applications there are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from tracehound.console.store.tables import (
    application_progress,
    applications,
    incident_applications,
    incidents,
    model_events,
)
from tracehound.schemas.model_event import ModelEventKind

Key = tuple[str, str]
"""Application and environment."""
STEP_US: Final = 300_000_000
SPAN_US: Final = 36 * STEP_US
"""Three hours, in steps of five minutes."""
_LATELY: Final[tuple[ModelEventKind, ...]] = (
    "release",
    "new_normal",
    "level_changed",
    "sampling_changed",
    "drift",
    "loss",
)


def worst_first(connection: Connection, most: int) -> tuple[int, Sequence[Row[Any]]]:
    """How many applications there are, and those that are worst (``rank``: 2 critical to 0 minor, −1 well)."""
    part = incident_applications.c
    by_application = (
        select(
            *(part.application, incidents.c.environment),
            func.max(incidents.c.severity_rank).label("rank"),
            func.count().label("open"),
        )
        .join(incidents, incidents.c.incident_id == part.incident_id)
        .where(incidents.c.state != "resolved")
        .group_by(part.application, incidents.c.environment)
        .subquery()
    )
    rank = func.coalesce(by_application.c.rank, -1).label("rank")
    wanted = (
        select(applications, rank, func.coalesce(by_application.c.open, 0).label("open"))
        .outerjoin(
            by_application,
            (by_application.c.application == applications.c.application)
            & (by_application.c.environment == applications.c.environment),
        )
        .order_by(rank.desc(), applications.c.executions.desc(), applications.c.application)
        .limit(most)
    )
    count = connection.execute(select(func.count()).select_from(applications)).scalar() or 0
    return count, connection.execute(wanted).all()


def open_incidents(connection: Connection, most: int) -> Sequence[Row[Any]]:
    """Incidents that are not over, the gravest first."""
    columns = incidents.c
    wanted = select(incidents).where(columns.state != "resolved")
    gravest = wanted.order_by(columns.severity_rank.desc(), columns.opened_at_us.desc())
    return connection.execute(gravest.limit(most)).all()


def traffic(connection: Connection, keys: Sequence[Key], until_us: int) -> Mapping[Key, list[float]]:
    """Executions a second of applications in the steps of the last three hours of event time."""
    columns = application_progress.c
    begin_us = until_us - until_us % STEP_US - SPAN_US + STEP_US
    wanted = select(columns.application, columns.environment, columns.minute_us, columns.executions).where(
        columns.application.in_({name for name, _ in keys}),
        columns.minute_us >= begin_us,
        columns.minute_us <= until_us,
    )
    steps = SPAN_US // STEP_US
    found: dict[Key, list[float]] = {key: [0.0] * steps for key in keys}
    for row in connection.execute(wanted):
        line = found.get((row.application, row.environment))
        if line is not None:
            line[(row.minute_us - begin_us) // STEP_US] += row.executions / (STEP_US / 1e6)
    return found


def lately(connection: Connection, most: int) -> Sequence[Row[int, str, str, str, str]]:
    """Releases, drift and new normals, the newest first."""
    columns = model_events.c
    wanted = select(columns.time_us, columns.application, columns.environment, columns.change, columns.sentence)
    chosen = wanted.where(columns.change.in_(_LATELY)).order_by(columns.time_us.desc(), columns.seq.desc())
    return connection.execute(chosen.limit(most)).all()
