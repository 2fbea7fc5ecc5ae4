"""Zipkin v2 in Protobuf: ``zipkin.proto3.ListOfSpans``."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from google.protobuf.message import DecodeError

from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.schemas.spans import Span, SpanKind
from tracehound.streams.intake.formats.declared import as_text, declare
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits, SpansByTrace, check_count
from tracehound.streams.intake.formats.pairs import PairReader, read_text, read_text_pair
from tracehound.streams.intake.formats.refused import Refused, rejections
from tracehound.streams.intake.formats.wire import framed, parts
from tracehound.streams.intake.formats.zipkin.span import NOWHERE, TAGS, Endpoint, Ids, ids_of, resource_at, span_of

NAME = "Zipkin Protobuf"

ZIPKIN = declare(
    "tracehound.zipkin",
    {
        "ListOfSpans": "spans 1 *Span",
        "Span": "trace_id 1 bytes, parent_id 2 bytes, id 3 bytes, kind 4 int32, name 5 string, timestamp 6 fixed64,"
        "duration 7 uint64, local_endpoint 8 bytes, remote_endpoint 9 bytes, tags 11 *bytes, shared 13 bool",
        "Endpoint": "service_name 1 string, ipv4 2 bytes, ipv6 3 bytes, port 4 int32",
    },
)
"""The fields that are read, from zipkin-api, ``zipkin.proto``."""

_SPANS = 1
_NO_SPAN = bytes(8)
_Adders = dict[bytes, Callable[[str, Span], None]]
_tags = PairReader(TAGS, read_text, read_text_pair)
_KINDS: tuple[SpanKind, ...] = ("internal", "client", "server", "producer", "consumer")


def decode_zipkin_protobuf(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode the bytes of a record. A span that cannot be used, or does not parse, loses only itself.

    A duration of 0 looks like none here: a consumer's counts as 0, since Brave's take no time, any other is unfinished.

    Raises:
        RecordError: the bytes are no such message, or hold more spans than ``limits`` allow.
    """
    try:
        given = ZIPKIN.ListOfSpans.FromString(value).spans
    except DecodeError:
        return _decode_with_care(value, limits)
    check_count(len(given), limits)
    collected = SpansByTrace()
    adders: _Adders = {}
    for each in given:
        read = _read(each)
        if isinstance(read, Flaw):
            return _decode_with_care(value, limits)
        trace_id, span = read
        if span is None:
            collected.unfinished += 1
        else:
            (adders.get(each.local_endpoint) or _adder(each, collected, adders))(trace_id, span)
    return collected.result()


def _adder(given: Any, collected: SpansByTrace, adders: _Adders) -> Callable[[str, Span], None]:
    endpoint = given.local_endpoint
    if endpoint not in adders:
        adders[endpoint] = collected.of_resource(resource_at(_endpoint(endpoint)))
    return adders[endpoint]


def _read(given: Any) -> tuple[str, Span | None] | Flaw:
    number = given.kind
    kind: SpanKind = _KINDS[number] if 0 <= number <= 4 else "internal"
    duration_us: int | None = given.duration or None
    if duration_us is None and kind == "consumer":
        duration_us = 0
    ids = _ids(given.trace_id, given.id, given.parent_id)
    if isinstance(ids, Flaw):
        return ids
    remote = given.remote_endpoint if kind in ("client", "producer") else b""
    return span_of(
        ids,
        kind,
        as_text(given.name),
        given.timestamp,
        duration_us,
        _tags(given.tags),
        _endpoint(remote) if remote else NOWHERE,
        given.shared,
    )


def _ids(trace: bytes, span: bytes, parent: bytes) -> Ids | Flaw:
    if len(span) == 8 and span != _NO_SPAN and len(trace) in (8, 16) and any(trace):
        trace_id = trace.hex() if len(trace) == 16 else trace.hex().rjust(32, "0")
        if not parent or parent == _NO_SPAN:
            return trace_id, span.hex(), ""
        if len(parent) == 8:
            return trace_id, span.hex(), parent.hex()
    return ids_of(trace.hex(), span.hex(), parent.hex())


@lru_cache(maxsize=10_000)
def _endpoint(content: bytes) -> Endpoint:
    try:
        given = ZIPKIN.Endpoint.FromString(content)
    except DecodeError:
        return NOWHERE
    packed = given.ipv4 or given.ipv6
    address = str(ip_address(packed)) if len(packed) in (4, 16) else ""
    return Endpoint(as_text(given.service_name), address, given.port)


def _decode_with_care(value: bytes, limits: SpanLimits) -> DecodedSpans:
    try:
        _, elements = parts(value, (_SPANS,))
    except ValueError as error:
        raise RecordError("InvalidProtobuf", f"the Protobuf is malformed: {error}.") from error
    check_count(len(elements), limits)
    collected = SpansByTrace()
    refused: list[Refused] = []
    adders: _Adders = {}
    for index, element in enumerate(elements):
        try:
            given = ZIPKIN.Span.FromString(element)
        except DecodeError:
            flaw = Flaw("InvalidProtobuf", "span", lambda: "the span must be a valid Protobuf message. It is none.")
            refused.append(Refused(index, (index,), (), element, flaw))
            continue
        read = _read(given)
        if isinstance(read, Flaw):
            refused.append(Refused(index, (index,), (), element, read))
            continue
        trace_id, span = read
        if span is None:
            collected.unfinished += 1
        else:
            _adder(given, collected, adders)(trace_id, span)
    return collected.result(
        rejections(NAME, ("spans",), refused, lambda group: b"".join(framed(_SPANS, each.element) for each in group))
    )
