"""What tests of the gateway share: a sender that keeps what it is given, and requests without a server."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tracehound.schemas.errors import TracehoundError
from tracehound.streams.gateway.app import Gateway, build_gateway
from tracehound.streams.http.sending import Record
from tracehound.streams.settings.gateway import GatewaySettings
from tracehound.streams.settings.settings import Settings

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


@dataclass
class FakeSender:
    """Keeps records, or fails as told."""

    records: list[Record] = field(default_factory=list)
    failure: TracehoundError | None = None
    trouble: str = ""

    async def send(self, records: Sequence[Record]) -> None:
        if self.failure is not None:
            raise self.failure
        self.records += records


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def made(sender: FakeSender, **settings: Any) -> Gateway:
    """A gateway on ``sender``; settings of its own part are given by name."""
    return build_gateway(Settings(gateway=GatewaySettings(**settings)), sender)


async def asked(
    gateway: Gateway, method: str, path: str, headers: Mapping[str, str], pieces: AsyncIterator[bytes]
) -> Answer:
    answer = Answer(0, {}, b"")

    async def receive() -> dict[str, Any]:
        try:
            return {"type": "http.request", "body": await anext(pieces), "more_body": True}
        except StopAsyncIteration:
            return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    sent = {"host": "127.0.0.1:4318", **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
    }
    await gateway.app(scope, receive, send)
    return answer


def ask(
    gateway: Gateway, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """What is answered to a request whose body comes in two pieces."""

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (body[:100], body[100:]):
            yield piece

    return asyncio.run(asked(gateway, method, path, headers or {}, pieces()))


def traces(spans: int = 3, bad: Sequence[int] = (), size: int = 0, first: int = 1) -> TracesData:
    """A request of so many spans, those in ``bad`` without an id, each with a text of ``size`` characters."""
    data = TracesData()
    resource = data.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    for number in range(spans):
        span = scope.spans.add(
            trace_id=bytes(15) + b"\1",
            span_id=b"" if number in bad else (first + number).to_bytes(8, "big"),
            name="GET /cart",
            kind=2,
            start_time_unix_nano=1_767_225_600_000_000_000 + number,
            end_time_unix_nano=1_767_225_600_100_000_000 + number,
        )
        span.attributes.add(key="text").value.string_value = "x" * size
    return data
