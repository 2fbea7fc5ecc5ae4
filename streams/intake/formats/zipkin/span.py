"""One span of Zipkin v2 from its fields, in OpenTelemetry's terms.

| Zipkin | span |
|---|---|
| ``traceId``, ``id`` | padded to 32 and 16 digits, as the Collector does |
| ``shared`` | the server's half of a call whose id both sides use: an id of its own, below the client's half |
| ``kind`` absent | internal |
| ``timestamp`` or ``duration`` absent | unfinished, left out |
| ``localEndpoint`` | application and host |
| ``remoteEndpoint`` of a client or producer | peer |
| tags ``http.*``, ``sql.query``, ``kafka.topic``, ``messaging.*``, … | as OpenTelemetry's (``conventions.names``) |
| Micrometer's tags ``method``, ``uri``, ``status``, ``exception`` | method, route, status, type of the error |
| tag ``otel.status_code`` (OpenTelemetry's exporters) | failed or not, whatever else is said |
| tag ``error`` | failed, whatever it says but ``false``; not where a server only tells its 4xx again |
| ``annotations``, ``debug`` | ignored |

Source: https://zipkin.io/zipkin-api/zipkin2-api.yaml, https://github.com/openzipkin/b3-propagation, and what Brave
6.3.1, zipkin-reporter 3.5.3, Micrometer Tracing 1.6.6, zipkin-go 0.4.3 and npm zipkin 0.22.0 write.
"""

import re
from typing import NamedTuple

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.rejection import Flaw
from tracehound.schemas.spans import SHARED_SUFFIX, Resource, Span, SpanKind
from tracehound.streams.intake.conventions.describe import describe
from tracehound.streams.intake.conventions.failures import MESSAGE_CHARACTERS, error_told
from tracehound.streams.intake.conventions.messages import linked
from tracehound.streams.intake.conventions.names import CONCEPTS, spelling_of
from tracehound.streams.intake.conventions.resources import UNKNOWN_SERVICE
from tracehound.streams.intake.conventions.sampling import adjusted_count
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS, AttributeValue, text
from tracehound.streams.intake.formats.fields import field_flaw, time_flaw

UNNAMED = "unknown"
"""What a span without a name is called, as in Zipkin."""
TAGS = spelling_of(
    {**CONCEPTS, "bare status": ("status",), "bare exception": ("exception",), "otel status": ("otel.status_code",)}
)
"""The tags that are looked at, by what they say; of the last three two are Micrometer's."""
_STATUSES = {"OK": 0, "ERROR": 1}
_MOST_US = 2**53
_HEX = re.compile(r"[0-9a-fA-F]{1,32}")
_KINDS: dict[str, SpanKind] = {
    "SERVER": "server",
    "CLIENT": "client",
    "PRODUCER": "producer",
    "CONSUMER": "consumer",
}


class Endpoint(NamedTuple):
    """One side of a span; empty, or 0, where it is not said."""

    service: str = ""
    address: str = ""
    port: int = 0


NOWHERE = Endpoint()

Ids = tuple[str, str, str]
"""Of a trace, a span and its parent."""


def kind_of(given: str) -> SpanKind:
    """The kind; what has none, or one that is not known, is internal."""
    return _KINDS.get(given) or _KINDS.get(given.upper(), "internal")


def resource_at(endpoint: Endpoint) -> Resource:
    """Who emitted a span."""
    return Resource(endpoint.service[:NAME_CHARACTERS] or UNKNOWN_SERVICE, host=endpoint.address[:NAME_CHARACTERS])


def ids_of(given_trace: str, given_span: str, given_parent: str) -> Ids | Flaw:
    """The ids of the trace (32 hexadecimal digits), the span and its parent (16; empty: none), or what is wrong."""
    if not _HEX.fullmatch(given_trace) or not (trace_id := given_trace.lower().rjust(32, "0")).strip("0"):
        return field_flaw("traceId", "be 1 to 32 hexadecimal digits, not all zero", given_trace)
    if not _is_span_id(given_span):
        return field_flaw("id", "be 1 to 16 hexadecimal digits, not all zero", given_span)
    span_id, parent_id = given_span.lower().rjust(16, "0"), ""
    if given_parent.strip("0"):
        if not _is_span_id(given_parent):
            return field_flaw("parentId", "be 1 to 16 hexadecimal digits or absent", given_parent)
        parent_id = given_parent.lower().rjust(16, "0")
    return trace_id, span_id, parent_id


def span_of(
    ids: Ids,
    kind: SpanKind,
    name: str,
    start_us: int,
    duration_us: int | None,
    tags: dict[str, AttributeValue],
    remote: Endpoint,
    shared: bool,
) -> tuple[str, Span | None] | Flaw:
    """Trace id and span, None for an unfinished one; or what is wrong with it.

    Parameters:
        ids: as ``ids_of`` gives them.
        start_us: microseconds since the epoch, 0 where it is not said.
        duration_us: None where it is not said.
        tags: by concept; changed.
    """
    trace_id, span_id, parent_id = ids
    if not start_us or duration_us is None:
        return trace_id, None
    if not 0 < start_us <= _MOST_US:
        return time_flaw("timestamp", start_us, "microseconds", _MOST_US)
    if not 0 <= duration_us <= _MOST_US:
        return field_flaw("duration", f"be microseconds from 0 to {_MOST_US}", duration_us)
    if parent_id == span_id:
        parent_id = ""
    if shared and kind in ("server", "consumer"):
        span_id, parent_id = span_id + SHARED_SUFFIX, span_id
    exception = _micrometer(kind, tags)
    if kind in ("client", "producer") and remote is not NOWHERE:
        _call(remote, tags)
    operation, segment, peer, component, result, message, _, by_result = describe(name, kind, tags)
    error = None if "error" not in tags else text(tags["error"])
    said = _STATUSES.get(text(tags.get("otel status")).upper())
    failed = _failed(kind, result, error, exception, by_result) if said is None else said == 1
    span = Span(
        "",
        operation or UNNAMED,
        -1,
        None,
        float(duration_us),
        None,
        component,
        peer,
        1 if failed else said,
        span_id,
        parent_id,
        start_us * 1_000,
        kind,
        segment,
        True if shared else None,
        _error(error, exception) if failed else None,
        result,
        None,
        None if message is None else linked(message, (), by_consumer=True),
        adjusted_count(tags),
    )
    return trace_id, span


def _is_span_id(given: str) -> bool:
    return 0 < len(given) <= 16 and bool(_HEX.fullmatch(given)) and bool(given.strip("0"))


def _micrometer(kind: SpanKind, tags: dict[str, AttributeValue]) -> str:
    """Say what Micrometer's tags say as OpenTelemetry's; returns the class of an exception, empty if none."""
    method = tags.get("bare method")
    if not method or not (uri := text(tags.get("bare uri"))):
        return ""
    tags["method"] = method
    tags["route" if kind == "server" else "url template"] = uri.partition("?")[0]
    if (status := text(tags.get("bare status"))).isdecimal():
        tags["status"] = status
    exception = text(tags.get("bare exception"))
    return "" if exception == "none" else exception


def _call(remote: Endpoint, tags: dict[str, AttributeValue]) -> None:
    if remote.service:
        tags["service called"] = remote.service
    elif remote.address:
        tags["address"] = remote.address
        if remote.port:
            tags["port"] = remote.port


def _failed(kind: SpanKind, result: str | int | None, error: str | None, exception: str, by_result: bool) -> bool:
    status = result if isinstance(result, int) else 0
    if error is not None and error.casefold() != "false":
        return not (kind == "server" and 400 <= status < 500 and error == str(status) and not exception)
    return by_result or (kind == "client" and status >= 400)


def _error(error: str | None, exception: str) -> ExecutionFailure | None:
    kind, message = error_told(error or "")
    kind = exception or kind
    if not kind and not message:
        return None
    return ExecutionFailure(kind[:NAME_CHARACTERS], message[:MESSAGE_CHARACTERS])
