"""The call graph in the store, added up over windows of event time."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select

from tracehound.console.store.tables import calls, named_calls
from tracehound.console.web.filters import equal, within

MOST_EDGES = 5_000
_SUMS = ("count", "errors", "caller_ms", "timed", "timed_caller_ms", "callee_ms")


def edges(
    connection: Connection,
    applications: Sequence[str],
    environment: str | None,
    since: int | None,
    until: int | None,
    by_operation: bool,
) -> Sequence[Row[Any]]:
    """Who called whom, those first that did most; from or to ``applications``, where any are named."""
    columns = calls.c
    by: list[ColumnElement[Any]] = [columns.application, columns.environment, columns.peer, columns.kind]
    if by_operation:
        by += [columns.operation, columns.peer_operation, columns.destination]
    touches = or_(columns.application.in_(applications), columns.peer.in_(applications))
    sums = [func.sum(columns[name]).label(name if name != "count" else "calls") for name in _SUMS]
    wanted = (
        select(*by, *sums)
        .where(
            *([touches] if applications else []),
            *equal(columns.environment, environment),
            *within(columns.window_us, since, until),
        )
        .group_by(*by)
        .order_by(func.sum(columns["count"]).desc(), *by)
        .limit(MOST_EDGES)
    )
    return connection.execute(wanted).all()


def named_edges(
    connection: Connection, applications: Sequence[str], environment: str, since: int, until: int
) -> Sequence[Row[str, str, int]]:
    """Caller, callee as the caller names it, and how often, of those whose calls nobody joined; most calls first."""
    columns, joined = named_calls.c, calls.c
    touches = or_(columns.application.in_(applications), columns.peer.in_(applications))
    known = (
        select(joined.application)
        .where(joined.environment == environment, joined.kind == "call", *within(joined.window_us, since, until))
        .distinct()
    )
    summed = func.sum(columns["count"])
    wanted = (
        select(columns.application, columns.peer, summed.label("calls"))
        .where(
            *([touches] if applications else []),
            columns.environment == environment,
            *within(columns.window_us, since, until),
            columns.application.not_in(known),
        )
        .group_by(columns.application, columns.peer)
        .order_by(summed.desc(), columns.application, columns.peer)
        .limit(MOST_EDGES)
    )
    return connection.execute(wanted).all()


def newest_window(connection: Connection, environment: str) -> int:
    """The begin of the newest window of an environment in which anybody called, in microseconds; 0: there is none."""
    newest = (
        select(func.max(table.c.window_us)).where(table.c.environment == environment) for table in (calls, named_calls)
    )
    return max(connection.execute(one).scalar() or 0 for one in newest)
