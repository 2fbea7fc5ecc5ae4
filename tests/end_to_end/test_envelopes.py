"""Executions with something around them, through a worker: learned on every partition, or refused with a reason."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Message, Producer

from tests.end_to_end.conftest import Field
from tests.end_to_end.test_intake import INTAKE
from tracehound.infra.kafka.broker import Broker
from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution import Execution
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics

APPLICATIONS = [f"app-{number}" for number in range(6)]
NOW_S = time.time()


def test_envelopes_are_opened_on_every_partition_and_buried_as_they_came(
    field: Any, worker: Callable[..., Any]
) -> None:
    process = worker(field.environment)
    sent = 0
    for application in APPLICATIONS:
        one = {"application": application, "operation": "GET /", "started_at": NOW_S - 60, "duration_ms": 118.4}
        value = json.dumps(one).encode()
        event = {"id": "1", "source": "/s", "type": "t", "specversion": "1.0", "data": one}
        wrapped = [
            b"\0\0\0\0\1" + value,
            json.dumps({"schema": {}, "payload": one}).encode(),
            json.dumps(value.decode()).encode(),
            json.dumps([event, event]).encode(),
            gzip.compress(value),
        ]
        field.send([(key, each) for each in wrapped for key in (application.encode(), b"another key")])
        sent += 2 * (len(wrapped) + 1)
    unread = b"\0\0\0\0\7\x08shop"
    field.send([(b"shop", unread)])

    field.read(
        field.topics.progress.name, lambda found: sum(json.loads(one.value())["executions"] for one in found) == sent
    )
    (letter,) = field.read(field.topics.dead_letters.name, lambda found: len(found) >= 1)
    assert letter.value() == unread
    headers = dict(letter.headers())
    assert headers["tracehound_error"] == b"ForeignFormat"
    assert b"schema registry (schema id 7) around Avro or Protobuf: put its schema in" in headers["tracehound_reason"]
    assert process.counted("executions_total") == sent
    assert process.end() == 0


def test_a_batch_that_unpacks_to_more_than_it_may_is_buried_packed(field: Any, worker: Callable[..., Any]) -> None:
    one = {"application": "shop", "operation": "GET /", "started_at": NOW_S - 60, "duration_ms": 118.4}
    value = json.dumps(one).encode()
    field.send([(b"shop", value)])
    hostile = Producer(
        {
            **field.broker.client_config,
            "partitioner": "murmur2_random",
            "compression.codec": "zstd",
            "message.max.bytes": 100_000_000,
        }
    )
    hostile.produce(field.topics.executions.name, bytes(60_000_000), b"shop")
    assert hostile.flush(60) == 0
    field.send([(b"shop", value)])
    process = worker({**field.environment, "TRACEHOUND_MAX_RECORD_BYTES": "1000000"})

    field.read(
        field.topics.progress.name, lambda found: sum(json.loads(one.value())["executions"] for one in found) == 2
    )
    (letter,) = field.read(field.topics.dead_letters.name, lambda found: len(found) >= 1)
    assert dict(letter.headers())["tracehound_error"] == b"PackedBatch"
    assert b"must unpack to at most 16000000 bytes" in dict(letter.headers())["tracehound_reason"]
    assert len(letter.value()) < 100_000
    assert process.counted("batches_refused_total") == 1
    assert process.end() == 0


def test_json_on_a_topic_of_others_becomes_executions(
    embedded_kafka: Broker, prefix: str, worker: Callable[..., Any]
) -> None:
    web = prefix + "web"
    field = Field(embedded_kafka, Topics(prefix, 2, (), (web,)))
    embedded_kafka.create_topics(field.topics)
    producer = Producer(embedded_kafka.client_config)
    for number in range(40):
        path, at_ms = f"/cart/{number % 3}", int((NOW_S - 60 + number) * 1000)
        value = {"svc": {"name": "shop"}, "path": path, "at": at_ms, "took": "118.4ms", "code": 200 + number % 2 * 300}
        producer.produce(web, json.dumps(value))
    producer.produce(web, b"no JSON")
    assert producer.flush(120) == 0
    intake = {
        "TRACEHOUND_INTAKE__OTLP_TOPICS": "",
        "TRACEHOUND_INTAKE__EXECUTION_TOPICS": web,
        "TRACEHOUND_INTAKE__GROUP_ID": prefix + "intake",
        "TRACEHOUND_INTAKE__TRACE_WAIT_S": "1",
        "TRACEHOUND_INTAKE__TICK_INTERVAL_S": "0.2",
        "TRACEHOUND_EXECUTION_FIELDS": "application=svc.name, operation=path, started_at=at:ms, duration_ms=took:text, "
        "status=code:error=5xx",
    }
    process = worker({**field.environment, **intake}, code=INTAKE)

    def executions(messages: list[Message]) -> list[Execution]:
        return [one for each in messages for one in decode_record(each.value(), Limits(), NOW_S).executions]

    found = executions(field.read(field.topics.executions.name, lambda told: len(executions(told)) == 40))
    assert {each.application for each in found} == {"shop"}
    assert sum(each.status == "error" for each in found) == 20
    assert {each.duration_ms for each in found} == {118.4}
    (letter,) = field.read(field.topics.dead_letters.name, lambda told: len(told) >= 1)
    assert letter.value() == b"no JSON"
    assert process.end() == 0
