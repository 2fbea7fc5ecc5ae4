"""``/api/v1/maintenance``: windows in which nobody is told of incidents; listed for viewers, announced by operators."""

from typing import Annotated
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Path
from pydantic import AfterValidator, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.maintenance.queries import WindowsAsked, window, windows_asked
from tracehound.console.web.answers import JSON, NO_STORE, done, listed
from tracehound.console.web.asked import Body, Identity, MomentUs, without_null
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import Operator, needs_operator, needs_viewer
from tracehound.console.web.problems import invalid, not_found
from tracehound.schemas.feedback import ANYWHERE, Maintenance
from tracehound.streams.http.sending import Record

router = APIRouter(prefix="/maintenance", tags=["maintenance"])

_DAY_S = 86_400.0


_Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(without_null)]
_Note = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(without_null)]


class Announced(Body):
    """A window: times of executions, not of clocks. ``learn``: what deviates in it is expected, and models learn it."""

    starts_at: MomentUs
    ends_at: MomentUs
    application: _Name = ""
    environment: _Name = ANYWHERE
    learn: bool = False
    note: _Note = ""


@router.get("", responses=listed(Maintenance, "Windows, those first that begin last."), dependencies=[needs_viewer])
def list_windows(request: Request, asked: Asks[WindowsAsked], console: TheConsole) -> Response:
    """Maintenance windows that are open, announced or over."""
    return tell_list(request, console, asked, windows_asked(asked, round(console.clock() * 1e6)))


@router.post("", status_code=202, responses=done(Maintenance, "Kafka has it.", 202))
async def announce_window(request: Request, given: Announced, operator: Operator, console: TheConsole) -> Response:
    """Announce a window, in which nobody is told of an application's incidents."""
    starts_s, ends_s = given.starts_at / 1e6, given.ends_at / 1e6
    most = console.settings.incident_worker.max_maintenance_days
    if not starts_s < ends_s:
        raise invalid("A maintenance window must end after it begins.")
    if ends_s - starts_s > most * _DAY_S:
        raise invalid(
            f"A maintenance window must take at most {most:g} days (setting 'incident_worker.max_maintenance_days'). "
            f"Got {(ends_s - starts_s) / _DAY_S:.1f} instead."
        )
    announced = Maintenance(
        uuid4().hex[:12],
        starts_s,
        ends_s,
        given.application,
        given.environment,
        given.learn,
        given.note,
        by=operator.name,
    )
    return await _send(request, console, announced)


@router.post(
    "/{window_id}/end",
    status_code=202,
    responses=done(Maintenance, "Kafka has it.", 202),
    dependencies=[needs_operator],
)
async def end_window(request: Request, window_id: Annotated[Identity, Path()], console: TheConsole) -> Response:
    """End a window now; one that has not begun is withdrawn."""
    known = await run_in_threadpool(_stored, console, window_id)
    now_s = console.clock()
    if known is None or known.ends_at <= now_s:
        raise not_found(f"maintenance window {window_id} that is open or announced")
    if known.starts_at < now_s:
        known.ends_at = now_s
    else:
        known.withdrawn = True
    return await _send(request, console, known)


def _stored(console: Console, window_id: str) -> Maintenance | None:
    with console.store.read() as connection:
        return window(connection, window_id)


async def _send(request: Request, console: Console, said: Maintenance) -> Response:
    content = msgspec.json.encode(said)
    await console.sender.send([Record(console.settings.topics.maintenance.name, said.window_id.encode(), content)])
    request.state.changed = {"window_id": said.window_id, "withdrawn": said.withdrawn}
    return Response(content, 202, NO_STORE, JSON)
