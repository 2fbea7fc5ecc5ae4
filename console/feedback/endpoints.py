"""``/api/v1/feedback``: verdicts, and what would follow of one before it is sent."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import AfterValidator, Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.feedback.preview import Preview, decoded, preview_of, silenced_by
from tracehound.console.feedback.queries import (
    FeedbackAsked,
    anomalies_since,
    judgements,
    newest_us,
    subject_anomalies,
    verdicts_asked,
)
from tracehound.console.web.answers import JSON, NO_STORE, done, listed
from tracehound.console.web.asked import Body, Identity, without_null
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import Operator, needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.detectors.telling.feedback import DAY_S
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.feedback import Judgement, Verdict
from tracehound.streams.http.sending import Record

router = APIRouter(prefix="/feedback", tags=["feedback"])

PREVIEW_DAYS = 30.0
_DAY_US = 86_400_000_000


class Wanted(Body):
    """What an anomaly or an incident was."""

    subject_id: Annotated[Identity, Field(max_length=200)]
    judgement: Judgement


class Given(Wanted):
    """A verdict: with a note for other people, or to take an earlier one back."""

    note: Annotated[str, StringConstraints(max_length=2_000), AfterValidator(without_null)] = ""
    withdraw: bool = False


@router.get("", responses=listed(Verdict, "Verdicts, the newest first."), dependencies=[needs_viewer])
def list_verdicts(request: Request, asked: Asks[FeedbackAsked], console: TheConsole) -> Response:
    """The last verdict on each anomaly and incident that was judged."""
    return tell_list(request, console, asked, verdicts_asked(asked))


@router.post("/preview", responses=done(Preview, "What would follow. Nothing was sent."), dependencies=[needs_viewer])
def preview_verdict(wanted: Wanted, console: TheConsole) -> Response:
    """What a verdict would have silenced of late, by the rule that workers go by, before anybody says it."""
    subject = _subject(console, wanted.subject_id)
    by_application: dict[tuple[str, str], list[AnomalyEvent]] = {}
    for event in subject:
        by_application.setdefault((event.data.application, event.data.environment), []).append(event)
    looked_at, found = 0, list[AnomalyEvent]()
    life_s = console.settings.detection.feedback_days * DAY_S
    for key, own in by_application.items():
        others = _of_late(console, key)
        looked_at += len(others)
        found += silenced_by(wanted.judgement, own, others, life_s)
    with console.store.read() as connection:
        judged = judgements(connection, [event.id for event in found])
    told = preview_of(PREVIEW_DAYS, looked_at, found, judged)
    return Response(msgspec.json.encode(told), 200, NO_STORE, JSON)


@router.post("", status_code=202, responses=done(Verdict, "Kafka has it; the models learn it soon.", 202))
async def give_verdict(request: Request, given: Given, operator: Operator, console: TheConsole) -> Response:
    """Say what an anomaly or an incident was. A later verdict on the same replaces an earlier one."""
    await run_in_threadpool(_subject, console, given.subject_id)
    verdict = Verdict(given.subject_id, given.judgement, console.clock(), operator.name, given.note, given.withdraw)
    content = msgspec.json.encode(verdict)
    topic = console.settings.topics.feedback.name
    await console.sender.send([Record(topic, verdict.subject_id.encode(), content)])
    request.state.changed = {"subject_id": verdict.subject_id, "judgement": verdict.judgement}
    return Response(content, 202, NO_STORE, JSON)


def _subject(console: Console, subject_id: str) -> Sequence[AnomalyEvent]:
    with console.store.read() as connection:
        events = subject_anomalies(connection, subject_id)
    if events is None:
        raise not_found(f"anomaly or incident {subject_id}")
    return decoded(events)


def _of_late(console: Console, key: tuple[str, str]) -> list[AnomalyEvent]:
    """An application's anomalies of its last thirty days; where nothing is new, of those before its newest one."""
    with console.store.read() as connection:
        newest = newest_us(connection, *key) or 0
        events = anomalies_since(connection, *key, newest - round(PREVIEW_DAYS * _DAY_US))
    return decoded(events)
