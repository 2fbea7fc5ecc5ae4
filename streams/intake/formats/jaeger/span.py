"""One span of Jaeger from its fields, in OpenTelemetry's terms.

| Jaeger | span |
|---|---|
| ``references`` | parent: the first CHILD_OF of the trace, else FOLLOWS_FROM; those to other traces are links |
| tag ``span.kind`` | kind; none where it is absent, as OpenTracing's libraries often leave it |
| whole numbers as FLOAT64 | whole numbers (the client for Node writes no others) |
| the last of repeated tags | counts; of ``error`` any |
| ``error`` (true, or a text), ``otel.status_code`` | failed or not; a server's 5xx too |
| a log with ``event`` = exception or error, ``exception.type`` or ``error.kind`` | type and message of the error |
| ``peer.*``, ``db.*``, ``message_bus.destination``, ``http.*`` | as OpenTelemetry's (``conventions.names``) |
| ``process`` | application and its version, environment, host |
| ``sampler.type``, ``sampler.param`` | the adjusted count of the trace (``conventions.sampling``) |
| ``flags``, ``warnings`` | ignored |

Source: https://github.com/jaegertracing/jaeger-idl, ``model/v1/model.proto``, OpenTracing's semantic conventions, and
what the collector 1.76.0 writes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.rejection import Flaw
from tracehound.schemas.spans import Span, SpanKind
from tracehound.streams.intake.conventions.describe import describe
from tracehound.streams.intake.conventions.failures import MESSAGE_CHARACTERS, error_told
from tracehound.streams.intake.conventions.messages import linked
from tracehound.streams.intake.conventions.names import CONCEPTS, RESOURCE_ATTRIBUTES, SERVICE, spelling_of
from tracehound.streams.intake.conventions.sampling import adjusted_count
from tracehound.streams.intake.conventions.texts import NAME_CHARACTERS, Attributes, AttributeValue, text
from tracehound.streams.intake.formats.fields import MOST_NS, field_flaw, id_flaw, time_flaw

UNNAMED = "unknown"
MOST_LINKS = 128
STATUS_CODE, STATUS_DESCRIPTION, KIND = "otel.status_code", "otel.status_description", "span.kind"
TAGS = spelling_of({**CONCEPTS, **{name: (name,) for name in (KIND, STATUS_CODE, STATUS_DESCRIPTION)}})
"""The tags of a span that are looked at, by what they say."""
PROCESS_TAGS = RESOURCE_ATTRIBUTES - {SERVICE}
"""The tags of a process that are looked at; its name has a field of its own."""
LOG_FIELDS = frozenset(
    ("event", "message", "exception.type", "exception.message", "error.kind", "error.object", "error.type")
)
"""The fields of a log that are looked at."""

CHILD_OF, FOLLOWS_FROM = 0, 1
_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)
_KINDS: dict[str, SpanKind] = {
    "server": "server",
    "client": "client",
    "producer": "producer",
    "consumer": "consumer",
    "internal": "internal",
}


References = Sequence[tuple[bytes, bytes, int]]
"""What other spans are to a span: trace and span id, and CHILD_OF or FOLLOWS_FROM."""


class Reference(NamedTuple):
    """One of them."""

    trace_id: bytes
    span_id: bytes
    type: int


def whole(number: float) -> int | float:
    """A number as a whole one where it is one.

    >>> whole(500.0), whole(0.5), whole(float("inf"))
    (500, 0.5, inf)
    """
    return int(number) if number.is_integer() else number


def span_of(
    trace_id: bytes,
    span_id: bytes,
    name: str,
    references: References,
    start_ns: int,
    duration_ns: int,
    tags: dict[str, AttributeValue],
    errors: Sequence[AttributeValue],
    logs: Sequence[Attributes],
) -> tuple[bytes, Span] | Flaw:
    """Trace id and span, or what is wrong with it.

    Parameters:
        tags: by concept.
        errors: the values of all tags ``error``.
        logs: those that tell of an error.
    """
    if len(trace_id) == 8:
        trace_id = bytes(8) + trace_id
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        return id_flaw("traceId", 16, trace_id)
    if len(span_id) != 8 or span_id == _NO_SPAN:
        return id_flaw("spanId", 8, span_id)
    if not 0 < start_ns <= MOST_NS:
        return time_flaw("startTime", start_ns)
    if not 0 <= duration_ns <= MOST_NS:
        return field_flaw("duration", f"be nanoseconds from 0 to {MOST_NS}", duration_ns)
    said = tags.get(KIND)
    kind = _KINDS.get(text(said).lower()) if said else None
    operation, segment, peer, component, result, message, _, failed = describe(name, kind, tags)
    is_error = _is_error(tags, errors, failed) if errors or failed or STATUS_CODE in tags else None
    parent_id, links = _parents(trace_id, span_id, references) if references else ("", ())
    if message is not None or links:
        message = linked(message, links, by_consumer=True)
    return trace_id, Span(
        "",
        operation or UNNAMED,
        -1,
        None,
        duration_ns / 1e3,
        None,
        component,
        peer,
        is_error,
        span_id.hex(),
        parent_id,
        start_ns,
        kind,
        segment,
        None,
        _failure(is_error, tags, errors, logs) if is_error == 1 or logs else None,
        result,
        None,
        message,
        adjusted_count(tags),
    )


def _is_error(tags: Mapping[str, AttributeValue], errors: Sequence[AttributeValue], by_result: bool) -> int | None:
    status = text(tags.get(STATUS_CODE)).upper()
    if status == "ERROR" or any(error is True or (isinstance(error, str) and _says_error(error)) for error in errors):
        return 1
    if status == "OK":
        return 0
    return 1 if by_result else None


def _says_error(error: str) -> bool:
    return error.casefold() not in ("", "false")


def _parents(trace_id: bytes, span_id: bytes, references: References) -> tuple[str, tuple[tuple[str, str], ...]]:
    if len(references) == 1 and references[0][0] == trace_id and references[0][1] != span_id:
        return references[0][1].hex(), ()
    parent: Reference | None = None
    links: list[tuple[str, str]] = []
    for reference in map(Reference._make, references):
        other = bytes(16 - len(reference.trace_id)) + reference.trace_id if reference.trace_id else trace_id
        if not any(reference.span_id):
            continue
        if other != trace_id:
            links.append((other.hex(), reference.span_id.hex()))
        elif reference.span_id != span_id and (
            parent is None or (parent.type == FOLLOWS_FROM and reference.type == CHILD_OF)
        ):
            parent = reference
    return "" if parent is None else parent.span_id.hex(), tuple(links[:MOST_LINKS])


def _failure(
    is_error: int | None,
    tags: Mapping[str, AttributeValue],
    errors: Sequence[AttributeValue],
    logs: Sequence[Attributes],
) -> ExecutionFailure | None:
    kind = message = ""
    for log in logs:
        kind = text(log.get("exception.type") or log.get("error.kind")) or kind
        message = text(log.get("exception.message") or log.get("message")) or message
    for error in errors:
        told, said = error_told(error)
        kind, message = kind or told, message or said
    kind = kind or text(tags.get("error type"))
    message = message or text(tags.get(STATUS_DESCRIPTION))
    if not kind and not message:
        return None
    return ExecutionFailure(kind[:NAME_CHARACTERS], message[:MESSAGE_CHARACTERS], is_error != 1)


def tells_error(log: Attributes) -> bool:
    """Whether a log is about an error."""
    return log.get("event") in ("exception", "error") or "exception.type" in log or "error.kind" in log
