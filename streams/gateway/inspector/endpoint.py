"""``POST /v1/inspector``, and ``POST /``, where clients of Inspector send to: they can be given no path."""

import time
from collections.abc import Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tracehound.schemas.execution_rules import Limits
from tracehound.streams.gateway.bodies import LARGE_BYTES, Bodies, media_type, read_body
from tracehound.streams.gateway.executions.reading import ReadExecutions, read_executions
from tracehound.streams.gateway.inspector.payload import Element, RefusedElement, read_payload
from tracehound.streams.gateway.inspector.transactions import Parts, execution_of, gathered
from tracehound.streams.gateway.keys import NOBODY
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.operation import Operation, Outcome
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.http.sending import Record, Sender
from tracehound.streams.settings.gateway import KeySettings

INSPECTOR_PATHS = ("/v1/inspector", "/")
_NO_KEY = KeySettings(sha256="0" * 64, application="inspector")
"""Where there are no keys, none says whose transactions they are."""
_MEDIA_TYPE = "application/json"
_MOST_TOLD = 100
_REMEMBERED = 50_000


class InspectorTaken(msgspec.Struct):
    """What became of a body's elements.

    ``accepted`` are transactions; ``left_out`` are those that had not ended, and segments and errors whose transaction
    came in another body; ``repeated`` are transactions that were accepted before.
    """

    accepted: int = 0
    refused_executions: int = 0
    left_out: int = 0
    repeated: int = 0
    refused: list[RefusedElement] = []


INSPECTOR = Operation(
    "Take transactions as Inspector's clients send them, with their segments and errors; the key says whose they are.",
    {200: Outcome("Kafka has those that are accepted.", {_MEDIA_TYPE: InspectorTaken})},
    {_MEDIA_TYPE: list[Element]},
)


class InspectorEndpoint:
    """Takes transactions as executions.

    Python's client sends all transactions of its process again with each: those that were accepted lately are not
    taken again.

    Parameters:
        topic: of executions.
        keys: which application each sends for, by their beginnings.
        bodies: reads them within bounds.
        sender: sends records.
        metrics: what was taken is counted in.
        limits: what a record of executions must keep.
        now: wall time in epoch seconds.
    """

    def __init__(
        self,
        topic: str,
        keys: Mapping[str, KeySettings],
        bodies: Bodies,
        sender: Sender,
        metrics: GatewayMetrics,
        limits: Limits,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._topic, self._keys, self._bodies, self._sender = topic, keys, bodies, sender
        self._metrics, self._limits, self._now = metrics, limits, now
        self._accepted: dict[int, None] = {}  # the latest last

    async def serve(self, request: Request) -> Response:
        """The answer to a request of which anything is taken, or that is empty."""
        given = media_type(request)
        if given != _MEDIA_TYPE:
            raise RequestRefusedError(
                415,
                "media_type",
                f"The Content-Type must be {_MEDIA_TYPE}. Got {given[:100]!r} instead.",
                {"Accept": _MEDIA_TYPE},
            )
        key = self._key(request.state.sender)
        path = request.url.path
        async with self._bodies.content(request) as content:
            self._metrics.bytes.labels(path=path).inc(len(content))
            taken, read, marks = await read_body(content, LARGE_BYTES, self._read, key, self._now())
            self._metrics.refused_items.labels(path=path).inc(taken.refused_executions)
            if taken.refused and not read.accepted and not taken.repeated:
                raise RequestRefusedError(
                    400, "invalid_body", taken.refused[0].reason, more=msgspec.structs.asdict(taken)
                )
            await self._sender.send([Record(self._topic, name.encode(), value) for name, value in read.records])
        self._remember(marks)
        self._metrics.records.labels(topic=self._topic).inc(len(read.records))
        self._metrics.accepted.labels(path=path).inc(read.accepted)
        return Response(msgspec.json.encode(taken), media_type=_MEDIA_TYPE)

    def _key(self, sender: str) -> KeySettings:
        if sender == NOBODY:
            return _NO_KEY
        key = self._keys[sender]
        if not key.application:
            raise RequestRefusedError(
                403,
                "wrong_role",
                f"The setting 'application' of the key {sender}… must say whose transactions it sends. Got none.",
            )
        return key

    def _read(
        self, content: bytes, key: KeySettings, now_s: float
    ) -> tuple[InspectorTaken, ReadExecutions, dict[int, None]]:
        payload = read_payload(content)
        transactions, without = gathered(payload.elements)
        taken = InspectorTaken(left_out=without, refused=payload.refused)
        parts: list[Parts] = []
        lines: list[bytes] = []
        marks: dict[int, None] = {}
        for one in transactions:
            execution = execution_of(one, key.application, key.inspector_unit)
            if execution is None:
                taken.left_out += 1
                continue
            mark = _mark(key.application, one)
            if mark in self._accepted or mark in marks:
                taken.repeated += 1
                continue
            marks[mark] = None
            parts.append(one)
            lines.append(msgspec.json.encode(execution))
        read = read_executions(b"\n".join(lines), self._limits, now_s, by_line=True)
        for line in read.refused:
            place = parts[line.line - 1].place
            taken.refused.append(RefusedElement(place, line.error, f"Element {place}: {line.reason}"))
        taken.accepted, taken.refused_executions = read.accepted, len(taken.refused)
        del taken.refused[_MOST_TOLD:]
        return taken, read, marks

    def _remember(self, marks: Mapping[int, None]) -> None:
        self._accepted |= marks
        while len(self._accepted) > _REMEMBERED:
            del self._accepted[next(iter(self._accepted))]


def _mark(application: str, parts: Parts) -> int:
    one = parts.transaction
    return hash((application, one.hash, one.name, one.timestamp, one.duration))
