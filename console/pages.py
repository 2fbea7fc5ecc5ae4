"""The pages of the console, put together: ``/ui/…`` for browsers, each a client of the store as the API is."""

from functools import partial
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tracehound.console.anomalies.page import anomalies, show_anomaly
from tracehound.console.applications.page import application
from tracehound.console.audit.page import audit
from tracehound.console.calls.page import show_map
from tracehound.console.dead_letters.page import dead_letter, dead_letters
from tracehound.console.incidents.page import incident, incidents
from tracehound.console.keys.page import keys
from tracehound.console.logs.page import show_logs
from tracehound.console.maintenance.page import maintenance
from tracehound.console.overview.page import overview
from tracehound.console.receivers.page import receivers
from tracehound.console.sessions.form import sign_in_by_form
from tracehound.console.status.page import Cluster, status_page
from tracehound.console.training.page import show_training
from tracehound.console.tuning.page import show_tuning
from tracehound.console.web.console import Console
from tracehound.console.web.visits import Page, Visits

PAGES: Final[dict[str, Page]] = {
    "/": overview,
    "/incidents": incidents,
    "/incidents/{incident_id}": incident,
    "/anomalies": anomalies,
    "/anomalies/{anomaly_id}": show_anomaly,
    "/applications/{application}": application,
    "/map": show_map,
    "/logs": show_logs,
    "/training": show_training,
    "/tunings/{tuning_id}": show_tuning,
    "/receivers": receivers,
    "/dead-letters": dead_letters,
    "/dead-letters/{letter_id}": dead_letter,
    "/maintenance": maintenance,
}
"""Every page that viewers see: one line each."""
ADMIN_PAGES: Final[dict[str, Page]] = {
    "/keys": keys,
    "/audit": audit,
}
"""Every page that admins alone see."""
_STATIC = Path(__file__).parent / "web" / "static"


def build_pages(console: Console, cluster: Cluster) -> Starlette:
    """The pages, to be mounted at ``/ui``; ``cluster`` knows what Kafka says."""
    visits = Visits(console)

    async def missing(_: Request, __: Exception) -> Response:
        return visits.problem(404, "There is no such page.")

    async def failed(_: Request, __: Exception) -> Response:
        return visits.problem(500, "That was our fault, and it is logged. The others of these pages are not affected.")

    open_to_viewers = PAGES | {"/status": status_page(cluster)}
    routes = [Route(path, visits.of(page), methods=["GET"]) for path, page in open_to_viewers.items()]
    routes += [Route(path, visits.of(page, "admin"), methods=["GET"]) for path, page in ADMIN_PAGES.items()]
    sign_in = Route("/sign-in", visits.open("sessions/sign_in.html", said=""), methods=["GET"])
    form = Route("/sign-in", sign_in_by_form(console, partial(visits.told, "sessions/sign_in.html")), methods=["POST"])
    static = Mount("/static", StaticFiles(directory=_STATIC))
    return Starlette(
        routes=[*routes, sign_in, form, static],
        middleware=[Middleware(GZipMiddleware, minimum_size=1_000)],
        exception_handlers={404: missing, 500: failed},
    )
