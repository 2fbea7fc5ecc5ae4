"""Executions that real producers put something around: each is read, or told by its name."""

import gzip
import json
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.schemas.codec import DecodedRecord, decode_record
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import ExecutionReader
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.scoring.read_run import Reading, RunReader
from tracehound.streams.states.partitions import Partition

NOW_S = 1_795_962_270.25
ONE: dict[str, Any] = {"application": "shop", "operation": "GET /cart", "started_at": NOW_S, "duration_ms": 118.4}
EVENT = {"id": "1", "source": "/s", "type": "t", "specversion": "1.0"}
READER = ExecutionReader(Limits(max_record_bytes=5_000))
Headers = list[tuple[str, bytes]]


def as_json(given: object) -> bytes:
    return json.dumps(given).encode()


def connect(payload: object, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"type": "struct", "fields": [*fields]}, "payload": payload}


def change(op: str, after: object) -> dict[str, Any]:
    return {"before": None, "after": after, "source": {}, "op": op, "ts_ms": 1}


TIMESTAMP = {"field": "started_at", "type": "int64", "name": "org.apache.kafka.connect.data.Timestamp"}
MICRO = {"field": "started_at", "type": "int64", "name": "io.debezium.time.MicroTimestamp"}
JSON_TEXT = {"type": "string", "optional": True, "name": "io.debezium.data.Json"}

READ: dict[str, bytes] = {
    "plain": as_json(ONE),
    "schema registry": b"\0\0\0\0\1" + as_json(ONE),
    "schema registry, a large id": b"\0" + (100_234).to_bytes(4) + as_json(ONE),
    "schema registry, an array": b"\0\0\0\0\1" + as_json([ONE]),
    "Connect": as_json(connect(ONE)),
    "Connect, a time": as_json(connect({**ONE, "started_at": 1_795_962_270_250}, TIMESTAMP)),
    "outbox, a string": as_json(json.dumps(ONE)),
    "outbox, a string in Connect's envelope": as_json({"schema": JSON_TEXT, "payload": json.dumps(ONE)}),
    "outbox, a row": as_json({"id": 1, "aggregatetype": "cart", "payload": json.dumps(ONE)}),
    "CloudEvent": as_json({**EVENT, "data": ONE}),
    "CloudEvent, text": as_json({**EVENT, "data": json.dumps(ONE)}),
    "CloudEvent, base64": as_json({**EVENT, "data_base64": b64encode(as_json(ONE)).decode()}),
    "CloudEvents": as_json([{**EVENT, "data": ONE}]),
    "CloudEvent of an array": as_json([{**EVENT, "data": [ONE]}]),
    "Debezium, a new row": as_json(change("c", ONE)),
    "Debezium, a row of a snapshot in Connect's envelope": as_json(
        connect(
            change("r", {**ONE, "started_at": 1_795_962_270_250_000}),
            {"field": "after", "type": "struct", "fields": [MICRO]},
        )
    ),
    "byte-order mark": b"\xef\xbb\xbf" + as_json(ONE),
    "gzip": gzip.compress(as_json(ONE)),
    "gzip of two files, longer than what is unpacked at once": b"".join(
        gzip.compress(part, compresslevel=0) for part in (as_json(ONE), b" " * 4_500)
    ),
    "gzip of the framing": gzip.compress(b"\0\0\0\0\1" + as_json(ONE)),
}

TOLD: dict[str, tuple[bytes, str, str]] = {
    "UTF-16": (json.dumps(ONE).encode("utf-16"), "ForeignFormat", "Got text in UTF-16; only UTF-8 is read."),
    "JSON lines": (as_json(ONE) + b"\n" + as_json(ONE), "ForeignFormat", "Got 2 JSON objects on lines of their own"),
    "Protobuf": (b"\n\x12\n\x04shop", "ForeignFormat", "Got 8 bytes that begin with 0a 12 0a 04 73 68 6f 70 instead"),
    "Zstandard": (b"\x28\xb5\x2f\xfd1234", "ForeignFormat", "Got compressed with Zstandard; "),
    "framing": (
        b"\0\0\0\0\7\x08shop",
        "ForeignFormat",
        "the framing of a schema registry (schema id 7) around",
    ),
    "Debezium, a change": (as_json(change("u", ONE)), "ForeignFormat", 'Debezium that is no new row (op "u"; '),
    "Debezium, the end": (as_json({**change("d", None), "before": ONE}), "ForeignFormat", 'no new row (op "d"; '),
    "CloudEvent without data": (as_json(EVENT), "ForeignFormat", 'Got a CloudEvent without data, of type "t".'),
    "spans of OTLP": (b'{"resourceSpans":[]}', "ForeignFormat", "Got spans of OTLP: they belong on a topic of"),
    "spans of Zipkin": (b'[{"traceId":"1","id":"2"}]', "ForeignFormat", "Got spans of Zipkin: "),
    "spans in a CloudEvent": (
        as_json({**EVENT, "data": {"resourceSpans": []}}),
        "ForeignFormat",
        "Got spans of OTLP: they",
    ),
    "another row": (
        as_json(connect({"id": 7})),
        "MissingField",
        "Within an envelope of Kafka Connect: the field 'application' is required. Got only the fields \"id\" instead.",
    ),
    "an end of Connect": (as_json(connect(None)), "InvalidField", "an execution must be a JSON object. Got null"),
    "a bad field": (
        as_json({**EVENT, "data": {**ONE, "duration_ms": -5}}),
        "InvalidField",
        "Within a CloudEvent: the field 'duration_ms' must be a finite number >= 0. Got -5 instead.",
    ),
    "numbers as texts": (as_json({**ONE, "duration_ms": "118.4"}), "InvalidField", 'Got "118.4" instead.'),
    "no JSON": (b"nonsense", "InvalidJson", "The JSON is malformed"),
    "spaces": (b"   ", "InvalidJson", ""),
    "null": (b"null", "InvalidField", "Got null instead."),
    "gzip cut off": (gzip.compress(as_json(ONE))[:-9], "ForeignFormat", "ends too early"),
    "gzip of too much": (gzip.compress(b" " * 6_000), "OversizedRecord", "at most 5000 bytes long once it is unpacked"),
}


def decode(value: bytes, headers: Headers | None = None, reader: ExecutionReader = READER) -> DecodedRecord:
    return reader.decode(value, headers or [], NOW_S + 1)


@pytest.mark.parametrize("name", READ)
def test_what_is_around_an_execution_is_taken_away(name: str) -> None:
    made = decode(READ[name])

    assert made == decode_record(as_json([ONE]), Limits(), NOW_S + 1)


def test_many_gzip_files_in_a_row_cost_no_more_than_their_bytes() -> None:
    value = gzip.compress(as_json(ONE)) + gzip.compress(b"") * 300_000
    began_s = time.process_time()

    assert len(decode(value, reader=ExecutionReader(Limits())).executions) == 1
    assert time.process_time() - began_s < 5  # (where each file costs a copy of all behind it, 17 s)


def test_headers_of_schema_registries_and_cloud_events_change_nothing() -> None:
    cloud = [("ce_id", b"1"), ("ce_source", b"/s"), ("ce_type", b"t"), ("ce_specversion", b"1.0")]

    for headers in ([("__value_schema_id", b"\1" + bytes(16))], [*cloud, ("content-type", b"application/json")]):
        assert len(decode(as_json(ONE), headers).executions) == 1


@pytest.mark.parametrize("name", TOLD)
def test_what_is_none_is_told_by_its_name_with_its_bytes(name: str) -> None:
    value, error, sentence = TOLD[name]

    made = decode(value)

    (rejection,) = made.rejected
    assert (rejection.error, rejection.value_bytes, made.executions) == (error, value, [])
    assert sentence in rejection.reason
    assert rejection.reason[0].isupper()


def test_good_elements_of_an_envelope_are_kept() -> None:
    bad = {**ONE, "duration_ms": -5}

    made = decode(as_json([{**EVENT, "data": ONE}, {**EVENT, "data": bad}]))

    (rejection,) = made.rejected
    assert (len(made.executions), rejection.indexes) == (1, (1,))
    assert rejection.value_bytes == b"[" + as_json(bad) + b"]"
    assert rejection.reason.startswith("Within an array, each element in a CloudEvent: element 1: the field 'duration")


def test_what_is_an_execution_by_contract_is_no_envelope() -> None:
    (execution,) = decode(as_json({**ONE, **EVENT, "data": {"application": "other"}})).executions

    assert execution.application == "shop"


MAPPED = ExecutionReader(
    Limits(), None, FieldMapping('application=service.name, started_at=time:ms, duration_ms=took:s, environment="prod"')
)


def test_the_settings_say_where_fields_are() -> None:
    other = {"service": {"name": "shop"}, "operation": "GET /cart", "time": 1_795_962_270_250, "took": 0.1184}

    for value in (as_json(other), as_json([other]), as_json({**EVENT, "data": other})):
        (execution,) = decode(value, reader=MAPPED).executions
        assert (execution.application, execution.environment, execution.started_at) == ("shop", "prod", NOW_S)
        assert execution.duration_ms == pytest.approx(118.4)
    (rejection,) = decode(as_json({"service": {"name": "shop"}}), reader=MAPPED).rejected
    assert rejection.reason.startswith("Within the names of the setting 'execution_fields': the field 'operation' is r")
    assert decode(as_json(ONE), reader=MAPPED) == decode(as_json(ONE))
    assert decode(b'{"a":1}', reader=MAPPED) == decode(b'{"a":1}')


@pytest.mark.parametrize("written", ["application", "applikation=a", "application=a:h", "=a"])
def test_a_mapping_that_is_none_is_told(written: str) -> None:
    with pytest.raises(ConfigurationError, match="'execution_fields' must be fields of an execution"):
        FieldMapping(written)


def record(offset: int, value: bytes) -> ConsumerRecord:
    return ConsumerRecord("executions.v1", 1, offset, int(NOW_S * 1000) + 1_000, 0, None, value, None, -1, -1, ())


@pytest.mark.parametrize("around", [lambda one: b"\0\0\0\0\1" + one, lambda one: as_json(connect(json.loads(one)))])
def test_runs_of_envelopes_are_read_together(around: Callable[[bytes], bytes]) -> None:
    here = next(name for name in map("app-{}".format, range(9)) if Partitioner(3).partition_of(name) == 1)
    values = [as_json({**ONE, "application": here, "duration_ms": float(each)}) for each in range(5)]
    reader, plain, wrapped = RunReader("executions.v1", 3, Limits()), Reading(), Reading()

    reader.read_all(Partition(1), list(map(record, range(5), values)), plain)
    mixed = [value if each == 3 else around(value) for each, value in enumerate(values)]
    reader.read_all(Partition(1), list(map(record, range(5), mixed)), wrapped)

    assert list(wrapped.executions) == list(plain.executions)
    assert len(wrapped.parts) == 1
    assert not wrapped.dead_letters


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(list(READ)), st.integers(0, 2**32), st.binary(max_size=3))
def test_damaged_envelopes_are_borne(name: str, seed: int, put: bytes) -> None:
    value = READ[name]
    at = seed % (len(value) + 1)

    made = decode(value[:at] + put + value[at + len(put) :])

    assert made.executions or made.rejected
    assert at == len(value) or decode(value[:at]).rejected


@pytest.mark.parametrize("element", [b"{}", b'"1"', b"1", b"[]", b'"{}"', b'{"a":1}', b'{"op":"c","after":1}'])
def test_arrays_of_very_many_elements_cost_about_what_they_do_without_envelopes(element: bytes) -> None:
    value = b"[" + b",".join([element] * (400_000 // len(element))) + b"]"
    limits, reader = Limits(), ExecutionReader(Limits())

    assert reader.decode(value, (), NOW_S).rejected
    plain_s = least_cpu_s(lambda: decode_record(value, limits, NOW_S))
    assert least_cpu_s(lambda: reader.decode(value, (), NOW_S)) < 4 * plain_s + 0.2


def least_cpu_s(act: Callable[[], object], times: int = 3) -> float:
    """The CPU time that it takes, without what garbage of others costs now and then."""
    found = []
    for _ in range(times):
        begun_s = time.process_time()
        act()
        found.append(time.process_time() - begun_s)
    return min(found)
