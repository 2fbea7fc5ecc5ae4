"""The call graph in the store, added up over windows of event time."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select

from tracehound.console.store.tables import calls
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
