"""`POST /v1/executions`: one, an array, lines; what is refused is told by its place, with the words of `validate`."""

import json
import time
from typing import Any

import pytest

from tests.streams.gateway.conftest import JSON, FakeSender, ask, made
from tracehound.schemas.codec import decode_record
from tracehound.schemas.execution_rules import Limits
from tracehound.streams.gateway.executions.reading import RECORD_BYTES, read_executions

PATH = "/v1/executions"
LINES = {"content-type": "application/x-ndjson"}
NOW_S = time.time()


def execution(application: str = "shop", **fields: Any) -> dict[str, Any]:
    return {"application": application, "operation": "GET /", "started_at": NOW_S, "duration_ms": 5.0, **fields}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def sent(sender: FakeSender) -> list[tuple[bytes | None, Any]]:
    assert {record.topic for record in sender.records} <= {"tracehound.executions.v1"}
    return [(record.key, json.loads(record.value)) for record in sender.records]


def test_one_execution_is_passed_on_as_it_came() -> None:
    sender = FakeSender()
    body = json.dumps(execution(), indent=1).encode()
    answer = ask(made(sender), "POST", PATH, body, JSON)
    assert (answer.status, answer.json) == (200, {"accepted": 1, "refused_executions": 0, "refused": []})
    assert [(record.key, record.value) for record in sender.records] == [(b"shop", body)]


def test_an_array_may_hold_several_applications() -> None:
    sender = FakeSender()
    given = [execution("shop"), execution("stock"), execution("shop", operation="POST /")]
    answer = ask(made(sender), "POST", PATH, encoded(given), JSON)
    assert answer.json["accepted"] == 3
    assert sent(sender) == [(b"shop", [given[0], given[2]]), (b"stock", given[1])]


def test_lines_are_told_by_content_or_by_media_type() -> None:
    lines = [execution(operation=f"GET /{name}") for name in "abc"]
    body = b"\n".join(map(encoded, lines)) + b"\r\n\n"
    for headers in (JSON, LINES):
        sender = FakeSender()
        assert ask(made(sender), "POST", PATH, body, headers).json["accepted"] == 3
        assert sent(sender) == [(b"shop", lines)]


def test_each_refused_line_and_element_is_told_with_the_words_of_validate() -> None:
    sender = FakeSender()
    bad = execution(duration_ms=-5)
    future = execution(started_at=NOW_S + 10_000)
    lines = [execution(), bad, [execution("stock"), bad, execution(), bad], "nonsense", future]
    answer = ask(made(sender), "POST", PATH, b"\n".join(map(encoded, lines)), LINES)
    assert answer.status == 200
    told = answer.json
    assert (told["accepted"], told["refused_executions"]) == (3, 5)
    sentence = "the field 'duration_ms' must be a finite number >= 0. Got -5 instead."
    assert [(each["line"], each.get("elements"), each["error"]) for each in told["refused"]] == [
        (2, None, "InvalidField"),
        (3, [1, 3], "InvalidField"),
        (4, None, "InvalidJson"),
        (5, None, "FutureTime"),
    ]
    assert told["refused"][0]["reason"] == "T" + sentence[1:]
    assert told["refused"][1]["reason"] == f"Elements 1, 3: {sentence}"
    assert sent(sender) == [(b"shop", [execution(), execution()]), (b"stock", execution("stock"))]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[",
        b"null",
        b"7",
        b'{"application": "shop"}',
        b"\xff\xfe",
        b'[{"application": 1}]',
        b"[[]]",
        b"{}\n{",
        b"\0",
    ],
)
def test_where_nothing_is_good_it_is_400_with_problem_details(body: bytes) -> None:
    sender = FakeSender()
    answer = ask(made(sender), "POST", PATH, body, JSON)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    told = answer.json
    assert (told["status"], told["title"], told["accepted"]) == (400, "Bad Request", 0)
    assert told["detail"] == told["refused"][0]["reason"]
    assert sender.records == []


def test_a_damaged_value_of_many_lines_is_one_mistake() -> None:
    answer = ask(made(FakeSender()), "POST", PATH, json.dumps(execution(), indent=1)[:-1].encode(), JSON)
    assert len(answer.json["refused"]) == 1


@pytest.mark.parametrize("body", [b"", b" \n", b"[]", b"[]\n[]"])
def test_nothing_is_taken_as_nothing(body: bytes) -> None:
    sender = FakeSender()
    answer = ask(made(sender), "POST", PATH, body, JSON)
    assert (answer.status, answer.json["accepted"], sender.records) == (200, 0, [])


@pytest.mark.parametrize("given", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_any_web_page_may_send_is_415(given: str) -> None:
    answer = ask(made(FakeSender()), "POST", PATH, encoded(execution()), {"content-type": given})
    assert (answer.status, answer.json["reason"]) == (415, "media_type")


def test_many_lines_become_few_records_that_workers_read() -> None:
    lines = [
        execution("shop" if number % 3 else "stock", host="h" * 200, span_id=str(number)) for number in range(9_000)
    ]
    read = read_executions(b"\n".join(map(encoded, lines)), Limits(), NOW_S)
    assert read.accepted == 9_000
    assert len(read.records) <= sum(len(encoded(one)) for one in lines) // RECORD_BYTES + 2
    assert max(len(value) for _, value in read.records) <= RECORD_BYTES + 1_000
    for application in ("shop", "stock"):
        found = [
            one.span_id
            for name, value in read.records
            if name == application
            for one in decode_record(value, Limits(), NOW_S).executions
        ]
        assert found == [one["span_id"] for one in lines if one["application"] == application]


def test_only_the_first_refusals_are_told_and_all_counted() -> None:
    body = b"\n".join([b"{}"] * 300)
    told = ask(made(FakeSender()), "POST", PATH, body, LINES).json
    assert (told["refused_executions"], len(told["refused"])) == (300, 100)
