"""Log events by what they are, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from tracehound.console.store.tables import scored_logs
from tracehound.console.store.tables.words import has_words
from tracehound.schemas.anomaly import Severity
from tracehound.schemas.log_levels import Level


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which log events are wanted: those that are all of what is given.

    ``levels`` and ``severities`` are each one of those named; ``template_id`` is the number of a template within its
    application; ``words`` are all in the message, in any order; times are microseconds since the epoch, the second one
    excluded.
    """

    application: str = ""
    environment: str | None = None
    levels: Sequence[Level] = ()
    severities: Sequence[Severity] = ()
    template_id: str = ""
    trace_id: str = ""
    host: str = ""
    words: str = ""
    since_us: int | None = None
    until_us: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a row of ``scored_logs`` must be."""
        columns = scored_logs.c
        wanted = (
            (columns.application, self.application or None),
            (columns.environment, self.environment),
            (columns.template_id, self.template_id or None),
            (columns.trace_id, self.trace_id or None),
            (columns.host, self.host or None),
        )
        conditions = [column == value for column, value in wanted if value is not None]
        if self.levels:
            conditions.append(columns.level.in_(self.levels))
        if self.severities:
            conditions.append(columns.severity.in_(self.severities))
        if self.words:
            conditions.append(has_words(self.words))
        if self.since_us is not None:
            conditions.append(columns.time_us >= self.since_us)
        if self.until_us is not None:
            conditions.append(columns.time_us < self.until_us)
        return conditions


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A log event: its place in the order, and ``event``, its JSON as it was told."""

    time_us: int
    seq: int
    event: str


def find_logs(
    connection: Connection, wanted: LogFilter, limit: int, after: tuple[int, int] | None = None
) -> list[StoredLog]:
    """Log events, newest first, at most ``limit`` of them.

    Parameters:
        after: time and ``seq`` of the last one that is known already.
    """
    columns = scored_logs.c
    conditions = wanted.conditions()
    if after is not None:
        time_us, seq = after
        conditions.append(or_(columns.time_us < time_us, and_(columns.time_us == time_us, columns.seq < seq)))
    found = (
        select(columns.time_us, columns.seq, columns.event)
        .where(*conditions)
        .order_by(columns.time_us.desc(), columns.seq.desc())
        .limit(limit)
    )
    return [StoredLog(*row) for row in connection.execute(found)]


def log_event(connection: Connection, identifier: str) -> str | None:
    """The event with an id, as it was told; None where there is none."""
    found: str | None = connection.execute(
        select(scored_logs.c.event).where(scored_logs.c.id == identifier)
    ).scalar_one_or_none()
    return found
