"""``/api/v1/call-graph``."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.calls.graph import CallGraph, graph_of
from tracehound.console.calls.queries import MOST_EDGES, edges
from tracehound.console.web.answers import answer, one
from tracehound.console.web.asked import MomentUs, Name
from tracehound.console.web.asked import Query as Asked
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.needs import needs_viewer

router = APIRouter(prefix="/call-graph", tags=["call graph"], dependencies=[needs_viewer])


class GraphAsked(Asked):
    """Which part of the graph."""

    application: Annotated[
        list[Name], Field(max_length=100, default_factory=list, description="That call or are called.")
    ]
    environment: Name | None = None
    since: Annotated[MomentUs | None, Field(description="In windows (of 300 s) that begin then or later.")] = None
    until: Annotated[MomentUs | None, Field(description="In windows that begin before that.")] = None
    by_operation: Annotated[bool, Field(description="Edges between operations, not applications.")] = False


@router.get("", responses=one(CallGraph, "The graph."))
def show_call_graph(request: Request, asked: Asks[GraphAsked], console: TheConsole) -> Response:
    """Who calls whom, how often, how long it takes, and what is lost on the way."""
    with console.store.read() as connection:
        rows = edges(connection, asked.application, asked.environment, asked.since, asked.until, asked.by_operation)
    return answer(request, graph_of(rows, asked.by_operation, MOST_EDGES))
