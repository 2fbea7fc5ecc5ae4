"""``/api/v1/anomalies``."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.anomalies.queries import AnomaliesAsked, anomalies_asked, anomaly
from tracehound.console.web.answers import answer, listed, one
from tracehound.console.web.asked import Identity
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_stored
from tracehound.console.web.needs import needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.schemas.anomaly import AnomalyEvent

router = APIRouter(prefix="/anomalies", tags=["anomalies"], dependencies=[needs_viewer])


@router.get("", responses=listed(AnomalyEvent, "Anomalies, the newest first."))
async def list_anomalies(request: Request, asked: Asks[AnomaliesAsked], console: TheConsole) -> Response:
    """Anomalies by where, what and when."""
    return await tell_stored(request, console, asked, anomalies_asked(asked))


@router.get("/{anomaly_id}", responses=one(AnomalyEvent, "The anomaly as it was told."))
def show_anomaly(request: Request, anomaly_id: Annotated[Identity, Path()], console: TheConsole) -> Response:
    """One anomaly."""
    with console.store.read() as connection:
        event = anomaly(connection, anomaly_id)
    if event is None:
        raise not_found(f"anomaly {anomaly_id}")
    return answer(request, event.encode())
