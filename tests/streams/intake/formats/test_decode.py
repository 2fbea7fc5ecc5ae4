"""Which format a record has, what is around it, and what is said of records that are of none."""

import gzip
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.streams.intake.formats.otlp.otlp_records import START_NS, as_json, as_protobuf, good_span, record_of
from tests.tracers.recorded import CASES, values_of
from tracehound.schemas.rejection import Rejection
from tracehound.streams.intake.formats.decode import SpanLimits, decode_spans
from tracehound.streams.intake.formats.recognise import FORMATS
from tracehound.streams.intake.formats.wire import framed

LIMITS = SpanLimits()
JSON = as_json(record_of(good_span()))
PROTOBUF = as_protobuf(record_of(good_span()))
ZIPKIN_SPAN = '{"traceId":"1","id":"2","name":"a","timestamp":5,"duration":1}'
JAEGER_SPAN = json.dumps(
    {
        "traceId": "AAAAAAAAAAAAAAAAAAAAAQ==",
        "spanId": "AAAAAAAAAAI=",
        "operationName": "a",
        "startTime": "2026-11-29T14:41:47.561Z",
        "duration": "0.001s",
        "process": {"serviceName": "shop"},
    }
)
EXAMPLES = {
    "OTLP JSON": JSON,
    "OTLP Protobuf": PROTOBUF,
    "Zipkin JSON": f"[{ZIPKIN_SPAN}]".encode(),
    "Zipkin Protobuf": next(filter(None, values_of("zipkin-brave-proto3"))),
    "Jaeger JSON": JAEGER_SPAN.encode(),
    "Jaeger Protobuf": values_of("jaeger-v1-protobuf")[0],
    "SkyWalking": values_of("skywalking-java")[0],
}
WANTED = "The record must be spans of OTLP, Zipkin v2, Jaeger or SkyWalking. Got "


def refused(value: bytes | None, limits: SpanLimits = LIMITS) -> Rejection:
    decoded = decode_spans(value, limits)
    assert (decoded.traces, decoded.spans) == ({}, 0)
    (rejection,) = decoded.rejected
    assert rejection.value_bytes == value
    return rejection


def test_there_is_an_example_of_each_format() -> None:
    assert set(EXAMPLES) == set(FORMATS)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize(
    "around",
    [
        bytes,
        gzip.compress,
        lambda value: gzip.compress(value[:30]) + gzip.compress(value[30:]),
        lambda value: b"\x00\x00\x01\x87\x8a" + (value if value[:1] in b"{[" else b"\x00" + value),
        lambda value: b"\x00\x00\x00\x00\x07" + (value if value[:1] in b"{[" else b"\x04\x02\x00" + value),
        lambda value: b"\x00\x00\x00\x00\x07" + gzip.compress(value),
    ],
    ids=["alone", "gzip", "two gzips", "schema registry", "schema registry with indexes", "schema registry and gzip"],
)
def test_a_format_is_told_by_its_content_whatever_is_around_it(name: str, around: object) -> None:
    assert callable(around)

    decoded = decode_spans(around(EXAMPLES[name]), LIMITS)

    assert (decoded.format, decoded.rejected) == (name, [])
    assert decoded.spans > 0
    assert decoded.traces == decode_spans(EXAMPLES[name], LIMITS).traces


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.endswith("JSON")])
@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n", b" \r\n\t", b"\xef\xbb\xbf\n"])
def test_json_may_follow_a_byte_order_mark_and_blanks(name: str, before: bytes) -> None:
    assert decode_spans(before + EXAMPLES[name] + b"\n", LIMITS).traces == decode_spans(EXAMPLES[name], LIMITS).traces


@pytest.mark.parametrize("length", [91, 123])
def test_protobuf_whose_length_looks_like_a_bracket_is_protobuf(length: int) -> None:
    made = next(
        value for size in range(100) if (value := as_protobuf(record_of(good_span(name="n" * size))))[1] == length
    )

    assert made[:2] in (b"\n[", b"\n{")
    assert decode_spans(made, LIMITS).format == "OTLP Protobuf"


def test_damaged_protobuf_whose_length_looks_like_a_bracket_is_no_json() -> None:
    assert refused(b"\n{" + b"\x0a\x7f\x01").error == "InvalidProtobuf"


@pytest.mark.parametrize("name", ["OTLP JSON", "Jaeger JSON"])
def test_json_may_be_an_array_of_records(name: str) -> None:
    value = b"[" + EXAMPLES[name] + b" , " + EXAMPLES[name] + b"]"

    decoded = decode_spans(value, LIMITS)

    assert (decoded.format, decoded.spans, decoded.rejected) == (name, 2, [])


@pytest.mark.parametrize("name", ["OTLP JSON", "Zipkin JSON", "Jaeger JSON"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b" \n\n"])
def test_json_may_have_each_record_on_a_line_of_its_own(name: str, line_end: bytes) -> None:
    record = EXAMPLES[name].removeprefix(b"[").removesuffix(b"]")

    made = decode_spans(line_end.join([record, record, b""]), LIMITS)

    assert (made.spans, made.format, made.rejected) == (2, name, [])


def test_of_lines_a_bad_one_loses_only_itself() -> None:
    made = decode_spans(JSON + b'\n{"resourceSpans":7}\n' + JSON, LIMITS)

    assert (made.spans, [rejection.indexes for rejection in made.rejected]) == (2, [(1,)])


def test_indented_json_is_one_record() -> None:
    made = decode_spans(json.dumps(json.loads(JSON), indent=1).encode(), LIMITS)

    assert (made.spans, made.rejected) == (1, [])


def test_in_an_array_of_records_a_bad_one_loses_only_itself() -> None:
    bad_span = as_json(record_of(good_span(1), good_span(2, span_id=b"")))
    value = b"[" + JSON + b',7,{"resourceSpans":5},' + bad_span + b"," + JSON + b"]"

    decoded = decode_spans(value, LIMITS)

    assert decoded.spans == 3
    assert [(each.indexes, each.error, each.value_bytes) for each in decoded.rejected[:2]] == [
        ((1,), "InvalidJson", b"7"),
        ((2,), "InvalidField", b'{"resourceSpans":5}'),
    ]
    assert decoded.rejected[2].indexes == (4,)
    assert decoded.rejected[2].reason.startswith("[3]: OTLP JSON: resourceSpans[0].scopeSpans[0].spans[1]: the field")


@pytest.mark.parametrize("value", [b"", b" \n", b"[]", b"{}", b" [ ] ", b"\xef\xbb\xbf"])
def test_nothing_is_no_span(value: bytes) -> None:
    decoded = decode_spans(value, LIMITS)

    assert (decoded.spans, decoded.rejected) == (0, [])


def metrics() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="http.server.request.duration")
    metric.gauge.data_points.add(time_unix_nano=START_NS).as_double = 1.5
    return request


def logs() -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=START_NS)
    record.body.string_value, record.trace_id, record.span_id = "hello", b"1" * 16, b"2" * 8
    return request


FOREIGN: dict[str, tuple[bytes, str, str]] = {
    "metrics": (metrics().SerializeToString(), "OtherSignal", "Got OTLP metrics instead: give each signal a topic"),
    "logs": (logs().SerializeToString(), "OtherSignal", "Got OTLP logs instead: give each signal a topic"),
    "metrics in JSON": (b'{"resourceMetrics":[]}', "OtherSignal", "Got OTLP metrics instead"),
    "logs in JSON": (b'[{"resource_logs":[]}]', "OtherSignal", "Got OTLP logs instead"),
    "Zipkin v1 in Thrift": (values_of("zipkin-js")[-1], "ForeignFormat", "Got Zipkin v1 Thrift, which is not read"),
    "a list of that": (b"\x0c\x00\x00\x00\x01" + values_of("zipkin-js")[-1], "ForeignFormat", "Got Zipkin v1 Thrift"),
    "Jaeger in Thrift": (b"\x0c\x00\x01\x0b\x00\x01\x00\x00\x00\x04shop", "ForeignFormat", "Got Jaeger Thrift"),
    "Zipkin v1 in JSON": (
        b'[{"traceId":"1","id":"2","name":"a","annotations":[],"binaryAnnotations":[]}]',
        "ForeignFormat",
        "Got Zipkin v1 JSON, which is not read: let the tracer write Zipkin v2",
    ),
    "a CloudEvent": (b'{"specversion":"1.0","type":"t","data":{}}', "ForeignFormat", "Got a CloudEvent"),
    "Connect's envelope": (
        b'{"schema":{},"payload":{}}',
        "ForeignFormat",
        "Got an envelope of Kafka Connect: set value.converter.schemas.enable=false",
    ),
    "Debezium": (b'{"before":null,"after":{},"op":"c"}', "ForeignFormat", "Got a change event of Debezium"),
    "an execution": (
        b'{"application":"a","operation":"b"}',
        "ForeignFormat",
        "Got an execution: it belongs on the topic",
    ),
    "Jaeger's API": (b'{"data":[]}', "ForeignFormat", "Got an answer of Jaeger's API, which is not read"),
    "another object": (b'{"a":1,"b":2}', "ForeignFormat", 'Got an object with only the fields "a, b"'),
    "Tempo's API": (b'{"batches":[]}', "ForeignFormat", 'Got an object with only the fields "batches"'),
    "an array of numbers": (b"[1,2]", "ForeignFormat", "Got an array of 1 and others"),
    "a text": (b'"{}"', "ForeignFormat", "Got a JSON text instead: send what is in it, without quotes."),
    "two records one after the other": (
        JAEGER_SPAN.encode() * 2,
        "InvalidJson",
        "Jaeger JSON: the JSON is malformed: Extra data",
    ),
    "damaged JSON": (b'{"a":', "InvalidJson", "Got JSON that is malformed: "),
    "too deep": (b"[" * 5_000, "InvalidJson", "Got JSON that is nested too deeply."),
    "not gzip": (b"\x1f\x8b\x07x", "ForeignFormat", "begins as gzip does, but cannot be unpacked"),
    "cut gzip": (gzip.compress(JSON)[:-9], "ForeignFormat", "begins as gzip does, but ends too early."),
    "Zstandard": (b"\x28\xb5\x2f\xfd\x00", "ForeignFormat", "compressed with Zstandard; inside of a value only gzip"),
    "Snappy": (b"\xff\x06\x00\x00sNaPpY", "ForeignFormat", "compressed with Snappy"),
    "LZ4": (b"\x04\x22\x4d\x18\x00", "ForeignFormat", "compressed with LZ4"),
    "UTF-16": (JSON.decode().encode("utf-16"), "ForeignFormat", "text in UTF-16; only UTF-8 is read"),
    "an Avro file": (b"Obj\x01\x00", "ForeignFormat", "an Avro file, which is not read"),
    "an Avro message": (b"\xc3\x01\x00\x00", "ForeignFormat", "an Avro message, which is not read"),
    "Avro by a registry": (
        b"\x00\x00\x00\x00\x2a\x08shop",
        "ForeignFormat",
        "framing of a schema registry (schema id 42)",
    ),
    "a word": (
        b"hello",
        "ForeignFormat",
        "that begin with 68 65 6c 6c 6f instead, which are not JSON, but another text.",
    ),
    "bytes": (
        b"\x00hello \xff",
        "InvalidProtobuf",
        "Got 8 bytes that begin with 00 68 65 6c 6c 6f 20 ff instead",
    ),
    "another message": (b"\x10\x01", "ForeignFormat", "but Protobuf of another message, without a field 1."),
    "an unknown message in field 1": (
        framed(1, framed(1, b"shop")),
        "ForeignFormat",
        "but Protobuf of another message, with an error: ",
    ),
    "nothing but unknown fields": (
        framed(1, b"\x08\x01"),
        "ForeignFormat",
        "but Protobuf of another message, with an error: OTLP has no such field 1 as that at byte 0.",
    ),
    "a cut message": (framed(1, b"\x08\x01") + b"\x0a\x7f", "InvalidProtobuf", "the Protobuf is malformed: "),
}


@pytest.mark.parametrize(("value", "error", "told"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_read_says_what_it_is(value: bytes, error: str, told: str) -> None:
    rejection = refused(value)

    assert rejection.error == error
    assert told in rejection.reason


def test_no_value_is_refused() -> None:
    rejection = refused(None)

    assert (rejection.error, rejection.reason) == ("NullValue", "The value must be spans. Got null instead.")


def test_unpacking_ends_at_the_limit() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    limits = SpanLimits(max_record_bytes=len(bomb))

    assert refused(bomb, limits).reason == (
        f"The record must be at most {len(bomb)} bytes long once it is unpacked. It is longer."
    )
    assert (
        refused(b"\x00\x00\x00\x00\x07" + bomb, SpanLimits(max_record_bytes=len(bomb) + 5)).error == "OversizedRecord"
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_record_beyond_the_limit_of_spans_is_refused(name: str) -> None:
    decoded = decode_spans(EXAMPLES[name], SpanLimits(max_spans=0))

    assert (decoded.spans, [each.error for each in decoded.rejected]) in ((0, ["TooManySpans"]), (1, []))


@settings(deadline=None)
@given(st.sampled_from(sorted(EXAMPLES)), st.randoms(use_true_random=False))
@example("Jaeger Protobuf", None)
def test_any_damage_is_borne(name: str, random: object) -> None:
    content = bytearray(EXAMPLES[name])
    if random is not None:
        for _ in range(3):
            at = random.randrange(len(content))  # type: ignore[attr-defined]
            match random.randrange(3):  # type: ignore[attr-defined]
                case 0:
                    content[at] ^= 1 << random.randrange(8)  # type: ignore[attr-defined]
                case 1:
                    del content[at : at + random.randrange(9)]  # type: ignore[attr-defined]
                case 2:
                    content[at:at] = random.randbytes(3)  # type: ignore[attr-defined]

    decoded = decode_spans(bytes(content), LIMITS)

    assert decoded.spans == sum(map(len, decoded.traces.values()))
    for rejection in decoded.rejected:
        assert rejection.value_bytes
        assert rejection.reason[0].isupper() or rejection.reason[0] == "["


def test_no_recorded_span_is_lost() -> None:
    for case in ("zipkin-brave", "zipkin-brave-proto3", "jaeger-v1-protobuf", "skywalking-java", "zipkin-spring-boot"):
        for value in values_of(case):
            assert decode_spans(value, LIMITS).rejected == [], case
    assert CASES.exists()


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8))
def test_no_id_makes_jaegers_protobuf_look_like_another_format(trace_id: bytes, span_id: bytes) -> None:
    value = EXAMPLES["Jaeger Protobuf"]
    value = value[:2] + trace_id + value[18:20] + span_id + value[28:]

    decoded = decode_spans(value, LIMITS)

    assert decoded.format == "Jaeger Protobuf" or decoded.rejected[0].reason.startswith("Jaeger Protobuf: ")
