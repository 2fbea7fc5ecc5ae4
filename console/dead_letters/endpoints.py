"""``/api/v1/dead-letters``: shown to viewers, sent again by operators."""

import json
from base64 import b64decode
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from pydantic import Field
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.dead_letters.queries import DeadLettersAsked, dead_letters_asked, letters
from tracehound.console.dead_letters.told import DeadLetter, WholeDeadLetter, whole_letter_told
from tracehound.console.web.answers import JSON, NO_STORE, answer, done, listed, one
from tracehound.console.web.asked import Body, Identity
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.in_query import Asks
from tracehound.console.web.lists import tell_list
from tracehound.console.web.needs import needs_operator, needs_viewer
from tracehound.console.web.problems import not_found
from tracehound.schemas.dead_letter import DeadLetter as Letter
from tracehound.streams.delivery.resending import resendable_topics, resent_headers, why_not_resendable
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.http.sending import Record
from tracehound.streams.settings.settings import Settings

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])


class Resend(Body):
    """Which dead letters are to be sent again."""

    ids: Annotated[list[Identity], Field(min_length=1, max_length=200)]


class Resent(msgspec.Struct):
    """How many records Kafka has."""

    sent: int


@router.get("", responses=listed(DeadLetter, "Dead letters, the newest first."), dependencies=[needs_viewer])
def list_dead_letters(request: Request, asked: Asks[DeadLettersAsked], console: TheConsole) -> Response:
    """Records that could not be used, and why."""
    return tell_list(request, console, asked, dead_letters_asked(asked))


@router.get(
    "/{letter_id}",
    responses=one(WholeDeadLetter, "The dead letter with its original bytes."),
    dependencies=[needs_viewer],
)
def show_dead_letter(request: Request, letter_id: Annotated[Identity, Path()], console: TheConsole) -> Response:
    """One dead letter whole."""
    (row,) = _stored(console, [letter_id])
    return answer(request, whole_letter_told(row, why_not(row, console.settings) or ""))


@router.post("/resend", responses=done(Resent, "Kafka has them."), dependencies=[needs_operator])
async def resend_dead_letters(request: Request, wanted: Resend, console: TheConsole) -> Response:
    """Send dead letters again to the topics that they came from: all of them, or none where one cannot be.

    They stay dead letters: what is sent twice counts twice.
    """
    identities = sorted(set(wanted.ids))
    rows = await run_in_threadpool(_stored, console, identities)
    records = [_record(row, console.settings) for row in rows]
    await console.sender.send(records)
    request.state.changed = {"ids": identities}
    return Response(msgspec.json.encode(Resent(len(records))), 200, NO_STORE, JSON)


def _stored(console: Console, identities: list[str]) -> list[Row[Any]]:
    with console.store.read() as connection:
        rows = list(letters(connection, identities))
    if missing := set(identities) - {row.id for row in rows}:
        raise not_found(f"dead letter {min(missing)}")
    return rows


def _letter(row: Row[Any]) -> Letter:
    return Letter(
        row.value,
        row.key,
        row.source_topic,
        row.source_partition,
        row.source_offset,
        row.source_time_us // 1_000,
        row.stage,
        row.error,
        row.reason,
        [(name, b64decode(content)) for name, content in json.loads(row.headers)],
        row.format,
    )


def why_not(row: Row[Any], settings: Settings) -> str | None:
    """Why a dead letter cannot be sent again, in a sentence; None where it can."""
    cut_from = None if row.cut_from is None else str(row.cut_from)
    if row.value is None:
        return f"The dead letter {row.id} must have a value. It was null."
    return why_not_resendable(row.id, _letter(row), cut_from, resendable_topics(settings.topics))


def _record(row: Row[Any], settings: Settings) -> Record:
    if why := why_not(row, settings):
        raise RequestRefusedError(409, "conflict", why)
    topic = settings.topics.dead_letters.name
    identity = f"{topic}-{row.position_partition}-{row.position_offset}"
    return Record(row.source_topic, row.key, row.value, resent_headers(identity, _letter(row)))
