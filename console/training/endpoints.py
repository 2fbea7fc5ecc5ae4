"""``/api/v1/training``: runs with what they cost, what one would cost, and one that is started now."""

from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.training.price import Price
from tracehound.console.training.runs import Run, RunsAsked, Totals, TotalsAsked, history, runs_asked, totals
from tracehound.console.training.started import (
    MOST_APPLICATIONS,
    Estimated,
    StartedAsked,
    StartedTraining,
    estimate_of,
    started_asked,
)
from tracehound.console.web import asked
from tracehound.console.web.answers import JSON, NO_STORE, answer, done, listed, one
from tracehound.console.web.asked import Name
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import Operator, needs_viewer
from tracehound.schemas.control import Control
from tracehound.schemas.execution import ApplicationKey
from tracehound.streams.http.sending import Record

router = APIRouter(prefix="/training", tags=["training"])


class EstimateAsked(asked.Query):
    """Whose training; without an application that of all."""

    application: Name | None = None
    environment: Name = ""


class Whose(BaseModel):
    """An application in one environment."""

    model_config = ConfigDict(extra="forbid")

    application: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    environment: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""


class Wanted(BaseModel):
    """Which models are to be trained now."""

    model_config = ConfigDict(extra="forbid")

    applications: Annotated[list[Whose], Field(min_length=1, max_length=MOST_APPLICATIONS)]


@router.get("/runs", responses=listed(Run, "Runs, the newest first."), dependencies=[needs_viewer])
def list_runs(request: Request, wanted: Asks[RunsAsked], console: TheConsole) -> Response:
    """Training runs with their cost, beside what was estimated of each from the runs before it."""
    with console.store.read() as connection:
        known = history(connection)
    return tell_list(request, console, wanted, runs_asked(wanted, _price(console), known))


@router.get("/totals", responses=one(Totals, "What runs took together."), dependencies=[needs_viewer])
def show_totals(request: Request, wanted: Asks[TotalsAsked], console: TheConsole) -> Response:
    """What training took: in all, and by application, detector or day."""
    with console.store.read() as connection:
        return answer(request, totals(connection, wanted, _price(console)))


@router.get("/estimate", responses=one(Estimated, "What it would take."), dependencies=[needs_viewer])
def estimate(request: Request, whose: Asks[EstimateAsked], console: TheConsole) -> Response:
    """What training would take, before it is started."""
    keys = None if whose.application is None else [(whose.application, whose.environment)]
    return answer(request, _estimated(console, keys))


@router.post("", status_code=202, responses=done(Estimated, "Kafka has it; what it will take.", 202))
async def start(request: Request, wanted: Wanted, operator: Operator, console: TheConsole) -> Response:
    """Train the models of applications now, and not when it is due.

    Each is trained with its next execution; ``/training/started`` says how far it is.
    """
    keys = list(dict.fromkeys((one.application, one.environment) for one in wanted.applications))
    told = await run_in_threadpool(_estimated, console, keys)
    topic, now_s = console.settings.topics.control.name, console.clock()
    controls = [Control("refit", *key, now_s, by=operator.name[:200]) for key in keys]
    await console.sender.send([Record(topic, one.application.encode(), msgspec.json.encode(one)) for one in controls])
    request.state.changed = {"trained": [list(key) for key in keys[:20]], "applications": len(keys)}
    return Response(msgspec.json.encode(told), 202, NO_STORE, JSON)


@router.get("/started", responses=listed(StartedTraining, "Training, the newest first."), dependencies=[needs_viewer])
def list_started(request: Request, whose: Asks[StartedAsked], console: TheConsole) -> Response:
    """Training that somebody asked for, and how far it is."""
    return tell_list(request, console, whose, started_asked(whose, console.store))


def _estimated(console: Console, keys: list[ApplicationKey] | None) -> Estimated:
    with console.store.read() as connection:
        return estimate_of(connection, keys, _price(console), console.settings.detection)


def _price(console: Console) -> Price:
    return Price.of_settings(console.settings.console)
