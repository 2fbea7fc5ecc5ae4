"""What is told of an application."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Row

from tracehound.console.web.times import moment
from tracehound.schemas.anomaly import SEVERITIES

Health = Literal["ok", "minor", "major", "critical"]


class Application(msgspec.Struct):
    """An application as it is.

    ``health`` is the gravest severity of its open incidents, ``ok`` where there are none. Counts are of all that was
    scored since it is known here; everything until ``scored_through`` (event time, RFC 3339) is.
    """

    application: str
    environment: str
    health: Health
    open_incidents: int
    scored_through: str | None
    first_seen: str | None
    executions: int
    errors: int
    anomalies: int


class Version(msgspec.Struct):
    """A version of an application, and when it was first seen (event time, RFC 3339)."""

    version: str
    first_seen: str
    sentence: str


class Versions(msgspec.Struct):
    """The versions of an application, the newest first."""

    items: list[Version]


class Point(msgspec.Struct):
    """What was scored in a stretch of event time that begins at ``start`` (RFC 3339)."""

    start: str
    executions: int
    errors: int
    anomalies: int
    per_second: float
    error_share: float | None


class ApplicationProgress(msgspec.Struct):
    """Golden signals over time, the newest first: traffic and errors, and how much was unusual."""

    step_s: int
    items: list[Point]


def application_told(row: Row[Any], ranks: Sequence[int]) -> Application:
    """What is told of a row, and of the severities of its open incidents."""
    return Application(
        row.application,
        row.environment,
        SEVERITIES[max(ranks)] if ranks else "ok",
        len(ranks),
        moment(row.scored_through_us),
        moment(row.first_seen_us),
        row.executions,
        row.errors,
        row.anomalies,
    )


def progress_told(rows: Sequence[Row[Any]], step_s: int) -> ApplicationProgress:
    """What is told of rows as ``queries.progress`` gives them."""
    return ApplicationProgress(step_s, [_point(row, step_s) for row in rows])


def _point(row: Row[Any], step_s: int) -> Point:
    executions, errors = int(row.executions), int(row.errors)
    share = errors / executions if executions else None
    return Point(moment(int(row.start_us)), executions, errors, int(row.anomalies), executions / step_s, share)


def versions_told(rows: Sequence[Row[str, int, str]]) -> Versions:
    """What is told of rows as ``queries.releases`` gives them."""
    return Versions([Version(row.version, moment(row.time_us), row.sentence) for row in rows])
