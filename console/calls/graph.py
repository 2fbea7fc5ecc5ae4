"""The call graph as it is told: its edges."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Row

from tracehound.schemas.call_graph import CallKind


class Edge(msgspec.Struct):
    """Calls of ``peer`` by ``application``.

    ``mean_ms`` is what the caller saw, null where nobody measured it (messages). ``call_gap_ms`` is how much longer
    that was, in the mean, than on the callee's side, where both sides are known.
    Operations are empty, and ``destination`` is, where they are added up or not known.
    """

    application: str
    environment: str
    operation: str
    peer: str
    peer_operation: str
    kind: CallKind
    destination: str
    calls: int
    errors: int
    mean_ms: float | None
    call_gap_ms: float | None


class CallGraph(msgspec.Struct):
    """The edges, those first with most calls. ``complete`` is false where there are more than are told."""

    edges: list[Edge]
    complete: bool


def graph_of(rows: Iterable[Row[Any]], by_operation: bool, most: int) -> CallGraph:
    """The graph of rows as ``queries.edges`` gives them."""
    found = [_edge(row, by_operation) for row in rows]
    return CallGraph(found, len(found) < most)


def _edge(row: Row[Any], by_operation: bool) -> Edge:
    is_call = row.kind == "call"
    count, timed = int(row.calls), int(row.timed)
    return Edge(
        row.application,
        row.environment,
        row.operation if by_operation else "",
        row.peer,
        row.peer_operation if by_operation else "",
        row.kind,
        row.destination if by_operation else "",
        count,
        int(row.errors),
        row.caller_ms / count if is_call and count else None,
        (row.timed_caller_ms - row.callee_ms) / timed if timed else None,
    )
