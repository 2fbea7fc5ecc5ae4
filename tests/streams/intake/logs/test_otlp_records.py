"""Log records of OTLP: both encodings say the same, whatever a value holds, and what is wrong costs only itself."""

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData

from tracehound.schemas.rejection import Flaw
from tracehound.streams.intake.logs.otlp_json import records_of_json
from tracehound.streams.intake.logs.otlp_protobuf import records_of_protobuf
from tracehound.streams.intake.logs.otlp_record import OtlpRecord

NAMES = st.text(max_size=5)
VALUES: st.SearchStrategy[AnyValue] = st.recursive(
    st.one_of(
        st.builds(AnyValue),
        st.builds(AnyValue, string_value=NAMES),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
        st.builds(AnyValue, double_value=st.floats()),
        st.builds(AnyValue, bytes_value=st.binary(max_size=9)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: AnyValue(array_value=ArrayValue(values=values))),
        st.dictionaries(NAMES, inner, max_size=3).map(
            lambda pairs: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key=name, value=value) for name, value in pairs.items()])
            )
        ),
    ),
    max_leaves=6,
)
IDS = st.one_of(st.binary(max_size=17), st.just(bytes(16)), st.just(bytes(8)), st.binary(min_size=8, max_size=8))


def of_json(record: dict[str, Any]) -> OtlpRecord | Flaw:
    ((_, read),) = records_of_json(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode())
    return read


@given(VALUES, VALUES, IDS, IDS)
def test_both_encodings_say_the_same(body: AnyValue, attribute: AnyValue, trace_id: bytes, span_id: bytes) -> None:
    message = LogRecord(time_unix_nano=1, severity_number=9, body=body, trace_id=trace_id, span_id=span_id)  # type: ignore[arg-type]
    message.attributes.add(key="name").value.CopyFrom(attribute)
    data = LogsData()
    data.resource_logs.add().scope_logs.add().log_records.add().CopyFrom(message)
    ((_, read),) = records_of_protobuf(data.SerializeToString())
    assert of_json(MessageToDict(message)) == read
    json.dumps(read.body if isinstance(read, OtlpRecord) else None, allow_nan=False)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"stringValue": None, "intValue": "7"}, 7),
        ({"double_value": "2.5"}, 2.5),
        ({"doubleValue": 2}, 2.0),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"doubleValue": "-Infinity"}, "-Infinity"),
        ({"boolValue": "true"}, True),
        ({"bytesValue": "aGVsbG8="}, "aGVsbG8="),
        ({"arrayValue": None}, None),
        ({"arrayValue": {"values": None}}, []),
        ({"kvlist_value": {"values": [{"key": "a", "value": {"int_value": 1.0}}]}}, {"a": 1}),
        ({"ofTomorrow": {}, "intValue": 5}, 5),
    ],
)
def test_values_are_read_as_people_write_them(written: dict[str, Any], meant: Any) -> None:
    read = of_json({"body": written})
    assert isinstance(read, OtlpRecord)
    assert (read.body, type(read.body)) == (meant, type(meant))


def test_what_is_wrong_with_an_attribute_or_an_id_costs_only_that() -> None:
    wrong = [
        {"intValue": "many"},
        {"doubleValue": "much"},
        {"doubleValue": 10**400},
        {"boolValue": 1},
        {"stringValue": 5},
        {"arrayValue": {"values": [{"intValue": []}]}},
    ]
    pairs: list[Any] = [{"key": f"wrong {number}", "value": value} for number, value in enumerate(wrong)]
    pairs += [{"key": "right", "value": {"stringValue": "x"}}, {"key": 5}, "no pair"]
    read = of_json({"body": {"stringValue": "hot"}, "attributes": pairs, "traceId": "zz", "spanId": "0" * 16})
    assert read == OtlpRecord(body="hot", attributes={"right": "x"})


@pytest.mark.parametrize("wrong", [{"intValue": "many"}, {"doubleValue": "much"}, {"boolValue": 1}, {"stringValue": 5}])
def test_what_is_wrong_with_a_body_is_told(wrong: dict[str, Any]) -> None:
    read = of_json({"body": wrong})
    assert isinstance(read, Flaw)
    assert read.sentence().startswith(f"the field '{next(iter(wrong))}' must be")
