"""OTLP records for tests: strategies that draw them, and the same record in each encoding."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status, TracesData

from tracehound.streams.intake.conventions.names import EXCEPTION_ATTRIBUTES, RESOURCE_ATTRIBUTES, SPAN_ATTRIBUTES

START_NS = 1_767_225_600_000_000_000
IDS = ("traceId", "spanId", "parentSpanId")


def attribute(key: str, value: AnyValue | str | int) -> KeyValue:
    """One attribute."""
    if isinstance(value, str):
        value = AnyValue(string_value=value)
    return KeyValue(key=key, value=AnyValue(int_value=value) if isinstance(value, int) else value)


def good_span(number: int = 1, **fields: Any) -> Span:
    """A span without flaws; ``number`` makes its id."""
    given: dict[str, Any] = {
        "trace_id": b"\xab" * 16,
        "span_id": number.to_bytes(8, "big"),
        "name": "work",
        "start_time_unix_nano": START_NS,
        "end_time_unix_nano": START_NS + 1_500,
    }
    return Span(**{**given, **fields})


def record_of(*spans: Span, service: str = "shop") -> TracesData:
    """A record with these spans in one scope of one resource."""
    resource = Resource(attributes=[attribute("service.name", service)])
    return TracesData(resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])])


def as_protobuf(record: TracesData) -> bytes:
    """The record as an exporter writes it with ``otlp_proto``."""
    return record.SerializeToString()


def as_json(record: TracesData) -> bytes:
    """The record as OTLP/JSON: ids in hexadecimal digits, enumerations as numbers."""
    written = json_format.MessageToDict(record, use_integers_for_enums=True)
    for span in json_spans(written):
        for name in IDS:
            if name in span:
                span[name] = base64.b64decode(span[name]).hex()
    return json.dumps(written).encode()


def as_generic_json(record: TracesData) -> bytes:
    """The record as protobuf's own printer writes it: ids in base64, enumerations by name."""
    return json_format.MessageToJson(record).encode()


def as_original_json(record: TracesData) -> bytes:
    """The same with the names of fields as they are defined."""
    return json_format.MessageToJson(record, preserving_proto_field_name=True).encode()


ENCODINGS = {
    "protobuf": as_protobuf,
    "json": as_json,
    "generic json": as_generic_json,
    "original json": as_original_json,
}


def json_spans(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects of all spans of a record in JSON."""
    for resource in record.get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            yield from scope.get("spans", [])


_VALUES = st.one_of(
    st.builds(lambda text: AnyValue(string_value=text), st.text(max_size=12)),
    st.builds(lambda number: AnyValue(int_value=number), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda number: AnyValue(int_value=number), st.integers(100, 599)),
    st.builds(lambda truth: AnyValue(bool_value=truth), st.booleans()),
    st.builds(lambda number: AnyValue(double_value=number), st.floats()),
    st.builds(lambda text: AnyValue(bytes_value=text), st.binary(max_size=5)),
    st.builds(lambda text: AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=text)])), st.text(max_size=3)),
    st.just(AnyValue()),
)


def _attributes(names: frozenset[str]) -> st.SearchStrategy[list[KeyValue]]:
    keys = st.sampled_from(sorted(names)) | st.text(max_size=5)
    return st.lists(st.builds(lambda key, value: KeyValue(key=key, value=value), keys, _VALUES), max_size=6)


_EVENTS = st.builds(
    lambda name, attributes: Span.Event(name=name, attributes=attributes),
    st.sampled_from(["exception", "log"]),
    _attributes(EXCEPTION_ATTRIBUTES),
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Any span without flaws."""
    start_ns = draw(st.integers(1, 2**64 - 1) | st.just(START_NS))
    return Span(
        trace_id=draw(st.sampled_from([b"\x01" * 16, b"\xfe" * 16, bytes(range(16))])),
        span_id=draw(st.binary(min_size=8, max_size=8).filter(any)),
        parent_span_id=draw(st.sampled_from([b"", bytes(8), b"\x07" * 8])),
        flags=draw(st.sampled_from([0, 1, 0x100, 0x301, 2**32 - 1])),
        name=draw(st.text(min_size=1, max_size=20)),
        kind=draw(st.integers(0, 6)),  # type: ignore[arg-type]  # also one that no version defines
        start_time_unix_nano=start_ns,
        end_time_unix_nano=min(2**64 - 1, start_ns + draw(st.integers(0, 10**10))),
        attributes=draw(_attributes(SPAN_ATTRIBUTES)),
        events=draw(st.lists(_EVENTS, max_size=2)),
        status=Status(code=draw(st.sampled_from([0, 1, 2])), message=draw(st.text(max_size=5))),  # type: ignore[arg-type]  # numbers as they are on the wire
    )


@st.composite
def records(draw: st.DrawFn, min_spans: int = 0) -> TracesData:
    """Any record whose spans have no flaws, of up to three resources with up to two scopes each."""
    record = TracesData()
    for _ in range(draw(st.integers(1, 3))):
        resource = record.resource_spans.add()
        resource.resource.attributes.extend(draw(_attributes(RESOURCE_ATTRIBUTES)))
        for _ in range(draw(st.integers(1, 2))):
            scope = resource.scope_spans.add()
            scope.scope.name = draw(st.text(max_size=5))
            scope.spans.extend(draw(st.lists(spans(), min_size=min_spans, max_size=3)))
    return record
