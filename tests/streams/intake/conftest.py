"""What tests of the join share: makers of spans, pieces of traces, records and ticks."""

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.spans import Resource, SourceName, Span, SpanBatch, SpanKind, Tick, TraceChunk

OTLP: SourceName = ("otlp_spans", 0)
OTHER: SourceName = ("otlp_spans", 1)
NATIVE: SourceName = ("tracehound.traces.v1", 0)
START_NS = 1_767_225_600_000_000_000
MS = 1_000_000


def make_span(
    own_id: str,
    parent_id: str = "",
    start_ms: float = 0.0,
    duration_ms: float = 10.0,
    kind: SpanKind | None = "server",
    operation: str = "",
    **fields: Any,
) -> Span:
    """A span as the decoder leaves it; ``start_ms`` counts from ``START_NS``."""
    return Span(
        "",
        operation or f"GET /{own_id}",
        -1,
        None,
        duration_ms * 1e3,
        id=own_id,
        parent_id=parent_id,
        start_ns=START_NS + int(start_ms * MS),
        kind=kind,
        **fields,
    )


def make_chunk(*spans: tuple[str, Span], executions: Sequence[Any] = ()) -> TraceChunk:
    """A piece of a trace with spans of services."""
    by_service: dict[str, list[Span]] = {}
    for service, span in spans:
        by_service.setdefault(service, []).append(span)
    return TraceChunk([(Resource(service), found) for service, found in by_service.items()], list(executions))


def pack_chunk(chunk: TraceChunk) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(chunk))


def make_batch(
    sequence: int, clock_ms: int, *traces: tuple[str, TraceChunk], source: SourceName = OTLP, spans: int | None = None
) -> SpanBatch:
    """A record of the spans topic; ``spans`` instead of how many each trace has."""
    counted = [(trace_id, len(chunk) if spans is None else spans, pack_chunk(chunk)) for trace_id, chunk in traces]
    return SpanBatch(source, sequence, clock_ms, counted)


def make_tick(sent_ms: int, **clocks: int | None) -> Tick:
    """A tick; ``clocks`` by the last word of the source: ``otlp``, ``other``, ``native``."""
    names = {"otlp": OTLP, "other": OTHER, "native": NATIVE}
    return Tick(sent_ms, [(*names[name], clock_ms) for name, clock_ms in clocks.items()])
