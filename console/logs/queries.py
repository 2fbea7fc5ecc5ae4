"""Log events in the store, found by what they are."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, select

from tracehound.console.store.tables import scored_logs
from tracehound.console.store.tables.words import has_words
from tracehound.console.web.asked import MomentUs, Name, Page
from tracehound.console.web.cells import of_event
from tracehound.console.web.lists import List
from tracehound.schemas.anomaly import SEVERITIES, Severity
from tracehound.schemas.log_levels import LEVELS, Level

Order = Literal["-time", "time"]


class LogsAsked(Page):
    """Which log events, in which order."""

    application: Name | None = None
    environment: Name | None = None
    host: Name | None = None
    level: Annotated[list[Level], Field(max_length=6, default_factory=list)]
    severity: Annotated[list[Severity], Field(max_length=3, default_factory=list)]
    template_id: Annotated[
        Name | None, Field(description="The number of a template within its application (see /logs/templates).")
    ] = None
    trace_id: Name | None = None
    words: Annotated[Name | None, Field(description="Words that are all in the message, in any order.")] = None
    since: Annotated[MomentUs | None, Field(description="At that time or later.")] = None
    until: Annotated[MomentUs | None, Field(description="Before that time.")] = None
    sort: Order = "-time"


def logs_asked(asked: LogsAsked) -> List:
    """The list of those that are asked for."""
    columns = scored_logs.c
    statement = select(columns.event, columns.time_us, columns.seq).where(*conditions(asked))
    return List(statement, (columns.time_us, columns.seq), asked.sort == "-time", CELLS)


def conditions(asked: LogsAsked) -> Sequence[ColumnElement[bool]]:
    """What a log event must be like."""
    columns = scored_logs.c
    named = (
        (columns.application, asked.application),
        (columns.environment, asked.environment),
        (columns.host, asked.host),
        (columns.template_id, asked.template_id),
        (columns.trace_id, asked.trace_id),
    )
    found = [column == wanted for column, wanted in named if wanted is not None]
    if asked.level:
        found.append(columns.level_rank.in_([LEVELS.index(one) for one in asked.level]))
    if asked.severity:
        found.append(columns.severity_rank.in_([SEVERITIES.index(one) for one in asked.severity]))
    if asked.words is not None:
        found.append(has_words(asked.words))
    if asked.since is not None:
        found.append(columns.time_us >= asked.since)
    if asked.until is not None:
        found.append(columns.time_us < asked.until)
    return found


def log_event(connection: Connection, identity: str) -> str | None:
    """A log event as it was told."""
    return connection.execute(select(scored_logs.c.event).where(scored_logs.c.id == identity)).scalar()


CELLS = of_event(
    (
        *("application", "environment", "version", "host", "level", "severity", "message", "template", "template_id"),
        *("template_count", "score", "anomaly_id", "trace_id"),
    )
)
"""Of an export as a table."""
