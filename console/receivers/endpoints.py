"""``/api/v1/receivers``: as they are set, and sent a test by operators."""

import os
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.receivers.deliveries import DeliveriesAsked, deliveries_asked
from tracehound.console.receivers.told import ReceiverTold, receivers_told
from tracehound.console.web.answers import JSON, NO_STORE, answer, done, listed, one
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import Operator, needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.schemas.delivery import DeliveryEvent
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.notify.outcome import Failed
from tracehound.streams.notify.receivers.build import build_receiver
from tracehound.streams.notify.secrets import read_secret
from tracehound.streams.notify.trial import try_receiver

router = APIRouter(prefix="/receivers", tags=["receivers"])


class Receivers(msgspec.Struct):
    """All receivers, by their names."""

    items: list[ReceiverTold]


class Trial(msgspec.Struct):
    """What became of a test: whether the receiver has taken it, and why not."""

    delivered: bool
    reason: str


@router.get("", responses=one(Receivers, "The receivers."), dependencies=[needs_viewer])
def list_receivers(request: Request, console: TheConsole) -> Response:
    """Who is told of incidents, and of which."""
    return answer(request, Receivers(receivers_told(console.settings.notify)))


@router.get(
    "/deliveries",
    responses=listed(DeliveryEvent, "Messages and what became of them, the newest first."),
    dependencies=[needs_viewer],
)
def list_deliveries(request: Request, asked: Asks[DeliveriesAsked], console: TheConsole) -> Response:
    """Who was told of an incident, when, and who could not be."""
    return tell_list(request, console, asked, deliveries_asked(asked))


@router.post("/{name}/test", responses=done(Trial, "It was sent, and this became of it."))
async def test_receiver(
    request: Request,
    name: Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")],
    operator: Operator,
    console: TheConsole,
) -> Response:
    """Send a receiver a test: an incident that says so, opened and resolved at once.

    It is sent by this process, which must have the receiver's secret where notifications have it.
    """
    receiver = console.settings.notify.receivers.get(name)
    if receiver is None:
        raise not_found(f"receiver {name}")
    try:
        built = build_receiver(name, receiver, read_secret(name, receiver, os.environ), 1)
    except ConfigurationError as error:
        raise RequestRefusedError(409, "conflict", str(error).rstrip(".") + ".") from None
    try:
        outcome = await try_receiver(name, built, operator.name)
    finally:
        await built.close()
    request.state.changed = {"receiver": name}
    reason = outcome.reason if isinstance(outcome, Failed) else ""
    return Response(msgspec.json.encode(Trial(not reason, reason)), 200, NO_STORE, JSON)
