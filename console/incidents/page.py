"""``/ui/incidents``: all of them, and one with its life, its cause and what to look at."""

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.incidents.cause import cause_of
from tracehound.console.incidents.members import anomalies_of, calls_during
from tracehound.console.incidents.queries import IncidentsAsked, incident_row, incidents_asked, timeline
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.paths import name_in_path
from tracehound.console.web.problems import not_found
from tracehound.console.web.visits import Visit
from tracehound.schemas.anomaly import SEVERITIES, AnomalyEvent
from tracehound.schemas.incident import IncidentEvent

_SHOWN = 10


async def incidents(request: Request, visit: Visit) -> Response:
    """Incidents by where, how grave and which state."""
    asked = asked_by(request, IncidentsAsked)
    found = await run_in_threadpool(list_page, request, visit.console, asked, incidents_asked(asked))
    events = [msgspec.json.decode(row[0], type=IncidentEvent).data for row in found.rows]
    return visit.page(
        "incidents/incidents.html",
        here="incidents",
        live="3",
        asked=asked,
        incidents=events,
        following=found.following,
        severities=SEVERITIES,
    )


async def incident(request: Request, visit: Visit) -> Response:
    """One incident."""
    return await run_in_threadpool(_incident, name_in_path(request.path_params["incident_id"]), visit)


def _incident(identity: str, visit: Visit) -> Response:
    with visit.console.store.read() as connection:
        row = incident_row(connection, identity)
        if row is None:
            raise not_found(f"incident {identity}")
        told = msgspec.json.decode(row.event, type=IncidentEvent).data
        events = [msgspec.json.decode(one, type=IncidentEvent) for one in timeline(connection, identity)]
        members = anomalies_of(connection, row)
        calls = calls_during(connection, told)
    anomalies = [msgspec.json.decode(one, type=AnomalyEvent) for one in members]
    gravest = sorted(anomalies, key=lambda one: (-SEVERITIES.index(one.data.severity), -one.data.score))
    return visit.page(
        "incidents/incident.html",
        here="incidents",
        live="3",
        incident=told,
        events=events,
        cause=cause_of(told, calls),
        anomalies=gravest[:_SHOWN],
        anomaly_count=len(anomalies),
    )
