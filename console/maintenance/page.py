"""``/ui/maintenance``: windows in which nobody is told of incidents."""

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.maintenance.queries import WindowsAsked, windows_asked
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.visits import Visit
from tracehound.schemas.feedback import Maintenance


async def maintenance(request: Request, visit: Visit) -> Response:
    """Windows that are open, announced or over."""
    asked = asked_by(request, WindowsAsked)
    wanted = windows_asked(asked, round(visit.console.clock() * 1e6))
    found = await run_in_threadpool(list_page, request, visit.console, asked, wanted)
    return visit.page(
        "maintenance/maintenance.html",
        here="maintenance",
        live="30",
        asked=asked,
        windows=[msgspec.json.decode(row[0], type=Maintenance) for row in found.rows],
        now_s=visit.console.clock(),
        following=found.following,
    )
