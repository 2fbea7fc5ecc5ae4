"""Tasks are run one after the other by a helper, and acknowledged once their results are safe."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from faust.types import TP

from tests.streams.scoring.scoring_work import NOW_S, TOPICS, Work, run
from tests.streams.scoring.tuning.test_run_task import task
from tracehound.schemas.tuning import TuningResult, read_tuning_result
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.tuning.take_tasks import Tuning
from tracehound.streams.settings.settings import Settings


class Helper:
    """Finishes every task at once, fails, or never ends."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.error: Exception | None = None
        self.never = False
        self.asked = asyncio.Event()

    def submit(self, fit: Callable[..., Any], /, *arguments: Any) -> "Future[Any]":
        _, asked = arguments
        self.given.append(asked.id)
        self.asked.set()
        future: Future[Any] = Future()
        if self.error is not None:
            future.set_exception(self.error)
        elif not self.never:
            future.set_result(
                TuningResult(id=asked.id, tuning=asked.tuning, number=asked.number, settings={}, state="done")
            )
        return future

    def close(self) -> None:
        """Nothing to end."""


def tuning(work: Work, helper: Helper) -> Tuning:
    return Tuning(Settings(partitions=4), helper, work.delivery, lambda: NOW_S)


def run_of(values: Sequence[Any]) -> Run:
    topic = TOPICS.tuning_tasks.name
    encoded = [value if isinstance(value, bytes | None) else msgspec.json.encode(value) for value in values]
    records = [
        ConsumerRecord(topic, 0, number, 0, 0, b"t", value, None, -1, -1, ()) for number, value in enumerate(encoded)
    ]
    return Run(TP(topic, 0), records)


def results(work: Work) -> list[TuningResult]:
    return [read_tuning_result(sent.value) for sent in work.publisher.topic(TOPICS.tuning_results.name)]


def test_each_has_a_result_and_the_run_is_acknowledged(work: Work) -> None:
    async def test() -> None:
        helper = Helper()
        asked = run_of([task(), b"{", task(id="t-2"), task(id="late", expires_at=NOW_S - 1.0), None])
        await tuning(work, helper).take(asked)
        assert asked.acked
        assert helper.given == ["t-1", "t-2"]
        assert [(one.id, one.state) for one in results(work)] == [("t-1", "done"), ("t-2", "done"), ("late", "expired")]
        assert work.counted("dead_letters_total", error="InvalidTuningTask") == 2

    run(test())


def test_one_that_fails_says_so_and_the_next_is_run(work: Work) -> None:
    async def test() -> None:
        helper = Helper()
        helper.error = MemoryError("no room")
        asked = run_of([task()])
        await tuning(work, helper).take(asked)
        assert asked.acked
        [failed] = results(work)
        assert (failed.state, failed.sentence) == ("failed", "It failed: MemoryError.")
        assert work.failures == []

    run(test())


def test_what_went_to_another_worker_is_left_to_it(work: Work) -> None:
    async def test() -> None:
        helper = Helper()
        asked = run_of([task(), task(id="t-2")])
        asked.outstanding = False
        await tuning(work, helper).take(asked)
        assert (helper.given, asked.acked) == ([], False)

    run(test())


def test_one_that_is_under_way_is_not_acknowledged(work: Work) -> None:
    async def test() -> None:
        helper = Helper()
        helper.never = True
        asked = run_of([task()])
        taking = asyncio.create_task(tuning(work, helper).take(asked))
        await helper.asked.wait()
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        assert (asked.acked, results(work)) == (False, [])

    run(test())
