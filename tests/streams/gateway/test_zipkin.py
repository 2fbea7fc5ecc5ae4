"""`POST /api/v2/spans` as Zipkin's reporters use it: what real ones wrote is taken as it came."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.streams.gateway.conftest import JSON, PROTOBUF, FakeSender, ask, made
from tests.tracers.recorded import values_of
from tracehound.streams.gateway.zipkin import ZIPKIN
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.wire import framed

PATH = "/api/v2/spans"
NOW_US = 1_767_225_600_000_000


def span(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "traceId": "5af30f4c0d2f1a3b",
        "id": f"{number:016x}",
        "name": "get /cart",
        "kind": "SERVER",
        "timestamp": NOW_US + number,
        "duration": 1_000,
        "localEndpoint": {"serviceName": "shop"},
        **fields,
    }


def as_json(*spans: dict[str, Any]) -> bytes:
    return json.dumps(spans).encode()


def as_protobuf(*spans: dict[str, Any]) -> bytes:
    """``ListOfSpans`` of zipkin.proto3: ids as bytes, the time as fixed64, the rest as far as it is needed here."""
    encoded = []
    for each in spans:
        timestamp = each["timestamp"].to_bytes(8, "little")
        content = framed(1, bytes.fromhex(each["traceId"])) + framed(3, bytes.fromhex(each["id"])) + b"\x20\x02"
        content += framed(5, each["name"].encode()) + b"\x31" + timestamp + b"\x38\xe8\x07"
        content += framed(8, framed(1, each["localEndpoint"]["serviceName"].encode()))
        content += b"".join(
            framed(11, framed(1, name.encode()) + framed(2, value.encode()))
            for name, value in each.get("tags", {}).items()
        )
        encoded.append(framed(1, content))
    return b"".join(encoded)


each_encoding = pytest.mark.parametrize(
    ("headers", "encoded"), [(JSON, as_json), (PROTOBUF, as_protobuf)], ids=["json", "protobuf"]
)
Encoded = Callable[..., bytes]


def ids_in(values: list[bytes]) -> list[str]:
    decoded = [decode_spans(value, SpanLimits()) for value in values]
    return [one.id for each in decoded for chunk in each.traces.values() for _, found in chunk.spans for one in found]


@each_encoding
def test_spans_are_passed_on_as_they_came(headers: dict[str, str], encoded: Encoded) -> None:
    sender = FakeSender()
    body = encoded(span(1), span(2))
    for packed, more in ((body, {}), (gzip.compress(body), {"content-encoding": "gzip"})):
        answer = ask(made(sender), "POST", PATH, packed, {**headers, **more})
        assert (answer.status, answer.body) == (202, b"")
    assert [(record.topic, record.value) for record in sender.records] == [("otlp_spans", body)] * 2
    assert ids_in([body]) == [f"{1:016x}", f"{2:016x}"]


@pytest.mark.parametrize(("headers", "body"), [(JSON, b"[]"), (PROTOBUF, b"")])
def test_the_empty_list_that_reporters_try_a_server_with_is_taken(headers: dict[str, str], body: bytes) -> None:
    sender = FakeSender()
    assert (ask(made(sender), "POST", PATH, body, headers).status, sender.records) == (202, [])


def test_wrong_spans_go_to_intake_with_the_good_ones_and_are_told_where_all_are_wrong() -> None:
    sender = FakeSender()
    gateway = made(sender)
    body = as_json(span(1), span(2, timestamp="yesterday"), span(3))
    assert ask(gateway, "POST", PATH, body, JSON).status == 202
    assert [record.value for record in sender.records] == [body]
    assert 'tracehound_gateway_refused_total{path="/api/v2/spans"} 1.0' in ask(gateway, "GET", "/metrics").body.decode()

    answer = ask(gateway, "POST", PATH, as_json(span(1, timestamp="yesterday")), JSON)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "yesterday" in answer.json["detail"]
    assert len(sender.records) == 1


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        (JSON, b"", "must be a JSON array"),
        (JSON, json.dumps(span()).encode(), "must be a JSON array"),
        (JSON, b'[{"traceId":', "malformed"),
        (JSON, b'[{"traceId":"1","id":"2","binaryAnnotations":[]}]', "Zipkin v1"),
        (JSON, b'[{"application":"shop","operation":"GET /"}]', "an execution"),
        (PROTOBUF, as_json(span()), "must be Zipkin Protobuf, as its Content-Type says. Got Zipkin JSON instead"),
        (PROTOBUF, b"nonsense", "must be spans"),
    ],
)
def test_what_cannot_be_read_is_400(headers: dict[str, str], body: bytes, said: str) -> None:
    answer = ask(made(FakeSender()), "POST", PATH, body, headers)
    assert (answer.status, said in answer.json["detail"]) == (400, True), answer.json


@pytest.mark.parametrize("given", ["", "text/plain", "application/x-thrift"])
def test_other_media_types_are_415(given: str) -> None:
    answer = ask(made(FakeSender()), "POST", PATH, as_json(span()), {"content-type": given})
    assert (answer.status, answer.json["reason"]) == (415, "media_type")


@each_encoding
def test_large_bodies_become_records_that_any_broker_takes(headers: dict[str, str], encoded: Encoded) -> None:
    sender = FakeSender()
    spans = [span(number, tags={"text": "x" * 10_000}) for number in range(1, 301)]
    assert ask(made(sender), "POST", PATH, encoded(*spans), headers).status == 202
    values = [record.value for record in sender.records]
    assert len(values) == 4
    assert max(map(len, values)) <= 900_000
    assert ids_in(values) == [one["id"] for one in spans]


@each_encoding
def test_a_single_span_is_a_part_however_long(headers: dict[str, str], encoded: Encoded) -> None:
    body = encoded(span(1), span(2))
    parts = list(ZIPKIN[headers["content-type"]].split(body, 10))
    assert [ids_in([part]) for part in parts] == [[f"{1:016x}"], [f"{2:016x}"]]


@pytest.mark.parametrize(
    ("case", "headers"),
    [("zipkin-brave", JSON), ("zipkin-spring-boot", JSON), ("zipkin-brave-proto3", PROTOBUF)],
)
def test_what_real_reporters_wrote_is_taken(case: str, headers: dict[str, str]) -> None:
    sender = FakeSender()
    gateway = made(sender)
    values = values_of(case)
    assert {ask(gateway, "POST", PATH, value, headers).status for value in values} == {202}
    assert [record.value for record in sender.records] == [value for value in values if value not in (b"", b"[]")]
