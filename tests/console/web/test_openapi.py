"""The OpenAPI document agrees with the types of what is told, and with what is answered."""

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tests.console.asking import Asking
from tests.console.openapi.server import fill
from tests.console.store.reader.told import anomaly, incident, model_event, scored_log
from tracehound.console.web.answers import SCHEMAS_AT
from tracehound.console.web.openapi import routes_of
from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.feedback import Maintenance, Verdict
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.json_schema import schema_components
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.scored_log import ScoredLogEvent

TOLD: dict[str, tuple[type[msgspec.Struct], bytes | None]] = {
    "/api/v1/anomalies": (AnomalyEvent, anomaly(1)),
    "/api/v1/incidents": (IncidentEvent, incident("one", 0, "opened")),
    "/api/v1/models/events": (ModelEvent, model_event(1)),
    "/api/v1/models/drift": (ModelEvent, None),
    "/api/v1/logs": (ScoredLogEvent, scored_log(1)),
    "/api/v1/feedback": (Verdict, None),
    "/api/v1/maintenance": (Maintenance, None),
}
"""Lists of what is on topics, its type, and one of it."""


@pytest.mark.parametrize("path", TOLD)
def test_lists_of_what_was_told_have_the_schemas_of_its_types(console: Asking, path: str) -> None:
    kind, example = TOLD[path]
    document = console.client.get("/openapi.json").json()
    page = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    reference = page["properties"]["items"]["items"]["$ref"]
    assert reference == SCHEMAS_AT.format(name=kind.__name__)
    for name, schema in schema_components([kind], SCHEMAS_AT)[1].items():
        assert document["components"]["schemas"][name] == json.loads(json.dumps(schema))
    if example is not None:
        Draft202012Validator({"$ref": reference, "components": document["components"]}).validate(json.loads(example))


def test_what_is_answered_is_as_the_document_says(console: Asking) -> None:
    fill(console.store)
    document = console.client.get("/openapi.json").json()
    tried = 0
    for path, operations in document["paths"].items():
        if "get" not in operations or "{" in path or path == "/api/v1/stream":
            continue
        answer = console.client.get(path, headers={"x-api-key": console.keys["admin"].key})
        content = operations["get"]["responses"][str(answer.status_code)].get("content", {})
        if answer.headers["content-type"] == "application/json":
            tried += 1
            schema = {**content["application/json"]["schema"], "components": document["components"]}
            Draft202012Validator(schema).validate(answer.json())
    assert tried >= 12


def test_each_operation_says_what_it_does_and_every_reference_leads_somewhere(console: Asking) -> None:
    app: Any = console.client.app
    document = app.openapi()
    text = json.dumps(document)
    referred = {part.partition('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert referred <= document["components"]["schemas"].keys()
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(names) == len(set(names)) == sum(len(route.methods or ()) for route in routes_of(app))
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["description"]
            assert all(told["description"] for told in operation["responses"].values())
            assert {"400", "429", "503"} <= operation["responses"].keys()
