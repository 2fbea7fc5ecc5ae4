"""``/ui/incidents``: all of them, and one with its life, its cause and what to look at."""

from collections.abc import Iterable

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.exemplars.queries import kept_of
from tracehound.console.incidents.cause import cause_of
from tracehound.console.incidents.drawing import drawing_of
from tracehound.console.incidents.life import life_of
from tracehound.console.incidents.members import anomalies_of, calls_during
from tracehound.console.incidents.next_steps import next_steps
from tracehound.console.incidents.queries import IncidentsAsked, incident_row, incidents_asked, timeline
from tracehound.console.incidents.verdict import verdict_on
from tracehound.console.maintenance.queries import windows_over
from tracehound.console.receivers.deliveries import DeliveriesAsked, deliveries_asked
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.paths import name_in_path
from tracehound.console.web.problems import not_found
from tracehound.console.web.spoken import length
from tracehound.console.web.visits import Visit
from tracehound.schemas.anomaly import SEVERITIES, AnomalyEvent, Concentration
from tracehound.schemas.delivery import DeliveryEvent
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import IncidentEvent

_SHOWN, _MOST_DELIVERIES = 10, 100


async def incidents(request: Request, visit: Visit) -> Response:
    """Incidents by where, how grave and which state."""
    asked = asked_by(request, IncidentsAsked)
    found = await run_in_threadpool(list_page, request, visit.console, asked, incidents_asked(asked))
    events = [msgspec.json.decode(row[0], type=IncidentEvent).data for row in found.rows]
    return visit.page(
        "incidents/incidents.html",
        here="incidents",
        live="news",
        asked=asked,
        incidents=events,
        following=found.following,
        severities=SEVERITIES,
    )


async def incident(request: Request, visit: Visit) -> Response:
    """One incident."""
    return await run_in_threadpool(_incident, name_in_path(request.path_params["incident_id"]), visit)


def _incident(identity: str, visit: Visit) -> Response:
    now_us = round(visit.console.clock() * 1e6)
    with visit.console.store.read() as connection:
        row = incident_row(connection, identity)
        if row is None:
            raise not_found(f"incident {identity}")
        told = msgspec.json.decode(row.event, type=IncidentEvent).data
        events = [msgspec.json.decode(one, type=IncidentEvent) for one in timeline(connection, identity)]
        anomalies = [msgspec.json.decode(one, type=AnomalyEvent) for one in anomalies_of(connection, row)]
        calls = calls_during(connection, told)
        deliveries = deliveries_asked(DeliveriesAsked(incident_id=identity)).rows(connection, None, _MOST_DELIVERIES)
        gravest = sorted(anomalies, key=lambda one: (-SEVERITIES.index(one.data.severity), -one.data.score))[:_SHOWN]
        exemplars = kept_of(connection, [one.id for one in gravest])
        windows = windows_over(connection, told.applications, told.environment, now_us)
        verdict = verdict_on(connection, identity)
    cause = cause_of(told, calls)
    differs, kept, known = _differs(gravest), {one.anomaly_id for one in exemplars}, set(told.applications)
    until_s = epoch_seconds(told.resolved_at) if told.resolved_at else now_us / 1e6
    return visit.page(
        "incidents/incident.html",
        here="incidents",
        live="news",
        incident=told,
        cause=cause,
        drawing=drawing_of(cause.paths),
        differs=differs,
        steps=next_steps(told, differs, gravest, kept, known),
        known=known,
        lasted=length(until_s - epoch_seconds(told.opened_at)),
        anomalies=gravest,
        anomaly_count=len(anomalies),
        exemplars=kept,
        life=life_of(events, anomalies, told.releases),
        deliveries=[msgspec.json.decode(one[0], type=DeliveryEvent) for one in reversed(deliveries)],
        windows=windows,
        verdict=verdict,
    )


def _differs(anomalies: Iterable[AnomalyEvent]) -> list[tuple[AnomalyEvent, Concentration]]:
    """What deviating executions have in common, of the gravest anomaly that says it of each value."""
    found: dict[tuple[str, str, str], tuple[AnomalyEvent, Concentration]] = {}
    for event in anomalies:
        for one in event.data.concentrated_in or ():
            found.setdefault((event.data.application, one.attribute, one.value), (event, one))
    return list(found.values())[:_SHOWN]
