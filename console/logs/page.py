"""``/ui/logs``: log events as they came, over time, and the templates of their messages: new ones and bursts first."""

from typing import Annotated, Final, Literal

import msgspec
from pydantic import Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.logs.counts import counts, newest_us, oldest_us
from tracehound.console.logs.queries import LogsAsked, logs_asked
from tracehound.console.logs.templates import MOST_TEMPLATES, Stretch, Template, TemplatesAsked, find_templates
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.times import moment
from tracehound.console.web.visits import Visit
from tracehound.schemas.anomaly import SEVERITIES
from tracehound.schemas.log_levels import LEVELS
from tracehound.schemas.scored_log import ScoredLogEvent

_SHOWN: Final = 20
_FOLLOW_S: Final = 2


class LogsShown(LogsAsked):
    """Which log events, whether the page follows, and whether all templates are shown."""

    follow: Annotated[Literal["1"] | None, Field(description="Ask again every two seconds.")] = None
    templates: Literal["all"] | None = None


async def show_logs(request: Request, visit: Visit) -> Response:
    """Log events and templates."""
    return await run_in_threadpool(_logs, request, visit)


def _logs(request: Request, visit: Visit) -> Response:
    console = visit.console
    asked = asked_by(request, LogsShown)
    found = list_page(request, console, asked, logs_asked(asked))
    with console.store.read() as connection:
        stretch = _stretch(connection, asked)
        suffix = console.settings.intake.log_suffix
        templates = find_templates(connection, stretch, asked.application, suffix, MOST_TEMPLATES)
        series = counts(connection, asked, stretch)
    told = sorted(templates, key=_matters)
    until = "until" in visit.query
    return visit.page(
        "logs/logs.html",
        here="logs",
        live=str(_FOLLOW_S) if asked.follow else "60",
        asked=asked,
        kept={name: visit.query[name] for name in visit.query if name not in ("cursor", "follow")},
        events=[msgspec.json.decode(row[0], type=ScoredLogEvent) for row in found.rows],
        following=found.following,
        series=series,
        templates=told if asked.templates else told[:_SHOWN],
        template_count=len(told),
        since=stretch.since,
        until=stretch.until if until else moment(stretch.until_us - 1),
        levels=LEVELS,
        severities=SEVERITIES,
    )


def _stretch(connection: Connection, asked: LogsShown) -> Stretch:
    """What is asked for; without an end up to the newest event, without a begin a day or what is kept of it."""
    until_us = newest_us(connection) + 1 if asked.until is None else asked.until
    found = TemplatesAsked.model_construct(since=asked.since, until=until_us).stretch(0.0)
    if asked.since is not None:
        return found
    return Stretch(oldest_us(connection, found), found.until_us)


def _matters(one: Template) -> tuple[bool, bool, int, str, str]:
    """Bursts come first, then what is new, then what is frequent."""
    return not one.bursts, not one.new, -one.count, one.application, one.template_id
