"""The OpenAPI document: each route is in it, with what it takes and how it refuses, whichever routes there are."""

import json
from typing import Any

import pytest

from tests.streams.gateway.conftest import FakeSender, ask, made
from tracehound.streams.gateway.guard import Endpoint
from tracehound.streams.http.keys import new_key

KEY = new_key()
GATEWAY = made(FakeSender())
ROUTES = pytest.mark.parametrize("endpoint", GATEWAY.endpoints, ids=lambda one: one.path)
MEDIA_TYPES = ("application/x-ndjson", "application/protobuf", "text/plain", "application/x-www-form-urlencoded")


def operations(endpoint: Endpoint, document: Any = GATEWAY.document) -> list[dict[str, Any]]:
    return [document["paths"][endpoint.path][method.lower()] for method in endpoint.methods]


def test_it_is_served_and_holds_each_route_once() -> None:
    answer = ask(GATEWAY, "GET", "/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == json.loads(json.dumps(GATEWAY.document))
    routed = {
        (route.path, method.lower())  # type: ignore[attr-defined]
        for route in GATEWAY.app.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert routed == {(path, method) for path, each in answer.json["paths"].items() for method in each}
    names = [each["operationId"] for path in answer.json["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


def test_what_it_refers_to_is_there() -> None:
    text = json.dumps(GATEWAY.document)
    referred = {part.partition('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert referred <= GATEWAY.document["components"]["schemas"].keys()
    assert {"Execution", "Problem"} <= referred


@ROUTES
def test_a_route_says_what_it_does_and_who_may(endpoint: Endpoint) -> None:
    keyed = made(FakeSender(), keys={KEY.prefix: {"sha256": KEY.sha256}}).document
    for with_keys, without in zip(operations(endpoint, keyed), operations(endpoint), strict=True):
        assert with_keys["summary"].endswith(".")
        assert all(each["description"] for each in with_keys["responses"].values())
        if endpoint.role is None:
            assert with_keys["security"] == without["security"] == []
        else:
            assert without["security"] == [{}, *with_keys["security"]]
            assert {"401", "403", "429"} <= with_keys["responses"].keys()


@ROUTES
def test_media_types_that_are_named_are_taken_and_no_others(endpoint: Endpoint) -> None:
    for operation in operations(endpoint):
        named = set(operation.get("requestBody", {"content": {}})["content"])
        for media_type in named.union(MEDIA_TYPES if named else ()):
            answer = ask(GATEWAY, endpoint.methods[0], endpoint.path, b"", {"content-type": media_type})
            assert (media_type, answer.status == 415) == (media_type, media_type not in named)
            assert str(answer.status) in operation["responses"]
            held = operation["responses"][str(answer.status)].get("content", {"": {}})
            assert answer.headers.get("content-type", "") in held


@ROUTES
def test_refusals_have_the_form_that_is_said(endpoint: Endpoint) -> None:
    gateway = made(FakeSender(), keys={KEY.prefix: {"sha256": KEY.sha256}})
    if endpoint.role is None:
        return
    for method, operation in zip(endpoint.methods, operations(endpoint), strict=True):
        answer = ask(gateway, method, endpoint.path)
        said = operation["responses"][str(answer.status)]
        assert answer.status == 401
        assert answer.headers["content-type"] in said["content"]
        assert {name.lower() for name in said["headers"]} <= answer.headers.keys()
