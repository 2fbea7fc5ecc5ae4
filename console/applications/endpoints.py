"""``/api/v1/applications``."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from pydantic import Field
from sqlalchemy import Row
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.applications.queries import (
    ApplicationsAsked,
    application_of,
    applications_asked,
    open_incidents,
    progress,
    releases,
)
from tracehound.console.applications.told import (
    Application,
    ApplicationProgress,
    Versions,
    application_told,
    progress_told,
    versions_told,
)
from tracehound.console.store.tables import applications
from tracehound.console.web.answers import answer, listed, one
from tracehound.console.web.asked import Identity, MomentUs, Name
from tracehound.console.web.asked import Query as Asked
from tracehound.console.web.cells import of_item
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import List, tell_list
from tracehound.console.web.needs import needs_viewer
from tracehound.console.web.problems import not_found

router = APIRouter(prefix="/applications", tags=["applications"], dependencies=[needs_viewer])

ApplicationName = Annotated[
    Identity, Path(description="The name of an application; a slash in it is written %2F.", max_length=200)
]
_CELLS = of_item(
    (
        *("application", "environment", "health", "open_incidents", "scored_through", "first_seen"),
        *("executions", "errors", "anomalies"),
    )
)


class OneAsked(Asked):
    """Which application of the name."""

    environment: Name = ""


class ProgressAsked(OneAsked):
    """Which stretch of event time, and in which steps."""

    since: Annotated[MomentUs | None, Field(description="From that time on.")] = None
    until: Annotated[MomentUs | None, Field(description="Before that time.")] = None
    step_minutes: Annotated[int, Field(ge=1, le=10_080)] = 1


@router.get("", responses=listed(Application, "Applications, by their names."))
def list_applications(request: Request, asked: Asks[ApplicationsAsked], console: TheConsole) -> Response:
    """All applications, each with its health."""
    with console.store.read() as connection:
        incidents = open_incidents(connection)

    def item(row: Row[Any]) -> str:
        told = application_told(row, incidents.get((row.application, row.environment), ()))
        return msgspec.json.encode(told).decode()

    by = (applications.c.application, applications.c.environment)
    return tell_list(request, console, asked, List(applications_asked(asked), by, False, _CELLS, item))


@router.get("/{application}", responses=one(Application, "The application."))
def show_application(
    request: Request, application: ApplicationName, asked: Asks[OneAsked], console: TheConsole
) -> Response:
    """How an application is."""
    key = (application, asked.environment)
    with console.store.read() as connection:
        row = _known(application_of(connection, key), application)
        ranks = open_incidents(connection, application).get(key, ())
    return answer(request, application_told(row, ranks))


@router.get("/{application}/progress", responses=one(ApplicationProgress, "Golden signals over time."))
def show_progress(
    request: Request,
    application: ApplicationName,
    asked: Asks[ProgressAsked],
    console: TheConsole,
) -> Response:
    """Traffic, errors and anomalies of an application over time."""
    key, step_s = (application, asked.environment), asked.step_minutes * 60
    with console.store.read() as connection:
        _known(application_of(connection, key), application)
        rows = progress(connection, key, (asked.since, asked.until), step_s * 1_000_000)
    return answer(request, progress_told(rows, step_s))


@router.get("/{application}/versions", responses=one(Versions, "Its versions, the newest first."))
def show_versions(
    request: Request, application: ApplicationName, asked: Asks[OneAsked], console: TheConsole
) -> Response:
    """Which versions of an application were seen, and when first."""
    key = (application, asked.environment)
    with console.store.read() as connection:
        _known(application_of(connection, key), application)
        rows = releases(connection, key)
    return answer(request, versions_told(rows))


def _known(row: Row[Any] | None, application: str) -> Row[Any]:
    if row is None:
        raise not_found(f"application {application} in this environment")
    return row
