"""Adjusted counts: from W3C's trace state, from attributes, and what is no such thing."""

import json
from typing import Any

import pytest

from tracehound.schemas.spans import Span
from tracehound.streams.intake.assembly.executions import Trace, executions_of
from tracehound.streams.intake.assembly.identity import ROOT
from tracehound.streams.intake.conventions.names import by_concept
from tracehound.streams.intake.conventions.sampling import adjusted_count
from tracehound.streams.intake.conventions.texts import AttributeValue
from tracehound.streams.intake.formats.decoded import DecodedSpans, SpanLimits
from tracehound.streams.intake.formats.jaeger.json import decode_jaeger_json
from tracehound.streams.intake.formats.otlp.json import decode_json
from tracehound.streams.intake.formats.otlp.protobuf import OTLP, decode_protobuf

TENTH = "ot=th:e6666666666668"


@pytest.mark.parametrize(
    ("state", "count"),
    [
        ("", None),
        ("ot=th:0", 1.0),
        ("ot=th:8", 2.0),
        ("ot=th:c;rv:9b8233f7e3a151", 4.0),
        (f"congo=t61rcWkgMzE, {TENTH}", 10.0),
        ("ot=p:3;r:5", 8.0),
        ("ot=p:63", None),
        ("ot=th:", None),
        ("ot=th:xyz", None),
        ("ot=th:-8", None),
        ("ot=th:123456789abcdef0", None),
        ("ot=th:ffffffffffffff", 0.0),  # one of 2^56: nobody can tell what such counts mean
        ("hot=th:8", None),
        ("ot=rv:9b8233f7e3a151", None),
    ],
)
def test_of_a_trace_state(state: str, count: float | None) -> None:
    found = adjusted_count({}, state)
    assert found == (None if count is None else pytest.approx(count))


@pytest.mark.parametrize(
    ("attributes", "count"),
    [
        ({"sampling.probability": 0.25}, 4.0),
        ({"sampling.probability": "0.5"}, 2.0),
        ({"sampling.probability": 0.0}, None),
        ({"sampling.probability": 2.0}, None),
        ({"sampling.probability": "nan"}, None),
        ({"SampleRate": 20}, 20.0),
        ({"sampler.type": "probabilistic", "sampler.param": 0.1}, 10.0),
        ({"sampler.type": "const", "sampler.param": True}, 1.0),
        ({"sampler.type": "ratelimiting", "sampler.param": 2.0}, 0.0),
        ({"tailsampling.policy": "errors"}, 0.0),
        ({"tailsampling.policy": "errors", "sampling.probability": 0.1}, 0.0),
        ({"http.method": "GET"}, None),
    ],
)
def test_of_attributes(attributes: dict[str, AttributeValue], count: float | None) -> None:
    assert adjusted_count(by_concept(attributes)) == count


def counts(decoded: DecodedSpans) -> list[float | None]:
    assert not decoded.rejected
    spans = [span for chunk in decoded.traces.values() for _, its in chunk.spans for span in its]
    return [None if span.adjusted_count is None else round(span.adjusted_count, 6) for span in spans]


@pytest.mark.parametrize("state", ["traceState", "trace_state"])
def test_in_otlp(state: str) -> None:
    ids = {"traceId": "5b" * 16, "spanId": "ee" * 8, "name": "GET /"}
    times: dict[str, Any] = {"startTimeUnixNano": "1767225600000000000", "endTimeUnixNano": "1767225600100000000"}
    given = {**ids, **times, state: TENTH}
    if state == "trace_state":  # as fields are defined
        given = {"trace_id": ids["traceId"], "span_id": ids["spanId"], "name": "GET /", state: TENTH}
        given |= {field: times[name] for field, name in _TIMES.items()}
    record = {"resourceSpans": [{"scopeSpans": [{"spans": [given]}]}]}
    assert counts(decode_json(json.dumps(record).encode(), SpanLimits())) == [10.0]
    span = OTLP.Span(
        trace_id=bytes.fromhex("5b" * 16),
        span_id=bytes.fromhex("ee" * 8),
        name="GET /",
        trace_state=TENTH,
        **{field: int(times[given]) for field, given in _TIMES.items()},
    )
    message = OTLP.TracesData(resource_spans=[OTLP.ResourceSpans(scope_spans=[OTLP.ScopeSpans(spans=[span])])])
    assert counts(decode_protobuf(message.SerializeToString(), SpanLimits())) == [10.0]


_TIMES = {"start_time_unix_nano": "startTimeUnixNano", "end_time_unix_nano": "endTimeUnixNano"}


def test_in_jaeger() -> None:
    tags = [
        {"key": "sampler.type", "vType": "STRING", "vStr": "probabilistic"},
        {"key": "sampler.param", "vType": "FLOAT64", "vFloat64": 0.1},
    ]
    span = {"traceId": "W1tbW1tbW1tbW1tbW1tbWw==", "spanId": "7u7u7u7u7u4=", "operationName": "GET /", "tags": tags}
    times = {"startTime": "2026-01-01T00:00:00Z", "duration": "0.1s"}
    assert counts(decode_jaeger_json(json.dumps(span | times).encode(), SpanLimits())) == [10.0]


def test_an_execution_stands_for_what_its_own_span_says_else_for_what_the_trace_does() -> None:
    root = Span("shop", "GET /", ROOT, 0.0, 9_000.0, kind="server", id="a", adjusted_count=10.0)
    called = Span("stock", "GET /stock", 0, 1_000.0, 5_000.0, kind="server", id="b")
    asked = Span("price", "GET /price", 0, 1_000.0, 5_000.0, kind="server", id="c", adjusted_count=2.0)
    made = executions_of(Trace("t", 1e15, [root, called, asked]))
    assert {one.application: one.adjusted_count for one in made} == {"shop": 10.0, "stock": 10.0, "price": 2.0}
    [alone] = executions_of(Trace("t", 1e15, [Span("shop", "GET /", ROOT, 0.0, 9_000.0, kind="server", id="a")]))
    assert alone.adjusted_count is None
