"""The gateway as a process on a broker: a real SDK sends to it, and a broker that goes away costs nothing accepted."""

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import pytest
from confluent_kafka import Message
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.end_to_end.conftest import Field, Gateway, wait_until_within
from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.execution import Execution
from tracehound.schemas.topics import Topics
from tracehound.scripts.recorded.http_sending import GatewaySender
from tracehound.streams.http.keys import new_key
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans

wait_until = partial(wait_until_within, timeout_s=180.0)


def with_spans(field: Field) -> Field:
    """The field with a topic of spans that no other test has."""
    prefix, partitions = field.topics.prefix, field.topics.partitions
    made = replace(field, topics=Topics(prefix, partitions, (f"{prefix}otlp_spans",)))
    made.broker.create_topics(made.topics)
    return made


def execution(number: int) -> dict[str, Any]:
    return {
        "application": f"shop-{number % 7}",
        "operation": "GET /",
        "started_at": time.time(),
        "duration_ms": 5.0,
        "span_id": str(number),
    }


def test_a_real_sdk_exports_to_it_and_executions_are_taken(field: Field, gateway: Callable[..., Gateway]) -> None:
    field = with_spans(field)
    key = new_key()
    keys = json.dumps({key.prefix: {"sha256": key.sha256}})
    started = gateway(field, keys=keys, host="0.0.0.0")
    wait_until(started.ready, "the gateway is ready")

    url = f"http://{started.address}/v1/traces"
    bearer, other = {"authorization": f"Bearer {key.key}"}, {"x-api-key": key.key}
    for exporter in (
        OTLPSpanExporter(endpoint=url, compression=Compression.Gzip, headers=bearer),
        OTLPSpanExporter(endpoint=url, compression=Compression.Deflate, headers=other),
        GrpcSpanExporter(
            endpoint=started.grpc_address, insecure=True, headers=bearer, compression=grpc.Compression.Gzip
        ),
        GrpcSpanExporter(endpoint=started.grpc_address, insecure=True, headers=other),
    ):
        provider = TracerProvider(resource=Resource({"service.name": "shop"}))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        for number in range(600):
            with provider.get_tracer("shop").start_as_current_span(f"GET /{number}"):
                pass
        provider.shutdown()
    status, _, answer = started.request(
        "POST", "/v1/executions", json.dumps(execution(1)).encode(), {"X-API-Key": key.key}
    )
    assert (status, json.loads(answer)["accepted"]) == (200, 1)
    assert started.request("POST", "/v1/executions", json.dumps(execution(2)).encode())[0] == 401
    assert started.process.end() == 0

    decoded = [
        decode_spans(message.value(), SpanLimits())
        for message in field.read(field.topics.otlp[0].name, lambda found: len(found) >= 8)
    ]
    assert [each.rejected for each in decoded if each.rejected] == []
    assert sum(each.spans for each in decoded) == 2_400
    (message,) = field.read(field.topics.executions.name, lambda found: len(found) >= 1)
    assert message.key() == b"shop-1"
    assert not started.process.said("gateway_failed")


def test_simulated_executions_arrive_through_it_in_their_order(
    embedded_kafka: Broker, gateway: Callable[..., Gateway], prefix: str
) -> None:
    field = with_spans(Field(embedded_kafka, Topics(prefix, 1)))
    started = gateway(field)
    wait_until(started.ready, "the gateway is ready")
    sender = GatewaySender(f"http://{started.address}", batch=300)
    for number in range(1_000):
        sender.send(Execution("shop", "GET /", time.time(), 5.0, span_id=str(number)))
    sender.close()
    assert sender.summary() == "1,000 executions in 4 requests"

    def numbers(messages: list[Message]) -> list[int]:
        return [int(each["span_id"]) for message in messages for each in json.loads(message.value())]

    found = field.read(field.topics.executions.name, lambda messages: len(numbers(messages)) >= 1_000)
    assert numbers(found) == list(range(1_000))


@pytest.fixture
def mortal_kafka(kafka: Broker) -> Iterator[tuple[Broker, ApacheKafka]]:
    """A real broker that a test may kill: that of the session where it is one of ours, and runs again afterwards."""
    if isinstance(kafka.cluster, ApacheKafka):
        yield kafka, kafka.cluster
        if not kafka.cluster.pids:
            kafka.cluster.start_broker(1)
        return
    with ApacheKafka() as cluster:
        servers = cluster.bootstrap_servers
        yield Broker(servers, "jvm", 1, cluster, {"bootstrap.servers": servers}), cluster


class Load:
    """Clients that send executions, each with a number, until stopped: which were accepted, and what was answered."""

    def __init__(self, gateway: Gateway, clients: int = 8) -> None:
        self.accepted: list[int] = []
        self.statuses: Counter[int] = Counter()
        self._gateway, self._clients, self._stop = gateway, clients, Event()

    def _send(self, number: int) -> None:
        connection = http.client.HTTPConnection(self._gateway.address, timeout=120)
        while not self._stop.is_set():
            body = json.dumps(execution(number)).encode()
            status, headers, _ = self._gateway.request("POST", "/v1/executions", body, connection=connection)
            self.statuses[status] += 1
            if status == 200:
                self.accepted.append(number)
            else:
                assert (status, headers["retry-after"]) == (503, "1")
                time.sleep(0.1)
            number += self._clients
        connection.close()

    @contextmanager
    def running(self) -> Iterator[None]:
        with ThreadPoolExecutor(self._clients) as senders:
            running = [senders.submit(self._send, first) for first in range(self._clients)]
            try:
                yield
            finally:
                self._stop.set()
            for one in running:
                one.result()

    def until_accepted(self, more: int) -> None:
        enough = len(self.accepted) + more
        wait_until(lambda: len(self.accepted) > enough, "more is accepted")


def test_a_broker_that_is_killed_under_load_costs_nothing_that_was_accepted(
    mortal_kafka: tuple[Broker, ApacheKafka], gateway: Callable[..., Gateway], prefix: str
) -> None:
    broker, cluster = mortal_kafka
    field = with_spans(Field(broker, Topics(prefix, 2)))
    started = gateway(field, kafka_timeout_s="2", retry_after_s="1")
    wait_until(started.ready, "the gateway is ready")
    load = Load(started)
    with load.running():
        load.until_accepted(100)
        cluster.kill_broker(1)
        wait_until(lambda: load.statuses[503] > 20, "requests are put off")
        assert not started.ready()
        assert started.request("GET", "/livez")[0] == 200
        cluster.start_broker(1)
        load.until_accepted(100)
    assert started.process.end() == 0
    assert load.statuses.keys() == {200, 503}
    wanted = set(map(str, load.accepted))

    def numbers(messages: list[Message]) -> Counter[str]:
        return Counter(json.loads(message.value())["span_id"] for message in messages)

    found = numbers(field.read(field.topics.executions.name, lambda messages: wanted <= numbers(messages).keys()))
    assert wanted <= found.keys()
    assert {number: count for number, count in found.items() if count > 1} == {}


def test_a_missing_topic_is_told_and_not_made(
    embedded_kafka: Broker, gateway: Callable[..., Gateway], prefix: str
) -> None:
    field = Field(embedded_kafka, Topics(prefix, 1, (prefix + "otlp_spans",)))
    started = gateway(field)
    line = started.process.wait_for("topics_missing")
    assert f"{prefix}executions.v1" in line["sentence"]
    status, headers, answer = started.request("POST", "/v1/executions", json.dumps(execution(1)).encode())
    assert (status, headers["retry-after"], json.loads(answer)["reason"]) == (503, "2", "no_topic")
    assert "tracehound topics" in json.loads(answer)["detail"]


def test_with_a_certificate_both_ports_are_encrypted(
    embedded_kafka: Broker,
    gateway: Callable[..., Gateway],
    prefix: str,
    tmp_path: Path,
    real_program: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests would believe them more than the exporter
        monkeypatch.delenv(variable, raising=False)
    certificate, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(private), "-out", str(certificate)]
    subprocess.run([real_program("openssl"), *made, *files], check=True, capture_output=True, timeout=120)
    field = with_spans(Field(embedded_kafka, Topics(prefix, 1)))
    started = gateway(field, tls_certificate_file=str(certificate), tls_key_file=str(private))
    started.process.wait_for("broker_reached")

    port, grpc_port = (address.rpartition(":")[2] for address in (started.address, started.grpc_address))
    for exporter in (
        OTLPSpanExporter(endpoint=f"https://localhost:{port}/v1/traces", certificate_file=str(certificate)),
        GrpcSpanExporter(
            endpoint=f"localhost:{grpc_port}",
            credentials=grpc.ssl_channel_credentials(certificate.read_bytes()),
        ),
    ):
        provider = TracerProvider(resource=Resource({"service.name": "shop"}))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        with provider.get_tracer("shop").start_as_current_span("GET /"):
            pass
        provider.shutdown()
    with pytest.raises(http.client.HTTPException):
        started.request("GET", "/livez")
    messages = field.read(field.topics.otlp[0].name, lambda found: len(found) >= 2)
    assert [decode_spans(message.value(), SpanLimits()).spans for message in messages] == [1, 1]


def test_a_key_is_printed_once_with_what_to_keep_of_it() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tracehound", "gateway", "--new-key"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert said.count("th_") == 2
    assert 'role = "ingest"' in said
