"""The two encodings of OTLP over HTTP: their media types, and what is answered in each.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.requests import Request
from starlette.responses import Response

from tracehound.streams.gateway.bodies import media_type
from tracehound.streams.gateway.operation import BYTES, Content
from tracehound.streams.http.refusal import RequestRefusedError
from tracehound.streams.intake.formats.declared import declare
from tracehound.streams.intake.formats.otlp import json, protobuf
from tracehound.streams.intake.formats.otlp.reading import Encoding

GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 3, 415: 3, 429: 8, 500: 13, 503: 14}
"""What a status of HTTP is called by gRPC, for the body of a refusal (google.rpc.Code)."""
_INTERNAL = 13
_STATUS = declare("tracehound.gateway.rpc", {"Status": "code 1 int32, message 2 string"}).Status


@dataclass(frozen=True, slots=True)
class OtlpEncoding:
    """One of the encodings: its media type, its name among the formats of spans, and how it is taken apart.

    ``response`` writes the answer to a request that was taken, from the number of refused spans and why; ``status``
    that to one that was not, from a code of gRPC and why.
    """

    media_type: str
    format: Literal["OTLP Protobuf", "OTLP JSON"]
    parts: Encoding
    response: Callable[[int, str], bytes]
    status: Callable[[int, str], bytes]


class PartialSuccess(msgspec.Struct, rename="camel"):
    """How many spans were refused, as Protobuf's JSON writes numbers of 64 bits, and why."""

    rejected_spans: str
    error_message: str


class Exported(msgspec.Struct, rename="camel", omit_defaults=True):
    """What became of a request; nothing where all of it was taken."""

    partial_success: PartialSuccess | msgspec.UnsetType = msgspec.UNSET


class Status(msgspec.Struct):
    """Why a request is not taken, with a code of gRPC."""

    code: int
    message: str


def _protobuf_response(rejected: int, why: str) -> bytes:
    response: Any = ExportTraceServiceResponse()
    if rejected or why:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = why
    return bytes(response.SerializeToString())


def _json_response(rejected: int, why: str) -> bytes:
    return msgspec.json.encode(Exported(PartialSuccess(str(rejected), why)) if rejected or why else Exported())


PROTOBUF = OtlpEncoding(
    "application/x-protobuf",
    "OTLP Protobuf",
    protobuf.ENCODING,
    _protobuf_response,
    lambda code, message: bytes(_STATUS(code=code, message=message).SerializeToString()),
)
JSON = OtlpEncoding(
    "application/json",
    "OTLP JSON",
    json.ENCODING,
    _json_response,
    lambda code, message: msgspec.json.encode(Status(code, message)),
)
MEDIA_TYPES: Mapping[str, OtlpEncoding] = {
    "application/x-protobuf": PROTOBUF,
    "application/protobuf": PROTOBUF,  # what it is registered as: RFC 9930
    "application/json": JSON,
}
"""The encodings by the media types that name them."""
ANSWERS: Content = {JSON.media_type: Exported, PROTOBUF.media_type: BYTES}
STATUSES: Content = {JSON.media_type: Status, PROTOBUF.media_type: BYTES}
"""What answers and refusals hold."""


def list_of(items: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a list, or of none."""
    return {"type": ["array", "null"], "items": items}


def object_of(**properties: Any) -> dict[str, Any]:
    """The JSON Schema of an object with these properties."""
    return {"type": "object", "properties": properties}


def status(request: Request, refusal: RequestRefusedError) -> Response:
    """The answer to a refused request: a ``Status`` in the encoding of the request, in JSON where it has none."""
    encoding = MEDIA_TYPES.get(media_type(request), JSON)
    content = encoding.status(GRPC_CODES.get(refusal.status, _INTERNAL), refusal.detail)
    return Response(content, refusal.status, refusal.headers, encoding.media_type)
