"""Protobuf messages as plain values, with the names of their fields as declared and numbers as numbers."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message


def plain_values(message: Message) -> dict[str, Any]:
    """The fields of a message that are set, by their declared names.

    A ``google.protobuf.Timestamp`` becomes epoch seconds, a ``Duration`` milliseconds, an enumeration its name: what an
    execution has. (The JSON of Protobuf itself makes texts of whole numbers.)

    >>> from google.protobuf.api_pb2 import Method
    >>> plain_values(Method(name="GET", request_streaming=True))
    {'name': 'GET', 'request_streaming': True}
    """
    return {field.name: _value(field, value) for field, value in message.ListFields()}


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {str(key): _single(inner, each) for key, each in value.items()}
    return [_single(field, each) for each in value] if field.is_repeated else _single(field, value)


def _single(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    if field.message_type is None:
        return value
    match field.message_type.full_name:
        case "google.protobuf.Timestamp":
            return value.seconds + value.nanos / 1e9
        case "google.protobuf.Duration":
            return value.seconds * 1e3 + value.nanos / 1e6
    return plain_values(value)
