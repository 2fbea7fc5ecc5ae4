"""The AsyncAPI 3 document of all topics, made from the topics and the types.

Specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0, Kafka bindings 0.5.0.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.call_graph import CallGraph
from tracehound.schemas.control import Control
from tracehound.schemas.dead_letter import DeadLetterHeaders
from tracehound.schemas.delivery import DeliveryEvent
from tracehound.schemas.execution import Execution
from tracehound.schemas.feedback import Maintenance, Verdict
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.json_schema import schema_components
from tracehound.schemas.log_event import LogEvent
from tracehound.schemas.model_event import ModelEvent
from tracehound.schemas.progress import Progress
from tracehound.schemas.score import ScoreAnswer, ScoreRequest
from tracehound.schemas.scored_log import ScoredLogEvent
from tracehound.schemas.topics import Topic, Topics
from tracehound.schemas.tuning import TuningResult, TuningTask

KAFKA_BINDING = "0.5.0"
_SCHEMAS_AT = "#/components/schemas/{name}"
_CLOUD_EVENT = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class _Message:
    """What travels on the topics with this ``value``; ``action`` is tracehound's side of it."""

    action: Literal["send", "receive"]
    summary: str
    payload: Any
    content_type: str
    headers: type[msgspec.Struct] | None = None


_MESSAGES = {
    "Execution": _Message(
        "receive",
        "An execution, or an array of executions of one application",
        Execution | list[Execution],
        "application/json",
    ),
    "LogEvent": _Message(
        "receive", "A log event, or an array of log events", LogEvent | list[LogEvent], "application/json"
    ),
    "ScoredLogEvent": _Message("send", "A scored log event as a CloudEvent", ScoredLogEvent, _CLOUD_EVENT),
    "AnomalyEvent": _Message("send", "An anomaly as a CloudEvent", AnomalyEvent, _CLOUD_EVENT),
    "ModelEvent": _Message("send", "A change of a model as a CloudEvent", ModelEvent, _CLOUD_EVENT),
    "Progress": _Message("send", "How far an application has been scored", Progress, "application/json"),
    "IncidentEvent": _Message("send", "A change of an incident as a CloudEvent", IncidentEvent, _CLOUD_EVENT),
    "DeliveryEvent": _Message("send", "What became of a message to a receiver", DeliveryEvent, _CLOUD_EVENT),
    "Verdict": _Message("receive", "A verdict on an anomaly or an incident", Verdict, "application/json"),
    "Control": _Message("receive", "What is to become of models", Control, "application/json"),
    "ScoreRequest": _Message(
        "receive", "Executions that are to be judged and not learned", ScoreRequest, "application/json"
    ),
    "ScoreAnswer": _Message("send", "What a worker says of them", ScoreAnswer, "application/json"),
    "ApplicationSettings": _Message(
        "receive", "Settings of detection that an application has of its own", ApplicationSettings, "application/json"
    ),
    "TuningTask": _Message(
        "receive", "Candidate settings to be tried on recorded executions", TuningTask, "application/json"
    ),
    "TuningResult": _Message("send", "What a candidate would have told", TuningResult, "application/json"),
    "Maintenance": _Message("receive", "A maintenance window", Maintenance, "application/json"),
    "OTLP": _Message(
        "receive",
        "OpenTelemetry traces (ExportTraceServiceRequest) in Protobuf or JSON, recognised by content",
        None,
        "application/x-protobuf",
    ),
    "CallGraph": _Message("send", "Calls of an application that intake has seen", CallGraph, "application/json"),
    "bytes": _Message(
        "send",
        "A refused record with its original bytes, or the refused elements of its array",
        None,
        "application/octet-stream",
        DeadLetterHeaders,
    ),
}


def asyncapi_document(topics: Topics | None = None) -> dict[str, Any]:
    """The document as plain dicts and lists, for the topics given (default: those with default names).

    Raises:
        KeyError: a topic carries a value that this module knows no message for.
    """
    topics = topics or Topics()
    channels = {channel_name(topic, topics.prefix): topic for topic in topics.public()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "tracehound",
            "version": "1.0.0",
            "description": "Executions in; anomalies, progress, model events and dead letters out. "
            "Records are partitioned by key with murmur2 (librdkafka: partitioner=murmur2_random).",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, topic) for name, topic in channels.items()},
        "operations": dict(_operation(name, topic) for name, topic in channels.items()),
        "components": {
            "messages": {name: _message(name, topic) for name, topic in channels.items()},
            "schemas": _schemas(),
        },
    }


def channel_name(topic: Topic, prefix: str) -> str:
    """The topic's name without prefix and version, in camel case.

    >>> channel_name(Topics("acme.").dead_letters, "acme.")
    'deadLetters'
    """
    name = topic.name.removeprefix(prefix)
    first, *others = re.split("[-_.]", re.sub(r"\.v\d+$", "", name))
    return first + "".join(word.capitalize() for word in others)


def _reference(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}


def _channel(name: str, topic: Topic) -> dict[str, Any]:
    settings: dict[str, Any] = {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms}
    if "max.message.bytes" in topic.config:
        settings["max.message.bytes"] = int(topic.config["max.message.bytes"])
    return {
        "address": topic.name,
        "description": f"{_MESSAGES[topic.value].summary}. Key: {topic.key or 'none'}.",
        "messages": {name: _reference("components", "messages", name)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": settings,
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _operation(name: str, topic: Topic) -> tuple[str, dict[str, Any]]:
    message = _MESSAGES[topic.value]
    return message.action + name[0].upper() + name[1:], {
        "action": message.action,
        "channel": _reference("channels", name),
        "summary": message.summary,
        "messages": [_reference("channels", name, "messages", name)],
    }


def _message(name: str, topic: Topic) -> dict[str, Any]:
    message = _MESSAGES[topic.value]
    built: dict[str, Any] = {"name": name, "summary": message.summary, "contentType": message.content_type}
    if message.headers is not None:
        built["headers"] = _schema(message.headers)
    if message.payload is not None:
        built["payload"] = _schema(message.payload)
    if topic.key is not None:
        key = {"type": "string", "description": topic.key}
        built["bindings"] = {"kafka": {"key": key, "bindingVersion": KAFKA_BINDING}}
    return built


def _schema(contract: Any) -> dict[str, Any]:
    (schema,), _ = schema_components([contract], _SCHEMAS_AT)
    return schema


def _schemas() -> dict[str, Any]:
    types = [part for message in _MESSAGES.values() for part in (message.payload, message.headers) if part]
    return schema_components(types, _SCHEMAS_AT)[1]
