"""What decoding a record gives, whatever its format: spans by trace, what was refused, and what was left out."""

from collections.abc import Callable

import msgspec

from tracehound.schemas.rejection import RecordError, Rejection
from tracehound.schemas.spans import Resource, Span, TraceChunk

_LEAST_BYTES = 40
"""No span, resource or scope that says anything has fewer, in any format."""
_SPANS_OF_ANY = 16


class SpanLimits(msgspec.Struct, frozen=True):
    """Sizes that a record of spans must keep: bytes of its value, also once it is unpacked, and spans in it.

    ``max_spans`` also limits how many resources and scopes there may be, since even empty ones take time.
    ``with_namespace``: see ``resource_of``.
    """

    max_record_bytes: int = 8_000_000
    max_spans: int = 100_000
    with_namespace: bool = True

    def of(self, size: int) -> "SpanLimits":
        """The limits of a record of so many bytes: what is wrong with a span takes as long to find as many
        bytes of good ones take to read, so there may not be more spans than the bytes of good ones.
        """
        most = _SPANS_OF_ANY + size // _LEAST_BYTES
        return self if most >= self.max_spans else SpanLimits(self.max_record_bytes, most, self.with_namespace)


class PackedSpans(msgspec.Struct):
    """Spans by trace that are packed already: ids, how many each has, and its ``TraceChunk`` in MessagePack.

    ``sent`` are trace id, span id and end in nanoseconds of those that sent messages.
    """

    traces: list[tuple[str, int, msgspec.Raw]]
    sent: list[tuple[str, str, int]] = []


class DecodedSpans(msgspec.Struct):
    """What a record held: its good spans by trace, what was refused, and how many good spans there are.

    Trace ids are in the order first met, those of OpenTelemetry, Zipkin and Jaeger 32 lower-case hexadecimal digits. A
    ``TraceChunk`` has one list of spans for each resource of the trace. ``unfinished`` counts spans that were left out
    because they have not ended, or never began. ``format`` is the one that was recognised, ``signal`` the one of
    OTLP that the record holds instead of traces; each is empty where there is none. Where the spans are ``packed``,
    ``traces`` is empty.
    """

    traces: dict[str, TraceChunk] = {}
    rejected: list[Rejection] = []
    spans: int = 0
    unfinished: int = 0
    format: str = ""
    signal: str = ""
    packed: PackedSpans | None = None


def one_span(trace_id: str, resource: Resource, span: Span) -> DecodedSpans:
    """What a record of one span held."""
    return DecodedSpans({trace_id: TraceChunk([(resource, [span])])}, [], 1)


def check_count(count: int, limits: SpanLimits, what: str = "spans") -> None:
    """Raise ``RecordError`` if the record has more of something than the limits allow."""
    if count > limits.max_spans:
        raise RecordError(
            "TooManySpans", f"the record must hold at most {limits.max_spans} {what}. Got {count} instead."
        )


class SpansByTrace:
    """Collects spans by trace and, within it, by resource. Trace ids are all texts, or all bytes."""

    def __init__(self) -> None:
        self.traces: dict[str, TraceChunk] = {}
        self.unfinished = 0
        self._by_resource: dict[Resource, dict[str | bytes, list[Span]]] = {}

    def of_resource(self, resource: Resource) -> Callable[[str | bytes, Span], None]:
        """A function that adds a span of this resource to the trace with the id."""
        lists = self._by_resource.setdefault(resource, {})

        def add(trace_id: str | bytes, span: Span) -> None:
            spans = lists.get(trace_id)
            if spans is not None:
                spans.append(span)
                return
            spans = lists[trace_id] = [span]
            key = trace_id if isinstance(trace_id, str) else trace_id.hex()
            chunk = self.traces.get(key)
            if chunk is None:
                chunk = self.traces[key] = TraceChunk()
            chunk.spans.append((resource, spans))

        return add

    def __len__(self) -> int:
        """How many spans there are."""
        return sum(map(len, self.traces.values()))

    def result(self, rejected: list[Rejection] | None = None) -> DecodedSpans:
        """All of them, and what was refused."""
        return DecodedSpans(self.traces, rejected or [], len(self), self.unfinished)
