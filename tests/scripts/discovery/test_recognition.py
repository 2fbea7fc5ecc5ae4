"""What topics hold, told from their newest records."""

import gzip
import json
import time
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.streams.gateway.conftest import traces
from tests.tracers.recorded import CASES, values_of
from tracehound.scripts.discovery.recognition import Finding, Recognition
from tracehound.scripts.discovery.sampling import Sampled, TopicSample
from tracehound.streams.settings.settings import Settings

ONE = {"application": "shop", "operation": "GET /cart", "started_at": time.time(), "duration_ms": 120.5}
EVENT = {"specversion": "1.0", "type": "done", "data": ONE}
OTHER = {"svc": "shop", "path": "/cart", "ts": int(time.time() * 1000), "took_s": 0.5}


def found(*values: bytes | None, topic: str = "t") -> Finding:
    sample = TopicSample(topic, len(values), [Sampled(value) for value in values])
    return Recognition(Settings()).of(sample)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("value", "kind", "what"),
    [
        (encoded(ONE), "executions", "executions"),
        (encoded([ONE, ONE]), "executions", "executions"),
        (gzip.compress(encoded(ONE)), "executions", "executions within gzip"),
        (encoded(EVENT), "executions", "executions within a CloudEvent"),
        (encoded({"schema": {}, "payload": ONE}), "executions", "executions within an envelope of Kafka Connect"),
        (traces(3).SerializeToString(), "spans", "spans: OTLP Protobuf"),
        (encoded(OTHER), "json", "JSON of its own"),
        (encoded({"a": 1}), "json", "JSON in which nothing looks like operation, started_at, duration_ms"),
        (b'{"resourceMetrics": []}', "json", "JSON in which nothing looks like operation, started_at, duration_ms"),
        (b"\x00\x01\xff\xfe" * 9, "unknown", "36 bytes that begin with 00 01 ff fe 00 01 ff fe instead"),
        (b"hello", "unknown", "text that is no JSON"),
        (b'{"application": "shop", ', "unknown", "JSON that is damaged"),
        (b"17", "unknown", "JSON that is no object"),
        (b"", "unknown", "text that is no JSON"),
        (None, "unknown", "records without a value"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",  # (the values hold what time it is)
)
def test_a_topic_is_told_by_its_records(value: bytes | None, kind: str, what: str) -> None:
    finding = found(value)
    assert finding.kind == kind
    assert finding.what.startswith(what)
    assert bool(finding.executions) == (kind in ("executions", "spans") or what == "JSON of its own")


def test_spans_of_every_format_that_was_recorded_are_told() -> None:
    formats = set()
    for case in sorted(path.name for path in CASES.iterdir() if path.is_dir()):
        try:
            values = values_of(case)
        except FileNotFoundError:
            continue
        finding = found(*values[:20])
        if finding.kind == "spans":
            formats.add(finding.what.removeprefix("spans: "))
            assert finding.read > 0
    assert {"OTLP JSON", "Zipkin JSON", "Zipkin Protobuf", "Jaeger Protobuf", "SkyWalking"} <= formats


def test_most_of_what_can_be_used_counts_and_the_rest_is_not_counted_as_read() -> None:
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="cpu")
    finding = found(*[metrics.SerializeToString()] * 3, traces(1).SerializeToString(), None, b"\x00\x01")
    assert (finding.kind, finding.read, finding.seen) == ("spans", 1, 6)


def test_empty_topics_and_topics_that_cannot_be_read_say_so() -> None:
    recognition = Recognition(Settings())
    assert recognition.of(TopicSample("t")).what == "holds nothing"
    assert recognition.of(TopicSample("t", 5)).what == "gave nothing to read in time"
    refused = recognition.of(TopicSample("t", 5, [], "Broker: Topic authorization failed"))
    assert (refused.kind, refused.what) == ("refused", "cannot be read: Broker: Topic authorization failed")


def test_a_mapping_that_is_set_already_is_used() -> None:
    settings = Settings(execution_fields="application=svc, operation=path, started_at=ts:ms, duration_ms=took_s:s")
    finding = Recognition(settings).of(TopicSample("t", 1, [Sampled(encoded(OTHER))]))
    assert finding.kind == "executions"
    assert finding.what == "executions within the names of the setting 'execution_fields'"
