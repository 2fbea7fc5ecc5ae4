"""A real Collector with exactly the configuration of the documents: what it writes is read, and it loses nothing."""

import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka import ConsumerRecord
from confluent_kafka import Consumer, TopicPartition
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.streams.intake.formats.otlp.otlp_records import START_NS, as_protobuf, attribute, good_span, record_of
from tests.tracers.recorded import CASES
from tracehound.infra.kafka.broker import Broker
from tracehound.infra.kafka.ports import free_ports
from tracehound.infra.kafka.topics import ensure_topics
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topic
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.read_source import SourceReader, SourceReading

PROJECT = Path(__file__).parents[3]
CONFIGURATION = PROJECT / "examples/collector/config.yaml"
PAGES = ("README.md", "docs/intake.md", "docs/how-to/send-opentelemetry-traces.md")
MEGABYTE = 1_000_000
_WAIT_S = 60.0

Send = Callable[[str, bytes], None]
Start = Callable[[Any], AbstractContextManager[Send]]


def exporter_of(text: str) -> dict[str, Any]:
    """The settings of the Kafka exporter in a document of YAML, or in the first block of it in a page."""
    block = re.search(r"```yaml\n(exporters:.*?)```", text, re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(block[1] if block else text)["exporters"]["kafka"]
    return {name: value for name, value in found.items() if name != "brokers"}


def test_every_page_has_the_configuration_that_is_run_here() -> None:
    safe = exporter_of(CONFIGURATION.read_text())

    assert {page: exporter_of((PROJECT / page).read_text()) for page in PAGES} == dict.fromkeys(PAGES, safe)
    assert safe["producer"]["required_acks"] == "all"
    assert safe["producer"]["compression"] == "zstd"
    assert safe["sending_queue"]["batch"]["sizer"] == "bytes"
    assert safe["sending_queue"]["batch"]["max_size"] < MEGABYTE


@pytest.fixture
def topic(kafka: Broker) -> str:
    name = f"collector-{time.time_ns()}"
    ensure_topics(kafka.client_config, [Topic(name, None, 1, 3_600_000, "OTLP", foreign=True)], 1)
    return name


@pytest.fixture
def start(collector_program: Path, kafka: Broker, tmp_path: Path, topic: str) -> Start:
    """Starts the Collector of the documents; what is given is laid over it, beside ports and the topic's name."""

    @contextmanager
    def started(over: Any) -> Iterator[Send]:
        grpc, http = free_ports(2)
        protocols = {"grpc": {"endpoint": f"127.0.0.1:{grpc}"}, "http": {"endpoint": f"127.0.0.1:{http}"}}
        here = {
            "receivers": {"otlp": {"protocols": protocols}},
            "exporters": {"kafka": {"traces": {"topic": topic}}},
            "service": {"telemetry": {"metrics": {"level": "none"}}},
        }
        files = [CONFIGURATION]
        for number, settings in enumerate((here, over)):
            files.append(tmp_path / f"{number}.yaml")
            files[-1].write_text(yaml.safe_dump(settings))
        command = [str(collector_program), *(f"--config={file}" for file in files)]
        environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers}
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield lambda signal, body: post(f"http://127.0.0.1:{http}/v1/{signal}", body)
        finally:
            process.terminate()
            assert process.wait(_WAIT_S) == 0, (tmp_path / "log").read_text()

    return started


def post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/x-protobuf"})
    until = time.monotonic() + _WAIT_S
    while True:
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def written(kafka: Broker, topic: str) -> list[Any]:
    """All records that there are; the Collector has ended, so none will come."""
    found: list[Any] = []
    consumer = Consumer({**kafka.client_config, "group.id": topic})
    partition = TopicPartition(topic, 0, 0)
    try:
        _, end = consumer.get_watermark_offsets(partition, timeout=30)
        consumer.assign([partition])
        while not found or found[-1].offset() + 1 < end:
            message = consumer.poll(30)
            assert message is not None
            assert message.error() is None
            found.append(message)
    finally:
        consumer.close()
    return found


def test_a_request_of_megabytes_arrives_whole_in_records_below_one(start: Start, kafka: Broker, topic: str) -> None:
    spans = [good_span(number + 1) for number in range(300)]
    for span in spans:
        span.attributes.append(attribute("db.query.text", f"SELECT {'x' * 10_000}"))

    with start({}) as send:
        send("traces", as_protobuf(record_of(*spans)))

    records = written(kafka, topic)
    decoded = [decode_spans(message.value(), SpanLimits()) for message in records]
    assert len(records) > 3
    assert max(len(message.value()) for message in records) < MEGABYTE
    chunks = [chunk for each in decoded for chunk in each.traces.values()]
    ids = {span.id for chunk in chunks for _, some in chunk.spans for span in some}
    assert (sum(map(len, chunks)), ids) == (300, {f"{number + 1:016x}" for number in range(300)})
    assert [rejection for each in decoded for rejection in each.rejected] == []


@pytest.mark.parametrize(
    "encoding", ["otlp_proto", "otlp_json", "jaeger_proto", "jaeger_json", "zipkin_proto", "zipkin_json"]
)
def test_every_encoding_is_read(start: Start, kafka: Broker, topic: str, encoding: str) -> None:
    with start({"exporters": {"kafka": {"traces": {"encoding": encoding}}}}) as send:
        send("traces", as_protobuf(record_of(*(good_span(number + 1) for number in range(5)))))

    decoded = [decode_spans(message.value(), SpanLimits()) for message in written(kafka, topic)]
    assert sum(each.spans for each in decoded) == 5
    assert [each.rejected for each in decoded if each.rejected] == []
    kind, _, written_as = encoding.partition("_")
    wanted = {"otlp": "OTLP", "jaeger": "Jaeger", "zipkin": "Zipkin"}[kind]
    assert {each.format for each in decoded} == {f"{wanted} {'JSON' if written_as == 'json' else 'Protobuf'}"}


def test_signals_of_one_topic_are_told_apart_by_the_header(start: Start, kafka: Broker, topic: str) -> None:
    logs, metrics = ExportLogsServiceRequest(), ExportMetricsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=START_NS).body.string_value = "hello"
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="requests")
    metric.gauge.data_points.add(time_unix_nano=START_NS).as_double = 1.5
    pipeline = {"receivers": ["otlp"], "exporters": ["kafka"]}
    shared = {
        "exporters": {"kafka": {"signal_header": True, "logs": {"topic": topic}, "metrics": {"topic": topic}}},
        "service": {"pipelines": {"logs": pipeline, "metrics": pipeline}},
    }

    with start(shared) as send:
        send("logs", logs.SerializeToString())
        send("metrics", metrics.SerializeToString())
        send("traces", as_protobuf(record_of(good_span())))

    reader, reading = SourceReader("traces", "spans", 3, Limits()), SourceReading()
    for message in written(kafka, topic):
        headers = message.headers() or ()
        record = ConsumerRecord(topic, 0, message.offset(), 0, 0, None, message.value(), None, -1, -1, headers)
        reader.read(record, 5, reading)
    assert (reading.spans, reading.skipped, reading.dead_letters) == (1, 2, [])


def test_text_that_is_not_utf8_passes_the_collector_and_costs_nothing(start: Start, kafka: Broker, topic: str) -> None:
    with start({}) as send:
        send("traces", (CASES / "collector/invalid-utf8-elsewhere.bin").read_bytes())

    (message,) = written(kafka, topic)
    decoded = decode_spans(message.value(), SpanLimits())
    assert b"Jos\xe9" in message.value()
    assert (decoded.spans, decoded.rejected) == (3, [])
