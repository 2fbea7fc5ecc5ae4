"""``/api/v1/tunings``: settings tried on recorded executions; started and given up by operators."""

import uuid
from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Path
from pydantic import AfterValidator, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.own_settings.queries import VersionOfSettings, is_known, newest_of
from tracehound.console.own_settings.sending import send_settings
from tracehound.console.training.price import Price
from tracehound.console.tuning.queries import (
    MOST_CONFIRMED,
    TuningsAsked,
    confirmed_of,
    results_of,
    tuning_of,
    tunings_asked,
)
from tracehound.console.tuning.told import Tuning, TuningResults, tuning_told
from tracehound.console.web.answers import JSON, NO_STORE, answer, done, listed, one
from tracehound.console.web.asked import Body, Identity, MomentUs, without_null
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import Operator, needs_viewer
from tracehound.console.web.problems import invalid, not_found
from tracehound.detectors.candidates import candidates
from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.errors import BrokerError, ConfigurationError
from tracehound.schemas.tuning import Confirmed, TuningTask, cancellation
from tracehound.streams.http.refusal import RequestRefusedError, put_off
from tracehound.streams.http.sending import Record
from tracehound.streams.scoring.tuning.plan import planned

router = APIRouter(prefix="/tunings", tags=["tuning"])

MOST_CANDIDATES = 500
_AGAIN_S = 5
_USUAL_CPU_S = 600.0
_Application = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(without_null)]
_Environment = Annotated[str, StringConstraints(max_length=200), AfterValidator(without_null)]
_Setting = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(without_null)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Values = Annotated[list[_Number], Field(min_length=1, max_length=50)]
_Told = TypeVar("_Told")
_Id = Annotated[Identity, Path(description="Of the tuning.", max_length=100)]


class ConfirmedIncident(Body):
    """An incident that is to be found, in event time."""

    start: MomentUs
    end: MomentUs


class Wanted(Body):
    """Which values of which settings of detection are tried, on which executions, and what that may take.

    Every combination is a candidate; of more than ``most`` some are drawn. Executions are those that Kafka still has of
    the application, bounded by event time. ``budget_cpu_s`` or ``budget_money`` is for all candidates together.
    ``confirmed`` are incidents that are to be found; null: what people confirmed.
    """

    application: _Application
    environment: _Environment = ""
    settings: Annotated[dict[_Setting, _Values], Field(min_length=1, max_length=20)]
    since: MomentUs | None = None
    until: MomentUs | None = None
    most: Annotated[int, Field(ge=2, le=MOST_CANDIDATES)] = 20
    budget_cpu_s: Annotated[float, Field(gt=0, le=10_000_000, allow_inf_nan=False)] | None = None
    budget_money: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = None
    timeout_s: Annotated[float, Field(ge=60, le=604_800, allow_inf_nan=False)] = 3_600.0
    confirmed: Annotated[list[ConfirmedIncident], Field(max_length=MOST_CONFIRMED)] | None = None


@router.get("", responses=listed(Tuning, "Tunings, the newest first."), dependencies=[needs_viewer])
def list_tunings(request: Request, wanted: Asks[TuningsAsked], console: TheConsole) -> Response:
    """Tunings, and how far each is."""
    return tell_list(request, console, wanted, tunings_asked(wanted, console.store, _price(console), console.clock()))


@router.post("", status_code=202, responses=done(Tuning, "Kafka has its tasks; workers take them.", 202))
async def start_tuning(request: Request, wanted: Wanted, operator: Operator, console: TheConsole) -> Response:
    """Try settings on what was recorded of an application. Nothing is changed by it."""
    budget_cpu_s = _budget(wanted, console)
    tried = candidates(wanted.settings, wanted.most)
    tasks = await run_in_threadpool(_planned, console, wanted, tried, budget_cpu_s, operator.name[:200])
    topic = console.settings.topics.tuning_tasks.name
    await console.sender.send([Record(topic, task.id.encode(), msgspec.json.encode(task)) for task in tasks])
    first = tasks[0]
    told = tuning_told(first, round(first.asked_at * 1e6), {}, len(tasks), _price(console), console.clock())
    request.state.changed = {"tuning": told.id, "application": told.application, "candidates": told.candidates}
    return Response(msgspec.json.encode(told), 202, NO_STORE, JSON)


@router.get("/{tuning_id}", responses=one(Tuning, "The tuning."), dependencies=[needs_viewer])
def show_tuning(request: Request, tuning_id: _Id, console: TheConsole) -> Response:
    """How far a tuning is."""
    with console.store.read() as connection:
        told = tuning_of(connection, tuning_id, _price(console), console.clock())
    return answer(request, _known(told, tuning_id))


@router.get("/{tuning_id}/results", responses=one(TuningResults, "Each candidate."), dependencies=[needs_viewer])
def show_results(request: Request, tuning_id: _Id, console: TheConsole) -> Response:
    """What each candidate would have told: anomalies a day, and confirmed incidents found."""
    with console.store.read() as connection:
        told = results_of(connection, tuning_id, _price(console), console.clock())
    return answer(request, _known(told, tuning_id))


@router.post("/{tuning_id}/cancel", status_code=202, responses=done(Tuning, "Kafka has it; workers stop soon.", 202))
async def cancel_tuning(request: Request, tuning_id: _Id, operator: Operator, console: TheConsole) -> Response:
    """Give a tuning up: what is under way of it ends, and nothing more of it is begun."""

    def known() -> Tuning:
        with console.store.read() as connection:
            return _known(tuning_of(connection, tuning_id, _price(console), console.clock()), tuning_id)

    told = await run_in_threadpool(known)
    if told.state not in ("waiting", "running"):
        raise RequestRefusedError(409, "conflict", f"A tuning that is given up must go on. It is {told.state}.")
    topic = console.settings.topics.tuning_results.name
    said = cancellation(tuning_id, operator.name)
    await console.sender.send([Record(topic, tuning_id.encode(), msgspec.json.encode(said))])
    request.state.changed = {"tuning": tuning_id}
    told.state = "cancelled"
    return Response(msgspec.json.encode(told), 202, NO_STORE, JSON)


class Applied(Body):
    """Which candidate, by its number; null: the best one."""

    candidate: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


@router.post(
    "/{tuning_id}/apply",
    status_code=202,
    responses=done(VersionOfSettings, "Kafka has them; their worker judges by them soon.", 202),
)
async def apply_tuning(
    request: Request, tuning_id: _Id, given: Applied, operator: Operator, console: TheConsole
) -> Response:
    """Have the application judged by the settings of a candidate; ``/application-settings/revert`` takes it back."""

    def found() -> tuple[TuningResults, ApplicationSettings | None]:
        with console.store.read() as connection:
            results = _known(results_of(connection, tuning_id, _price(console), console.clock()), tuning_id)
            whose = results.tuning
            return results, newest_of(connection, (whose.application, whose.environment))

    results, before = await run_in_threadpool(found)
    number = results.best if given.candidate is None else given.candidate
    if number is None:
        raise RequestRefusedError(409, "conflict", "There is no best one yet: the settings as they are were not tried.")
    candidate = next((each for each in results.items if each.number == number), None)
    if candidate is None:
        raise not_found(f"candidate {number} of tuning {tuning_id}")
    key = (results.tuning.application, results.tuning.environment)
    why = f"candidate {number} of tuning {tuning_id}"
    return await send_settings(request, console, operator, before, key, candidate.settings, why)


def _budget(wanted: Wanted, console: Console) -> float:
    price = console.settings.console.price_per_cpu_hour
    if wanted.budget_money is None:
        return wanted.budget_cpu_s or _USUAL_CPU_S
    if wanted.budget_cpu_s is not None:
        raise invalid("A budget must be either of 'budget_cpu_s' and 'budget_money'. Got both.")
    if not price:
        raise invalid("A budget in money must have a price (setting 'console.price_per_cpu_hour'). Got 0 instead.")
    return 3_600.0 * wanted.budget_money / price


def _planned(
    console: Console, wanted: Wanted, tried: list[dict[str, float]], budget_cpu_s: float, by: str
) -> list[TuningTask]:
    """The tasks.

    Raises:
        RequestRefusedError: they are none, or there is nothing to try them on.
    """
    key = (wanted.application, wanted.environment)
    with console.store.read() as connection:
        if not is_known(connection, key):
            raise not_found(f"application {key[0]!r} in the environment {key[1]!r}")
        own = newest_of(connection, key)
        confirmed = confirmed_of(connection, key) if wanted.confirmed is None else _given(wanted.confirmed)
    since_us, until_us = wanted.since or 0, wanted.until or 0
    if until_us and since_us >= until_us:
        raise invalid("A stretch of executions must end after it begins.")
    whose = TuningTask(
        id="-",
        tuning=uuid.uuid4().hex[:12],
        number=0,
        application=key[0],
        environment=key[1],
        settings={},
        partition=0,
        first=0,
        last=0,
        since=since_us / 1e6,
        until=until_us / 1e6,
        confirmed=confirmed,
        most_cpu_s=1.0,
        expires_at=console.clock() + wanted.timeout_s,
        asked_at=console.clock(),
        by=by,
    )
    try:
        beside = own.settings if own is not None else {}
        tasks = planned(console.settings.detection, whose, [beside | each for each in tried], budget_cpu_s)
        recorded = console.recordings.of(key[0])
    except ConfigurationError as error:
        raise invalid(str(error)) from error
    except BrokerError as error:
        raise put_off("kafka_away", str(error), _AGAIN_S) from error
    if recorded.first >= recorded.last:
        raise RequestRefusedError(409, "conflict", f"Kafka has no executions of {key[0]} to try settings on.")
    return [
        msgspec.structs.replace(
            task,
            partition=recorded.partition,
            first=recorded.first,
            last=recorded.last,
            results_from=recorded.results_from,
        )
        for task in tasks
    ]


def _given(confirmed: list[ConfirmedIncident]) -> list[Confirmed]:
    if any(each.end < each.start for each in confirmed):
        raise invalid("A confirmed incident must end after it begins.")
    return [Confirmed(each.start / 1e6, each.end / 1e6) for each in confirmed]


def _known(told: _Told | None, tuning_id: str) -> _Told:
    if told is None:
        raise not_found(f"tuning {tuning_id}")
    return told


def _price(console: Console) -> Price:
    return Price.of_settings(console.settings.console)
