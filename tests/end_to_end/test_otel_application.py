"""Two applications that know nothing of tracehound: traces of OpenTelemetry in, the slow network between them out."""

import base64
import json
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from confluent_kafka import Message
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.end_to_end.conftest import wait_until_within
from tests.end_to_end.otel.application import Application
from tests.end_to_end.otel.collector import ENCODINGS, Collector
from tests.end_to_end.otel.link import Link
from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution, Segment, epoch_seconds
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans

wait_until = partial(wait_until_within, timeout_s=120.0)

ON_APACHE_KAFKA = pytest.mark.parametrize("any_kafka", ["real"], indirect=True)
INTAKE = "from tracehound.scripts.cli import main; main(['intake'])"
SCORING = "from tracehound.scripts.cli import main; main(['worker'])"
CARTS = 50
REQUESTS_PER_S = 30.0
LEARNED_REQUESTS = 500
DELAY_S = 0.4
# an execution is told by its start, and those underway when the delay begins already feel it
UNDERWAY_S = 3.0
# joined where a slow machine does not keep a service from exporting for longer than intake waits
LEAST_JOINED = 0.95


@pytest.fixture
def databases(tmp_path: Path) -> dict[str, dict[str, str]]:
    """What each application is told about its database, by its name."""
    tables: dict[str, tuple[str, list[tuple[object, object]]]] = {
        "shop": ("cart (number, item)", [(number, f"item-{number}") for number in range(CARTS)]),
        "stock": ("stock (item, amount)", [(f"item-{number}", number) for number in range(CARTS)]),
    }
    for name, (table, rows) in tables.items():
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite")) as database, database:
            database.execute(f"CREATE TABLE {table}")
            database.executemany(f"INSERT INTO {table.split()[0]} VALUES (?, ?)", rows)
    return {name: {"DATABASE": str(tmp_path / f"{name}.sqlite")} for name in tables}


@pytest.fixture
def otel_field(field: Any) -> Any:
    """The broker with a topic of a Collector that no other test has."""
    prefix, partitions = field.topics.prefix, field.topics.partitions
    made = replace(field, topics=Topics(prefix, partitions, (f"{prefix}otlp_spans",)))
    made.broker.create_topics(made.topics)
    return made


@contextmanager
def traffic(shop_url: str) -> Iterator[None]:
    """Visitors that look into carts, at a rate that does not depend on how long they wait for an answer."""
    ended = Event()

    def visit(number: int) -> None:
        cart = number % CARTS
        with opener.open(f"{shop_url}/cart/{cart}", timeout=120) as answer:
            assert json.load(answer) == {"cart": cart, "item": f"item-{cart}", "amount": cart}

    def send() -> None:
        with ThreadPoolExecutor(32) as visitors:
            due = time.monotonic()
            while not ended.wait(max(0.0, due - time.monotonic())):
                visits.append(visitors.submit(visit, len(visits)))
                due = max(due, time.monotonic()) + 1 / REQUESTS_PER_S

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    visits: list[Future[None]] = []
    sender = Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join()
    for answered in visits:
        answered.result()


def anomalies(messages: list[Message]) -> list[dict[str, Any]]:
    return [json.loads(message.value()) for message in messages]


def event_time_s(event: dict[str, Any]) -> float:
    return epoch_seconds(event["time"])


def names_the_call(event: dict[str, Any]) -> bool:
    anomaly = event["data"]
    return anomaly["application"] == "shop" and "calls to stock" in anomaly["reason"].lower()


def blames_the_network(event: dict[str, Any]) -> bool:
    """It is told at the first slow calls, as minor, and again when it has become certain."""
    anomaly = event["data"]
    certain = anomaly["kind"] == "latency" and anomaly["severity"] == "major"
    delayed = anomaly["actual"] > 1_000 * DELAY_S / 2  # and not a machine that stalled just before
    return certain and delayed and names_the_call(event) and "on the way" in anomaly["reason"]


def executions(messages: list[Message]) -> list[Execution]:
    found = []
    for message in messages:
        decoded = decode_record(message.value(), Limits(), message.timestamp()[1] / 1000)
        assert decoded.rejected == []
        assert {one.application.encode() for one in decoded.executions} == {message.key()}
        found += decoded.executions
    return found


def call_of(execution: Execution) -> Segment | None:
    return next((segment for segment in execution.segments if segment.kind == "http"), None)


@ON_APACHE_KAFKA
def test_a_slow_network_between_two_instrumented_applications_is_told(
    otel_field: Any, worker: Callable[..., Any], databases: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    field = otel_field
    environment = {
        **field.environment,
        "TRACEHOUND_INTAKE__OTLP_TOPICS": field.topics.otlp[0].name,
        "TRACEHOUND_INTAKE__GROUP_ID": field.topics.prefix + "intake",
        "TRACEHOUND_INTAKE__TRACE_WAIT_S": "6",
        "TRACEHOUND_INTAKE__TICK_INTERVAL_S": "0.5",
    }
    scoring, intake = worker(environment, code=SCORING), worker(environment, code=INTAKE)
    for process in (scoring, intake):
        process.wait_for("worker_ready")
    # one speaks the conventions of today, the other those of before
    stock_told = {**databases["stock"], "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database"}
    with (
        Collector(field.broker.client_config, field.topics.otlp[0].name) as collector,
        Application("stock", collector.url, stock_told, tmp_path / "stock.log") as stock,
        Link(stock.port) as link,
        Application("shop", collector.url, {**databases["shop"], "STOCK_URL": link.url}, tmp_path / "shop.log") as shop,
        traffic(shop.url),
    ):
        wait_until(lambda: scoring.counted("executions_total") >= 2 * LEARNED_REQUESTS, "the usual was learned")
        slow_since = time.time()
        link.delay(DELAY_S)
        told = field.read(
            field.topics.anomalies.name, lambda found: any(map(blames_the_network, anomalies(found))), timeout_s=180
        )
    assert collector.exported >= 2 * len(ENCODINGS)

    # what is minor may be true: a machine that others use as well stalls now and then
    grave = [event for event in anomalies(told) if event["data"]["severity"] != "minor"]
    assert [event for event in grave if event_time_s(event) < slow_since - UNDERWAY_S] == []
    assert [event for event in grave if event["data"]["application"] != "shop"] == []
    latencies = [event for event in grave if event["data"]["kind"] == "latency"]
    assert [event for event in latencies if not names_the_call(event)] == []
    blamed = next(filter(blames_the_network, latencies))["data"]
    assert blamed["environment"] == "test"
    assert blamed["operation"] == "GET /cart/<int:number>"
    assert blamed["typical"] < 1_000 * DELAY_S / 2 < blamed["actual"]

    assert intake.end() == 0
    wait_until(lambda: bool(scoring.counted("lag_records") == 0), "all was scored that intake wrote")
    count = scoring.counted("executions_total")
    written = field.read(field.topics.executions.name, lambda found: len(executions(found)) >= count)
    by_span = {one.span_id: one for one in executions(written)}
    usual = slow_since - UNDERWAY_S  # what is younger may not have arrived as a whole
    carts = [one for one in by_span.values() if one.application == "shop" and one.started_s < usual]
    stocks = [one for one in by_span.values() if one.application == "stock"]
    assert {one.operation for one in carts} == {"GET /cart/<int:number>"}
    assert {one.operation for one in stocks} == {"GET /stock/<item>"}
    assert {one.environment for one in by_span.values()} == {"test"}
    joined = [(one, call) for one in carts if (call := call_of(one)) is not None and call.remote_ms is not None]
    assert len(joined) >= LEAST_JOINED * len(carts) >= LEAST_JOINED * LEARNED_REQUESTS * 0.9
    assert all(call.peer == "stock" for _, call in joined)
    callers = {call.span_id: (one, call) for one, call in joined}
    answered = [(one, *callers[one.parent_span_id]) for one in stocks if one.parent_span_id in callers]
    assert len(answered) == len(joined)
    for callee, caller, call in answered:
        assert callee.trace_id == caller.trace_id
        assert call.remote_ms == callee.duration_ms
    assert all("db" in {segment.kind for segment in one.segments} for one, _ in joined)
    assert all("db" in {segment.kind for segment in callee.segments} for callee, _, _ in answered)

    assert scoring.end() == 0
    for process in (scoring, intake):
        assert [line for line in process.raw if not line.startswith("{")] == []


def test_every_encoding_of_the_stand_in_holds_the_same_spans() -> None:
    span = {
        "traceId": base64.b64encode(bytes(range(16))).decode(),
        "spanId": base64.b64encode(bytes(range(1, 9))).decode(),
        "name": "GET /cart/<int:number>",
        "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": "1795280289750129950",
        "endTimeUnixNano": "1795280289751129950",
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    content = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    body = ParseDict(content, ExportTraceServiceRequest()).SerializeToString()
    first, *others = [decode_spans(encode(body), SpanLimits()) for encode in ENCODINGS]
    assert first.rejected == []
    assert [(trace_id, len(chunk)) for trace_id, chunk in first.traces.items()] == [(bytes(range(16)).hex(), 1)]
    assert [(one.traces, one.rejected, one.spans) for one in others] == [(first.traces, [], first.spans)] * 2
    assert len({encode(body) for encode in ENCODINGS}) == len(ENCODINGS)
