"""``/ui/receivers``: who is told of incidents, a test for each, and what became of messages."""

from collections.abc import Mapping

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.receivers.deliveries import DeliveriesAsked, deliveries_asked, newest_by_receiver
from tracehound.console.receivers.told import receivers_told
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.visits import Visit
from tracehound.schemas.delivery import DeliveryEvent


async def receivers(request: Request, visit: Visit) -> Response:
    """All receivers, and the messages that are asked for."""
    asked = asked_by(request, DeliveriesAsked)
    found = await run_in_threadpool(list_page, request, visit.console, asked, deliveries_asked(asked))
    told = receivers_told(visit.console.settings.notify)
    newest = await run_in_threadpool(_newest, visit)
    return visit.page(
        "receivers/receivers.html",
        here="receivers",
        live="news",
        asked=asked,
        receivers=told,
        newest=newest,
        deliveries=[msgspec.json.decode(row[0], type=DeliveryEvent) for row in found.rows],
        following=found.following,
    )


def _newest(visit: Visit) -> Mapping[str, DeliveryEvent]:
    with visit.console.store.read() as connection:
        return newest_by_receiver(connection, visit.console.settings.notify.receivers)
