"""Schemas at hand: files of a folder, by the ids that a schema registry gave them; what they describe becomes JSON.

| file | holds |
|---|---|
| ``<id>.avsc`` | an Avro schema, as the registry has it |
| ``<id>.desc`` | a Protobuf file and all that it imports: ``protoc --include_imports --descriptor_set_out=<id>.desc`` |

``<id>`` is a number, or a GUID where producers write the id into a header. The registry itself is never asked.
"""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from tracehound.schemas.errors import ConfigurationError
from tracehound.schemas.rejection import RecordError
from tracehound.streams.envelopes.packing import message_indexes
from tracehound.streams.envelopes.protobuf_values import plain_values

_encode = msgspec.json.Encoder(decimal_format="number").encode


class _Avro:
    """Reads Avro by the schema that it was written with."""

    def __init__(self, content: bytes) -> None:
        self._schema = fastavro.parse_schema(json.loads(content))

    def read(self, content: bytes) -> Any:
        source = BytesIO(content)
        found = fastavro.schemaless_reader(source, self._schema, None)
        if source.tell() != len(content):
            raise ValueError(f"{len(content) - source.tell()} bytes follow it")
        return found


class _Protobuf:
    """Reads Protobuf by its descriptors; the last file of the set is that of the schema, as protoc orders them."""

    def __init__(self, content: bytes) -> None:
        files = descriptor_pb2.FileDescriptorSet.FromString(content).file
        pool = descriptor_pool.DescriptorPool()
        for file in files:
            pool.AddSerializedFile(file.SerializeToString())
        self._file = pool.FindFileByName(files[-1].name)
        self._messages = files[-1].message_type

    def read(self, content: bytes) -> Any:
        indexes, message = message_indexes(content)
        declared = self._messages[indexes[0]]
        descriptor = self._file.message_types_by_name[declared.name]
        for index in indexes[1:]:
            declared = declared.nested_type[index]
            descriptor = descriptor.nested_types_by_name[declared.name]
        return plain_values(GetMessageClass(descriptor).FromString(message))


_KINDS: Mapping[str, type[_Avro] | type[_Protobuf]] = {".avsc": _Avro, ".desc": _Protobuf}
_NO_SCHEMA = (ValueError, KeyError, IndexError, TypeError, DecodeError, fastavro.schema.SchemaParseException)
_NOT_SO = (*_NO_SCHEMA, EOFError, OverflowError, MemoryError, RecursionError, ArithmeticError, StopIteration)


class RegisteredSchemas:
    """Reads messages by the schemas in a folder, which is looked into once.

    Parameters:
        folder: where they are; None for no schemas.

    Raises:
        ConfigurationError: there is no such folder, or a file in it is no schema.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._schemas: Mapping[str, _Avro | _Protobuf] = {} if folder is None else _loaded(folder)

    def __bool__(self) -> bool:
        return bool(self._schemas)

    def json_of(self, schema_id: str, told: str, content: bytes) -> bytes:
        """The message as JSON.

        Parameters:
            schema_id: by which it was written.
            told: what is around it, for people.

        Raises:
            RecordError: the schema is not at hand, or the message is not as it says.
        """
        schema = self._schemas.get(schema_id)
        if schema is None:
            where = f"in {str(self._folder)!r}" if self._folder else "in the folder of the setting 'schemas_dir'"
            raise RecordError(
                "ForeignFormat",
                f"the value must be an execution. Got {told} around Avro or Protobuf: put its schema {where} as "
                f"{schema_id}.avsc or {schema_id}.desc, or let the producer write JSON.",
            )
        try:
            return _encode(schema.read(content))
        except _NOT_SO as error:
            cause = f"{type(error).__name__}: {error}"[:200]
            raise RecordError(
                "ForeignFormat",
                f"the value must be an execution. Got {told} around bytes that are not as schema {schema_id} says: "
                f"{cause}.",
            ) from error


def _loaded(folder: Path) -> dict[str, _Avro | _Protobuf]:
    if not folder.is_dir():
        raise ConfigurationError(f"The setting 'schemas_dir' must be a folder. Got {str(folder)!r} instead.")
    found: dict[str, _Avro | _Protobuf] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in _KINDS:
            continue
        try:
            found[path.stem.lower()] = _KINDS[path.suffix](path.read_bytes())
        except _NO_SCHEMA as error:
            raise ConfigurationError(
                f"The setting 'schemas_dir': the file {str(path)!r} must hold a schema. It cannot be read: {error}."
            ) from error
    return found
