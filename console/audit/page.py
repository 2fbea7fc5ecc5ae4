"""``/ui/audit``: who changed what, for admins."""

import json

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.audit.queries import AuditAsked, changes_asked
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.visits import Visit


async def audit(request: Request, visit: Visit) -> Response:
    """Requests that changed something, the newest first."""
    asked = asked_by(request, AuditAsked)
    found = await run_in_threadpool(list_page, request, visit.console, asked, changes_asked(asked))
    changes = [(row, json.loads(row.detail)) for row in found.rows]
    return visit.page(
        "audit/audit.html", here="audit", live="30", asked=asked, changes=changes, following=found.following
    )
