"""``POST /v1/executions``: one, an array, or one in each line; the answer says of each that is refused why."""

import time
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.gateway.bodies import LARGE_BYTES, Bodies, read_body
from tracehound.streams.gateway.executions.reading import read_executions
from tracehound.streams.gateway.json_lines import BY_LINE, MOST_TOLD, RefusedLine, is_by_line
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.operation import BYTES, Operation, Outcome
from tracehound.streams.gateway.repeats import Repeats
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.http.sending import Record, Sender


class Taken(msgspec.Struct):
    """How many executions were taken and how many refused, and why the first of these were."""

    accepted: int
    refused_executions: int
    refused: list[RefusedLine]


EXECUTIONS = Operation(
    "Take executions: one, an array (of several applications, too), or one of either in each line.",
    {200: Outcome("Kafka has those that are accepted.", {"application/json": Taken})},
    dict.fromkeys(BY_LINE, BYTES) | {"application/json": Execution | list[Execution]},
    once=True,
)


class ExecutionEndpoint:
    """Takes executions. Those that are wrong are told in the answer, and do not keep the others out.

    Parameters:
        topic: of executions.
        bodies: reads them within bounds.
        sender: sends records.
        metrics: what was taken is counted in.
        limits: what a record of executions must keep.
        reader: opens what is around executions, and knows other names of their fields.
        repeats: knows requests that come again.
        now: wall time in epoch seconds.
    """

    def __init__(
        self,
        topic: str,
        bodies: Bodies,
        sender: Sender,
        metrics: GatewayMetrics,
        limits: Limits,
        reader: ExecutionReader,
        repeats: Repeats,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._topic, self._bodies, self._sender = topic, bodies, sender
        self._metrics, self._limits, self._reader = metrics, limits, reader
        self._repeats, self._now = repeats, now

    async def serve(self, request: Request) -> Response:
        """The answer to a request of which anything is taken, or that is empty."""
        by_line = is_by_line(request)
        async with self._bodies.content(request) as content:
            return await self._repeats.once(request, content, lambda: self._take(content, by_line, request.url.path))

    async def _take(self, content: bytes, by_line: bool, path: str) -> bytes:
        self._metrics.bytes.labels(path=path).inc(len(content))
        read = await read_body(content, LARGE_BYTES, read_executions, self._limits, self._now(), by_line, self._reader)
        taken = Taken(read.accepted, sum(each.items for each in read.refused), read.refused[:MOST_TOLD])
        self._metrics.refused_items.labels(path=path).inc(taken.refused_executions)
        if read.refused and not read.accepted:
            raise RequestRefusedError(400, "invalid_body", read.refused[0].reason, more=msgspec.structs.asdict(taken))
        await self._sender.send([Record(self._topic, name.encode(), value) for name, value in read.records])
        self._metrics.records.labels(topic=self._topic).inc(len(read.records))
        self._metrics.accepted.labels(path=path).inc(read.accepted)
        return msgspec.json.encode(taken)
