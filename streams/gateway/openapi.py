"""The OpenAPI 3.1 document of the gateway, made from its routes and from the types of what they take and answer.

Specification: https://spec.openapis.org/oas/v3.1.0
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tracehound.schemas.json_schema import schema_components
from tracehound.streams.gateway.guard import Endpoint
from tracehound.streams.gateway.operation import Content, Operation, Outcome
from tracehound.streams.gateway.repeats import PARAMETER, REUSED

DOCUMENT_PATH = "/openapi.json"
DOCUMENT = Operation(
    "What the gateway takes and answers: this document.",
    {200: Outcome("The document.", {"application/json": {"type": "object"}})},
)
_SCHEMAS_AT = "#/components/schemas/{name}"
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer <key>"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "inspector": {"type": "apiKey", "in": "header", "name": "X-Inspector-Key"},
}
_REFUSALS_OF_SENDERS = {
    401: "There is no key, or it is unknown.",
    403: "The key is good for something else; without keys, the header Host does not name this machine.",
    429: "The key sends more often than it may.",
}
_REFUSALS_OF_BODIES = {
    400: "The body cannot be read, or nothing of it is good.",
    408: "The body took too long to arrive.",
    413: "The body, or a part of it, is too long, also once it is unpacked.",
    415: "The Content-Type or the Content-Encoding (gzip, deflate, zstd) is none that is read.",
    503: "Kafka is away, a topic is missing, or too much is in memory. Nothing of the request counts as accepted.",
}
_RETRY_AFTER = {"description": "Seconds.", "required": True, "schema": {"type": "integer", "minimum": 1}}
_CHALLENGE = {"required": True, "schema": {"type": "string"}}
_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": _CHALLENGE},
    429: {"Retry-After": _RETRY_AFTER},
    503: {"Retry-After": _RETRY_AFTER},
}


class DocumentEndpoint:
    """Serves the document.

    Parameters:
        endpoints: all routes, complete before the first request.
        keyed: whether keys are set.
    """

    def __init__(self, endpoints: Sequence[Endpoint], keyed: bool) -> None:
        self._endpoints, self._keyed = endpoints, keyed

    @cached_property
    def document(self) -> dict[str, Any]:
        """The document as plain dicts and lists."""
        return openapi_document(self._endpoints, self._keyed)

    async def serve(self, _request: Request) -> Response:
        """The document."""
        return Response(msgspec.json.encode(self.document), media_type="application/json")


def openapi_document(endpoints: Sequence[Endpoint], keyed: bool) -> dict[str, Any]:
    """The document as plain dicts and lists.

    Parameters:
        endpoints: the routes, in their order.
        keyed: whether keys are set; else none is needed.
    """
    of_keys: list[dict[str, list[str]]] = [{name: []} for name in _KEYS]
    security = of_keys if keyed else [{}, *of_keys]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tracehound gateway",
            "version": version("tracehound"),
            "description": "Executions and spans over HTTP, answered once Kafka has acknowledged them. Bodies may be "
            "packed: Content-Encoding gzip, deflate or zstd. Where no keys are set, only this machine may send, "
            "and needs none.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            each.path: {method.lower(): _operation(each, method, security) for method in each.methods}
            for each in endpoints
        },
        "components": {"schemas": _components(endpoints), "securitySchemes": _KEYS},
    }


def _operation(endpoint: Endpoint, method: str, security: list[dict[str, list[str]]]) -> dict[str, Any]:
    operation = endpoint.operation
    words = re.findall(r"\w+", endpoint.path)
    built: dict[str, Any] = {
        "operationId": method.lower() + "".join(word.capitalize() for word in words),
        "summary": operation.summary,
        "security": [] if endpoint.role is None else security,
    }
    if endpoint.role is not None:
        built["description"] = f"Needs a key of the role '{endpoint.role}' where keys are set."
    if operation.bodies:
        built["requestBody"] = {"required": True, "content": _content(operation.bodies)}
    refusals = (_REFUSALS_OF_SENDERS if endpoint.role else {}) | (_REFUSALS_OF_BODIES if operation.bodies else {})
    if operation.once:
        built["parameters"] = [PARAMETER]
        refusals |= {422: REUSED}
    refused = {status: Outcome(told, operation.refused) for status, told in refusals.items()}
    built["responses"] = {
        str(status): {
            "description": outcome.told,
            **({"content": _content(outcome.content)} if outcome.content else {}),
            **({"headers": _HEADERS[status]} if status in refusals and status in _HEADERS else {}),
        }
        for status, outcome in sorted({**refused, **operation.outcomes}.items())
    }
    return built


def _content(content: Content) -> dict[str, Any]:
    return {media_type: {"schema": _schema(held)} if held else {} for media_type, held in content.items()}


def _schema(held: Any) -> Any:
    return held if isinstance(held, Mapping) else schema_components([held], _SCHEMAS_AT)[0][0]


def _components(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    operations = [each.operation for each in endpoints]
    contents = [
        content
        for each in operations
        for content in (each.bodies, each.refused, *(outcome.content for outcome in each.outcomes.values()))
    ]
    types = [held for content in contents for held in content.values() if not isinstance(held, Mapping)]
    return dict(sorted(schema_components(types, _SCHEMAS_AT)[1].items()))
