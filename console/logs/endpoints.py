"""``/api/v1/logs``."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.logs.queries import LogsAsked, log_event, logs_asked
from tracehound.console.logs.templates import Template, TemplatesAsked, find_templates
from tracehound.console.web.answers import answer, listed, one
from tracehound.console.web.asked import Identity
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_stored
from tracehound.console.web.needs import needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.schemas.scored_log import ScoredLogEvent

router = APIRouter(prefix="/logs", tags=["logs"], dependencies=[needs_viewer])


class Templates(msgspec.Struct, frozen=True):
    """Templates of a stretch of time, from ``since`` on and before ``until`` (RFC 3339), the most frequent first."""

    since: str
    until: str
    items: list[Template]


@router.get("", responses=listed(ScoredLogEvent, "Log events with template and severity, the newest first."))
async def list_logs(request: Request, asked: Asks[LogsAsked], console: TheConsole) -> Response:
    """Log events by where, how grave, which template, when, and words of their message."""
    return await tell_stored(request, console, asked, logs_asked(asked))


@router.get("/templates", responses=one(Templates, "Templates of messages: how often each came, new ones, and bursts."))
def list_templates(request: Request, asked: Asks[TemplatesAsked], console: TheConsole) -> Response:
    """Templates of a stretch of time, against as long a stretch just before."""
    stretch = asked.stretch(console.clock())
    suffix = console.settings.intake.log_suffix
    with console.store.read() as connection:
        found = find_templates(connection, stretch, asked.application, suffix, asked.limit)
    return answer(request, Templates(stretch.since, stretch.until, found))


@router.get("/{log_id}", responses=one(ScoredLogEvent, "The log event as it was told."))
def show_log(request: Request, log_id: Annotated[Identity, Path()], console: TheConsole) -> Response:
    """One log event."""
    with console.store.read() as connection:
        event = log_event(connection, log_id)
    if event is None:
        raise not_found(f"log event {log_id}")
    return answer(request, event.encode())
