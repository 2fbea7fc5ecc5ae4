"""``/api/v1/stream``: anomalies and incidents as they are stored, as server-sent events.

Specification: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from tracehound.console.store.engine import StoreError
from tracehound.console.stream.queries import Kind, News, after, newest
from tracehound.console.web.answers import Told
from tracehound.console.web.asked import Query as Asked
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.needs import needs_viewer
from tracehound.console.web.problems import invalid

router = APIRouter(prefix="/stream", tags=["stream"], dependencies=[needs_viewer])

_LOOK_S = 1.0
_LASTS_S = 3_600.0
"""Then a client has to come again, and show its key again."""
_ID = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)
_TOLD = Told("Events as they come.", {"text/event-stream": {"schema": {"type": "string"}}})


class StreamAsked(Asked):
    """Which kinds of events."""

    kind: Annotated[list[Kind], Field(max_length=2, default_factory=lambda: ["anomaly", "incident"])]


async def begin(
    console: TheConsole,
    last_event_id: Annotated[str | None, Header(description="Go on behind that event; else what comes now.")] = None,
) -> dict[Kind, int]:
    """Where a client goes on."""
    if last_event_id is None:
        return await run_in_threadpool(_newest, console)
    found = _ID.fullmatch(last_event_id)
    if found is None:
        raise invalid("The header 'Last-Event-ID' must be the id of an event of this stream. It is not.")
    return {"anomaly": int(found[1]), "incident": int(found[2])}


@router.get("", response_class=EventSourceResponse, responses={200: _TOLD})
async def stream(
    asked: Annotated[StreamAsked, Query()], console: TheConsole, places: Annotated[dict[Kind, int], Depends(begin)]
) -> AsyncIterator[ServerSentEvent]:
    """Anomalies and incidents as they are told, from now on, or from where a client was (``Last-Event-ID``)."""
    ends_s = time.monotonic() + _LASTS_S
    kinds = sorted(set(asked.kind))
    yield ServerSentEvent(comment="from here on")  # a client sees that it is there, before there is anything
    while time.monotonic() < ends_s:
        for news in await run_in_threadpool(_after, console, places, kinds):
            places[news.kind] = news.seq
            identity = f"{places['anomaly']}.{places['incident']}"
            yield ServerSentEvent(raw_data=news.event, event=news.kind, id=identity)
        await asyncio.sleep(_LOOK_S)


def _newest(console: Console) -> dict[Kind, int]:
    with console.store.read() as connection:
        return newest(connection)


def _after(console: Console, places: dict[Kind, int], kinds: list[Kind]) -> list[News]:
    try:
        with console.store.read() as connection:
            return after(connection, places, kinds)
    except StoreError:  # it may be back at the next look; the problem is told to those who ask
        return []
