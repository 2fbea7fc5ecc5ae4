"""``/api/v1/incidents``."""

from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.incidents.cause import Cause, cause_of
from tracehound.console.incidents.members import anomalies_of, calls_during
from tracehound.console.incidents.queries import (
    IncidentsAsked,
    incident,
    incident_row,
    incidents_asked,
    timeline,
)
from tracehound.console.web.answers import answer, listed, one
from tracehound.console.web.asked import Identity
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import page_of, tell_stored
from tracehound.console.web.needs import needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.incident import IncidentEvent

router = APIRouter(prefix="/incidents", tags=["incidents"], dependencies=[needs_viewer])

T = TypeVar("T")
IncidentId = Annotated[Identity, Path()]


class Members(msgspec.Struct):
    """The anomalies of an incident, the oldest first."""

    items: list[AnomalyEvent]
    next: None = None


class Timeline(msgspec.Struct):
    """All events of an incident, in the order in which they happened."""

    items: list[IncidentEvent]
    next: None = None


@router.get("", responses=listed(IncidentEvent, "Incidents, each as it is now."))
async def list_incidents(request: Request, asked: Asks[IncidentsAsked], console: TheConsole) -> Response:
    """Incidents by where, how grave, which state and when."""
    return await tell_stored(request, console, asked, incidents_asked(asked))


@router.get("/{incident_id}", responses=one(IncidentEvent, "The incident as it is now."))
def show_incident(request: Request, incident_id: IncidentId, console: TheConsole) -> Response:
    """One incident."""
    with console.store.read() as connection:
        event = _known(incident(connection, incident_id), incident_id)
    return answer(request, event.encode())


@router.get("/{incident_id}/timeline", responses=one(Timeline, "Everything that was told of it."))
def show_timeline(request: Request, incident_id: IncidentId, console: TheConsole) -> Response:
    """An incident's life: opened, updated, resolved."""
    with console.store.read() as connection:
        events = _known(timeline(connection, incident_id) or None, incident_id)
    return answer(request, page_of(iter(events), None))


@router.get("/{incident_id}/cause", responses=one(Cause, "What is suspected, and the way from there."))
def show_cause(request: Request, incident_id: IncidentId, console: TheConsole) -> Response:
    """Where an incident seems to start, what else could be, and by way of whom it came to where people notice it."""
    with console.store.read() as connection:
        event = _known(incident(connection, incident_id), incident_id)
        told = msgspec.json.decode(event, type=IncidentEvent).data
        calls = calls_during(connection, told)
    return answer(request, cause_of(told, calls))


@router.get("/{incident_id}/anomalies", responses=one(Members, "Its anomalies, the oldest first."))
def list_members(request: Request, incident_id: IncidentId, console: TheConsole) -> Response:
    """The anomalies of an incident's applications while it lasted, the first 5,000."""
    with console.store.read() as connection:
        events = anomalies_of(connection, _known(incident_row(connection, incident_id), incident_id))
    return answer(request, page_of(iter(events), None))


def _known(found: T | None, incident_id: str) -> T:
    if found is None:
        raise not_found(f"incident {incident_id}")
    return found
