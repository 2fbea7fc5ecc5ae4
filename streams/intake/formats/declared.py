"""Protobuf messages declared by the few fields that are read of them, for the parser of the protobuf library.

All are of ``proto2``: there a text that is not UTF-8 costs only itself (it is read as bytes), and what is declared as
bytes although it is a message is parsed only where it is wanted.
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
    "double": _FIELD.TYPE_DOUBLE,
    "fixed32": _FIELD.TYPE_FIXED32,
    "fixed64": _FIELD.TYPE_FIXED64,
}


def declare(package: str, messages: Mapping[str, str]) -> Any:
    """A namespace with a class for each message.

    Parameters:
        package: any name of its own.
        messages: by name their fields, such as ``name 5 string, spans 2 *Span`` (repeated, of another message).

    >>> shop = declare("example.shop", {"Cart": "owner 1 string, items 2 *Item", "Item": "price 1 int64"})
    >>> shop.Cart.FromString(shop.Cart(owner="a", items=[shop.Item(price=3)]).SerializeToString()).items[0].price
    3
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    for name, declared in messages.items():
        message = file.message_type.add(name=name)
        for each in declared.split(","):
            field_name, number, kind = each.split()
            label = _FIELD.LABEL_REPEATED if kind.startswith("*") else _FIELD.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=int(number), label=label)
            kind = kind.removeprefix("*")
            if kind in _SCALARS:
                field.type = _SCALARS[kind]
            else:
                field.type = _FIELD.TYPE_MESSAGE
                field.type_name = f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    classes = {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages
    }
    return type(package, (), classes)


def as_text(value: str | bytes) -> str:
    """A field of type string, what is not UTF-8 in it replaced.

    >>> as_text(b"Jos\\xe9")
    'Jos\\ufffd'
    """
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
