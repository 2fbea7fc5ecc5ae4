"""``/api/v1/audit``: for admins."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.audit.queries import AuditAsked, Change, changes_asked
from tracehound.console.web.answers import listed
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import needs_admin

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[needs_admin])


@router.get("", responses=listed(Change, "Changes, the newest first."))
def list_changes(request: Request, asked: Asks[AuditAsked], console: TheConsole) -> Response:
    """Who changed what, by whom and when."""
    return tell_list(request, console, asked, changes_asked(asked))
