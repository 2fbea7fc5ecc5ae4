"""The OpenAPI 3.1 document of the console: FastAPI's, with our types, who may, and how every route refuses.

Specification: https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts

from tracehound.console.web.answers import SCHEMAS_AT, Told
from tracehound.console.web.cross_site import SAFE_METHODS
from tracehound.console.web.in_query import queries_of
from tracehound.console.web.needs import Needs
from tracehound.console.web.roles import Role
from tracehound.console.web.sessions import COOKIE
from tracehound.schemas.json_schema import schema_components
from tracehound.streams.http.problems import MEDIA_TYPE, Problem

_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer <key>"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}
_OF_ALL = {
    400: "The request cannot be meant: the problem names each mistake.",
    404: "There is no such thing.",
    429: "This key, or this address, asks more often than it may.",
    503: "The store or Kafka is away.",
}
_OF_KNOWN = {401: "There is no key, or it is unknown.", 403: "The key may not do this."}
_OF_BODIES = {413: "The body is too long.", 415: "The Content-Type is not application/json."}
_RETRY_AFTER = {"description": "Seconds.", "required": True, "schema": {"type": "integer", "minimum": 1}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    429: {"Retry-After": _RETRY_AFTER},
    503: {"Retry-After": _RETRY_AFTER},
}
_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMAS_AT.format(name="Problem")}}}}
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """All routes of an app."""
    return iter_route_contexts(app.routes)


def role_of(route: RouteContext) -> Role | None:
    """What a route needs of who asks; None: nothing."""
    flat = list(route.dependant.dependencies)
    needs = [one.call for one in flat if isinstance(one.call, Needs)]
    return needs[0].role if needs else None


def console_document(app: FastAPI) -> dict[str, Any]:
    """The document as plain dicts and lists."""
    routes = [route for route in routes_of(app) if getattr(route, "include_in_schema", False)]
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description="What tracehound told, found again. Times are RFC 3339, or ages such as 2h. Lists are told in "
        "pages: 'next' is the cursor of the following one.",
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
    )
    types: list[Any] = [Problem]
    for route in routes:
        types += [kind for told in route.responses.values() if isinstance(told, Told) for kind in told.types]
        for method in (route.methods or set()) - {"HEAD"}:
            _complete(document["paths"][str(route.path_format)][method.lower()], route, method)
    components = document.setdefault("components", {})
    schemas = components.get("schemas", {}) | schema_components(types, SCHEMAS_AT)[1]
    components["schemas"] = {name: schemas[name] for name in sorted(schemas) if name not in _OF_FASTAPI}
    components["securitySchemes"] = _KEYS
    return document


def _complete(operation: dict[str, Any], route: RouteContext, method: str) -> None:
    role = role_of(route)
    asked = [parameter for query in queries_of(route.dependant) for parameter in query.parameters()]
    if asked:
        operation["parameters"] = [*operation.get("parameters", []), *asked]
    refusals = dict(_OF_ALL)
    if role is not None:
        refusals |= _OF_KNOWN
        operation["security"] = [{name: []} for name in _KEYS]
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds the role '{role}'.".strip()
    else:
        operation["security"] = []
        if method not in SAFE_METHODS:
            refusals |= {401: "The key is unknown.", 403: "It comes from another page than the console's own."}
    if "requestBody" in operation:
        refusals |= _OF_BODIES
    if method not in SAFE_METHODS:
        refusals[409] = "It does not go with what is there now."
    responses = operation["responses"]
    responses.pop("422", None)
    for status, told in refusals.items():
        headers = {"headers": _HEADERS[status]} if status in _HEADERS else {}
        responses.setdefault(str(status), {"description": told, **_PROBLEM, **headers})
    operation["responses"] = {status: responses[status] for status in sorted(responses)}
