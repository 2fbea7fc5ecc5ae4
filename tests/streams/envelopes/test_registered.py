"""Avro and Protobuf, as serializers of a schema registry write them, are read by the schemas at hand."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, timestamp_pb2
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.schemas.codec import DecodedRecord
from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.execution import Execution, Segment
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.envelopes.mapping import FieldMapping
from tracehound.streams.envelopes.opener import SCHEMA_HEADER, ExecutionReader
from tracehound.streams.envelopes.registered import RegisteredSchemas

GUID = "0b5d6e0c-5a4f-4b1f-8d6e-9d8a1c2b3a40"
AVRO_ID, AVRO_GUID = b"\0\0\0\0\x07", b"\1" + UUID(GUID).bytes
PROTOBUF_ID = b"\0\0\0\0\x08" + b"\x04\x02\x00"
"""The framing of serializers of a schema registry: for Protobuf with how many indexes follow (2, zigzag), 1 and 0."""
AT_S = 1_795_962_270.25
AVRO = {
    "type": "record",
    "name": "Execution",
    "fields": [
        {"name": "application", "type": "string"},
        {"name": "operation", "type": ["null", "string"]},
        {"name": "started_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "duration_ms", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 1}},
        {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["ok", "error"]}},
        {
            "name": "segments",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Segment",
                    "fields": [{"name": "name", "type": "string"}, {"name": "duration_ms", "type": "double"}],
                },
            },
        },
    ],
}
FIELD = descriptor_pb2.FieldDescriptorProto


def descriptors() -> descriptor_pb2.FileDescriptorSet:
    """What ``protoc`` makes of a file with a message of something else, and in it one of executions."""
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
    file.dependency.extend(["google/protobuf/timestamp.proto", "google/protobuf/duration.proto"])
    file.message_type.add(name="Other").field.add(name="id", number=1, type=FIELD.TYPE_INT64, label=1)
    outer = file.message_type.add(name="Outer")
    execution = outer.nested_type.add(name="Execution")
    for number, name in enumerate(("application", "operation"), 1):
        execution.field.add(name=name, number=number, type=FIELD.TYPE_STRING, label=1)
    for number, (name, kind) in enumerate((("started_at", "Timestamp"), ("duration_ms", "Duration")), 3):
        execution.field.add(
            name=name, number=number, type=FIELD.TYPE_MESSAGE, type_name=f".google.protobuf.{kind}", label=1
        )
    execution.field.add(name="result", number=5, type=FIELD.TYPE_INT64, label=1)
    found = descriptor_pb2.FileDescriptorSet()
    for module in (timestamp_pb2, duration_pb2):
        module.DESCRIPTOR.CopyToProto(found.file.add())
    found.file.append(file)
    return found


def reader(folder: Path, fields: str = "") -> ExecutionReader:
    (folder / "7.avsc").write_text(json.dumps(AVRO))
    (folder / f"{GUID.upper()}.avsc").write_text(json.dumps(AVRO))
    (folder / "8.desc").write_bytes(descriptors().SerializeToString())
    (folder / "README.md").write_text("no schema")
    return ExecutionReader(Limits(), RegisteredSchemas(folder), FieldMapping(fields))


def avro() -> bytes:
    written = BytesIO()
    execution = {
        "application": "shop",
        "operation": "GET /",
        "started_at": datetime.fromtimestamp(AT_S, UTC),
        "duration_ms": Decimal("118.4"),
        "status": "ok",
        "segments": [{"name": "SELECT", "duration_ms": 3.5}],
    }
    fastavro.schemaless_writer(written, fastavro.parse_schema(AVRO), execution)
    return written.getvalue()


def protobuf() -> bytes:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptors().file:
        pool.AddSerializedFile(file.SerializeToString())
    message: Any = GetMessageClass(pool.FindMessageTypeByName("shop.Outer.Execution"))()
    message.application, message.operation, message.result = "shop", "GET /", 200
    message.started_at.FromMilliseconds(int(AT_S * 1e3))
    message.duration_ms.FromMicroseconds(118_400)
    written: bytes = message.SerializeToString()
    return written


def decode(made: ExecutionReader, value: bytes, header: bytes | None = None) -> DecodedRecord:
    return made.decode(value, [] if header is None else [(SCHEMA_HEADER, header)], AT_S + 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ExecutionReader:
    return reader(tmp_path_factory.mktemp("schemas"))


EXPECTED = Execution("shop", "GET /", AT_S, 118.4, status="ok", segments=[Segment("SELECT", 3.5)])


def test_avro_is_read_with_the_id_before_it_or_in_a_header(tmp_path: Path) -> None:
    made = reader(tmp_path)

    for value, header in (
        (AVRO_ID + avro(), None),
        (avro(), AVRO_ID),
        (avro(), AVRO_GUID),
    ):
        assert decode(made, value, header) == DecodedRecord([EXPECTED])


def test_protobuf_is_read_with_the_indexes_of_its_message(tmp_path: Path) -> None:
    made = reader(tmp_path)

    for value, header in (
        (PROTOBUF_ID + protobuf(), None),
        (protobuf(), PROTOBUF_ID),
    ):
        assert decode(made, value, header) == DecodedRecord([Execution("shop", "GET /", AT_S, 118.4, result=200)])


def test_fields_of_other_schemas_are_found_by_the_mapping(tmp_path: Path) -> None:
    mapped = reader(tmp_path, 'application="shop", operation="none", started_at=id, duration_ms=id')

    (execution,) = decode(mapped, b"\0\0\0\0\x08\x00\x08\x05").executions

    assert (execution.application, execution.started_at, execution.duration_ms) == ("shop", 5.0, 5.0)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"\0\0\0\0\x09\x08shop", "(schema id 9) around Avro or Protobuf: put its schema in '"),
        (b"\0\0\0\0\x07\x08shop", "around bytes that are not as schema 7 says: EOFError"),
        (b"\0\0\0\0\x07" + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", "not as schema 7 says: "),
        (AVRO_ID + avro() + b"x", "not as schema 7 says: ValueError: 1 bytes follow it."),
        (b"\0\0\0\0\x08\x02\x50x", "not as schema 8 says: IndexError"),
        (b"\0\0\0\0\x08\x00\xff", "not as schema 8 says: DecodeError"),
        (b"\0\0\0\0\x08\x00\x08\x05", "Within the framing of a schema registry (schema id 8): the field 'application'"),
    ],
)
def test_what_is_not_as_its_schema_says_is_told(tmp_path: Path, value: bytes, sentence: str) -> None:
    (rejection,) = decode(reader(tmp_path), value).rejected

    assert sentence in rejection.reason
    assert rejection.value_bytes == value


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=60), schema_id=st.sampled_from([7, 8]), at=st.integers(0, 60))
def test_damaged_messages_are_borne(made: ExecutionReader, content: bytes, schema_id: int, at: int) -> None:
    whole = avro() if schema_id == 7 else b"\x04\x02\x00" + protobuf()

    for damaged in (content, whole[:at] + content, whole[:at] + content + whole[at:]):
        decoded = decode(made, b"\0\0\0\0" + bytes([schema_id]) + damaged)
        assert decoded.executions or decoded.rejected or damaged == b"[]"


def test_a_folder_that_is_none_and_a_file_that_is_no_schema_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'schemas_dir' must be a folder"):
        RegisteredSchemas(tmp_path / "none")
    for name, content in (("1.avsc", "{"), ("1.avsc", '{"type":"nothing"}'), ("2.desc", "x"), ("2.desc", "")):
        (tmp_path / name).write_text(content)
        with pytest.raises(ConfigurationError, match=f"{name}' must hold a schema"):
            RegisteredSchemas(tmp_path)
        (tmp_path / name).unlink()
