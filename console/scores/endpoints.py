"""``/api/v1/score``."""

import asyncio
import time
from typing import Annotated

import msgspec
import structlog
from fastapi import APIRouter
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.web import asked
from tracehound.console.web.answers import JSON, NO_STORE, done, schema_of
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.needs import Viewer
from tracehound.schemas.errors import BrokerError
from tracehound.schemas.execution import Execution
from tracehound.schemas.score import ScoreAnswer, ScoreProblem
from tracehound.streams.http.refusal import RequestRefusedError, put_off
from tracehound.streams.scoring.predictions.asking import TooMuchAskedError, UnansweredError
from tracehound.streams.scoring.predictions.given import AnswerRules, GivenExecutions

router = APIRouter(tags=["score"])

_AGAIN_S = 5
_Body = Execution | list[Execution]
_BODY = {
    "requestBody": {
        "required": True,
        "description": "An execution, or an array of executions of one application and environment.",
        "content": {JSON: {"schema": schema_of(_Body)}},
    }
}

log = structlog.get_logger(__name__)


class ScoreAsked(asked.Query):
    """How long to wait."""

    timeout_s: Annotated[float, Field(ge=0.1, le=60, description="Seconds that a worker may take.")] = 10.0


_ANSWERS = done(ScoreAnswer, "What the worker that owns the application would say of each execution, in their order.")
_ANSWERS[200].types = (ScoreAnswer, Execution)  # type: ignore[attr-defined]


@router.post("/score", responses=_ANSWERS, openapi_extra=_BODY)
async def score(request: Request, visitor: Viewer, wait: Asks[ScoreAsked], console: TheConsole) -> Response:
    """Have executions judged by the models of their application as they are now; nothing is learned of them.

    They are judged in their order, as if they came now. Where no worker owns the application, or none answers in time,
    the answer is 503.
    """
    request.state.changed = None
    begun, body = time.perf_counter(), await request.body()
    key, given = await run_in_threadpool(_read, console, body)
    try:
        asking = await run_in_threadpool(console.predictions.ask, key, given, wait.timeout_s)
        answer = await asyncio.wrap_future(asking)
    except TooMuchAskedError as error:
        raise put_off("busy", str(error), _AGAIN_S) from error
    except UnansweredError as error:
        raise put_off("unanswered", str(error), _AGAIN_S) from error
    except BrokerError as error:
        raise put_off("kafka_away", str(error), _AGAIN_S) from error
    if answer.problem is not None:
        raise _refused(answer.problem)
    log.info(
        "predictions_told",
        request_id=answer.id,
        by=visitor.name,
        application=answer.application,
        environment=answer.environment,
        predictions=len(answer.predictions),
        latency_ms=round(1000.0 * (time.perf_counter() - begun), 3),
    )
    return Response(msgspec.json.encode(answer), headers=NO_STORE, media_type=JSON)


def _read(console: Console, body: bytes) -> tuple[tuple[str, str], bytes]:
    """Whose executions these are; they keep the rules that workers have, or nobody is asked."""
    read = GivenExecutions(AnswerRules.of(console.settings)).read(body, console.clock())
    if isinstance(read, ScoreProblem):
        raise _refused(read)
    return (read[0].application, read[0].environment), msgspec.json.encode(read)


def _refused(problem: ScoreProblem) -> RequestRefusedError:
    if problem.kind == "failed":
        return RequestRefusedError(500, "failed", problem.reason)
    if problem.kind == "too_many":
        return RequestRefusedError(413, "too_large", problem.reason)
    return RequestRefusedError(
        400, "invalid_body", problem.reason, more={"errors": msgspec.to_builtins(problem.errors)}
    )
