"""What decoding a span costs in each format of Protobuf: the same spans as each tracer writes them to Kafka."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracehound.schemas.spans import Resource, SpanKind
from tracehound.scripts.benchmarks.intake.workload import make_workload
from tracehound.scripts.recorded.otlp_encoding import encode_protobuf
from tracehound.scripts.recorded.otlp_spans import Attribute, Exported, OtlpSpan
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.jaeger.protobuf import JAEGER
from tracehound.streams.intake.formats.skywalking.protobuf import SKYWALKING
from tracehound.streams.intake.formats.skywalking.span import ENTRY, EXIT, LOCAL
from tracehound.streams.intake.formats.wire import framed
from tracehound.streams.intake.formats.zipkin.protobuf import ZIPKIN

Batch = Sequence[Exported]
"""The spans of one record of OTLP."""

_ZIPKIN_KINDS: Final[Mapping[SpanKind, int]] = {"client": 1, "server": 2, "producer": 3, "consumer": 4}
_ENDS: Final[Mapping[SpanKind, int]] = {
    "server": ENTRY,
    "consumer": ENTRY,
    "client": EXIT,
    "producer": EXIT,
}
_SKYWALKING_NAMES: Final = {
    "http.request.method": "http.method",
    "http.response.status_code": "http.status_code",
    "url.full": "url",
    "db.system.name": "db.type",
    "db.namespace": "db.instance",
    "db.query.text": "db.statement",
}
_LAYERS: Final = (("db.type", 1), ("http.method", 3), ("http.status_code", 3))


@dataclass(frozen=True, slots=True)
class TracerCost:
    """CPU microseconds for each span of a format, and how many spans are in a record of it."""

    microseconds: float
    spans_per_record: float


def measure_tracers(spans: int, rounds: int, cpu_s: Callable[[], float] = time.process_time) -> dict[str, TracerCost]:
    """What decoding costs in each format, the median of rounds in which all take their turns.

    OTLP comes in records of as many spans as a Collector's, and of one span, as Jaeger's are.

    Raises:
        RuntimeError: not all spans were read.
    """
    batches: list[Batch] = []

    def keep(exported: Sequence[Exported]) -> bytes:
        batches.append([(resource, list(some)) for resource, some in exported])
        return b""

    made = make_workload(spans, keep, 1_750_000_000.0, lambda _: None)
    formats: dict[str, list[bytes]] = {
        "OTLP": [encode_protobuf(batch) for batch in batches],
        "OTLP, one span a record": [encode_protobuf([one]) for batch in batches for one in _each(batch)],
        "OTLP, a segment a record": [encode_protobuf([segment]) for batch in batches for segment in _segments(batch)],
        "Zipkin": [b"".join(framed(1, _zipkin(*one)) for one in _each(batch)) for batch in batches],
        "Jaeger": [_jaeger(*one) for batch in batches for one in _each(batch)],
        "SkyWalking": [_skywalking(*segment) for batch in batches for segment in _segments(batch)],
    }
    gc.collect()
    gc.freeze()
    costs: dict[str, list[float]] = {name: [] for name in formats}
    limits = SpanLimits()
    for _ in range(rounds + 1):
        for name, values in formats.items():
            begun = cpu_s()
            read = sum(decode_spans(value, limits).spans for value in values)
            costs[name].append((cpu_s() - begun) / made.spans * 1e6)
            if read != made.spans:
                raise RuntimeError(f"{made.spans} spans of {name} must be read. Got {read} instead.")
    return {
        name: TracerCost(statistics.median(costs[name][1:]), made.spans / len(values))
        for name, values in formats.items()
    }


def _each(batch: Batch) -> Iterator[tuple[Resource, list[OtlpSpan]]]:
    for resource, spans in batch:
        for span in spans:
            yield resource, [span]


def _segments(batch: Batch) -> Iterator[tuple[Resource, list[OtlpSpan]]]:
    """The spans of one trace and process, with their entry first."""
    found: dict[tuple[Resource, str], list[OtlpSpan]] = {}
    for resource, spans in batch:
        for span in spans:
            found.setdefault((resource, span.trace_id), []).append(span)
    for (resource, _), spans in found.items():
        yield resource, sorted(spans, key=lambda span: (not span.remote_parent, span.start_ns))


def _texts(attributes: Sequence[Attribute]) -> list[bytes]:
    return [framed(1, name.encode()) + framed(2, str(value).encode()) for name, value in attributes]


def _zipkin(resource: Resource, spans: Sequence[OtlpSpan]) -> bytes:
    [span] = spans
    message = ZIPKIN.Span(
        trace_id=bytes.fromhex(span.trace_id),
        parent_id=bytes.fromhex(span.parent_id),
        id=bytes.fromhex(span.span_id),
        kind=_ZIPKIN_KINDS.get(span.kind, 0),
        name=span.name,
        timestamp=span.start_ns // 1_000,
        duration=max(1, (span.end_ns - span.start_ns) // 1_000),
        local_endpoint=ZIPKIN.Endpoint(service_name=resource.service, ipv4=bytes((10, 0, 0, 7))).SerializeToString(),
        tags=_texts(span.attributes),
    )
    return bytes(message.SerializeToString())


def _jaeger(resource: Resource, spans: Sequence[OtlpSpan]) -> bytes:
    [span] = spans
    trace_id = bytes.fromhex(span.trace_id)
    parents = [JAEGER.Reference(trace_id=trace_id, span_id=bytes.fromhex(span.parent_id))] if span.parent_id else []
    process = (("deployment.environment", resource.environment), ("host.name", resource.host))
    message = JAEGER.Span(
        trace_id=trace_id,
        span_id=bytes.fromhex(span.span_id),
        operation_name=span.name,
        references=parents,
        start_time=_time(span.start_ns),
        duration=_time(span.end_ns - span.start_ns),
        tags=[_jaeger_tag(*pair) for pair in (("span.kind", span.kind), *span.attributes)],
        process=JAEGER.Process(
            service_name=resource.service, tags=[_jaeger_tag(*pair) for pair in process]
        ).SerializeToString(),
    )
    return bytes(message.SerializeToString())


def _time(ns: int) -> object:
    return JAEGER.Time(seconds=ns // 1_000_000_000, nanos=ns % 1_000_000_000)


def _jaeger_tag(name: str, value: str | int) -> bytes:
    if isinstance(value, str):
        return bytes(JAEGER.KeyValue(key=name, v_str=value).SerializeToString())
    return bytes(JAEGER.KeyValue(key=name, v_type=2, v_int64=value).SerializeToString())


def _skywalking(resource: Resource, spans: Sequence[OtlpSpan]) -> bytes:
    places = {span.span_id: place for place, span in enumerate(spans)}
    entry = spans[0]
    message = SKYWALKING.Segment(
        trace_id=entry.trace_id,
        segment_id=entry.span_id,
        service=resource.service,
        instance=resource.host,
        spans=[_skywalking_span(span, place, places) for place, span in enumerate(spans)],
    )
    return bytes(message.SerializeToString())


def _skywalking_span(span: OtlpSpan, place: int, places: Mapping[str, int]) -> object:
    attributes = [(_SKYWALKING_NAMES.get(name, name), value) for name, value in span.attributes]
    names = {name for name, _ in attributes}
    parent = places.get(span.parent_id, -1)
    above = [SKYWALKING.Ref(trace_id=span.trace_id, segment_id=span.parent_id)]
    return SKYWALKING.Span(
        number=place,
        parent=parent,
        start_ms=span.start_ns // 1_000_000,
        end_ms=span.end_ns // 1_000_000,
        refs=above if parent < 0 and span.parent_id else [],
        name=span.name,
        peer=next((str(value) for name, value in attributes if name == "server.address"), ""),
        type=_ENDS.get(span.kind, LOCAL),
        layer=next((layer for name, layer in _LAYERS if name in names), 0),
        is_error=span.status == "error",
        tags=_texts(attributes),
    )
