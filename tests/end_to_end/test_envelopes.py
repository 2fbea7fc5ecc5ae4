"""Executions with something around them, through a worker: learned on every partition, or refused with a reason."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

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
