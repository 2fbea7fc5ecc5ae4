"""JSON Schemas of the types, in words that mean the same in draft 2020-12, in draft 7 and in AsyncAPI."""

from typing import Any, TypeVar

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = TypeVar("Schema")


def json_schema(contract: Any) -> dict[str, Any]:
    """The JSON Schema of a type, complete in itself."""
    (schema,), components = msgspec.json.schema_components([contract], ref_template="#/$defs/{name}")
    return plain_arrays({"$schema": DIALECT, **schema, "$defs": components})


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
