"""What tests of notifications share: incidents, their records, and servers that stand in for receivers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiokafka import ConsumerRecord

from tracehound.schemas.anomaly import Severity
from tracehound.schemas.incident import (
    INCIDENT_TYPES,
    AffectedOperation,
    Incident,
    IncidentChange,
    IncidentEvent,
    SuspectedCause,
)
from tracehound.streams.notify.notice import Notice

TUESDAY_NOON_S = 1_767_700_800.0
"""2026-01-06T12:00:00Z."""


def make_event(
    incident_id: str = "i1",
    revision: int = 1,
    change: IncidentChange = "opened",
    severity: Severity = "major",
    **fields: Any,
) -> IncidentEvent:
    """An incident event as the agent writes it."""
    incident = Incident(
        incident_id=incident_id,
        dedup_key=incident_id,
        revision=revision,
        state="resolved" if change == "resolved" else "open",
        severity=severity,
        previous_severity=None,
        summary="checkout is slow: 940 ms, typically 120 ms",
        reason="opened by 3 anomalies",
        environment="prod",
        opened_at="2026-01-06T11:58:00.000Z",
        updated_at="2026-01-06T12:00:00.000Z",
        resolved_at="2026-01-06T12:30:00.000Z" if change == "resolved" else None,
        applications=["shop", "stock"],
        operations=[AffectedOperation("shop", "POST /checkout", 3)],
        operation_count=7,
        kinds=["latency"],
        suspected_cause=SuspectedCause("stock", "GET /items", 0.82, "82 % of the excess is its own time."),
        runner_up=None,
        anomaly_count=3,
        top_anomalies=[],
        exemplar_trace_ids=["4bf92f3577b34da6a3ce929d0e0e4736"],
        releases=[],
        reopened=0,
        muted_by=None,
    )
    for name, value in fields.items():
        setattr(incident, name, value)
    return IncidentEvent(
        f"{incident_id}-{revision}",
        "tracehound",
        INCIDENT_TYPES[change],
        incident_id,
        incident.updated_at,
        incident,
    )


def make_record(
    event: IncidentEvent | bytes, offset: int = 0, at_s: float = TUESDAY_NOON_S, partition: int = 0
) -> ConsumerRecord:
    """The record that carries an event."""
    value = event if isinstance(event, bytes) else msgspec.json.encode(event)
    key = None if isinstance(event, bytes) else event.data.incident_id.encode()
    return ConsumerRecord("severity.v1", partition, offset, int(at_s * 1000), 0, key, value, None, -1, -1, ())


def make_notice(event: IncidentEvent, receiver: str = "team", change: IncidentChange = "opened", **more: Any) -> Notice:
    """What a receiver is told of an event."""
    return Notice(receiver, event, change, event.data.applications[0], (), make_record(event, **more))


@dataclass
class Request:
    """A request as a server got it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Request], Awaitable[web.StreamResponse] | web.StreamResponse]


@dataclass
class StandIn:
    """A server on loopback that answers as told: ``answers`` in turn, then ``then`` for ever."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    then: Answer = lambda _: web.Response(status=202)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        got = Request(request.path, dict(request.headers), await request.read())
        self.requests.append(got)
        answer = (self.answers.pop(0) if self.answers else self.then)(got)
        return answer if isinstance(answer, web.StreamResponse) else await answer


@asynccontextmanager
async def stand_in(*answers: Answer) -> AsyncIterator[StandIn]:
    """Runs a server for as long as the block."""
    server = StandIn(answers=list(answers))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def status(code: int, **headers: str) -> Answer:
    """Answers with a status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: web.Response(status=code, headers=named, text="because of <reasons>")


async def never(_: Request) -> web.StreamResponse:
    """Does not answer in time."""
    await asyncio.sleep(30)
    return web.Response()


@pytest.fixture
def event() -> IncidentEvent:
    return make_event()
