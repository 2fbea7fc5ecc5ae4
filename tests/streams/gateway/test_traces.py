"""`POST /v1/traces` by the letter of OTLP: what is taken, what is refused, and how each is answered."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest
import zstandard
from google.protobuf.json_format import MessageToDict
from hypothesis import given, strategies
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tests.streams.gateway.conftest import JSON, PROTOBUF, Answer, FakeSender, ask, made, traces
from tracehound.streams.gateway.otlp import encoding
from tracehound.streams.gateway.otlp.splitting import split
from tracehound.streams.gateway.otlp.traces import check_protobuf
from tracehound.streams.http.refusal import RequestRefusedError, put_off
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans

PATH = "/v1/traces"
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}


def as_json(data: TracesData) -> bytes:
    """OTLP's JSON: as that of Protobuf, but ids in hexadecimal digits and enumerations as numbers."""
    content = MessageToDict(data, use_integers_for_enums=True)
    spans = data.resource_spans[0].scope_spans[0].spans
    for span, source in zip(content["resourceSpans"][0]["scopeSpans"][0]["spans"], spans, strict=True):
        span |= {"traceId": source.trace_id.hex(), "spanId": source.span_id.hex()}
    return json.dumps(content).encode()


ENCODINGS: list[tuple[dict[str, str], Callable[[TracesData], bytes]]] = [
    (PROTOBUF, TracesData.SerializeToString),
    (JSON, as_json),
]
each_encoding = pytest.mark.parametrize(("headers", "encoded"), ENCODINGS, ids=["protobuf", "json"])


def partial_success(answer: Answer) -> tuple[int, str]:
    """Rejected spans and why; (0, "") where there is none."""
    if answer.headers["content-type"] == "application/json":
        told = answer.json.get("partialSuccess", {"rejectedSpans": "0", "errorMessage": ""})
        return int(told["rejectedSpans"]), told["errorMessage"]
    response = ExportTraceServiceResponse.FromString(answer.body)
    assert response.HasField("partial_success") == bool(answer.body)
    return response.partial_success.rejected_spans, response.partial_success.error_message


def refusal(answer: Answer) -> tuple[int, str]:
    """Code and message of the ``Status`` in a refusal."""
    if answer.headers["content-type"] == "application/json":
        return answer.json["code"], answer.json["message"]
    status = encoding._STATUS.FromString(answer.body)
    return status.code, status.message


@each_encoding
def test_a_request_is_passed_on_as_it_came(headers: dict[str, str], encoded: Callable[[TracesData], bytes]) -> None:
    sender = FakeSender()
    body = encoded(traces())
    answer = ask(made(sender), "POST", PATH, body, headers)
    assert (answer.status, answer.headers["content-type"]) == (200, headers["content-type"])
    assert partial_success(answer) == (0, "")
    assert [(record.topic, record.key, record.value) for record in sender.records] == [("otlp_spans", None, body)]


@each_encoding
def test_refused_spans_are_counted_and_go_to_intake_which_keeps_their_bytes(
    headers: dict[str, str], encoded: Callable[[TracesData], bytes]
) -> None:
    sender = FakeSender()
    body = encoded(traces(5, bad=[1, 4]))
    answer = ask(made(sender), "POST", PATH, body, headers)
    rejected, why = partial_success(answer)
    assert (answer.status, rejected) == (200, 2)
    assert "spanId" in why
    assert [record.value for record in sender.records] == [body]
    assert sum(len(each.indexes) for each in decode_spans(body, SpanLimits()).rejected) == 2


@pytest.mark.parametrize(
    ("headers", "body"),
    [(PROTOBUF, b""), (PROTOBUF, b"\n\0"), (JSON, b"{}"), (JSON, b'{"resourceSpans":[]}')],
)
def test_an_empty_request_is_taken_and_nothing_sent(headers: dict[str, str], body: bytes) -> None:
    sender = FakeSender()
    answer = ask(made(sender), "POST", PATH, body, headers)
    assert (answer.status, answer.body) == (200, b"{}" if headers is JSON else b"")
    assert sender.records == []


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        (PROTOBUF, b"\xff\xff\xff", "not JSON and parse as Protobuf"),
        (PROTOBUF, b"nonsense", "must be spans"),
        (PROTOBUF, as_json(traces()), "must be OTLP Protobuf, as its Content-Type says. Got OTLP JSON instead"),
        (JSON, traces().SerializeToString(), "must be a JSON object"),
        (JSON, b"", "must be a JSON object"),
        (JSON, b"[]", "must be a JSON object"),
        (JSON, b'{"resourceSpans":', "malformed"),
        (JSON, b'{"resourceLogs":[]}', "OTLP logs"),
        (JSON, b'{"traceId":"1","id":"2"}', "Got Zipkin JSON instead"),
        (JSON, b"\xff\xfe{\0}\0", "must be a JSON object"),
    ],
)
def test_what_cannot_be_read_is_400_with_a_status(headers: dict[str, str], body: bytes, said: str) -> None:
    sender = FakeSender()
    answer = ask(made(sender), "POST", PATH, body, headers)
    assert (answer.status, answer.headers["content-type"]) == (400, headers["content-type"])
    code, message = refusal(answer)
    assert (code, said in message) == (3, True), message
    assert sender.records == []


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("gzip", gzip.compress),
        ("GZIP", lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:])),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("zstd", zstandard.compress),
        ("zstd", lambda body: zstandard.compress(body[:50]) + zstandard.compress(body[50:])),
        ("identity", bytes),
    ],
)
def test_bodies_are_unpacked(name: str, packed: Callable[[bytes], bytes]) -> None:
    sender = FakeSender()
    body = traces().SerializeToString()
    answer = ask(made(sender), "POST", PATH, packed(body), {**PROTOBUF, "content-encoding": name})
    assert (answer.status, [record.value for record in sender.records]) == (200, [body])


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
def test_what_is_not_packed_as_said_or_cut_short_is_400(name: str) -> None:
    packed = PACK[name](b"x" * 10_000)
    followed = packed + (packed if name == "deflate" else b"behind it")
    for body in (packed[:-3], packed[:5], b"", traces().SerializeToString(), followed, packed * 100):
        answer = ask(made(FakeSender()), "POST", PATH, body, {**PROTOBUF, "content-encoding": name})
        assert (answer.status, refusal(answer)[0]) == (400, 3)
        assert f"The body must be {name}" in refusal(answer)[1]


@pytest.mark.parametrize("name", ["br", "gzip, gzip", "nonsense"])
def test_other_encodings_are_415(name: str) -> None:
    answer = ask(made(FakeSender()), "POST", PATH, b"", {**PROTOBUF, "content-encoding": name})
    assert (answer.status, answer.headers["accept-encoding"]) == (415, "gzip, deflate, zstd")


@pytest.mark.parametrize("name", ["", "gzip", "deflate", "zstd"])
def test_what_is_too_long_once_unpacked_is_413_and_never_in_memory(name: str) -> None:
    bomb = b"\0" * 50_000_000
    packed = PACK[name](bomb)
    answer = ask(made(FakeSender()), "POST", PATH, packed, {**PROTOBUF, "content-encoding": name})
    assert (answer.status, refusal(answer)[0]) == (413, 3)
    assert "20971520 bytes" in refusal(answer)[1]


@pytest.mark.parametrize("given", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_media_types_are_415(given: str) -> None:
    answer = ask(made(FakeSender()), "POST", PATH, b"{}", {"content-type": given})
    assert (answer.status, answer.json["code"]) == (415, 3)


def test_only_put_off_requests_say_when_to_come_again() -> None:
    sender = FakeSender(failure=put_off("kafka_away", "Kafka is away.", 7))
    answer = ask(made(sender), "POST", PATH, traces().SerializeToString(), PROTOBUF)
    assert (answer.status, answer.headers["retry-after"], refusal(answer)) == (503, "7", (14, "Kafka is away."))
    sender.failure = RequestRefusedError(413, "kafka_refuses", "Too large.")
    answer = ask(made(sender), "POST", PATH, traces().SerializeToString(), PROTOBUF)
    assert (answer.status, answer.headers.get("retry-after")) == (413, None)


@each_encoding
def test_large_requests_become_records_that_any_broker_takes(
    headers: dict[str, str], encoded: Callable[[TracesData], bytes]
) -> None:
    sender = FakeSender()
    body = encoded(traces(400, size=10_000))
    assert ask(made(sender), "POST", PATH, body, headers).status == 200
    values = [record.value for record in sender.records]
    assert max(map(len, values)) <= 900_000
    assert len(values) == 5
    read = [decode_spans(value, SpanLimits()) for value in values]
    spans = [span.id for each in read for chunk in each.traces.values() for _, found in chunk.spans for span in found]
    assert spans == [f"{number:016x}" for number in range(1, 401)]
    assert {resource.service for each in read for chunk in each.traces.values() for resource, _ in chunk.spans} == {
        "shop"
    }


def test_a_span_that_fits_no_record_is_413() -> None:
    sender = FakeSender()
    answer = ask(made(sender), "POST", PATH, traces(2, size=9_000_000).SerializeToString(), PROTOBUF)
    assert (answer.status, sender.records) == (413, [])
    assert "'max_record_bytes'" in refusal(answer)[1]


def test_what_stands_around_spans_is_not_repeated_without_bound() -> None:
    data = traces(1_000, size=100)
    data.resource_spans[0].resource.attributes.add(key="long").value.string_value = "x" * 60_000
    body = data.SerializeToString()
    assert list(split(body, encoding.PROTOBUF.parts, 100_000)) == [body]
    pieces = list(split(body, encoding.PROTOBUF.parts, 150_000))
    assert sum(map(len, pieces)) < 3 * len(body)
    assert sum(decode_spans(piece, SpanLimits()).spans for piece in pieces) == 1_000


def test_too_many_spans_are_413() -> None:
    with pytest.raises(RequestRefusedError, match="at most 2 spans") as refused:
        check_protobuf(traces(3).SerializeToString(), SpanLimits(max_spans=2))
    assert refused.value.status == 413


@given(
    ids=strategies.tuples(
        strategies.sampled_from([0, 8, 16]), strategies.sampled_from([0, 7, 8]), strategies.booleans()
    ),
    parent=strategies.sampled_from([b"", bytes(8), b"1234567"]),
    times=strategies.tuples(strategies.sampled_from([0, 1, 10**18, 2**63]), strategies.sampled_from([0, 1, 2**64 - 1])),
)
def test_the_quick_look_agrees_with_intake(ids: tuple[int, int, bool], parent: bytes, times: tuple[int, int]) -> None:
    data = traces(2)
    span = data.resource_spans[0].scope_spans[0].spans[1]
    trace_length, span_length, zero = ids
    span.trace_id, span.span_id = (bytes(n) if zero else b"\7" * n for n in (trace_length, span_length))
    span.parent_span_id = parent
    span.start_time_unix_nano, span.end_time_unix_nano = times
    body = data.SerializeToString()
    slowly = decode_spans(body, SpanLimits())
    checked = check_protobuf(body, SpanLimits())
    assert checked.good == slowly.spans + slowly.unfinished
    assert checked.rejected == sum(len(each.indexes) for each in slowly.rejected)
