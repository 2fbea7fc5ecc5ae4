"""``/ui/applications/…``: how an application is, over time, and what is known of it."""

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.applications.queries import application_of, open_incidents, progress, releases
from tracehound.console.applications.told import application_told, progress_told, versions_told
from tracehound.console.incidents.queries import IncidentsAsked, incidents_asked
from tracehound.console.models.queries import newest_of_models
from tracehound.console.models.state import models_of
from tracehound.console.web.paths import name_in_path
from tracehound.console.web.problems import not_found
from tracehound.console.web.visits import Visit
from tracehound.schemas.incident import IncidentEvent

_STEP_S, _STEPS = 300, 144
_INCIDENTS, _VERSIONS = 10, 10


async def application(request: Request, visit: Visit) -> Response:
    """One application of an environment."""
    key = (name_in_path(request.path_params["application"]), request.query_params.get("environment", ""))
    return await run_in_threadpool(_application, key, visit)


def _application(key: tuple[str, str], visit: Visit) -> Response:
    asked = IncidentsAsked(application=key[0], environment=key[1], state=[], severity=[])
    with visit.console.store.read() as connection:
        row = application_of(connection, key)
        if row is None:
            raise not_found(f"application {key[0]} in this environment")
        since_us = row.scored_through_us - _STEP_S * _STEPS * 1_000_000
        points = progress(connection, key, (since_us, None), _STEP_S * 1_000_000)
        ranks = open_incidents(connection, key[0]).get(key, ())
        versions = versions_told(releases(connection, key)[:_VERSIONS])
        models = models_of(newest_of_models(connection, *key))
        incidents = connection.execute(incidents_asked(asked).after(None, _INCIDENTS)).all()
    told = progress_told(points, _STEP_S).items[::-1]
    return visit.page(
        "applications/application.html",
        here="",
        live="news",
        application=application_told(row, ranks),
        rates=[one.per_second for one in told],
        errors=[one.error_share or 0.0 for one in told],
        versions=versions.items,
        models=models.items,
        incidents=[msgspec.json.decode(one[0], type=IncidentEvent).data for one in incidents],
    )
