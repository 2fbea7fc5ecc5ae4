"""What the decoders of OTLP share: limits, the result, one span from its fields, and refused spans."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.rejection import ErrorName, Flaw, Rejection
from tracehound.schemas.spans import Resource, Span, SpanKind, TraceChunk
from tracehound.streams.intake.conventions import Attributes, describe, failure_of, is_failed

MOST_NS = 2**64 - 1
"""The latest time that OTLP can tell, in nanoseconds since the epoch: in the year 2554."""

_KINDS: tuple[SpanKind | None, ...] = (None, "internal", "server", "client", "producer", "consumer")
_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200
_PLACES_NAMED = 20


@dataclass(frozen=True, slots=True)
class SpanLimits:
    """Sizes that a record of spans must keep: bytes of its value, and spans in it.

    ``max_spans`` also limits how many resources and scopes there may be, since even empty ones take time.
    """

    max_record_bytes: int = 8_000_000
    max_spans: int = 100_000


@dataclass(slots=True)
class DecodedSpans:
    """What a record held: its good spans by trace, what was refused, and how many good spans there are.

    Trace ids are 32 lower-case hexadecimal digits, in the order first met. A ``TraceChunk`` has one list of
    spans for each resource of the trace.
    """

    traces: dict[str, TraceChunk] = field(default_factory=dict)
    rejected: list[Rejection] = field(default_factory=list)
    spans: int = 0


class RecordError(Exception):
    """The record as a whole cannot be used: class of error, and a sentence that begins in lower case."""

    def __init__(self, error: ErrorName, sentence: str) -> None:
        super().__init__(sentence)
        self.error = error
        self.sentence = sentence


def check_count(count: int, limits: SpanLimits, what: str = "spans") -> None:
    """Raise ``RecordError`` if the record has more of something than the limits allow."""
    if count > limits.max_spans:
        raise RecordError(
            "TooManySpans", f"the record must hold at most {limits.max_spans} {what}. Got {count} instead."
        )


class SpansByTrace:
    """Collects spans by trace and, within it, by resource."""

    def __init__(self) -> None:
        self.traces: dict[str, TraceChunk] = {}
        self._by_resource: dict[Resource, dict[bytes, list[Span]]] = {}

    def of_resource(self, resource: Resource) -> Callable[[bytes, Span], None]:
        """A function that adds a span of this resource to the trace with the id."""
        lists = self._by_resource.setdefault(resource, {})

        def add(trace_id: bytes, span: Span) -> None:
            spans = lists.get(trace_id)
            if spans is not None:
                spans.append(span)
                return
            spans = lists[trace_id] = [span]
            self.traces.setdefault(trace_id.hex(), TraceChunk()).spans.append((resource, spans))

        return add

    def __len__(self) -> int:
        """How many spans there are."""
        return sum(map(len, self.traces.values()))

    def result(self, rejected: list[Rejection] | None = None) -> DecodedSpans:
        """All of them, and what was refused."""
        return DecodedSpans(self.traces, rejected or [], len(self))


def span_of(
    trace_id: bytes,
    span_id: bytes,
    parent_id: bytes,
    start_ns: int,
    end_ns: int,
    name: str,
    kind: int,
    flags: int,
    status_code: int,
    status_message: str,
    attributes: Attributes,
    exception: Attributes | None,
) -> Span | Flaw:
    """The span with these fields of OTLP, or what is wrong with it.

    ``attributes`` need only hold ``SPAN_ATTRIBUTES``; ``exception`` are the attributes of the span's last
    event ``exception``. An unknown ``kind`` or ``status_code`` counts as unspecified.
    """
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        return _id_flaw("traceId", 16, trace_id)
    if len(span_id) != 8 or span_id == _NO_SPAN:
        return _id_flaw("spanId", 8, span_id)
    if parent_id and len(parent_id) != 8:
        return _id_flaw("parentSpanId", 8, parent_id)
    if not 0 < start_ns <= MOST_NS:
        return _time_flaw("startTimeUnixNano", start_ns)
    if not start_ns <= end_ns <= MOST_NS:
        return _end_flaw(start_ns, end_ns)
    span_kind = _KINDS[kind] if 0 <= kind <= 5 else None
    operation, segment, peer, component, result = describe(name, span_kind, attributes)
    if not operation:
        return _NAMELESS
    is_error = is_failed(span_kind, status_code, result)
    error: ExecutionFailure | None = None
    if is_error == 1 or exception is not None:
        error = failure_of(is_error, status_message, attributes.get("error.type"), exception)
    return Span(
        "",
        operation,
        -1,
        None,
        (end_ns - start_ns) / 1e3,
        None,
        component,
        peer,
        is_error,
        span_id.hex(),
        parent_id.hex() if parent_id and parent_id != _NO_SPAN else "",
        start_ns,
        span_kind,
        segment,
        bool(flags & _REMOTE) if flags & _REMOTE_KNOWN else None,
        error,
        result,
    )


_NAMELESS = Flaw(
    "InvalidSpan",
    "name",
    lambda: "the field 'name' must not be empty where no attribute says what the span is about. Got \"\" instead.",
)


def _id_flaw(name: str, length: int, given: bytes) -> Flaw:
    got = f"{len(given)} bytes" if len(given) != length else "only zeros"
    rule = f"be {length} bytes" + (" or absent" if name == "parentSpanId" else ", not all zero")
    return Flaw("InvalidSpan", name, lambda: f"the field '{name}' must {rule}. Got {got} instead.")


def _time_flaw(name: str, given_ns: int) -> Flaw:
    rule = f"be nanoseconds since the epoch from 1 to {MOST_NS}"
    return Flaw("InvalidSpan", name, lambda: f"the field '{name}' must {rule}. Got {given_ns} instead.")


def _end_flaw(start_ns: int, end_ns: int) -> Flaw:
    if not 0 < end_ns <= MOST_NS:
        return _time_flaw("endTimeUnixNano", end_ns)
    return Flaw(
        "InvalidSpan",
        "endTimeUnixNano",
        lambda: (
            f"the field 'endTimeUnixNano' must not be before 'startTimeUnixNano', {start_ns}. Got {end_ns} instead."
        ),
    )


@dataclass(frozen=True, slots=True)
class Refused:
    """A span that was refused, or a list of spans as a whole, with what is around it.

    ``place`` are the indexes into resourceSpans, scopeSpans and spans, as many as are needed. ``heads`` are the
    resource's and the scope's own fields, in the record's encoding, as many as are above it. ``element`` are
    its original bytes. ``number`` counts the spans of the record.
    """

    number: int
    place: tuple[int, ...]
    heads: tuple[bytes, ...]
    element: bytes
    flaw: Flaw


def rejections(refused: Iterable[Refused], record_of: Callable[[Sequence[Refused]], bytes]) -> list[Rejection]:
    """One rejection for each thing that is wrong, with a record that holds nothing but the refused."""
    groups: dict[tuple[ErrorName, str], list[Refused]] = {}
    for each in refused:
        groups.setdefault((each.flaw.error, each.flaw.field), []).append(each)
    return [
        Rejection(
            tuple(each.number for each in group),
            record_of(group),
            group[0].flaw.error,
            f"{_name_places(group)}: {group[0].flaw.sentence()}",
        )
        for group in groups.values()
    ]


def nested(group: Sequence[Refused], depth: int, wrap: Callable[[int, bytes, list[bytes]], bytes]) -> list[bytes]:
    """The refused from ``depth`` on, put back into what was around them.

    ``wrap`` gets the depth (0: a resource, 1: a scope), its own fields and what goes into it.
    """
    parts: list[bytes] = []
    for _, near in groupby(group, key=lambda each: each.place[: depth + 1]):
        members = list(near)
        if len(members[0].place) == depth + 1:
            parts += [each.element for each in members]
        else:
            parts.append(wrap(depth, members[0].heads[depth], nested(members, depth + 1, wrap)))
    return parts


_NAMES = ("resourceSpans", "scopeSpans", "spans")


def _name_places(group: Sequence[Refused]) -> str:
    places = [
        ".".join(f"{name}[{index}]" for name, index in zip(_NAMES, place, strict=False))
        for place in map(attrgetter("place"), group[:_PLACES_NAMED])
    ]
    more = len(group) - len(places)
    return ", ".join(places) + (f" and {more} more" if more else "")
