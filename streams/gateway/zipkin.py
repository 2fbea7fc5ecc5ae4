"""``POST /api/v2/spans``: spans as Zipkin's reporters send them, passed on as they came.

Source: https://zipkin.io/zipkin-api/#/default/post_spans
"""

from collections.abc import Callable, Iterator, Mapping

from starlette.responses import Response

from tracehound.schemas.json_array import BLANK, split_array
from tracehound.streams.gateway.operation import BYTES, Operation, Outcome
from tracehound.streams.gateway.spans import CheckedSpans, SpanEncoding, check_spans, unreadable
from tracehound.streams.intake.formats.decode import SpanLimits
from tracehound.streams.intake.formats.wire import framed, parts

_SPANS = 1
"""The number of the field of spans in ``ListOfSpans``."""
_AROUND_BYTES = 8


def _check_json(content: bytes, limits: SpanLimits) -> CheckedSpans:
    if content.lstrip(BLANK)[:1] != b"[":
        raise unreadable("The body must be a JSON array of spans.")
    return _some_good(check_spans(content, "Zipkin JSON", limits))


def _check_protobuf(content: bytes, limits: SpanLimits) -> CheckedSpans:
    return _some_good(check_spans(content, "Zipkin Protobuf", limits))


def _some_good(checked: CheckedSpans) -> CheckedSpans:
    """Zipkin's answer cannot say that some are refused (intake makes dead letters of them), but that all are."""
    if checked.rejected and not checked.good:
        raise unreadable(checked.why)
    return checked


def _split_json(content: bytes, most_bytes: int) -> Iterator[bytes]:
    return _split(content, split_array, lambda spans: b"[" + b",".join(spans) + b"]", most_bytes)


def _split_protobuf(content: bytes, most_bytes: int) -> Iterator[bytes]:
    return _split(
        content,
        lambda whole: parts(whole, (_SPANS,))[1],
        lambda spans: b"".join(framed(_SPANS, span) for span in spans),
        most_bytes,
    )


def _split(
    content: bytes,
    taken_apart: Callable[[bytes], list[bytes]],
    put_together: Callable[[list[bytes]], bytes],
    most_bytes: int,
) -> Iterator[bytes]:
    if len(content) <= most_bytes:
        yield content
        return
    group: list[bytes] = []
    size = _AROUND_BYTES
    for span in taken_apart(content):
        if group and size + len(span) + _AROUND_BYTES > most_bytes:
            yield put_together(group)
            group, size = [], _AROUND_BYTES
        group.append(span)
        size += len(span) + _AROUND_BYTES
    yield put_together(group)


def _accepted(_checked: CheckedSpans) -> Response:
    return Response(status_code=202)


ZIPKIN: Mapping[str, SpanEncoding] = {
    "application/json": SpanEncoding(_check_json, _split_json, _accepted),
    "application/x-protobuf": SpanEncoding(_check_protobuf, _split_protobuf, _accepted),
    "application/protobuf": SpanEncoding(_check_protobuf, _split_protobuf, _accepted),
}
"""The encodings of Zipkin v2, by media type."""
_ID = {"type": "string", "pattern": "^0*[1-9a-fA-F][0-9a-fA-F]*$", "maxLength": 16}
_SPAN = {
    "type": "object",
    "required": ["traceId", "id"],
    "properties": {
        "traceId": {**_ID, "maxLength": 32},
        "id": _ID,
        "parentId": _ID,
        "name": {"type": "string"},
        "kind": {"enum": ["CLIENT", "SERVER", "PRODUCER", "CONSUMER"]},
        "timestamp": {"type": "integer", "minimum": 1, "maximum": 2**53, "description": "Epoch microseconds."},
        "duration": {"type": "integer", "minimum": 0, "maximum": 2**53, "description": "Microseconds."},
        "localEndpoint": {"type": "object"},
        "remoteEndpoint": {"type": "object"},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
ZIPKIN_SPANS = Operation(
    "Take spans as Zipkin's reporters send them.",
    {202: Outcome("Kafka has them.")},
    {name: {"type": "array", "items": _SPAN} if name.endswith("json") else BYTES for name in ZIPKIN},
)
"""What requests of Zipkin's reporters hold, and are answered."""
