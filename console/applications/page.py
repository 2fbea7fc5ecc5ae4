"""``/ui/applications/…``: how an application is, over time, and what is known of it."""

from typing import Final

import msgspec
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.applications.look import ApplicationLook
from tracehound.console.applications.operations import operations_shown
from tracehound.console.applications.queries import Key, application_of, open_incidents, releases
from tracehound.console.applications.signals import signals_of_application, signals_of_operation
from tracehound.console.applications.told import application_told, versions_told
from tracehound.console.incidents.queries import IncidentsAsked, incidents_asked
from tracehound.console.models.queries import ModelEventsAsked, model_events_asked, newest_of_models
from tracehound.console.models.state import models_of
from tracehound.console.training.price import Price
from tracehound.console.training.runs import TotalsAsked, totals
from tracehound.console.web.listing import asked_by
from tracehound.console.web.paths import name_in_path
from tracehound.console.web.problems import not_found
from tracehound.console.web.times import moment
from tracehound.console.web.visits import Visit
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.model_event import ModelEvent, ModelEventKind

_INCIDENTS, _VERSIONS, _CHANGES, _MODELS = 10, 10, 10, 50
_TOLD: Final[tuple[ModelEventKind, ...]] = (
    *("drift", "new_normal", "level_changed", "sampling_changed", "loss", "reset", "training_failed"),
)


async def application(request: Request, visit: Visit) -> Response:
    """One application of an environment."""
    look = asked_by(request, ApplicationLook)
    key = (name_in_path(request.path_params["application"]), look.environment)
    return await run_in_threadpool(_application, key, look, visit)


def _application(key: Key, look: ApplicationLook, visit: Visit) -> Response:
    price = Price.of_settings(visit.console.settings.console)
    with visit.console.store.read() as connection:
        row = application_of(connection, key)
        if row is None:
            raise not_found(f"application {key[0]} in this environment")
        span = look.span(row.first_seen_us, row.scored_through_us)
        if look.operation is None:
            signals = signals_of_application(connection, row, span)
        else:
            signals = signals_of_operation(connection, key, look.operation, span)
        operations = operations_shown(connection, key, look, span)
        ranks = open_incidents(connection, key[0]).get(key, ())
        versions = versions_told(releases(connection, key)[:_VERSIONS])
        models = models_of(newest_of_models(connection, *key))
        incidents = _incidents(connection, key)
        changes = _changes(connection, key)
        training = totals(connection, TotalsAsked(application=key[0], environment=key[1]), price)
    hours, until = str(span.step_s * span.steps // 3_600), moment(look.until)
    return visit.page(
        "applications/application.html",
        here="",
        live="news",
        application=application_told(row, ranks),
        look=look,
        shown_hours=hours,
        until=until,
        kept=look.model_dump(include={"environment", "operation"}) | {"hours": look.hours, "until": until},
        signals=signals,
        operations=operations,
        versions=versions.items,
        models=sorted(models.items, key=lambda one: one.state == "ready")[:_MODELS],
        model_count=len(models.items),
        ready_count=sum(one.state == "ready" for one in models.items),
        training=training,
        incidents=incidents,
        changes=changes,
    )


def _incidents(connection: Connection, key: Key) -> list[object]:
    asked = IncidentsAsked(application=key[0], environment=key[1], state=[], severity=[])
    rows = incidents_asked(asked).rows(connection, None, _INCIDENTS)
    return [msgspec.json.decode(row[0], type=IncidentEvent).data for row in rows]


def _changes(connection: Connection, key: Key) -> list[ModelEvent]:
    asked = ModelEventsAsked(application=key[0], environment=key[1], change=[])
    rows = model_events_asked(asked, _TOLD).rows(connection, None, _CHANGES)
    return [msgspec.json.decode(row[0], type=ModelEvent) for row in rows]
