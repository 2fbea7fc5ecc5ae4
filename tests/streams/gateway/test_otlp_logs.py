"""OTLP logs over HTTP and gRPC: both encodings become the same log events, and what is wrong is counted."""

import asyncio
import json
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry._logs import SeverityNumber
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from tests.streams.gateway.conftest import JSON, PROTOBUF, FakeSender, ask, made
from tracehound.infra.kafka.ports import free_ports
from tracehound.schemas.log_levels import level_of, level_of_number
from tracehound.streams.gateway.otlp.grpc_server import LOGS_EXPORT, grpc_served
from tracehound.streams.settings.gateway import GatewaySettings

PATH = "/v1/logs"
START_NS = 1_767_225_600_000_000_000


def request(*bodies: str, empty: int = 0) -> ExportLogsServiceRequest:
    """A request with these texts, and behind them so many records that say nothing."""
    whole = ExportLogsServiceRequest()
    resource = whole.resource_logs.add()
    for name, value in {"service.name": "shop", "deployment.environment.name": "live", "host.name": "h1"}.items():
        resource.resource.attributes.add(key=name).value.string_value = value
    scope = resource.scope_logs.add()
    for number, body in enumerate(bodies):
        record = scope.log_records.add(
            time_unix_nano=START_NS + number, severity_number=13, trace_id=bytes(15) + b"\1", span_id=bytes(7) + b"\2"
        )
        record.body.string_value = body
        record.attributes.add(key="retries").value.int_value = 3
    for _ in range(empty):
        scope.log_records.add(time_unix_nano=START_NS)
    return whole


def as_json(message: ExportLogsServiceRequest) -> bytes:
    """As the specification has it: ids in hexadecimal digits."""
    given = MessageToDict(message)
    for resource in given["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                record |= {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2"} if "traceId" in record else {}
                record["severityNumber"] = record.get("severityNumber", "SEVERITY_NUMBER_UNSPECIFIED")
    return json.dumps(given).encode()


def events(sender: FakeSender) -> list[dict[str, Any]]:
    assert {record.topic for record in sender.records} == {"tracehound.log-events.v1"}
    assert {record.key for record in sender.records} == {b"shop"}
    found = [json.loads(record.value) for record in sender.records]
    return [event for own in found for event in (own if isinstance(own, list) else [own])]


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_both_encodings_become_the_same_events_and_are_answered_in_theirs(encoding: str) -> None:
    whole, sender = request("disk is full", "disk is fuller", empty=1), FakeSender()
    body, headers = (whole.SerializeToString(), PROTOBUF) if encoding == "protobuf" else (as_json(whole), JSON)
    answer = ask(made(sender), "POST", PATH, body, headers)
    assert (answer.status, answer.headers["content-type"]) == (200, headers["content-type"])
    told = events(sender)
    assert len({event.pop("id") for event in told}) == 2
    assert told == [
        {
            "message": message,
            "level": "warning",
            "application": "shop",
            "host": "h1",
            "timestamp": START_NS / 1e9,
            "attributes": {"retries": 3},
            "environment": "live",
            "trace_id": "0" * 31 + "1",
            "span_id": "0" * 15 + "2",
        }
        for message in ("disk is full", "disk is fuller")
    ]
    if encoding == "protobuf":
        partial = ExportLogsServiceResponse.FromString(answer.body).partial_success
        rejected, why = partial.rejected_log_records, partial.error_message
    else:
        rejected, why = (
            answer.json["partialSuccess"]["rejectedLogRecords"],
            answer.json["partialSuccess"]["errorMessage"],
        )
    assert (int(rejected), why) == (1, "Log record 2: the field 'body' must hold something. Got nothing instead.")


def test_nothing_is_200_and_nonsense_is_a_status() -> None:
    sender = FakeSender()
    gateway = made(sender)
    assert (answer := ask(gateway, "POST", PATH, b"", PROTOBUF)).status == 200
    assert answer.body == b""
    assert ask(gateway, "POST", PATH, b"{}", JSON).body == b"{}"
    assert ask(gateway, "POST", PATH, request("fine").SerializeToString(), PROTOBUF).body == b""
    for body, headers in ((b"\xff\xff", PROTOBUF), (b"[]", JSON), (b'{"resourceLogs": 5}', JSON), (b"{", JSON)):
        refused = ask(gateway, "POST", PATH, body, headers)
        assert (refused.status, refused.headers["content-type"]) == (400, headers["content-type"])
    assert ask(gateway, "POST", PATH, b'{"resourceLogs": 5}', JSON).json == {
        "code": 3,
        "message": "The field 'resourceLogs' must be an array. Got 5 instead.",
    }
    assert ask(gateway, "GET", PATH).status == 405


def test_bodies_that_are_no_text_are_read_and_exceptions_speak_for_themselves() -> None:
    whole, sender = request("", "", ""), FakeSender()
    records = whole.resource_logs[0].scope_logs[0].log_records
    text = records[0].body.kvlist_value.values.add(key="message")
    text.value.string_value = "from a map"
    records[1].body.array_value.values.add().int_value = 7
    records[2].attributes.add(key="exception.message").value.string_value = "no route to host"
    ask(made(sender), "POST", PATH, whole.SerializeToString(), PROTOBUF)
    assert [event["message"] for event in events(sender)] == ["from a map", "[7]", "no route to host"]


def test_every_severity_of_opentelemetry_has_the_level_of_its_name() -> None:
    for severity in SeverityNumber:
        assert level_of_number(severity.value) == (None if severity.value == 0 else level_of(severity.name))


def test_calls_of_grpc_are_taken_too() -> None:
    async def within() -> bytes:
        gateway, (port,) = made(sender), free_ports(1)
        async with (
            grpc_served(gateway.calls, GatewaySettings(grpc_port=port)),
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            body = request("disk is full", empty=2).SerializeToString()
            answer: bytes = await channel.unary_unary(LOGS_EXPORT)(body, timeout=120)
            return answer

    sender = FakeSender()
    answer = ExportLogsServiceResponse.FromString(asyncio.run(within()))
    assert answer.partial_success.rejected_log_records == 2
    assert [event["message"] for event in events(sender)] == ["disk is full"]
