"""`POST /log`: one, an array, lines; each good event with an id and on its topic, each refused one with a sentence."""

import json
import time
from typing import Any

import pytest

from tests.streams.gateway.conftest import JSON, FakeSender, ask, made
from tracehound.streams.http.refusal import put_off
from tracehound.streams.intake.logs.records import RECORD_BYTES

PATHS = ("/log", "/v1/log")
LINES = {"content-type": "application/x-ndjson"}
EXAMPLE = {"message": "CPU spike detected", "level": "warning"}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def sent(sender: FakeSender) -> list[tuple[bytes | None, Any]]:
    assert {record.topic for record in sender.records} <= {"tracehound.log-events.v1"}
    return [(record.key, json.loads(record.value)) for record in sender.records]


@pytest.mark.parametrize("path", PATHS)
def test_the_example_of_the_mission_is_taken_with_an_id_and_a_time(path: str) -> None:
    sender, before = FakeSender(), time.time()
    answer = ask(made(sender), "POST", path, encoded(EXAMPLE), JSON)
    (identifier,) = answer.json["ids"]
    assert (answer.status, answer.json) == (
        200,
        {"accepted": 1, "refused_events": 0, "refused": [], "ids": [identifier]},
    )
    ((key, event),) = sent(sender)
    assert key == b"system"
    assert before <= event.pop("timestamp") <= time.time()
    assert event == EXAMPLE | {"application": "system", "id": identifier}


def test_what_an_event_says_of_itself_is_kept() -> None:
    given = EXAMPLE | {
        "application": "shop",
        "host": "shop-1",
        "timestamp": "2026-01-01T00:00:00Z",
        "attributes": {"cpu": 0.97, "cores": [1, 2]},
        "environment": "live",
        "version": "1.2",
        "trace_id": "0" * 31 + "1",
        "span_id": "0" * 15 + "1",
        "id": "mine",
    }
    sender = FakeSender()
    assert ask(made(sender), "POST", "/log", encoded(given | {"unknown": 1}), JSON).json["ids"] == ["mine"]
    assert sent(sender) == [(b"shop", given | {"timestamp": 1_767_225_600.0})]


def test_arrays_and_lines_keep_the_order_of_ids_and_go_together_by_application() -> None:
    events = [EXAMPLE | {"application": name, "message": f"{name} {n}"} for n, name in enumerate("aba")]
    for body, headers in ((encoded(events), JSON), (b"\n".join(map(encoded, events)), LINES)):
        sender = FakeSender()
        answer = ask(made(sender), "POST", "/log", body, headers)
        by_id = {one["id"]: one["message"] for _, own in sent(sender) for one in (own if type(own) is list else [own])}
        assert [by_id[each] for each in answer.json["ids"]] == ["a 0", "b 1", "a 2"]
        assert [key for key, _ in sent(sender)] == [b"a", b"b"]


def test_each_wrong_event_is_told_by_its_line_and_the_others_are_taken() -> None:
    lines = [
        EXAMPLE,
        EXAMPLE | {"level": "loud"},
        [EXAMPLE, {"level": "info"}, EXAMPLE | {"message": ""}],
        EXAMPLE | {"timestamp": time.time() + 10_000},
        EXAMPLE | {"timestamp": 1_767_225_600_000},
        "nonsense",
        EXAMPLE | {"attributes": 5},
    ]
    sender = FakeSender()
    answer = ask(made(sender), "POST", "/log", b"\n".join(map(encoded, lines)), LINES)
    assert (answer.status, answer.json["accepted"], answer.json["refused_events"]) == (200, 2, 7)
    told = [(each["line"], each.get("elements"), each["error"], each["reason"]) for each in answer.json["refused"]]
    sentences = [
        (2, None, "InvalidField", "The field 'level' must be one of trace, debug, info, warning, error, critical, or"),
        (3, [1], "MissingField", "Element 1: the field 'message' is required. Got only the fields \"level\""),
        (3, [2], "InvalidField", "Element 2: the field 'message' must be a string of 1 to 100000 characters. Got \"\""),
        (4, None, "FutureTime", "The field 'timestamp' must be at most 300 s after the record's timestamp"),
        (5, None, "InvalidTime", "The field 'timestamp' must be epoch seconds, or an RFC 3339 date-time with an"),
        (6, None, "InvalidField", 'A log event must be a JSON object. Got "nonsense" instead.'),
        (7, None, "InvalidField", "The field 'attributes' must be a JSON object. Got 5 instead."),
    ]
    assert [each[:3] for each in told] == [each[:3] for each in sentences]
    for (*_, reason), (*_, begins) in zip(told, sentences, strict=True):
        assert reason.startswith(begins)
    assert "which looks like milliseconds" in told[4][3]
    assert len(sender.records) == 1


def test_nothing_good_is_400_with_all_that_is_wrong_and_nothing_at_all_is_200() -> None:
    sender = FakeSender()
    answer = ask(made(sender), "POST", "/log", b'{"message": "up"}', JSON)
    assert (answer.status, answer.json["refused_events"], answer.json["reason"]) == (400, 1, "invalid_body")
    assert answer.headers["content-type"] == "application/problem+json"
    for nothing in (b"", b"[]", b" \n"):
        assert ask(made(sender), "POST", "/log", nothing, JSON).json["ids"] == []
    assert ask(made(sender), "POST", "/log", encoded(EXAMPLE), {"content-type": "text/plain"}).status == 415
    assert sender.records == []


def test_what_kafka_does_not_acknowledge_is_put_off() -> None:
    sender = FakeSender(failure=put_off("kafka_away", "Kafka is away.", 3))
    answer = ask(made(sender), "POST", "/log", encoded(EXAMPLE), JSON)
    assert (answer.status, answer.headers["retry-after"]) == (503, "3")


def test_many_events_become_records_that_brokers_take() -> None:
    sender = FakeSender()
    events = [EXAMPLE | {"attributes": {"text": "x" * 10_000}} for _ in range(120)]
    assert ask(made(sender), "POST", "/log", encoded(events), JSON).json["accepted"] == 120
    assert len(sender.records) == 3
    assert max(len(record.value) for record in sender.records) <= RECORD_BYTES + 1_000
    assert sum(len(own) for _, own in sent(sender)) == 120
