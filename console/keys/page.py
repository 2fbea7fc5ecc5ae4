"""``/ui/keys``: who may ask, for admins."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.keys.queries import all_keys
from tracehound.console.web.roles import ROLES
from tracehound.console.web.visits import Visit


async def keys(_: Request, visit: Visit) -> Response:
    """All keys, without what is secret."""
    return await run_in_threadpool(_keys, visit)


def _keys(visit: Visit) -> Response:
    with visit.console.store.read() as connection:
        found = all_keys(connection)
    now_us = round(visit.console.clock() * 1e6)
    return visit.page("keys/keys.html", here="keys", keys=found, roles=ROLES, asked_us=now_us)
