"""``/ui/``: the overview, or, where nothing has come yet, how to send the first execution."""

from typing import Annotated, Final

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.overview.queries import (
    by_health,
    is_anything_judged,
    lately,
    most_executions,
    open_by_severity,
    open_incidents,
    quiet_incidents,
    worst_first,
)
from tracehound.console.overview.signals import scale_of, signals
from tracehound.console.web.asked import Name, Query
from tracehound.console.web.console import Console
from tracehound.console.web.listing import asked_by
from tracehound.console.web.times import moment
from tracehound.console.web.visits import Visit
from tracehound.schemas.anomaly import SEVERITIES
from tracehound.streams.settings.gateway import GatewaySettings

_APPLICATIONS, _INCIDENTS, _QUIET, _CHANGES = 50, 20, 3, 10
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 (what is compared, not where anything listens)


class OverviewLook(Query):
    """Which applications: those whose names hold ``find``, and of these how many are passed over."""

    find: Name = ""
    first: Annotated[int, Field(ge=0, le=1_000_000)] = 0


async def overview(request: Request, visit: Visit) -> Response:
    """How everything is."""
    return await run_in_threadpool(_overview, asked_by(request, OverviewLook), visit, request.url.hostname or "")


def _overview(look: OverviewLook, visit: Visit, host: str) -> Response:
    console = visit.console
    with console.store.read() as connection:
        count, fitting, applications = worst_first(connection, look.find, look.first, _APPLICATIONS)
        incidents, quiet = open_incidents(connection, _INCIDENTS), quiet_incidents(connection, _QUIET)
        counts, health = open_by_severity(connection), by_health(connection)
        changes = lately(connection, _CHANGES)
        until_us = max((one.scored_through_us for one in applications), default=0)
        scale = scale_of(min((one.first_seen_us for one in applications), default=0), until_us)
        lines = signals(connection, applications, scale, until_us)
        learning = None if is_anything_judged(connection) else most_executions(connection)
    if not count:
        return _first_run(visit, console, host)
    return visit.page(
        "overview/overview.html",
        here="overview",
        live="news",
        count=count,
        look=look,
        fitting=fitting,
        following=look.first + _APPLICATIONS if look.first + _APPLICATIONS < fitting else None,
        before=max(0, look.first - _APPLICATIONS) if look.first else None,
        scale=scale,
        applications=applications,
        incidents=incidents,
        quiet=quiet,
        open_count=sum(counts.values()),
        counts=counts,
        health=health,
        changes=changes,
        lines=lines,
        until=moment(until_us),
        severities=SEVERITIES,
        learning=learning,
        needed=console.settings.detection.warm_up_executions,
        demo=console.demo.told(),
    )


def _first_run(visit: Visit, console: Console, host: str) -> Response:
    settings = console.settings
    gateway = settings.gateway
    return visit.page(
        "overview/first_run.html",
        here="overview",
        live="3",
        gateway=address_of(gateway, host),
        keys=[name for name, one in gateway.keys.items() if one.role == "ingest"],
        servers=settings.bootstrap_servers,
        topic=settings.topics.executions.name,
        needed=settings.detection.warm_up_executions,
        demo=console.demo.told(),
        demo_available=console.demo.available,
    )


def address_of(gateway: GatewaySettings, host: str) -> str:
    """Where the gateway is reached by whoever reaches this console at ``host``.

    >>> address_of(GatewaySettings(), "console.example"), address_of(
    ...     GatewaySettings(host="0.0.0.0", keys={"th_00000000": {"sha256": "0" * 64}}), "console.example"
    ... )
    ('http://127.0.0.1:4318', 'http://console.example:4318')
    """
    scheme = "http" if gateway.tls_certificate_file is None else "https"
    name = host if gateway.host in _EVERYWHERE and host else gateway.host
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{gateway.port}"
