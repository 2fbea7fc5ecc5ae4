"""``/ui/tunings/…``: how far a tuning is, and what each of its candidates would have told."""

from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.own_settings.queries import versions_of
from tracehound.console.training.price import Price
from tracehound.console.tuning.queries import results_of
from tracehound.console.tuning.told import Candidate
from tracehound.console.web.asked import Query
from tracehound.console.web.listing import asked_by
from tracehound.console.web.paths import name_in_path
from tracehound.console.web.problems import not_found
from tracehound.console.web.spoken import length
from tracehound.console.web.visits import Visit

_SOON_S, _VERSIONS = 3, 5


class TuningLook(Query):
    """Whether the tuning was asked for just now, so that it may not be stored yet."""

    asked: Literal["1"] | None = None


async def show_tuning(request: Request, visit: Visit) -> Response:
    """One tuning."""
    look = asked_by(request, TuningLook)
    return await run_in_threadpool(_tuning, name_in_path(request.path_params["tuning_id"]), look, visit)


def _tuning(identity: str, look: TuningLook, visit: Visit) -> Response:
    console = visit.console
    with console.store.read() as connection:
        told = results_of(connection, identity, Price.of_settings(console.settings.console), console.clock())
    if told is None and look.asked is None:
        raise not_found(f"tuning {identity}")
    tuning, items = (None, []) if told is None else (told.tuning, told.items)
    key = None if tuning is None else (tuning.application, tuning.environment)
    days = max((one.days for one in items), default=0.0)
    goes_on = tuning is None or tuning.state in ("waiting", "running")
    return visit.page(
        "tuning/tuning.html",
        here="training",
        live=str(_SOON_S if goes_on else 60),
        identity=identity,
        tuning=tuning,
        goes_on=goes_on,
        key=key,
        own=versions_of(console.store, key, _VERSIONS) if key else [],
        items=sorted(items, key=_order),
        names=sorted({name for one in items for name in one.settings}),
        days=days,
        daily=days >= 1.0,
        length=length,
        best=next((one for one in items if one.best), None),
    )


def _order(one: Candidate) -> tuple[bool, bool, bool, float, int]:
    """The settings as they are stand first, then the best, then those that tell least that was nothing."""
    return one.number != 0, not one.best, one.state != "done", one.outside_a_day, one.number
