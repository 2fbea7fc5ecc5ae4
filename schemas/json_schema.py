"""JSON Schemas of the types, in words that mean the same in draft 2020-12, in draft 7 and in AsyncAPI."""

from collections.abc import Iterable, Iterator
from inspect import cleandoc
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = TypeVar("Schema")


def json_schema(contract: Any) -> dict[str, Any]:
    """The JSON Schema of a type, complete in itself."""
    (schema,), components = schema_components([contract], "#/$defs/{name}")
    return {"$schema": DIALECT, **schema, "$defs": components}


def schema_components(
    contracts: Iterable[Any], ref_template: str
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """The schemas of several types, and by its name each component that they refer to as ``ref_template`` says.

    Fields that a type always writes are required, also where they have a default.
    """
    contracts = list(contracts)
    schemas, components = msgspec.json.schema_components(contracts, ref_template=ref_template)
    for struct in {found for kind in inspect.multi_type_info(contracts) for found in _structs(kind)}:
        if not struct.__struct_config__.omit_defaults:
            written = [field for field in msgspec.structs.fields(struct) if field.default is not msgspec.UNSET]
            components[struct.__name__]["required"] = [field.encode_name for field in written]
    for component in components.values():
        if "description" in component:  # a docstring, which Python strips of its indentation from 3.13 on
            component["description"] = cleandoc(component["description"])
    return list(map(plain_arrays, schemas)), plain_arrays(components)


def plain_arrays(schema: Schema) -> Schema:
    """The schema with ``prefixItems`` of one kind, which older drafts lack, written as ``items``.

    >>> plain_arrays({"prefixItems": [{"type": "number"}, {"type": "number"}], "items": False})
    {'items': {'type': 'number'}}
    """
    rewritten: Any = schema
    if isinstance(schema, dict):
        rewritten = {name: plain_arrays(part) for name, part in schema.items() if name != "prefixItems"}
        items = schema.get("prefixItems")
        if items and all(item == items[0] for item in items):
            rewritten["items"] = items[0]
    elif isinstance(schema, list):
        rewritten = [plain_arrays(part) for part in schema]
    return rewritten  # type: ignore[no-any-return]  # the same kind of thing as was given


def _structs(kind: inspect.Type) -> Iterator[type[msgspec.Struct]]:
    match kind:
        case inspect.StructType():
            yield kind.cls
            parts: Iterable[inspect.Type] = [field.type for field in kind.fields]
        case inspect.UnionType():
            parts = kind.types
        case inspect.ListType():
            parts = [kind.item_type]
        case _:
            parts = []
    for part in parts:
        yield from _structs(part)
