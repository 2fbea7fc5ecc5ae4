"""``/api/v1/search``."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.search.queries import Results, found
from tracehound.console.web.answers import answer, one
from tracehound.console.web.asked import Query as Asked
from tracehound.console.web.asked import without_null
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.needs import needs_viewer

router = APIRouter(prefix="/search", tags=["search"], dependencies=[needs_viewer])


class SearchAsked(Asked):
    """What is looked for."""

    q: Annotated[
        str,
        StringConstraints(min_length=2, max_length=200, strip_whitespace=True),
        AfterValidator(without_null),
        Field(description="A name, the beginning of an id, or words of a message."),
    ]


@router.get("", responses=one(Results, "What was found, at most ten of each kind."))
def search(request: Request, asked: Asks[SearchAsked], console: TheConsole) -> Response:
    """Applications, operations, incidents, anomalies and log events by a word."""
    with console.store.read() as connection:
        results = list(found(connection, asked.q))
    return answer(request, Results(results))
