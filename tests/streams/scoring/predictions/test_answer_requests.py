"""Requests are answered by whoever owns their application, as long as somebody waits, and change nothing."""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from faust.types import TP
from structlog.testing import capture_logs

from tests.streams.conftest import FakePublisher
from tests.streams.scoring.scoring_work import NOW_S, RIGHT, TOPICS, WRONG, Work, execution, run
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.anomaly import ModelStamp
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.score import Prediction, ScoreAnswer, read_score_answer, read_score_request
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.predictions.answer_requests import Answering
from tracehound.streams.scoring.predictions.given import AnswerRules
from tracehound.streams.scoring.predictions.metrics import PredictionMetrics
from tracehound.streams.states.current_states import CurrentStates
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.used_models import UsedModels

SHOP = ("shop", "")
RULES = AnswerRules(DetectionSettings(), Limits(), True, None, "", 500)
NORMAL = Prediction("normal", 0.5, None, 0.9, 450, "digest")


class Helper:
    """Answers everything with ``NORMAL`` (or fails, or never answers) and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[list[str], bytes | None]] = []
        self.error: Exception | None = None
        self.never = False
        self.asked = asyncio.Event()

    def submit(self, fit: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        _, values, snapshot, _ = arguments
        asked = [read_score_request(value) for value in values]
        self.given.append(([one.id for one in asked], snapshot))
        self.asked.set()
        future: Future[Any] = Future()
        model = ModelStamp("all", "2", 900, None, False)
        if self.error is not None:
            future.set_exception(self.error)
        elif not self.never:
            future.set_result([ScoreAnswer(one.id, one.application, one.environment, model, [NORMAL]) for one in asked])
        return future

    def close(self) -> None:
        """Nothing to end."""


class Desk:
    """An agent that answers, beside one that scores; ``used`` are the models that are taken to be in memory."""

    def __init__(self, work: Work, states: ModelStates, share: float = 1.0) -> None:
        self.work, self.helper, self.used = work, Helper(), UsedModels(work.scorer.forget)
        metrics = PredictionMetrics(work.registry)
        self.answering = Answering(
            *(RULES, self.helper, work.partitions, CurrentStates(work.scorer, self.used, states), work.delivery),
            *(TOPICS, metrics, work.scoring.resting, lambda: NOW_S, share),
        )

    async def ask(self, values: Sequence[Any], partition: int = RIGHT) -> Run:
        encoded = [json.dumps(value).encode() if isinstance(value, dict) else value for value in values]
        topic = TOPICS.score_requests.name
        records = [
            ConsumerRecord(topic, partition, n, 0, 0, b"shop", value, None, -1, -1, ())
            for n, value in enumerate(encoded)
        ]
        asked = Run(TP(topic, partition), records)
        await self.answering.take(asked)
        return asked

    def answers(self) -> list[ScoreAnswer]:
        return [read_score_answer(sent.value) for sent in self.work.publisher.topic(TOPICS.score_answers.name)]


@pytest.fixture
def desk(work: Work, model_states: Callable[..., ModelStates]) -> Desk:
    return Desk(work, model_states())


def request(name: str = "r1", expires_in_s: float = 5.0, **more: Any) -> dict[str, Any]:
    executions = json.loads(execution())
    return {"id": name, "application": "shop", "expires_at": NOW_S + expires_in_s, "executions": executions, **more}


def test_a_request_is_answered_by_the_state_of_the_moment_and_acknowledged(desk: Desk) -> None:
    async def test() -> None:
        await desk.work.take(desk.work.run_of([execution(0), execution(1)]))
        asked = await desk.ask([request("r1"), request("r2")])
        assert asked.acked
        assert [answer.id for answer in desk.answers()] == ["r1", "r2"]
        assert desk.helper.given == [(["r1", "r2"], desk.work.scorer.snapshot(SHOP))]
        assert [sent.key for sent in desk.work.publisher.topic(TOPICS.score_answers.name)] == [b"r1", b"r2"]

    run(test())


def test_it_leaves_states_as_they_are(desk: Desk) -> None:
    async def test() -> None:
        await desk.work.take(desk.work.run_of([execution(0)]))
        await desk.work.save()
        before, sent = desk.work.scorer.snapshot(SHOP), len(desk.work.publisher.sent)
        await desk.ask([request(), request("r2", environment="test")])
        [partition] = [one for one in desk.work.partitions if one.number == RIGHT]
        assert desk.work.scorer.learned.keys() == {SHOP}
        assert (desk.work.scorer.snapshot(SHOP), dict(partition.dirty), partition.scored_to) == (before, {}, 1)
        assert {one.topic for one in desk.work.publisher.sent[sent:]} == {TOPICS.score_answers.name}
        assert desk.helper.given[1] == (["r2"], None)

    run(test())


def test_a_stored_state_is_read_and_stays_where_it_is(
    work: Work, fake_publisher: FakePublisher, model_states: Callable[..., ModelStates]
) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(0)]))
        await work.save()
        stored = work.scorer.snapshot(SHOP)
        partition = work.partitions.get(RIGHT)
        assert partition is not None
        desk = Desk(work, work.models._states)
        partition.unrestored.add(SHOP)
        work.scorer.forget(SHOP)
        await desk.ask([request()])
        assert desk.helper.given == [(["r1"], stored)]
        assert (work.scorer.learned, partition.unrestored) == ({}, {SHOP})

    run(test())


def test_nobody_is_answered_who_no_longer_waits(desk: Desk) -> None:
    async def test() -> None:
        await desk.work.take(desk.work.run_of([execution(0)]))
        asked = await desk.ask([request("late", -1.0), request("in time")])
        assert asked.acked
        assert [answer.id for answer in desk.answers()] == ["in time"]
        desk.helper.never = True
        never = await desk.ask([request("never", 0.02)])
        assert never.acked
        assert len(desk.answers()) == 1
        assert desk.work.counted("prediction_requests_total", result="expired", model_version="") == 2

    run(test())


@pytest.mark.parametrize(
    ("value", "partition", "error"),
    [
        (b"{", RIGHT, "InvalidScoreRequest"),
        (None, RIGHT, "InvalidScoreRequest"),
        (b"[" * 100_000, RIGHT, "InvalidScoreRequest"),
        ({"id": "r1", "application": "shop", "expires_at": 9e9}, RIGHT, "InvalidScoreRequest"),
        (request(id=""), RIGHT, "InvalidScoreRequest"),
        (request("x" * 101), RIGHT, "InvalidScoreRequest"),
        (request(application=""), RIGHT, "InvalidScoreRequest"),
        (request(), WRONG, "WrongPartition"),
    ],
)
def test_what_is_no_request_of_this_partition_is_a_dead_letter(
    desk: Desk, value: Any, partition: int, error: str
) -> None:
    async def test() -> None:
        await desk.work.take(desk.work.run_of([execution(0)]))
        asked = await desk.ask([value, request("good")], partition)
        assert asked.acked
        assert desk.work.counted("dead_letters_total", error=error) == 1 + (partition == WRONG)
        assert [answer.id for answer in desk.answers()] == (["good"] if partition == RIGHT else [])

    run(test())


def test_where_judging_fails_the_answer_says_so_and_the_next_is_judged(desk: Desk) -> None:
    async def test() -> None:
        await desk.work.take(desk.work.run_of([execution(0)]))
        desk.helper.error = MemoryError("no room")
        await desk.ask([request()])
        desk.helper.error = None
        await desk.ask([request("r2")])
        failed, judged = desk.answers()
        assert failed.problem is not None
        assert (failed.problem.kind, failed.problem.reason) == (
            "failed",
            "Judging executions of shop failed: MemoryError.",
        )
        assert judged.predictions == [NORMAL]
        assert desk.work.failures == []

    run(test())


def test_each_prediction_is_a_line_of_the_log(desk: Desk) -> None:
    async def test() -> None:
        await desk.work.take(desk.work.run_of([execution(0)]))
        with capture_logs() as lines:
            await desk.ask([request()])
        [line] = [line for line in lines if line["event"] == "prediction"]
        assert line.pop("latency_ms") >= 0.0
        assert line == {
            "event": "prediction",
            "log_level": "info",
            "request_id": "r1",
            "application": "shop",
            "environment": "",
            "index": 0,
            "model_version": "2.900",
            "input_hash": "digest",
            "prediction": "normal",
            "score": 0.5,
            "severity": None,
            "confidence": 0.9,
        }

    run(test())


def test_it_waits_until_no_run_is_under_way(desk: Desk) -> None:
    async def test() -> None:
        await desk.work.take(desk.work.run_of([execution(0)]))
        async with desk.work.scoring.resting:
            asking = asyncio.create_task(desk.ask([request()]))
            for _ in range(50):
                await asyncio.sleep(0)
            assert desk.helper.given == []
        assert (await asking).acked

    run(test())


def test_a_partition_that_went_away_is_left_to_its_next_owner(desk: Desk) -> None:
    async def test() -> None:
        await desk.work.take(desk.work.run_of([execution(0)]))
        desk.helper.never = True
        asking = asyncio.create_task(desk.ask([request("r1", 0.05), request("r2", 5.0, environment="test")]))
        await desk.helper.asked.wait()
        desk.work.partitions.assign([WRONG])
        assert not (await asking).acked
        assert len(desk.helper.given) == 1

    run(test())
