"""``/ui/map``: who calls whom, how often, how long it takes and what fails; and the way of an incident."""

from itertools import pairwise

import msgspec
from sqlalchemy import Connection, func, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.applications.queries import open_incidents
from tracehound.console.calls.graph import graph_of
from tracehound.console.calls.look import HOUR_S, US, MapLook
from tracehound.console.calls.map import Marked, call_map
from tracehound.console.calls.queries import MOST_EDGES, edges, named_edges, newest_window
from tracehound.console.incidents.cause import cause_of
from tracehound.console.incidents.members import calls_during
from tracehound.console.incidents.queries import incident
from tracehound.console.store.tables import applications
from tracehound.console.web.listing import asked_by
from tracehound.console.web.problems import not_found
from tracehound.console.web.times import moment
from tracehound.console.web.visits import Visit
from tracehound.schemas.anomaly import SEVERITIES
from tracehound.schemas.call_graph import WINDOW_S
from tracehound.schemas.execution import epoch_seconds
from tracehound.schemas.incident import Incident, IncidentEvent

_MOST_ENVIRONMENTS, _MOST_APPLICATIONS = 100, 10_000


async def show_map(request: Request, visit: Visit) -> Response:
    """The call map."""
    return await run_in_threadpool(_map, asked_by(request, MapLook), visit)


def _map(look: MapLook, visit: Visit) -> Response:
    with visit.console.store.read() as connection:
        told = None if look.incident is None else _incident(connection, look.incident)
        environments = _environments(connection)
        environment = look.environment if told is None else told.environment
        if environment is None:
            environment = environments[0] if environments else ""
        since_us, until_us = _span(connection, look, environment, told)
        named = [look.application] if look.application else told.applications if told else []
        found = graph_of(edges(connection, named, environment, since_us, until_us, False), False, MOST_EDGES)
        counted = named_edges(connection, named, environment, since_us, until_us)
        health = _health(connection, environment)
        marked = Marked() if told is None else _marked(connection, told)
    wanted = look.find.casefold()

    def fits(pair: tuple[str, str]) -> bool:
        return any(wanted in name.casefold() for name in pair)

    chosen = [one for one in found.edges if fits((one.application, one.peer))]
    more = [(one.application, one.peer, int(one.calls)) for one in counted if fits((one.application, one.peer))]
    return visit.page(
        "calls/map.html",
        here="map",
        live="60",
        look=look,
        incident=told,
        environment=environment,
        environments=environments,
        map=call_map(chosen, health, marked, (until_us - since_us) / US, more),
        known=health,
        complete=found.complete,
        since=moment(since_us),
        until=moment(until_us),
        asked_until=moment(look.until),
    )


def _environments(connection: Connection) -> list[str]:
    """Those with most applications first."""
    column = applications.c.environment
    wanted = select(column).group_by(column).order_by(func.count().desc(), column).limit(_MOST_ENVIRONMENTS)
    return list(connection.execute(wanted).scalars())


def _incident(connection: Connection, identity: str) -> Incident:
    event = incident(connection, identity)
    if event is None:
        raise not_found(f"incident {identity}")
    return msgspec.json.decode(event, type=IncidentEvent).data


def _span(connection: Connection, look: MapLook, environment: str, told: Incident | None) -> tuple[int, int]:
    """From when on until when, in microseconds: with an incident, from an hour before it on."""
    if told is not None and look.until is None:
        end_s = epoch_seconds(told.resolved_at or told.updated_at) + WINDOW_S
        return round(epoch_seconds(told.opened_at) - HOUR_S) * US, round(end_s) * US
    through_us = newest_window(connection, environment) + WINDOW_S * US
    until_us = through_us if look.until is None else look.until
    return until_us - int(look.hours) * HOUR_S * US, until_us


def _health(connection: Connection, environment: str) -> dict[str, str]:
    columns = applications.c
    known = select(columns.application).where(columns.environment == environment).limit(_MOST_APPLICATIONS)
    ranks = open_incidents(connection)
    found: dict[str, str] = {}
    for name in connection.execute(known).scalars():
        of_application = ranks.get((name, environment))
        found[name] = SEVERITIES[max(of_application)] if of_application else "ok"
    return found


def _marked(connection: Connection, told: Incident) -> Marked:
    cause = cause_of(told, calls_during(connection, told))
    pairs = {(caller.application, callee.application) for path in cause.paths for callee, caller in pairwise(path)}
    suspected = None if cause.suspected_cause is None else cause.suspected_cause.application
    return Marked(suspected, frozenset(told.applications), frozenset(pairs))
