"""Answers: JSON with a tag by which a client that has it already is spared it, and what the document says of them."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tracehound.schemas.json_schema import schema_components

SCHEMAS_AT = "#/components/schemas/{name}"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
CSV = "text/csv"
NO_STORE = {"Cache-Control": "no-store"}
"""The headers of answers that hold what nobody may keep."""


def answer(request: Request, content: bytes | msgspec.Struct, media_type: str = JSON) -> Response:
    """A body with its tag, or 304 where the client has it.

    Source: RFC 9110, sections 8.8.3 and 13.1.2
    """
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, Cookie"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type)


def _has(said: str, tag: str) -> bool:
    return said.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in said.split(","))


class Told(dict[str, Any]):
    """What the document says of an answer, with the types that it refers to."""

    def __init__(self, told: str, content: Mapping[str, Any], types: tuple[Any, ...] = ()) -> None:
        super().__init__(description=told, **({"content": content} if content else {}))
        self.types = types


_UNCHANGED = Told("The client has it already: If-None-Match named its tag.", {})
Responses = dict[int | str, dict[str, Any]]


def one(kind: Any, told: str) -> Responses:
    """The answers of a route that tells of one thing."""
    return {200: Told(told, {JSON: {"schema": schema_of(kind)}}, (kind,)), 304: _UNCHANGED}


def done(kind: Any, told: str, status: int = 200) -> Responses:
    """The answers of a route that does something, and tells what came of it."""
    return {status: Told(told, {JSON: {"schema": schema_of(kind)}}, (kind,))}


def listed(kind: Any, told: str) -> Responses:
    """The answers of a list that is told in pages, and exported as CSV and as JSON lines."""
    page = {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": schema_of(kind)},
            "next": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": "The cursor of the next page; null where there is none.",
            },
        },
    }
    lines = {"schema": {"type": "string", "description": "One of the items in each line."}}
    rows = {"schema": {"type": "string", "description": "A table with a head."}}
    return {200: Told(told, {JSON: {"schema": page}, JSON_LINES: lines, CSV: rows}, (kind,)), 304: _UNCHANGED}


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a type of ours, which refers to the document's components."""
    return schema_components([kind], SCHEMAS_AT)[0][0]
