"""``/api/v1/stream``: anomalies and incidents as they are stored, as server-sent events.

Specification: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tracehound.console.store.engine import StoreError
from tracehound.console.stream.queries import Kind, News, after
from tracehound.console.stream.watermark import Watermark
from tracehound.console.web.answers import Told
from tracehound.console.web.asked import Query as Asked
from tracehound.console.web.console import Console, TheConsole
from tracehound.console.web.in_query import Asks
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


async def the_watermark(request: Request) -> Watermark:
    """The watermark of the console."""
    watermark: Watermark = request.app.state.watermark
    return watermark


TheWatermark = Annotated[Watermark, Depends(the_watermark)]


async def begin(
    watermark: TheWatermark,
    last_event_id: Annotated[str | None, Header(description="Go on behind that event; else what comes now.")] = None,
) -> AsyncIterator[dict[Kind, int]]:
    """Where a client goes on, for as long as it stays."""
    found = None if last_event_id is None else _ID.fullmatch(last_event_id)
    if last_event_id is not None and found is None:
        raise invalid("The header 'Last-Event-ID' must be the id of an event of this stream. It is not.")
    watermark.enter()
    try:
        if found is None:
            yield dict(await run_in_threadpool(watermark.places))
        else:
            yield {"anomaly": int(found[1]), "incident": int(found[2])}
    finally:
        watermark.leave()


@router.get("", response_class=EventSourceResponse, responses={200: _TOLD})
async def stream(
    asked: Asks[StreamAsked],
    console: TheConsole,
    watermark: TheWatermark,
    places: Annotated[dict[Kind, int], Depends(begin)],
) -> AsyncIterator[ServerSentEvent]:
    """Anomalies and incidents as they are told, from now on, or from where a client was (``Last-Event-ID``)."""
    ends_s = time.monotonic() + _LASTS_S
    kinds = sorted(set(asked.kind))
    yield ServerSentEvent(comment="from here on")  # a client sees that it is there, before there is anything
    while time.monotonic() < ends_s:
        for news in await run_in_threadpool(_after, console, watermark, places, kinds):
            places[news.kind] = news.seq
            identity = f"{places['anomaly']}.{places['incident']}"
            yield ServerSentEvent(raw_data=news.event, event=news.kind, id=identity)
        await asyncio.sleep(_LOOK_S)


def _after(console: Console, watermark: Watermark, places: dict[Kind, int], kinds: list[Kind]) -> list[News]:
    try:
        newest = watermark.places()
        behind = [kind for kind in kinds if places[kind] < newest[kind]]
        if not behind:
            return []
        with console.store.read() as connection:
            return after(connection, places, behind)
    except StoreError:  # it may be back at the next look; the problem is told to those who ask
        return []
