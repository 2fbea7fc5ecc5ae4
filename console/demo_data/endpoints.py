"""``/api/v1/demo-data``: has the demo's data sent; for operators."""

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.demo_data.feeding import ENVIRONMENT, LIVE_S, PAST_S
from tracehound.console.web.answers import JSON, NO_STORE, done
from tracehound.console.web.console import TheConsole
from tracehound.console.web.needs import Operator

router = APIRouter(prefix="/demo-data", tags=["demo data"])


class OnItsWay(msgspec.Struct):
    """What comes: so many seconds of the past, and so many from now on, of applications in this environment."""

    environment: str
    past_s: float
    live_s: float


@router.post("", status_code=202, responses=done(OnItsWay, "It is on its way.", 202))
async def send_demo_data(request: Request, operator: Operator, console: TheConsole) -> Response:
    """Send simulated executions of six applications, ten minutes of the past and ten minutes live, with one fault.

    They are in the environment ``demo``. When they end, a maintenance window keeps people from being told of that.
    """
    console.demo.start(operator.name)
    request.state.changed = {"environment": ENVIRONMENT}
    return Response(msgspec.json.encode(OnItsWay(ENVIRONMENT, PAST_S, LIVE_S)), 202, NO_STORE, JSON)
