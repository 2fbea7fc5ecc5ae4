"""Requests for predictions are held to the rules of executions, and to bounds of their own."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.detectors.scoring.shop import SETTINGS, warmed, workload
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.score import (
    ScoreAnswer,
    ScoreRequest,
    UnreadScoreRequest,
    read_score_answer,
    read_score_request,
)
from tracehound.streams.scoring.predictions.answerer import Answerer, answer_in_helper
from tracehound.streams.scoring.predictions.given import AnswerRules
from tracehound.streams.settings.settings import Settings

NOW_S = 5_000.0
RULES = AnswerRules(SETTINGS, Limits(max_event_bytes=9_000, max_segments=2), False, None, "", 50)
SLOW = {"application": "shop", "operation": "GET /0", "started_at": 1_000.0, "duration_ms": 90_000.0}


def request(executions: Any, **more: Any) -> UnreadScoreRequest:
    asked = {"id": "r1", "application": "shop", "expires_at": 9e9, **more, "executions": executions}
    return read_score_request(json.dumps(asked).encode())


def test_a_request_reads_as_it_was_written() -> None:
    asked = ScoreRequest(id="r1", application="shop", expires_at=5.0, executions=workload("shop", 3))
    read = read_score_request(msgspec.json.encode(asked))
    assert (read.id, read.application, read.environment, read.expires_at) == ("r1", "shop", "", 5.0)
    assert msgspec.json.decode(bytes(read.executions)) == msgspec.to_builtins(asked.executions)


def test_one_execution_or_many_are_judged() -> None:
    answerer, state = Answerer(RULES), warmed().snapshot(("shop", ""))
    one = answerer.answer(request(SLOW), state, NOW_S)
    [prediction] = one.predictions
    assert (one.id, one.problem, prediction.prediction) == ("r1", None, "anomalous")
    assert prediction.anomalies[0].data.operation == "GET /0"
    usual = msgspec.to_builtins(workload("shop", 20, seed=2, start=1_000.0))
    many = answerer.answer(request([*usual, SLOW | {"started_at": 1_030.0}]), state, NOW_S)
    assert [found.prediction for found in many.predictions] == ["normal"] * 20 + ["anomalous"]
    assert answerer.answer(request(SLOW), state, NOW_S) == one
    assert read_score_answer(msgspec.json.encode(one)) == one


def test_names_of_operations_are_templates_as_for_those_that_are_learned() -> None:
    learned = warmed()
    named = [
        msgspec.structs.replace(one, operation="GET /{id}") for one in workload("shop", 100, seed=3, start=1_000.0)
    ]
    learned.score(named)
    told = Answerer(replace(RULES, normalize=True)).answer(
        request(SLOW | {"operation": "GET /8231"}), learned.snapshot(("shop", "")), NOW_S
    )
    assert told.predictions[0].learned == 100


@pytest.mark.parametrize(
    ("executions", "kind", "sentence"),
    [
        ({**SLOW, "duration_ms": -1}, "invalid", "The field 'duration_ms' must be a finite number >= 0. Got -1"),
        ([SLOW, {**SLOW, "operation": ""}], "invalid", "Element 1: the field 'operation'"),
        ([SLOW, {**SLOW, "application": "other"}], "invalid", "must be the same in all elements"),
        ([SLOW, {**SLOW, "environment": "test"}], "invalid", "must be of one environment. Got '' and 'test' instead."),
        ({**SLOW, "application": "other"}, "invalid", "those of 'shop' in the environment ''. Got those of 'other'"),
        ({**SLOW, "environment": "test"}, "invalid", "Got those of 'shop' in the environment 'test' instead."),
        ({**SLOW, "started_at": NOW_S + 999.0}, "invalid", "started_at"),
        ({**SLOW, "result": "x" * 9_000}, "invalid", "at most 9000 bytes"),
        ([], "invalid", "at least one execution. Got none instead."),
        (7, "invalid", "Got"),
        ([SLOW] * 51, "too_many", "at most 50 executions (setting 'predictions_per_request'). Got 51 instead."),
    ],
)
def test_what_is_wrong_is_said_as_validate_says_it(executions: Any, kind: str, sentence: str) -> None:
    told = Answerer(RULES).answer(request(executions), None, NOW_S)
    assert told.problem is not None
    assert (told.model, told.predictions, told.problem.kind) == (None, [], kind)
    assert sentence in told.problem.reason


def test_a_helper_answers_each_request_by_itself() -> None:
    state = warmed().snapshot(("shop", ""))
    asked = [json.dumps({"id": name, "application": "shop", "expires_at": 9e9, "executions": SLOW}) for name in "ab"]
    answers = answer_in_helper(RULES, [one.encode() for one in asked], state, NOW_S)
    assert [answer.id for answer in answers] == ["a", "b"]
    assert answers[0].predictions == answers[1].predictions
    assert isinstance(answers[0], ScoreAnswer)


def test_the_rules_are_those_of_the_settings() -> None:
    settings = Settings(normalize_operations=False, max_segments=7, predictions_per_request=3)
    rules = AnswerRules.of(settings)
    assert (rules.normalize, rules.limits.max_segments, rules.most) == (False, 7, 3)
    assert rules.detection == settings.detection
