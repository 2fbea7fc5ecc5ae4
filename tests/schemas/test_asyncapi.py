"""The structure of the AsyncAPI document."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tracehound.schemas.asyncapi import asyncapi_document
from tracehound.schemas.topics import Topics


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi_document()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for child in part.values():
            yield from references(child)
    elif isinstance(part, list):
        for child in part:
            yield from references(child)


def resolve(document: dict[str, Any], reference: str) -> Any:
    root, *steps = reference.split("/")
    assert root == "#"
    part: Any = document
    for step in steps:
        part = part[step]
    return part


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        assert resolve(document, reference)


def test_only_fields_of_the_specification_are_used(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert document.keys() <= {"asyncapi", "id", "info", "defaultContentType", "channels", "operations", "components"}
    for channel in document["channels"].values():
        assert channel.keys() <= {"address", "description", "messages", "bindings"}
    for operation in document["operations"].values():
        assert operation.keys() <= {"action", "channel", "summary", "messages"}
    for message in document["components"]["messages"].values():
        assert message.keys() <= {"name", "summary", "contentType", "headers", "payload", "bindings"}


def test_every_topic_has_a_channel_with_its_key_and_its_partitions(document: dict[str, Any]) -> None:
    channels = {channel["address"]: channel for channel in document["channels"].values()}
    assert channels.keys() == {topic.name for topic in Topics().public()}
    for topic in Topics().public():
        channel = channels[topic.name]
        assert channel["bindings"]["kafka"]["partitions"] == topic.partitions
        (reference,) = channel["messages"].values()
        message = resolve(document, reference["$ref"])
        assert (topic.key is not None) == ("bindings" in message)


def test_every_channel_has_one_operation_seen_from_tracehound(document: dict[str, Any]) -> None:
    actions = {
        operation["channel"]["$ref"].rpartition("/")[2]: operation["action"]
        for operation in document["operations"].values()
    }
    assert actions.keys() == document["channels"].keys()
    assert [name for name, action in actions.items() if action == "receive"] == [
        "executions",
        "control",
        "settings",
        "scoreRequests",
        "tuningTasks",
        "recordedExecutions",
        "otlpSpans",
        "traces",
        "logEvents",
        "feedback",
        "maintenance",
    ]
    for operation in document["operations"].values():
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")


def test_schemas_are_valid_in_draft_7_which_asyncapi_builds_on(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
