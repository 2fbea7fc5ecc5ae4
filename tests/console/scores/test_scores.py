"""Predictions over HTTP: what a worker says, what is wrong with a request, and 503 where nobody answers."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.console.asking import NOW_S, Asking, asking
from tracehound.console.store.engine import Store
from tracehound.schemas.anomaly import ModelStamp
from tracehound.schemas.errors import BrokerError, TracehoundError
from tracehound.schemas.score import Prediction, ScoreAnswer, ScoreProblem
from tracehound.streams.scoring.predictions.asking import TooMuchAskedError, UnansweredError

SHOP = {"application": "shop", "operation": "GET /", "started_at": NOW_S - 5.0, "duration_ms": 7.0}
MODEL = ModelStamp("all", "2", 900, None, False)
ANSWER = ScoreAnswer("r1", "shop", "", MODEL, [Prediction("normal", 0.5, None, 0.9, 450, "digest")])


@pytest.fixture
def console(tmp_path: Any) -> Iterator[Asking]:
    store = Store(f"sqlite:///{tmp_path}/tracehound.db")
    store.migrate()
    with asking(store) as asked:
        asked.predictions.answer = ANSWER
        yield asked
    store.close()


def test_a_viewer_is_told_what_the_worker_says(console: Asking) -> None:
    answer = console.ask("POST", "/score?timeout_s=3", "viewer", json=SHOP)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert msgspec.json.decode(answer.content, type=ScoreAnswer) == ANSWER
    [(key, executions, timeout_s)] = console.predictions.asked
    assert (key, timeout_s) == (("shop", ""), 3.0)
    assert json.loads(executions) == [SHOP]


def test_it_is_no_change_and_not_in_the_audit(console: Asking) -> None:
    console.ask("POST", "/score", "viewer", json=[SHOP, SHOP])
    console.ask("POST", "/keys", json={"name": "another"})
    changes = console.ask("GET", "/audit").json()["items"]
    assert [change["path"] for change in changes] == ["/api/v1/keys"]


@pytest.mark.parametrize(
    ("body", "status", "reason", "sentence"),
    [
        ({**SHOP, "duration_ms": -1}, 400, "invalid_body", "The field 'duration_ms' must be a finite number >= 0."),
        (
            [SHOP, {**SHOP, "application": "b"}],
            400,
            "invalid_body",
            "Element 1: the field 'application' must be the same",
        ),
        ([SHOP, {**SHOP, "environment": "b"}], 400, "invalid_body", "must be of one environment"),
        ({**SHOP, "started_at": NOW_S + 9_000.0}, 400, "invalid_body", "started_at"),
        ([SHOP] * 501, 413, "too_large", "at most 500 executions"),
    ],
)
def test_what_is_wrong_is_said_as_validate_says_it_and_nobody_is_asked(
    console: Asking, body: Any, status: int, reason: str, sentence: str
) -> None:
    answer = console.ask("POST", "/score", "viewer", json=body)
    told = answer.json()
    assert (answer.status_code, told["reason"]) == (status, reason)
    assert sentence in told["detail"]
    assert ("errors" in told) == (status == 400)
    assert console.predictions.asked == []


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (UnansweredError("No worker answered for shop within 10 s."), "unanswered"),
        (TooMuchAskedError("At most 256 requests may wait for predictions."), "busy"),
        (BrokerError("Kafka did not take the request: away."), "kafka_away"),
    ],
)
def test_where_nobody_answers_it_is_503_and_when_to_come_again(
    console: Asking, failure: TracehoundError, reason: str
) -> None:
    console.predictions.answer = failure
    answer = console.ask("POST", "/score", "viewer", json=SHOP)
    assert (answer.status_code, answer.json()["reason"], answer.headers["retry-after"]) == (503, reason, "5")
    assert answer.json()["detail"] == str(failure)


def test_what_a_worker_refuses_is_told_in_its_words(console: Asking) -> None:
    problem = ScoreProblem("failed", "Judging executions of shop failed: MemoryError.")
    console.predictions.answer = ScoreAnswer("r1", "shop", "", None, [], problem)
    answer = console.ask("POST", "/score", "viewer", json=SHOP)
    assert (answer.status_code, answer.json()["detail"]) == (500, problem.reason)


@pytest.mark.parametrize("query", ["timeout_s=0", "timeout_s=61", "timeout_s=x", "wait=3"])
def test_how_long_to_wait_has_bounds(console: Asking, query: str) -> None:
    answer = console.ask("POST", f"/score?{query}", "viewer", json=SHOP)
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_request")


def test_the_document_says_what_is_taken_and_told(console: Asking) -> None:
    document = console.client.app.openapi()  # type: ignore[attr-defined]
    operation = document["paths"]["/api/v1/score"]["post"]
    either = operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert {"$ref": "#/components/schemas/Execution"} in either
    assert {"Execution", "Segment", "ScoreAnswer", "Prediction"} <= document["components"]["schemas"].keys()
    assert {"200", "400", "413", "503"} <= operation["responses"].keys()


def test_a_store_is_not_needed_but_for_the_key(store: Store) -> None:
    with asking(store) as console:
        console.predictions.answer = ANSWER
        assert console.ask("POST", "/score", "viewer", json=SHOP).status_code == 200
