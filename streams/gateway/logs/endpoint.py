"""``POST /log`` and ``/v1/log``: one log event, an array, or one in each line; the answer has the id of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.log_event import LogEvent
from tracehound.schemas.log_rules import decode_log_record
from tracehound.streams.gateway.bodies import LARGE_BYTES, Bodies, read_body
from tracehound.streams.gateway.json_lines import BY_LINE, MOST_TOLD, RefusedLine, is_by_line, lines_of
from tracehound.streams.gateway.logs.taking import LogTaker
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.operation import BYTES, Operation, Outcome
from tracehound.streams.gateway.repeats import Repeats
from tracehound.streams.http.refusal import RequestRefusedError


class TakenLogs(msgspec.Struct):
    """How many log events were taken, their ids in their order, how many were refused, and why the first of these."""

    accepted: int
    refused_events: int
    refused: list[RefusedLine]
    ids: list[str]


LOGS = Operation(
    "Take log events: one, an array (of several applications, too), or one of either in each line.",
    {200: Outcome("Kafka has those that are accepted.", {"application/json": TakenLogs})},
    dict.fromkeys(BY_LINE, BYTES) | {"application/json": LogEvent | list[LogEvent]},
    once=True,
)


@dataclass(slots=True)
class ReadLogs:
    """The log events of a body, in their order, and what is wrong with the others."""

    events: list[LogEvent] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)


def read_logs(body: bytes, limits: Limits, now_s: float, by_line: bool = False) -> ReadLogs:
    """Judge each log event of a body: one, an array, or one of either in each line.

    Parameters:
        limits: what each must keep; the body has a bound of its own.
        now_s: the time of those that say none, and what the future is judged against, in epoch seconds.
        by_line: it is said to be lines; else they are told by their content.

    >>> read_logs(b'{"message": "CPU spike detected", "level": "warning"}', Limits(), 10.0).events[0].timestamp
    10.0
    """
    of_line = replace(limits, max_record_bytes=max(limits.max_record_bytes, len(body)))
    read = ReadLogs()
    for number, content in lines_of(body, by_line):
        decoded = decode_log_record(content, of_line, now_s)
        read.events += decoded.events
        read.refused += [RefusedLine(number, each.error, each.reason, each.indexes) for each in decoded.rejected]
    return read


class LogEndpoint:
    """Takes log events. Those that are wrong are told in the answer, and do not keep the others out.

    Parameters:
        bodies: reads them within bounds.
        taker: sends what is good.
        metrics: bytes are counted in.
        limits: what each event must keep.
        repeats: knows requests that come again.
        now: wall time in epoch seconds.
    """

    def __init__(
        self,
        bodies: Bodies,
        taker: LogTaker,
        metrics: GatewayMetrics,
        limits: Limits,
        repeats: Repeats,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._repeats = repeats
        self._bodies, self._taker, self._metrics = bodies, taker, metrics
        self._limits, self._now = limits, now

    async def serve(self, request: Request) -> Response:
        """The answer to a request of which anything is taken, or that is empty."""
        by_line = is_by_line(request)
        async with self._bodies.content(request) as content:
            return await self._repeats.once(request, content, lambda: self._take(content, by_line, request.url.path))

    async def _take(self, content: bytes, by_line: bool, path: str) -> bytes:
        self._metrics.bytes.labels(path=path).inc(len(content))
        read = await read_body(content, LARGE_BYTES, read_logs, self._limits, self._now(), by_line)
        refused_events = sum(each.items for each in read.refused)
        ids = await self._taker.take(read.events, refused_events, path)
        taken = TakenLogs(len(ids), refused_events, read.refused[:MOST_TOLD], ids)
        if read.refused and not ids:
            raise RequestRefusedError(400, "invalid_body", read.refused[0].reason, more=msgspec.structs.asdict(taken))
        return msgspec.json.encode(taken)
