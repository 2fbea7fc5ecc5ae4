import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tracehound.schemas.execution import ExecutionFailure
from tracehound.schemas.spans import Resource
from tracehound.scripts.recorded.otlp_encoding import encode_json, encode_protobuf
from tracehound.scripts.recorded.otlp_spans import Exported, OtlpSpan
from tracehound.streams.intake.formats.decode import decode_spans
from tracehound.streams.intake.formats.decoded import SpanLimits

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"
FAILED = OtlpSpan(
    TRACE_ID,
    SPAN_ID,
    "53995c3f42cd8ad8",
    True,
    "GET /",
    "server",
    1_700_000_000_000_000_001,
    1_700_000_000_000_000_009,
    "error",
    (("http.route", "/"), ("http.response.status_code", 503)),
    ExecutionFailure("Timeout", "too late"),
)
ROOT = OtlpSpan(TRACE_ID, SPAN_ID, "", False, "nightly", "internal", 1, 2)
EXPORTED: list[Exported] = [(Resource("shop", "live", "1.2", "shop-0"), [FAILED]), (Resource("cart"), [ROOT])]


def test_json_is_as_a_collector_writes_it() -> None:
    first, second = json.loads(encode_json(EXPORTED))["resourceSpans"]

    assert first == {
        "resource": {
            "attributes": [
                {"key": "service.name", "value": {"stringValue": "shop"}},
                {"key": "service.version", "value": {"stringValue": "1.2"}},
                {"key": "deployment.environment.name", "value": {"stringValue": "live"}},
                {"key": "host.name", "value": {"stringValue": "shop-0"}},
            ]
        },
        "scopeSpans": [
            {
                "scope": {"name": "tracehound"},
                "spans": [
                    {
                        "traceId": TRACE_ID,
                        "spanId": SPAN_ID,
                        "parentSpanId": "53995c3f42cd8ad8",
                        "flags": 0x300,
                        "name": "GET /",
                        "kind": 2,
                        "startTimeUnixNano": "1700000000000000001",
                        "endTimeUnixNano": "1700000000000000009",
                        "attributes": [
                            {"key": "http.route", "value": {"stringValue": "/"}},
                            {"key": "http.response.status_code", "value": {"intValue": "503"}},
                        ],
                        "events": [
                            {
                                "timeUnixNano": "1700000000000000009",
                                "name": "exception",
                                "attributes": [
                                    {"key": "exception.type", "value": {"stringValue": "Timeout"}},
                                    {"key": "exception.message", "value": {"stringValue": "too late"}},
                                    {"key": "exception.escaped", "value": {"boolValue": True}},
                                ],
                            }
                        ],
                        "status": {"code": 2},
                    }
                ],
            }
        ],
    }
    assert second["resource"] == {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]}
    (root,) = second["scopeSpans"][0]["spans"]
    assert root == {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "parentSpanId": "",
        "flags": 0x100,
        "name": "nightly",
        "kind": 1,
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "status": {},
    }


def test_protobuf_is_a_message_of_opentelemetry() -> None:
    data = TracesData.FromString(encode_protobuf(EXPORTED))

    assert [len(one.resource.attributes) for one in data.resource_spans] == [4, 1]
    (span,) = data.resource_spans[0].scope_spans[0].spans
    assert (span.trace_id.hex(), span.span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert (span.kind, span.flags, span.status.code) == (SpanMessage.SPAN_KIND_SERVER, 0x300, 2)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (FAILED.start_ns, FAILED.end_ns)
    assert [one.value.WhichOneof("value") for one in span.attributes] == ["string_value", "int_value"]
    assert [one.key for one in span.events[0].attributes] == [
        *("exception.type", "exception.message", "exception.escaped"),
    ]
    (root,) = data.resource_spans[1].scope_spans[0].spans
    assert root.parent_span_id == b""
    assert not root.HasField("status")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SPANS = st.builds(
    OtlpSpan,
    st.integers(1, 2**128 - 1).map(lambda number: f"{number:032x}"),
    st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}"),
    st.one_of(st.just(""), st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}")),
    st.booleans(),
    NAMES,
    st.sampled_from(("internal", "server", "client", "producer", "consumer")),
    st.integers(1, 2**61),
    st.integers(2**61, 2**62),
    st.sampled_from(("ok", "error", "unset")),
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(("peer.service", "component", "db.system.name", "http.route")), NAMES),
            st.tuples(st.just("http.response.status_code"), st.integers(-(2**63), 2**63 - 1)),
        ),
        max_size=3,
        unique_by=lambda attribute: attribute[0],
    ).map(tuple),
    st.one_of(st.none(), st.builds(ExecutionFailure, NAMES, NAMES, st.booleans())),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.builds(Resource, NAMES, NAMES), st.lists(SPANS, min_size=1, max_size=5)), max_size=4))
def test_both_encodings_say_the_same(exported: list[Exported]) -> None:
    from_protobuf, from_json = (
        decode_spans(encode(exported), SpanLimits()) for encode in (encode_protobuf, encode_json)
    )

    assert msgspec.structs.replace(from_protobuf, format="") == msgspec.structs.replace(from_json, format="")
    assert from_json.rejected == []
    assert from_json.spans == sum(len(spans) for _, spans in exported)
