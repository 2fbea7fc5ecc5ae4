"""Tells by its content which format a record of spans has; topics say nothing, since several meet in one.

| begins with | is |
|---|---|
| ``{`` with ``resourceSpans`` | OTLP JSON |
| ``{`` with ``spanId`` and ``operationName`` | Jaeger JSON |
| ``[`` whose first element has ``traceId`` and ``id`` (or one such object) | Zipkin JSON |
| field 1 of 16 bytes, then field 2 of 8 bytes | Jaeger Protobuf |
| field 1 a printable text of 16 characters or more, then field 2 a text | SkyWalking |
| fields 1 only, the first of them with a field 1 of 8 or 16 bytes and a field 3 of 8 bytes | Zipkin Protobuf |
| fields 1 only | OTLP Protobuf |

What is known but not read is told by its name: Thrift, metrics, logs, envelopes, other encodings of text.
"""

from typing import Literal, get_args

import msgspec

from tracehound.schemas.explanation import excerpt
from tracehound.schemas.json_array import BLANK
from tracehound.schemas.rejection import RecordError
from tracehound.streams.intake.formats.wire import FIXED32, FIXED64, LENGTH, VARINT, fields, varint

Format = Literal[
    "OTLP Protobuf",
    "OTLP JSON",
    "Zipkin Protobuf",
    "Zipkin JSON",
    "Jaeger Protobuf",
    "Jaeger JSON",
    "SkyWalking",
]
FORMATS: tuple[Format, ...] = get_args(Format)

_WANTED = "the record must be spans of OTLP, Zipkin v2, Jaeger or SkyWalking"
_SIGNALS = ("Metrics", "Logs", "Profiles")
_ANY = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw] | str | float | bool | None)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
ZIPKIN_WIRES = {4: VARINT, 6: FIXED64, 7: VARINT, 12: VARINT, 13: VARINT}
"""Wire types of the fields of Zipkin's span that have no length."""
_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)

BROKEN_HINTS: tuple[tuple[bytes, Format], ...] = (
    (b'"resourceSpans"', "OTLP JSON"),
    (b'"resource_spans"', "OTLP JSON"),
    (b'"operationName"', "Jaeger JSON"),
    (b'"localEndpoint"', "Zipkin JSON"),
)
"""What tells the format of JSON that is damaged, so that its good parts are read."""


def looks_like_json(content: bytes) -> bool:
    """Whether the first byte that is no blank begins an object or an array."""
    return content.lstrip(BLANK)[:1] in (b"{", b"[")


def json_format(content: bytes) -> Format | None:
    """The format of JSON; None for nothing: an empty object or array.

    Raises:
        RecordError: it is not JSON, or of no format that is read.

    >>> json_format(b'[{"traceId":"1","id":"2"}]'), json_format(b"[]")
    ('Zipkin JSON', None)
    """
    if content[:40].lstrip(BLANK).startswith((b'{"resourceSpans"', b'{"resource_spans"')):
        return "OTLP JSON"
    try:
        given = _ANY.decode(content)
        if isinstance(given, list):
            if not given:
                return None
            first = _OBJECT.decode(given[0]) if bytes(given[0])[:1] == b"{" else None
            if first is None:
                raise _told_json("an array", f"an array of {excerpt(msgspec.json.decode(given[0]))} and others")
            return _object_format(first, "an array of objects")
    except _ERRORS as error:
        for hint, name in BROKEN_HINTS:
            if hint in content:
                return name
        raise _malformed(error) from error
    if isinstance(given, dict):
        return _object_format(given, "an object") if given else None
    raise _told_json("no object", f"the JSON {excerpt(given)}")


def _malformed(error: Exception) -> RecordError:
    if isinstance(error, RecursionError):
        return RecordError("InvalidJson", f"{_WANTED}. Got JSON that is nested too deeply.")
    if isinstance(error, UnicodeDecodeError):
        return RecordError("InvalidUtf8", f"{_WANTED}. Got JSON that is not valid UTF-8: {error.reason}.")
    cause = str(error).removeprefix("JSON is malformed: ")
    return RecordError("InvalidJson", f"{_WANTED}. Got JSON that is malformed: {cause}.")


def _told_json(_: str, what: str) -> RecordError:
    return RecordError("ForeignFormat", f"{_WANTED}. Got {what} instead.")


def _object_format(given: dict[str, msgspec.Raw], shape: str) -> Format | None:
    if "resourceSpans" in given or "resource_spans" in given:
        return "OTLP JSON"
    if "operationName" in given and "spanId" in given:
        return "Jaeger JSON"
    if "traceId" in given and "id" in given and "binaryAnnotations" not in given:
        return "Zipkin JSON"
    for signal in _SIGNALS:
        if f"resource{signal}" in given or f"resource_{signal.lower()}" in given:
            raise other_signal(signal.lower())
    raise RecordError("ForeignFormat", f"{_WANTED}. Got {_envelope(given, shape)}.")


def _envelope(given: dict[str, msgspec.Raw], shape: str) -> str:
    names = ", ".join(list(given)[:30])
    what = {
        ("traceId", "binaryAnnotations"): "Zipkin v1 JSON, which is not read: let the tracer write Zipkin v2",
        ("specversion", "type"): "a CloudEvent, which is not unpacked here: send its data alone",
        ("schema", "payload"): "an envelope of Kafka Connect: set value.converter.schemas.enable=false",
        ("before", "after"): "a change event of Debezium, which is no span",
        ("application", "operation"): "an execution: it belongs on the topic of native traces, or of executions",
        ("data",): "an answer of Jaeger's API, which is not read: send what its collector writes to Kafka",
    }
    for keys, told in what.items():
        if all(key in given for key in keys):
            return told
    return f"{shape} with only the fields {excerpt(names)}"


class OtherSignalError(RecordError):
    """The record is OTLP, but of another ``signal`` than traces."""

    def __init__(self, signal: str, sentence: str) -> None:
        super().__init__("OtherSignal", sentence)
        self.signal = signal


def other_signal(signal: str) -> OtherSignalError:
    """These are OTLP, but no spans."""
    return OtherSignalError(
        signal,
        f"{_WANTED}. Got OTLP {signal} instead: give each signal a topic of its own in the Collector's Kafka exporter "
        f"(traces: {{topic: …}}), or let it write the header 'otelcol.signal' (signal_header: true).",
    )


# --- Protobuf


def protobuf_format(content: bytes) -> Format:
    """The format of bytes that are no JSON, by their first fields.

    Raises:
        RecordError: they are of no format that is read.
    """
    if content[:2] == b"\n\x10" and content[18:20] == b"\x12\x08":
        return "Jaeger Protobuf"
    _check_thrift(content)
    if content[:1] != b"\n":
        raise not_protobuf(content, "without a field 1")
    try:
        size, begin = varint(content, 1)
    except ValueError as error:
        raise not_protobuf(content, f"with an error: {error}") from error
    first, after = content[begin : begin + size], content[begin + size : begin + size + 1]
    if size >= 16 and after == b"\x12" and is_printable(first):
        return "SkyWalking"
    if _is_zipkin(first):
        return "Zipkin Protobuf"
    return "OTLP Protobuf"


def not_protobuf(content: bytes, what: str) -> RecordError:
    """The bytes are neither JSON nor of a message that is known: foreign where they are whole, else damaged."""
    begin = f"{_WANTED}. Got {len(content)} bytes that begin with {content[:8].hex(' ')} instead, which are not JSON"
    if _is_json_text(content):
        return RecordError("ForeignFormat", f"{_WANTED}. Got a JSON text instead: send what is in it, without quotes.")
    if _is_text(content):
        return RecordError("ForeignFormat", f"{begin}, but another text.")
    if _is_whole(content):
        return RecordError("ForeignFormat", f"{begin}, but Protobuf of another message, {what}.")
    return RecordError("InvalidProtobuf", f"{begin} and parse as Protobuf {what}.")


def _is_text(content: bytes) -> bool:
    try:
        return all(character.isprintable() or character.isspace() for character in content.decode())
    except UnicodeDecodeError:
        return False


def _is_json_text(content: bytes) -> bool:
    try:
        return isinstance(_ANY.decode(content), str)
    except _ERRORS:
        return False


def _is_whole(content: bytes) -> bool:
    try:
        return all(wire in (VARINT, FIXED64, LENGTH, FIXED32) for _, wire, _, _, _ in fields(content))
    except ValueError:
        return False


def is_printable(content: bytes) -> bool:
    """Whether the bytes are printable ASCII."""
    return content.isascii() and content.decode("ascii").isprintable()


def _check_thrift(content: bytes) -> None:
    is_zipkin = content[:3] == b"\n\x00\x01" or (content[:3] == b"\x0c\x00\x00" and content[5:8] == b"\n\x00\x01")
    if is_zipkin:
        raise RecordError(
            "ForeignFormat",
            f"{_WANTED}. Got Zipkin v1 Thrift, which is not read: let the tracer write Zipkin v2 (npm zipkin: "
            "jsonEncoder.JSON_V2; the Collector: encoding zipkin_json or otlp_proto).",
        )
    if content[:4] == b"\x0c\x00\x01\x0b" or content[:2] == b"\x82\x21":
        raise RecordError(
            "ForeignFormat",
            f"{_WANTED}. Got Jaeger Thrift, which is not read: let Jaeger's collector write Protobuf or JSON.",
        )


def _is_zipkin(span: bytes) -> bool:
    sizes: dict[int, int] = {}
    try:
        for number, wire, _, content, end in fields(span):
            if number > 13 or wire != ZIPKIN_WIRES.get(number, LENGTH):
                return False
            if number > 3 and 1 in sizes and 3 in sizes:
                break  # OTLP has no more than three such fields: looking on takes as long as reading
            sizes[number] = end - content
    except ValueError:
        return False
    return sizes.get(1) in (8, 16) and sizes.get(3) == 8 and sizes.get(2, 8) in (0, 8)
