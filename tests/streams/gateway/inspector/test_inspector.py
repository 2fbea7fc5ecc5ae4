"""Inspector's clients: what they really sent becomes executions, in one unit, and what they send again is not taken."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.streams.gateway.conftest import JSON, Answer, FakeSender, ask, made
from tracehound.streams.gateway.inspector import endpoint
from tracehound.streams.gateway.inspector.payload import MOST_BYTES, MOST_ELEMENTS
from tracehound.streams.http.keys import new_key
from tracehound.streams.http.refusal import put_off

RECORDED = Path(__file__).parent / "recorded"
PATH = "/v1/inspector"
PHP_HASH = "0123456789abcdef" * 4


def bodies(name: str) -> list[bytes]:
    return (RECORDED / f"{name}.txt").read_bytes().splitlines()


def executions(sender: FakeSender) -> list[dict[str, Any]]:
    read = [json.loads(record.value) for record in sender.records]
    return [one for each in read for one in (each if isinstance(each, list) else [each])]


def send(elements: Sequence[Any], sender: FakeSender | None = None, path: str = PATH, **settings: Any) -> Answer:
    return ask(made(sender or FakeSender(), **settings), "POST", path, json.dumps(elements).encode(), JSON)


def transaction(**fields: Any) -> dict[str, Any]:
    return {"model": "transaction", "hash": PHP_HASH, "name": "GET /", "timestamp": 9.5, "duration": 12.5, **fields}


def segment(**fields: Any) -> dict[str, Any]:
    return {"model": "segment", "type": "mysql", "label": "SELECT", "transaction": {"hash": PHP_HASH}, **fields}


def test_what_express_and_the_client_for_node_sent_becomes_what_a_person_expects() -> None:
    sender = FakeSender()
    gateway = made(sender)
    answers = [ask(gateway, "POST", "/", body, JSON) for body in bodies("node-express")]
    wanted = json.loads((RECORDED / "node-express.expected.json").read_text())
    for one in wanted["executions"]:
        one["application"] = "inspector"
        del one["kind"]  # a request, where none is written
    assert executions(sender) == wanted["executions"]
    assert sum(answer.json["left_out"] for answer in answers) == wanted["transactions_left_out_unfinished"]
    assert {(record.topic, record.key) for record in sender.records} == {("tracehound.executions.v1", b"inspector")}


@pytest.mark.parametrize("client", ["node", "python", "python-async"])
def test_clients_are_told_apart_and_their_units_are_one(client: str) -> None:
    sender = FakeSender()
    gateway = made(sender)
    answers = [ask(gateway, "POST", "/", body, JSON).json for body in bodies(client)]
    assert [(each["accepted"], each["refused"]) for each in answers] == [(1, []), (1, [])]
    assert answers[1]["repeated"] == (0 if client == "node" else 1)
    first, second = executions(sender)
    assert (first["operation"], first["result"], second["operation"]) == ("GET /cart", 200, "nightly")
    assert 25 < first["duration_ms"] < 100
    (part,) = first["segments"]
    assert (part["name"], part["kind"]) == ("SELECT cart", "db")
    assert 25 < part["duration_ms"] <= first["duration_ms"] + 1
    assert (second["status"], second["error"]["type"]) == ("error", "TypeError")
    assert second["error"]["message"] == "no such shelf"
    assert [each["name"] for each in second["segments"]] == ["count"]
    assert ("offset_ms" in part) == (client != "node")
    assert first.get("kind", "request") == "request"
    assert second.get("kind", "request") == ("request" if client == "node" else "job")


def test_the_key_says_whose_it_is_and_which_unit() -> None:
    key, silent = new_key(), new_key()
    keys = {
        key.prefix: {"sha256": key.sha256, "application": "shop", "inspector_unit": "s"},
        silent.prefix: {"sha256": silent.sha256},
    }
    sender = FakeSender()
    gateway = made(sender, keys=keys)
    body = json.dumps([transaction(hash="of some other client", duration=2)]).encode()
    answer = ask(gateway, "POST", "/", body, {**JSON, "x-inspector-key": key.key})
    assert answer.json["accepted"] == 1
    assert (sender.records[0].key, executions(sender)[0]["duration_ms"]) == (b"shop", 2_000.0)
    refused = ask(gateway, "POST", "/", body, {**JSON, "x-inspector-key": silent.key})
    assert refused.status == 403
    assert refused.json["detail"].startswith(f"The setting 'application' of the key {silent.prefix}…")


def test_php_sends_milliseconds() -> None:
    sender = FakeSender()
    send([transaction(), segment(duration=5.25, start=2.5)], sender)
    (one,) = executions(sender)
    assert (one["started_at"], one["duration_ms"]) == (9.5, 12.5)
    assert one["segments"] == [{"name": "SELECT", "duration_ms": 5.25, "kind": "db", "offset_ms": 2.5}]


def test_an_error_that_was_handled_is_no_failure_and_one_that_was_not_is() -> None:
    sender = FakeSender()
    of = {"transaction": {"hash": PHP_HASH}}
    handled = {"model": "error", "class": "KeyError", "message": "a", "handled": True, **of}
    worse = {"model": "error", "class": "OSError", "message": "b", "handled": False, **of}
    send([transaction(), handled], sender)
    send([transaction(), handled, worse], sender)
    mild, bad = executions(sender)
    assert ("status" not in mild, mild["error"]["handled"]) == (True, True)
    assert (bad["status"], bad["error"]) == ("error", {"type": "OSError", "message": "b"})


@pytest.mark.parametrize(
    ("result", "kept", "failed"),
    [("200", 200, False), ("503", 503, True), (500, 500, True), ("error", "error", True), ("done", "done", False)],
)
def test_results_are_numbers_where_they_are_digits(result: Any, kept: Any, failed: bool) -> None:
    sender = FakeSender()
    send([transaction(result=result)], sender)
    (one,) = executions(sender)
    assert (one["result"], one.get("status") == "error") == (kept, failed)


def test_parts_without_their_transaction_and_what_has_not_ended_is_left_out_and_counted() -> None:
    sender = FakeSender()
    answer = send([segment(duration=1), transaction(), transaction(hash="x", duration=None), segment()], sender)
    assert answer.json == {"accepted": 1, "refused_executions": 0, "left_out": 2, "repeated": 0, "refused": []}
    assert "segments" not in executions(sender)[0]


def test_what_was_accepted_is_not_taken_again_and_what_was_not_is() -> None:
    sender = FakeSender()
    gateway = made(sender)
    body = json.dumps([transaction(), transaction()]).encode()
    for accepted, repeated in ((1, 1), (0, 2)):
        told = ask(gateway, "POST", PATH, body, JSON).json
        assert (told["accepted"], told["repeated"]) == (accepted, repeated)
    later = json.dumps([transaction(timestamp=10)]).encode()
    sender.failure = put_off("kafka_away", "Kafka is away.", 2)
    assert ask(gateway, "POST", PATH, later, JSON).status == 503
    sender.failure = None
    assert ask(gateway, "POST", PATH, later, JSON).json["accepted"] == 1


def test_wrong_elements_are_told_by_their_places_and_keep_nothing_else_out() -> None:
    sender = FakeSender()
    wrong = [7, {"model": "metric"}, transaction(duration="5"), transaction(timestamp=1e10), transaction(hash=1)]
    told = send([wrong[0], transaction(), *wrong[1:]], sender).json
    assert (told["accepted"], told["refused_executions"]) == (1, 5)
    assert sorted(each["element"] for each in told["refused"]) == [0, 2, 3, 4, 5]
    assert all(each["reason"].startswith(f"Element {each['element']}") for each in told["refused"])
    assert send(wrong).status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 400),
        (b"not base64!", 400),
        (base64.b64encode(b"{}"), 400),
        (b"[{", 400),
        (b" " * 9 + b"[" + b"0," * MOST_ELEMENTS + b"0]", 413),
        (b"[" + b" " * MOST_BYTES + b"]", 413),
        (b"[]", 200),
        (b"", 200),
    ],
)
def test_bodies_that_are_none_are_refused(body: bytes, status: int) -> None:
    assert ask(made(FakeSender()), "POST", PATH, body, JSON).status == status


def test_what_is_remembered_of_accepted_transactions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_REMEMBERED", 3)
    gateway = made(FakeSender())

    def repeated(*times: float) -> int:
        body = json.dumps([transaction(timestamp=time) for time in times]).encode()
        told: int = ask(gateway, "POST", PATH, body, JSON).json["repeated"]
        return told

    assert [repeated(1, 2, 3), repeated(1, 2, 3), repeated(4), repeated(2, 3, 4), repeated(1)] == [0, 3, 0, 3, 0]
