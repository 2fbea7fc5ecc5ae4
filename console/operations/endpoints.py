"""``/api/v1/operations``."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.operations.distribution import Distribution, Operation, OverTime
from tracehound.console.operations.queries import (
    DistributionAsked,
    OfOperation,
    OperationsAsked,
    OverTimeAsked,
    distribution,
    operations_asked,
    over_time,
)
from tracehound.console.web.answers import answer, listed, one
from tracehound.console.web.console import TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.streams.http.refusal import RequestRefusedError

router = APIRouter(prefix="/operations", tags=["operations"], dependencies=[needs_viewer])


@router.get("", responses=listed(Operation, "Operations whose executions are kept, as they came."))
def list_operations(request: Request, asked: Asks[OperationsAsked], console: TheConsole) -> Response:
    """Operations by application."""
    return tell_list(request, console, asked, operations_asked(asked))


@router.get("/distribution", responses=one(Distribution, "Quantiles and histogram of one number of its executions."))
def show_distribution(request: Request, asked: Asks[DistributionAsked], console: TheConsole) -> Response:
    """Where a number of an operation's executions lies."""
    with console.store.read() as connection:
        found = distribution(connection, asked)
    if found is None:
        raise _no_operation(asked)
    return answer(request, found)


@router.get("/over-time", responses=one(OverTime, "The same number, stretch by stretch."))
def show_over_time(request: Request, asked: Asks[OverTimeAsked], console: TheConsole) -> Response:
    """How a number of an operation's executions went over time."""
    with console.store.read() as connection:
        found = over_time(connection, asked)
    if found is None:
        raise _no_operation(asked)
    return answer(request, found)


def _no_operation(asked: OfOperation) -> RequestRefusedError:
    where = f" in the environment {asked.environment!r}" if asked.environment else ""
    return not_found(f"operation {asked.operation!r} of {asked.application!r}{where} whose executions are kept")
