"""``/api/v1/incidents``."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.incidents.queries import IncidentsAsked, incident, incidents_asked, timeline
from tracehound.console.web.answers import answer, listed, one
from tracehound.console.web.asked import Identity
from tracehound.console.web.console import TheConsole
from tracehound.console.web.lists import page_of, tell_list
from tracehound.console.web.needs import needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.schemas.incident import IncidentEvent

router = APIRouter(prefix="/incidents", tags=["incidents"], dependencies=[needs_viewer])

IncidentId = Annotated[Identity, Path()]


class Timeline(msgspec.Struct):
    """All events of an incident, in the order in which they happened."""

    items: list[IncidentEvent]
    next: None = None


@router.get("", responses=listed(IncidentEvent, "Incidents, each as it is now."))
def list_incidents(request: Request, asked: Annotated[IncidentsAsked, Query()], console: TheConsole) -> Response:
    """Incidents by where, how grave, which state and when."""
    return tell_list(request, console, asked, incidents_asked(asked))


@router.get("/{incident_id}", responses=one(IncidentEvent, "The incident as it is now."))
def show_incident(request: Request, incident_id: IncidentId, console: TheConsole) -> Response:
    """One incident."""
    with console.store.read() as connection:
        event = incident(connection, incident_id)
    if event is None:
        raise not_found(f"incident {incident_id}")
    return answer(request, event.encode())


@router.get("/{incident_id}/timeline", responses=one(Timeline, "Everything that was told of it."))
def show_timeline(request: Request, incident_id: IncidentId, console: TheConsole) -> Response:
    """An incident's life: opened, updated, resolved."""
    with console.store.read() as connection:
        events = timeline(connection, incident_id)
    if not events:
        raise not_found(f"incident {incident_id}")
    return answer(request, page_of(iter(events), None))
