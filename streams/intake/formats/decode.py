"""Decodes a record of spans, whatever tracer or collector wrote it."""

import re
from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from tracehound.schemas.json_array import BLANK, split_array
from tracehound.schemas.rejection import RecordError, reject_record
from tracehound.streams.intake.formats.confirm import confirm
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits, SpansByTrace, check_count
from tracehound.streams.intake.formats.jaeger.json import decode_jaeger_json
from tracehound.streams.intake.formats.jaeger.protobuf import decode_jaeger_protobuf
from tracehound.streams.intake.formats.otlp.json import decode_json
from tracehound.streams.intake.formats.otlp.protobuf import decode_protobuf
from tracehound.streams.intake.formats.recognise import (
    FORMATS,
    Format,
    OtherSignalError,
    json_format,
    looks_like_json,
    protobuf_format,
)
from tracehound.streams.intake.formats.skywalking.protobuf import decode_skywalking
from tracehound.streams.intake.formats.unpack import unpacked_spans
from tracehound.streams.intake.formats.zipkin.json import decode_zipkin_json
from tracehound.streams.intake.formats.zipkin.protobuf import decode_zipkin_protobuf

__all__ = ["DecodedSpans", "SpanLimits", "decode_spans"]

_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What stands in no JSON, damaged or not."""
_NEXT_LINE = re.compile(rb"(?<=\})[ \t\r]*\n\s*(?=\{)")
"""What is between objects on lines of their own (a Collector's file exporter), and in no JSON."""
_FIRST_TAG = b"\n"
"""How Protobuf begins: the tag of its first field is also a line feed, and its length may look like a bracket."""

Decode = Callable[[bytes, SpanLimits], DecodedSpans]
Columned = Callable[[bytes, SpanLimits], DecodedSpans | None]
"""Decodes OTLP's Protobuf sooner, and None where that is to be decoded with care (``otlp.columned``)."""

_DECODERS: Mapping[Format, Decode] = {
    "OTLP Protobuf": decode_protobuf,
    "OTLP JSON": decode_json,
    "Zipkin Protobuf": decode_zipkin_protobuf,
    "Zipkin JSON": decode_zipkin_json,
    "Jaeger Protobuf": decode_jaeger_protobuf,
    "Jaeger JSON": decode_jaeger_json,
    "SkyWalking": decode_skywalking,
}


def decode_spans(
    value: bytes | None, limits: SpanLimits, known: str = "", columned: Columned | None = None
) -> DecodedSpans:
    """Decode the value of a record: spans by trace, and what had to be refused.

    Never raises, whatever the bytes. The format is told by the content (``recognise``), after what is around it was
    taken away (``unpack``). The good neighbours of a bad span are kept. A refused span becomes part of a record of the
    same format with what was around it; spans refused for the same reason share one. ``Rejection.indexes`` count the
    spans of the record (an unreadable list of spans as one), and are empty where the whole record is refused. No bytes,
    and empty lists, are no spans. JSON may be an array of records, or have each on a line of its own.

    Parameters:
        known: the format, where it is known (``Rejection.format``); a text that is none is passed over.
        columned: decodes what it can; the result is the same.

    In each ``Span`` the service is empty, ``parent`` means nothing yet, and ``offset_us`` is None.

    >>> decode_spans(b'{"resourceSpans":[]}', SpanLimits()).format
    'OTLP JSON'
    >>> decode_spans(None, SpanLimits()).rejected[0].reason
    'The value must be spans. Got null instead.'
    """
    try:
        if value is None:
            raise RecordError("NullValue", "the value must be spans. Got null instead.")
        if len(value) > limits.max_record_bytes:
            raise RecordError(
                "OversizedRecord",
                f"the record must be at most {limits.max_record_bytes} bytes long. Got {len(value)} bytes instead.",
            )
        content = unpacked_spans(value, limits.max_record_bytes)
        decoded = _decode(content, limits.of(len(content)), known, columned)
    except RecordError as error:
        signal = error.signal if isinstance(error, OtherSignalError) else ""
        return DecodedSpans(rejected=[reject_record(value, error.error, error.sentence)], signal=signal)
    if decoded.rejected:
        decoded.rejected = [replace(each, format=decoded.format) if each.indexes else each for each in decoded.rejected]
    return decoded


def _decode(content: bytes, limits: SpanLimits, known: str, columned: Columned | None) -> DecodedSpans:
    if not content.strip(BLANK):
        return DecodedSpans()
    for name in FORMATS if known else ():
        if name == known:
            return _decode_json(content, limits, name) if name.endswith("JSON") else _by(name, content, limits)
    if not looks_like_json(content):
        return _decode_protobuf(content, limits, columned)
    if content[:1] == _FIRST_TAG and not _is_json(content):
        try:
            return _decode_protobuf(content, limits)
        except RecordError as error:
            if error.error not in ("InvalidProtobuf", "ForeignFormat") or _NO_TEXT.search(content):
                raise
    return _decode_json(content, limits)


def _is_json(content: bytes) -> bool:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True


def _decode_protobuf(content: bytes, limits: SpanLimits, columned: Columned | None = None) -> DecodedSpans:
    name = protobuf_format(content)
    if columned is not None and name == "OTLP Protobuf":
        read = columned(content, limits)
        if read is not None and read.spans:
            read.format = name
            return read
    decoded = _by(name, content, limits)
    if not decoded.spans:
        confirm(name, content, any(rejection.error != "InvalidProtobuf" for rejection in decoded.rejected))
    return decoded


def _decode_json(content: bytes, limits: SpanLimits, known: Format | None = None) -> DecodedSpans:
    if b"\n" in content and _NEXT_LINE.search(content):
        content = b"[" + b",".join(_NEXT_LINE.split(content.strip(BLANK))) + b"]"
    name = known or json_format(content)
    if name is None:
        return DecodedSpans()
    is_array = content.lstrip(BLANK)[:1] == b"["
    if name == "Zipkin JSON":
        return _by(name, content if is_array else b"[" + content + b"]", limits)
    return _decode_each(name, content, limits) if is_array else _by(name, content, limits)


def _by(name: Format, content: bytes, limits: SpanLimits) -> DecodedSpans:
    try:
        decoded = _DECODERS[name](content, limits)
    except RecordError as error:
        if error.error != "TooManySpans":
            error.sentence = f"{name}: {error.sentence}"
        raise
    decoded.format = name
    return decoded


def _decode_each(name: Format, content: bytes, limits: SpanLimits) -> DecodedSpans:
    """The spans of an array of records: one that cannot be read costs only itself."""
    try:
        elements = split_array(content)
    except ValueError as error:
        raise RecordError("InvalidJson", f"{name}: the JSON is malformed: {error}.") from error
    check_count(len(elements), limits, "records")
    whole = DecodedSpans(format=name)
    collected = SpansByTrace()
    number = 0
    for index, element in enumerate(elements):
        try:
            decoded = _by(name, element, limits)
        except RecordError as error:
            refused = reject_record(element, error.error, f"[{index}]: {error.sentence}")
            whole.rejected.append(replace(refused, indexes=(number,)))
            number += 1
            continue
        for rejection in decoded.rejected:
            indexes = tuple(number + each for each in rejection.indexes)
            whole.rejected.append(replace(rejection, indexes=indexes, reason=f"[{index}]: {rejection.reason}"))
        number += decoded.spans + decoded.unfinished + sum(len(each.indexes) for each in decoded.rejected)
        check_count(number, limits)
        collected.unfinished += decoded.unfinished
        for trace_id, chunk in decoded.traces.items():
            for resource, spans in chunk.spans:
                add = collected.of_resource(resource)
                for span in spans:
                    add(trace_id, span)
    read = collected.result(whole.rejected)
    read.format = name
    return read
