"""Anomalies and incidents as they come, from now on or from where a client was."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from tests.console.asking import Asking
from tests.console.store.reader.told import anomaly, incident
from tests.console.telling import tell
from tracehound.console.store.engine import Store
from tracehound.console.stream.watermark import MOST_STREAMS, Watermark


async def events(console: Asking, query: str = "", last: str | None = None) -> AsyncIterator[dict[str, str]]:
    """The events of a stream, as a browser reads them, until whoever asks has seen enough."""
    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
        else:
            await pieces.put(message.get("body", b""))

    headers = {"host": "127.0.0.1:8420", "x-api-key": console.keys["viewer"].key}
    headers |= {} if last is None else {"last-event-id": last}
    scope = {
        **{"type": "http", "method": "GET", "path": "/api/v1/stream", "raw_path": b"/api/v1/stream"},
        **{"query_string": query.encode(), "scheme": "http", "server": ("127.0.0.1", 8420), "client": ("127.0.0.1", 5)},
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    app: Any = console.client.app
    serving = asyncio.create_task(app(scope, receive, send))
    read = b""
    try:
        while True:
            read += await pieces.get()
            while b"\n\n" in read:
                block, _, read = read.partition(b"\n\n")
                lines = [line.partition(": ") for line in block.decode().splitlines() if not line.startswith(":")]
                yield {name: value for name, _, value in lines}
    finally:
        gone.set()
        await serving


async def first(console: Asking, count: int, query: str = "", last: str | None = None) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    stream = events(console, query, last)
    async for event in stream:
        if event:
            found.append(event)
        else:  # the comment that a stream begins with: it is there
            tell(console.store, "anomalies", anomaly(1_000))
            tell(console.store, "severity", incident("late", 0, "opened"))
        if len(found) == count:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    return found


def test_what_comes_is_told_and_what_was_missed_is_told_again(console: Asking) -> None:
    tell(console.store, "anomalies", anomaly(1), anomaly(2))
    one, other = asyncio.run(asyncio.wait_for(first(console, 2), 120))
    assert (one["event"], json.loads(one["data"])["id"]) == ("anomaly", "anomaly-1000")
    assert (other["event"], json.loads(other["data"])["subject"]) == ("incident", "late")
    again = asyncio.run(asyncio.wait_for(first(console, 1, last=one["id"]), 120))
    assert again == [other]
    missed = asyncio.run(asyncio.wait_for(first(console, 3, "kind=anomaly", "0.0"), 120))
    assert [json.loads(event["data"])["id"] for event in missed] == ["anomaly-1", "anomaly-2", "anomaly-1000"]
    assert watermark(console).streams == 0


def watermark(console: Asking) -> Watermark:
    app: Any = console.client.app
    found: Watermark = app.state.watermark
    return found


def test_streams_are_so_many_at_once(console: Asking) -> None:
    watermark(console).streams = MOST_STREAMS
    answer = console.ask("GET", "/stream")
    assert (answer.status_code, answer.json()["reason"]) == (503, "busy")
    assert answer.headers["retry-after"] == "30"
    assert watermark(console).streams == MOST_STREAMS


def test_the_store_is_looked_at_once_a_second_whoever_many_wait(store: Store) -> None:
    now_s = [0.0]
    mark = Watermark(store, lambda: now_s[0])
    assert mark.places() == {"anomaly": 0, "incident": 0}
    tell(store, "anomalies", anomaly(1))
    assert mark.places()["anomaly"] == 0
    now_s[0] = 1.0
    assert mark.places()["anomaly"] == 1


def test_a_place_that_is_none_is_refused(console: Asking) -> None:
    for last in ("x", "1", "-1.0", "1.2.3", "9" * 30 + ".0", "\u0661.\u0662"):
        answer = console.ask("GET", "/stream", headers={"last-event-id": last.encode()})
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
