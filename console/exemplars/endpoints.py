"""``/api/v1/exemplars``."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.exemplars.queries import ExemplarHead, ExemplarsAsked, exemplar, exemplars_asked
from tracehound.console.exemplars.waterfall import Exemplar
from tracehound.console.web.answers import answer, listed, one
from tracehound.console.web.asked import Identity
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import needs_viewer
from tracehound.console.web.problems import not_found

router = APIRouter(prefix="/exemplars", tags=["exemplars"], dependencies=[needs_viewer])


@router.get("", responses=listed(ExemplarHead, "Anomalous executions that are kept, the newest first."))
def list_exemplars(request: Request, asked: Asks[ExemplarsAsked], console: TheConsole) -> Response:
    """Exemplars by where and when."""
    return tell_list(request, console, asked, exemplars_asked(asked))


@router.get("/{anomaly_id}", responses=one(Exemplar, "The anomalous execution, and a usual one beside it."))
def show_exemplar(request: Request, anomaly_id: Annotated[Identity, Path()], console: TheConsole) -> Response:
    """The execution that an anomaly names, as a waterfall."""
    with console.store.read() as connection:
        found = exemplar(connection, anomaly_id)
    if found is None:
        raise not_found(f"exemplar of anomaly {anomaly_id}")
    return answer(request, found)
