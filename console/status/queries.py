"""What the store says of tracehound itself."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from tracehound.console.models.queries import READINESS
from tracehound.console.store.tables import applications, kept, model_events, offsets, unreadable


def stored_topics(connection: Connection) -> Sequence[Row[Any]]:
    """How far each topic is stored: its records, its partitions, and the newest event time in microseconds."""
    columns = offsets.c
    sums = (
        func.sum(columns.next_offset).label("records"),
        func.count().label("partitions"),
        func.max(columns.time_us).label("newest_us"),
    )
    return connection.execute(select(columns.topic, *sums).group_by(columns.topic).order_by(columns.topic)).all()


def kept_tables(connection: Connection) -> Sequence[Row[Any]]:
    """How many rows and bytes are kept, the largest first."""
    return connection.execute(select(kept).order_by(kept.c.bytes.desc(), kept.c.table)).all()


def unreadable_count(connection: Connection) -> int:
    """Records of output topics that are none of what should be there."""
    return connection.execute(select(func.count()).select_from(unreadable)).scalar_one()


def readiness(connection: Connection) -> tuple[int, int]:
    """How many operations are judged, and of how many is known that they have models."""
    columns = model_events.c
    newest = (
        select(func.max(columns.seq))
        .where(columns.change.in_(READINESS), columns.operation != "")
        .group_by(columns.application, columns.environment, columns.operation)
    )
    counts = select(columns.change, func.count()).where(columns.seq.in_(newest)).group_by(columns.change)
    found: dict[str, int] = {row[0]: row[1] for row in connection.execute(counts)}
    return found.get("ready", 0), sum(found.values())


def scored_through(connection: Connection) -> Row[Any]:
    """How many applications there are, and the newest event time that was scored, in microseconds."""
    columns = applications.c
    wanted = select(func.count().label("count"), func.max(columns.scored_through_us).label("newest_us"))
    return connection.execute(wanted.select_from(applications)).one()
