"""One span of SkyWalking from its fields, in OpenTelemetry's terms.

| SegmentObject | span |
|---|---|
| ``traceId``, ``traceSegmentId``, ``spanId`` | as texts: they are no hexadecimal digits; the id is segment and number |
| ``parentSpanId`` | parent in the segment; -1 with ``refs``: the first of this trace, the others are links |
| a ref CrossThread | the same process: a segment of that execution |
| ``spanType``, ``spanLayer`` | Entry: server or consumer (MQ); Exit: client or producer (MQ); Local: internal |
| ``operationName`` | ``GET:/x`` and ``{GET}/x``: ``GET /x``; of a database: verb and table of the statement |
| ``startTime``, ``endTime`` | milliseconds; without an end it is unfinished |
| ``isError`` | failed; not where an entry with a 4xx logged no exception, as both agents mark a 404 |
| ``logs`` | type and message of the error: ``error.kind`` and ``message`` (Java), ``Traceback`` (Python) |
| ``peer`` of an Exit | address called |
| ``service``, ``serviceInstance`` | application, host |
| ``componentId``, ``skipAnalysis``, ``parentEndpoint``, … | ignored |

Source: https://github.com/apache/skywalking-data-collect-protocol, ``language-agent/Tracing.proto``, and what the Java
agent 9.3.0 and the Python agent 1.2.0 write.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from tracehound.schemas.execution import ExecutionFailure, SegmentKind
from tracehound.schemas.rejection import Flaw
from tracehound.schemas.spans import Span, SpanKind
from tracehound.streams.intake.conventions.describe import describe
from tracehound.streams.intake.conventions.failures import MESSAGE_CHARACTERS
from tracehound.streams.intake.conventions.messages import linked
from tracehound.streams.intake.conventions.names import spelling_of
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS, AttributeValue, text
from tracehound.streams.intake.formats.fields import field_flaw, time_flaw

UNNAMED = "unknown"
MOST_LINKS = 128
TAGS = spelling_of(
    {
        "url": ("url", "http.url"),
        "method": ("http.method",),
        "status": ("http.status_code", "http.status.code", "status_code"),
        "database": ("db.type",),
        "database name": ("db.instance",),
        "statement": ("db.statement",),
        "destination": ("mq.topic", "mq.queue"),
        "queue time": ("transmission.latency",),
    }
)
"""The tags that are looked at, by what they say; names differ by agent and version."""
LOG_FIELDS = frozenset(("event", "error.kind", "message", "Traceback"))
"""The fields of a log that are looked at."""

ENTRY, EXIT, LOCAL = range(3)
UNKNOWN_LAYER, DATABASE, RPC, HTTP, MQ, CACHE = range(6)
CROSS_PROCESS, CROSS_THREAD = 0, 1

_MOST_MS = 2**43
_SEGMENTS: Mapping[int, SegmentKind] = {HTTP: "http", DATABASE: "db", RPC: "rpc", MQ: "queue", CACHE: "cache"}
_METHOD_AND_PATH = re.compile(r"(?:(?P<before>[A-Z]{3,7}):|\{(?P<braced>[A-Z]{3,7})\})(?P<path>/.*)", re.DOTALL)
_MESSAGING = re.compile(r"(?P<system>\w+)/.*(?:Producer|Consumer)(?:/(?P<group>[^/]+))?", re.DOTALL)
_SEMICOLONS = re.compile(r"(?:[^;];)+")  # the Python agent joins the characters of a text, taking it for a list


class Ref(msgspec.Struct):
    """Where a segment was called from."""

    type: int
    trace_id: str
    segment_id: str
    span_id: int


class Given(msgspec.Struct):
    """The fields of one span; tags by what they say, and changed."""

    number: int
    parent: int
    start_ms: int
    end_ms: int
    refs: Sequence[Ref]
    name: str
    peer: str
    type: int
    layer: int
    is_error: bool
    tags: dict[str, AttributeValue]
    logs: Sequence[Mapping[str, AttributeValue]]


def span_of(trace_id: str, segment_id: str, given: Given) -> Span | Flaw | None:
    """The span, None for an unfinished one; or what is wrong with it."""
    if not given.start_ms or not given.end_ms:
        return None
    if not 0 < given.start_ms <= _MOST_MS:
        return time_flaw("startTime", given.start_ms, "milliseconds", _MOST_MS)
    if not given.start_ms <= given.end_ms <= _MOST_MS:
        return field_flaw("endTime", f"be milliseconds from 'startTime', {given.start_ms}, on", given.end_ms)
    attributes = given.tags
    name = _name(given, attributes)
    kind = _kind(given)
    operation, segment, peer, component, result, message, _, _ = describe(name, kind, attributes)
    if given.type == EXIT:
        segment = _SEGMENTS.get(given.layer, segment)
    parent_id, remote, links = _parent(trace_id, segment_id, given)
    failure = _failure(given.logs)
    is_client_error = isinstance(result, int) and 400 <= result < 500
    failed = given.is_error and not (given.type == ENTRY and is_client_error and failure is None)
    if message is not None or links:
        message = linked(message, links, by_consumer=True)
    return Span(
        "",
        operation or UNNAMED,
        -1,
        None,
        (given.end_ms - given.start_ms) * 1e3,
        None,
        component,
        peer,
        1 if failed else None,
        f"{segment_id}.{given.number}",
        parent_id,
        given.start_ms * 1_000_000,
        kind,
        segment,
        remote,
        failure if failed else None,
        result,
        None,
        message,
    )


def _kind(given: Given) -> SpanKind:
    if given.type == ENTRY:
        return "consumer" if given.layer == MQ else "server"
    if given.type == EXIT:
        return "producer" if given.layer == MQ else "client"
    return "internal"


def _name(given: Given, attributes: dict[str, AttributeValue]) -> str:
    """What describes the span beside its attributes, and what its name says as attributes."""
    name = given.name
    if given.type == EXIT and given.peer:
        attributes["address"] = given.peer[::2] if _SEMICOLONS.fullmatch(given.peer) else given.peer
    if "/" in name and (found := _METHOD_AND_PATH.fullmatch(name)):
        method = found["before"] or found["braced"]
        attributes.setdefault("method", method)
        return f"{method} {found['path']}"
    if name.startswith("/") and (method := attributes.get("method")):
        return f"{method} {name}"
    if given.layer == DATABASE:
        system = name.partition("/")[0].lower() if "/" in name else ""
        said = text(attributes.get("database")).lower()
        attributes["database"] = system if said in ("", "sql") and system else said
        return "" if attributes.get("statement") else name
    if given.layer == MQ and (found := _MESSAGING.fullmatch(name)):
        attributes["messaging"] = found["system"].lower()
        if found["group"]:
            attributes["group"] = found["group"]
    return name


def _parent(trace_id: str, segment_id: str, given: Given) -> tuple[str, bool | None, tuple[tuple[str, str], ...]]:
    """Parent id (empty: none), whether it is in another process, and what else is linked."""
    if given.parent >= 0:
        return f"{segment_id}.{given.parent}", False, ()
    if not given.refs:
        return "", None, ()
    chosen = next((ref for ref in given.refs if ref.trace_id in (trace_id, "")), given.refs[0])
    others = [(ref.trace_id or trace_id, _id(ref)) for ref in given.refs if ref is not chosen]
    return _id(chosen), chosen.type == CROSS_PROCESS, tuple(others[:MOST_LINKS])


def _id(ref: Ref) -> str:
    return f"{ref.segment_id}.{ref.span_id}"


def _failure(logs: Sequence[Mapping[str, AttributeValue]]) -> ExecutionFailure | None:
    for log in reversed(logs):
        kind, message = text(log.get("error.kind")), text(log.get("message"))
        if not kind and (traceback := text(log.get("Traceback")).strip()):
            kind, _, message = traceback.rpartition("\n")[2].partition(": ")
        if kind:
            shown = "" if message == "null" else message
            return ExecutionFailure(kind[:NAME_CHARACTERS], shown[:MESSAGE_CHARACTERS])
    return None
