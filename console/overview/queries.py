"""What the overview shows, in a few statements however many applications there are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, true

from tracehound.console.store.tables import (
    applications,
    incident_applications,
    incidents,
    is_open,
    is_quiet,
    model_events,
    operation_windows,
)
from tracehound.schemas.model_event import ModelEventKind

_KNOWN_US: Final = 3_600_000_000
"""An operation is new to an application that is known for an hour; before that, all of them are."""
_LATELY: Final[tuple[ModelEventKind, ...]] = (
    "release",
    "new_normal",
    "level_changed",
    "sampling_changed",
    "drift",
    "loss",
)


def worst_first(connection: Connection, find: str, first: int, most: int) -> tuple[int, int, Sequence[Row[Any]]]:
    """How many applications there are, how many whose names hold ``find``, and of these those that are worst.

    Rows have ``rank``: 2 critical to 0 minor, −1 well. ``first`` of them are passed over, and at most ``most`` found.
    """
    part = incident_applications.c
    by_application = (
        select(
            *(part.application, incidents.c.environment),
            func.max(incidents.c.severity_rank).label("rank"),
            func.count().label("open"),
        )
        .join(incidents, incidents.c.incident_id == part.incident_id)
        .where(is_open)
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
        .order_by(rank.desc(), applications.c.executions.desc(), applications.c.application, applications.c.environment)
        .offset(first)
        .limit(most)
    )
    named = applications.c.application.icontains(find, autoescape=True) if find else true()
    counted = select(func.count()).select_from(applications)
    count = connection.execute(counted).scalar_one()
    fitting = connection.execute(counted.where(named)).scalar_one() if find else count
    return count, fitting, connection.execute(wanted.where(named)).all()


def by_health(connection: Connection) -> Mapping[int, int]:
    """How many applications have open incidents, by their gravest severity (2 critical to 0 minor)."""
    part = incident_applications.c
    gravest = (
        select(func.max(incidents.c.severity_rank).label("rank"))
        .select_from(incident_applications)
        .join(incidents, incidents.c.incident_id == part.incident_id)
        .where(is_open)
        .group_by(part.application, incidents.c.environment)
        .subquery()
    )
    counts = select(gravest.c.rank, func.count()).group_by(gravest.c.rank)
    return {row[0]: row[1] for row in connection.execute(counts)}


def open_by_severity(connection: Connection) -> Mapping[int, int]:
    """How many incidents are not over, by severity (2 critical to 0 minor)."""
    rank = incidents.c.severity_rank
    counts = select(rank, func.count()).where(is_open).group_by(rank)
    return {row[0]: row[1] for row in connection.execute(counts)}


def open_incidents(connection: Connection, most: int) -> Sequence[Row[Any]]:
    """Incidents that are not over, the gravest first."""
    columns = incidents.c
    wanted = select(incidents).where(is_open)
    gravest = wanted.order_by(columns.severity_rank.desc(), columns.opened_at_us.desc())
    return connection.execute(gravest.limit(most)).all()


def quiet_incidents(connection: Connection, most: int) -> Sequence[Row[Any]]:
    """What goes on as on other days, and is no worse, the latest first."""
    wanted = select(incidents).where(is_quiet).order_by(incidents.c.opened_at_us.desc())
    return connection.execute(wanted.limit(most)).all()


def lately(connection: Connection, most: int) -> Sequence[Row[int, str, str, str, str, str]]:
    """Releases, drift, new normals and operations that came to applications known before, the newest first."""
    columns = model_events.c
    wanted = select(
        *(columns.time_us, columns.application, columns.environment, columns.change, columns.operation),
        columns.sentence,
    )
    newest = (columns.time_us.desc(), columns.seq.desc())
    changed = wanted.where(columns.change.in_(_LATELY)).order_by(*newest).limit(most)
    known = applications.c
    new = (
        wanted.join(
            applications, (known.application == columns.application) & (known.environment == columns.environment)
        )
        .where(
            columns.change == "warming",
            columns.operation != "",
            columns.time_us > known.first_seen_us + _KNOWN_US,
        )
        .order_by(*newest)
        .limit(most)
    )
    found = [*connection.execute(changed), *connection.execute(new)]
    return sorted(found, key=lambda row: -row.time_us)[:most]


def most_executions(connection: Connection) -> tuple[int, int]:
    """How many operations there are of which executions are kept, and how many executions the one with most has."""
    columns = operation_windows.c
    counts = select(func.sum(columns["count"]).label("count")).group_by(columns.operation_seq).subquery()
    row = connection.execute(select(func.count(), func.max(counts.c.count)).select_from(counts)).one()
    return row[0], int(row[1] or 0)


def is_anything_judged(connection: Connection) -> bool:
    """Whether the models of any operation are ready."""
    columns = model_events.c
    ready = select(columns.seq).where(columns.change == "ready", columns.operation != "").limit(1)
    return connection.execute(ready).first() is not None
