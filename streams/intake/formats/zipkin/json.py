"""Zipkin v2 in JSON: an array of spans."""

from typing import Any

import msgspec

from tracehound.schemas.json_array import split_array
from tracehound.schemas.rejection import Flaw, RecordError
from tracehound.schemas.spans import Resource, Span
from tracehound.streams.intake.conventions.names import by_concept
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits, SpansByTrace, check_count
from tracehound.streams.intake.formats.fields import FieldError, field_flaw, read_json, text_field, whole_number
from tracehound.streams.intake.formats.refused import Refused, rejections
from tracehound.streams.intake.formats.zipkin.span import NOWHERE, TAGS, Endpoint, ids_of, kind_of, resource_at, span_of

NAME = "Zipkin JSON"


class _Endpoint(msgspec.Struct, rename="camel", gc=False, frozen=True):
    service_name: str | None = None
    ipv4: str | None = None
    ipv6: str | None = None
    port: int | None = None


class _Span(msgspec.Struct, rename="camel", gc=False):
    trace_id: str
    id: str
    parent_id: str | None = None
    kind: str | None = None
    name: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    local_endpoint: _Endpoint | None = None
    remote_endpoint: _Endpoint | None = None
    tags: dict[str, str] | None = None
    shared: bool | None = None


_SPANS = msgspec.json.Decoder(list[_Span])
_ERRORS = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)


def decode_zipkin_json(value: bytes, limits: SpanLimits) -> DecodedSpans:
    """Decode the bytes of a record. A span that cannot be used loses only itself.

    Raises:
        RecordError: the bytes are no array, or hold more spans than ``limits`` allow.
    """
    try:
        if not value.isascii():
            value.decode()  # the decoder does not look into strings that it ignores
        given = _SPANS.decode(value)
    except _ERRORS:
        return _decode_with_care(value, limits)
    check_count(len(given), limits)
    collected = SpansByTrace()
    resources: dict[_Endpoint | None, Resource] = {}
    for each in given:
        read = _read(each)
        if isinstance(read, Flaw):
            return _decode_with_care(value, limits)
        trace_id, span = read
        if span is None:
            collected.unfinished += 1
            continue
        endpoint = each.local_endpoint
        resource = resources.get(endpoint)
        if resource is None:
            resource = resources[endpoint] = resource_at(_endpoint(endpoint))
        collected.of_resource(resource)(trace_id, span)
    return collected.result()


def _read(given: _Span) -> tuple[str, Span | None] | Flaw:
    ids = ids_of(given.trace_id, given.id, given.parent_id or "")
    if isinstance(ids, Flaw):
        return ids
    remote = given.remote_endpoint
    return span_of(
        ids,
        kind_of(given.kind) if given.kind else "internal",
        given.name or "",
        given.timestamp or 0,
        given.duration,
        by_concept(given.tags, TAGS) if given.tags else {},
        NOWHERE if remote is None else _endpoint(remote),
        given.shared is True,
    )


def _endpoint(given: _Endpoint | None) -> Endpoint:
    if given is None:
        return NOWHERE
    return Endpoint(given.service_name or "", given.ipv4 or given.ipv6 or "", given.port or 0)


def _decode_with_care(value: bytes, limits: SpanLimits) -> DecodedSpans:
    try:
        elements = split_array(value)
    except ValueError as error:
        raise RecordError("InvalidJson", f"the JSON is malformed: {error}.") from error
    check_count(len(elements), limits)
    collected = SpansByTrace()
    refused: list[Refused] = []
    for index, element in enumerate(elements):
        read = _read_loosely(element)
        if isinstance(read, Flaw):
            refused.append(Refused(index, (index,), (), element, read))
            continue
        resource, trace_id, span = read
        if span is None:
            collected.unfinished += 1
        else:
            collected.of_resource(resource)(trace_id, span)
    return collected.result(
        rejections(NAME, ("spans",), refused, lambda group: b"[" + b",".join(each.element for each in group) + b"]")
    )


def _read_loosely(element: bytes) -> tuple[Resource, str, Span | None] | Flaw:
    given = read_json(element)
    if isinstance(given, Flaw):
        return given
    if not isinstance(given, dict):
        return field_flaw("spans", "hold JSON objects", given)
    try:
        tags = given.get("tags")
        ids = ids_of(
            text_field("traceId", given.get("traceId")),
            text_field("id", given.get("id")),
            text_field("parentId", given.get("parentId")),
        )
        if isinstance(ids, Flaw):
            return ids
        read = span_of(
            ids,
            kind_of(text_field("kind", given.get("kind"))),
            text_field("name", given.get("name")),
            whole_number("timestamp", given.get("timestamp")),
            None if given.get("duration") is None else whole_number("duration", given["duration"]),
            by_concept({key: _text(tag) for key, tag in tags.items()}, TAGS) if isinstance(tags, dict) else {},
            _loose_endpoint(given.get("remoteEndpoint")),
            given.get("shared") is True,
        )
    except FieldError as error:
        return error.flaw
    if isinstance(read, Flaw):
        return read
    return resource_at(_loose_endpoint(given.get("localEndpoint"))), *read


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _loose_endpoint(given: Any) -> Endpoint:
    if not isinstance(given, dict):
        return NOWHERE
    port = given.get("port")
    service, address = given.get("serviceName"), given.get("ipv4") or given.get("ipv6")
    return Endpoint(
        service if isinstance(service, str) else "",
        address if isinstance(address, str) else "",
        port if isinstance(port, int) else 0,
    )
