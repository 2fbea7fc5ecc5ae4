"""``POST /v1/logs`` and ``LogsService/Export``: OTLP logs, which become log events.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from starlette.requests import Request
from starlette.responses import Response

from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import RecordError
from tracehound.streams.gateway.bodies import LARGE_BYTES, Bodies, of_media_type, read_body
from tracehound.streams.gateway.logs.taking import LogTaker
from tracehound.streams.gateway.metrics import GatewayMetrics
from tracehound.streams.gateway.operation import BYTES, Operation, Outcome
from tracehound.streams.gateway.otlp.encoding import (
    JSON,
    MEDIA_TYPES,
    PROTOBUF,
    STATUSES,
    OtlpEncoding,
    list_of,
    object_of,
)
from tracehound.streams.gateway.spans import unreadable
from tracehound.streams.intake.logs.otlp import DecodedLogRequest, decode_log_request


class LogPartialSuccess(msgspec.Struct, rename="camel"):
    """How many log records were refused, as Protobuf's JSON writes numbers of 64 bits, and why."""

    rejected_log_records: str
    error_message: str


class ExportedLogs(msgspec.Struct, rename="camel", omit_defaults=True):
    """What became of a request; nothing where all of it was taken."""

    partial_success: LogPartialSuccess | msgspec.UnsetType = msgspec.UNSET


_REQUEST = {
    "description": "An ExportLogsServiceRequest of OTLP, https://opentelemetry.io/docs/specs/otlp/. What holds only "
    "fields that it has not is refused: it is likely to be something else.",
    "anyOf": [{"required": ["resourceLogs"]}, {"maxProperties": 0}],
    **object_of(
        resourceLogs=list_of(
            object_of(
                scopeLogs=list_of(object_of(logRecords=list_of({"type": "object"}))),
            )
        )
    ),
}
OTLP_LOGS = Operation(
    "Take log records by OTLP over HTTP.",
    {
        200: Outcome(
            "Kafka has them; those that were refused are counted.",
            {JSON.media_type: ExportedLogs, PROTOBUF.media_type: BYTES},
        )
    },
    {name: _REQUEST if encoding is JSON else BYTES for name, encoding in MEDIA_TYPES.items()},
    STATUSES,
)
"""What requests of logs hold, and are answered."""


def _protobuf_response(rejected: int, why: str) -> bytes:
    response: Any = ExportLogsServiceResponse()
    if rejected or why:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = why
    return bytes(response.SerializeToString())


def _json_response(rejected: int, why: str) -> bytes:
    taken = rejected == 0 and not why
    return msgspec.json.encode(ExportedLogs() if taken else ExportedLogs(LogPartialSuccess(str(rejected), why)))


class OtlpLogEndpoint:
    """Takes requests of OTLP logs. Wrong log records are counted in the answer, and do not keep the others out.

    Parameters:
        bodies: reads them within bounds.
        taker: sends what is good.
        metrics: bytes are counted in.
        limits: what each event must keep.
        with_namespace: see ``streams.intake.conventions.resources.resource_of``.
        now: wall time in epoch seconds.
    """

    def __init__(
        self,
        bodies: Bodies,
        taker: LogTaker,
        metrics: GatewayMetrics,
        limits: Limits,
        with_namespace: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._bodies, self._taker, self._metrics = bodies, taker, metrics
        self._limits, self._with_namespace, self._now = limits, with_namespace, now

    async def serve(self, request: Request) -> Response:
        """The answer to a request that is taken; see ``RequestRefusedError`` for the others."""
        encoding = of_media_type(request, MEDIA_TYPES)
        async with self._bodies.content(request) as content:
            if encoding is JSON and content.lstrip(BLANK)[:1] != b"{":
                raise unreadable("The body must be a JSON object.")
            answer = await self.take(content, encoding, request.url.path)
        return Response(answer, media_type=encoding.media_type)

    async def take(self, content: bytes, encoding: OtlpEncoding, path: str) -> bytes:
        """Pass the log events of a request on, count them as of this path, and return the answer.

        Raises:
            RequestRefusedError: nothing of it is taken.
        """
        self._metrics.bytes.labels(path=path).inc(len(content))
        given = (encoding, self._limits, self._now(), self._with_namespace)
        decoded = await read_body(content, LARGE_BYTES, _decoded, *given)
        await self._taker.take(decoded.events, decoded.rejected, path)
        return (_json_response if encoding is JSON else _protobuf_response)(decoded.rejected, decoded.why)


def _decoded(
    content: bytes, encoding: OtlpEncoding, limits: Limits, now_s: float, with_namespace: bool
) -> DecodedLogRequest:
    if not content:
        return DecodedLogRequest()
    try:
        return decode_log_request(content, limits, now_s, with_namespace, encoding is JSON)
    except RecordError as error:
        sentence = error.sentence[0].upper() + error.sentence[1:]
        raise unreadable(sentence, 413 if error.error == "TooManySpans" else 400) from error
