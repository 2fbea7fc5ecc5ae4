"""``/ui/anomalies``: all of them, and one with its numbers, what differs, and the execution beside a usual one."""

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.anomalies.around import around
from tracehound.console.anomalies.band import band
from tracehound.console.anomalies.queries import AnomaliesAsked, anomalies_asked, anomaly_row
from tracehound.console.anomalies.words import in_words
from tracehound.console.exemplars.queries import exemplar
from tracehound.console.incidents.members import incident_of
from tracehound.console.incidents.verdict import verdict_on
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.paths import name_in_path
from tracehound.console.web.problems import not_found
from tracehound.console.web.visits import Visit
from tracehound.schemas.anomaly import SEVERITIES, AnomalyEvent


async def anomalies(request: Request, visit: Visit) -> Response:
    """Anomalies by where and how grave, the newest first."""
    asked = asked_by(request, AnomaliesAsked)
    found = await run_in_threadpool(list_page, request, visit.console, asked, anomalies_asked(asked))
    events = [msgspec.json.decode(row[0], type=AnomalyEvent) for row in found.rows]
    return visit.page(
        "anomalies/anomalies.html",
        here="anomalies",
        live="news",
        asked=asked,
        anomalies=events,
        following=found.following,
        severities=SEVERITIES,
    )


async def show_anomaly(request: Request, visit: Visit) -> Response:
    """One anomaly."""
    return await run_in_threadpool(_anomaly, name_in_path(request.path_params["anomaly_id"]), visit)


def _anomaly(identity: str, visit: Visit) -> Response:
    with visit.console.store.read() as connection:
        row = anomaly_row(connection, identity)
        if row is None:
            raise not_found(f"anomaly {identity}")
        told = msgspec.json.decode(row.event, type=AnomalyEvent)
        data = told.data
        kept = exemplar(connection, identity)
        series = around(connection, data, told.time)
        incident = incident_of(connection, row)
        verdict = verdict_on(connection, identity)
    return visit.page(
        "anomalies/anomaly.html",
        here="anomalies",
        anomaly=data,
        signal=in_words(data.signal),
        identity=told.id,
        time=told.time,
        band=band(data.typical, data.bounds, data.actual),
        series=series,
        evidence=data.evidence or None,
        concentrated_in=data.concentrated_in or [],
        exemplar=kept,
        incident=incident,
        verdict=verdict,
    )
