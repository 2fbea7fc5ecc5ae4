"""The scoring agent with a fake core and a fake publisher: chunks, saving, refits, limits, finishing."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from tests.streams.scoring.scoring_work import OTHER, TOPICS, WRONG, Work, execution, run


def test_scores_in_chunks_publishes_anomalies_and_acknowledges_after_the_state(work: Work) -> None:
    async def test() -> None:
        work.publisher.gate.clear()
        one = work.run_of([execution(n, duration_ms=20_000 if n == 130 else 5) for n in range(250)])
        await work.take(one)
        assert work.scorer.learned[("shop", "")] == [str(n) for n in range(250)]
        done_before = one.done
        work.publisher.gate.set()
        await work.delivery.idle()
        assert (done_before, one.done, one.acked) == (False, True, False)
        await work.save()
        assert one.acked
        (sent,) = work.publisher.topic(TOPICS.anomalies.name)
        (told,) = work.publisher.topic(TOPICS.incident_input.name)
        assert told.value == b'{"anomaly":' + (sent.value or b"") + b"}"
        assert sent.key == b"shop"
        assert dict(sent.headers) == {"content-type": b"application/cloudevents+json"}
        assert json.loads(sent.value)["data"]["exemplar_trace_ids"] == ["130"]
        assert work.counted("executions_total") == 250
        assert work.counted("anomalies_total", kind="outlier", severity="minor") == 1
        assert work.counted("scoring_seconds_count") == 3

    run(test())


def test_a_run_that_nothing_was_learned_from_is_acknowledged_at_once(work: Work) -> None:
    async def test() -> None:
        one = work.run_of([b"{"])
        await work.take(one)
        assert not one.acked
        await work.delivery.idle()
        assert one.acked

    run(test())


def test_a_run_that_leads_to_nothing_is_done_at_once_and_acknowledged_with_its_state(work: Work) -> None:
    async def test() -> None:
        one = work.run_of([execution()])
        await work.take(one)
        assert (one.done, one.acked) == (True, False)
        assert work.publisher.sent == []
        await work.save()
        assert one.acked
        assert [sent.topic for sent in work.publisher.sent] == [TOPICS.model_states.name]

    run(test())


def test_operations_are_normalised(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(operation="GET /Cart")]))
        (progress,) = work.ledger.take()
        assert progress.operations == {"get /cart": 1}

    run(test())


def noting_calls(work: Work) -> list[list[str]]:
    """The trace ids of each call of the core from now on."""
    calls: list[list[str]] = []
    score = work.scorer.score

    def noting(executions: Sequence[Any]) -> Any:
        calls.append([one.trace_id for one in executions])
        return score(executions)

    work.scorer.score = noting
    return calls


def test_short_runs_at_hand_are_scored_in_one_call_and_acknowledged_each_for_itself(work: Work) -> None:
    async def test() -> None:
        calls = noting_calls(work)
        first, second = work.run_of([execution(0), b"{"]), work.run_of([execution(1, duration_ms=20_000)], start=2)
        third = work.run_of([execution(2, application=OTHER)], partition=WRONG)
        await work.take(first, second, third)
        await work.delivery.idle()
        assert calls == [["0", "1", "2"]]
        assert [run.done for run in (first, second, third)] == [True] * 3
        assert not any(run.acked for run in (first, second, third))
        assert work.counted("executions_total") == 3
        assert work.counted("records_total") == 4
        assert work.counted("dead_letters_total", error="InvalidJson") == 1
        assert [(one.application, one.executions, one.anomalies) for one in work.ledger.take()] == [
            ("shop", 2, 1),
            (OTHER, 1, 0),
        ]
        await work.save()
        assert all(run.acked for run in (first, second, third))

    run(test())


def test_runs_go_together_up_to_a_chunk(work: Work) -> None:
    async def test() -> None:
        calls = noting_calls(work)
        runs = [work.run_of([execution(n) for n in range(40)], start=40 * number) for number in range(5)]
        await work.take(*runs)
        assert [len(call) for call in calls] == [80, 80, 40]

    run(test())


def test_runs_with_records_that_must_keep_an_order_are_scored_one_by_one(work: Work) -> None:
    async def test() -> None:
        calls = noting_calls(work)
        runs = [work.run_of([execution(0)]), work.run_of([execution(1), execution(2)], partition=WRONG)]
        await work.take(*runs, work.run_of([execution(3)], start=1))
        await work.delivery.idle()
        assert calls == [["0"], ["3"]]
        assert work.counted("forwarded_total") == 2
        await work.save()
        assert all(one.acked for one in runs)

    run(test())


def test_a_core_that_fails_on_one_of_several_runs_buries_its_execution_only(work: Work) -> None:
    async def test() -> None:
        runs = [work.run_of([execution(0)]), work.run_of([execution(1, operation="raise"), execution(2)], start=1)]
        await work.take(*runs)
        await work.delivery.idle()
        assert work.scorer.learned["shop", ""] == ["0", "2"]
        assert work.counted("dead_letters_total", error="ArithmeticError") == 1
        await work.save()
        assert all(one.acked for one in work.runs)

    run(test())


def test_half_a_run_is_neither_saved_nor_acknowledged_when_the_worker_stops_after_an_error(work: Work) -> None:
    async def test() -> None:
        before = work.run_of([execution(n) for n in range(10)])
        await work.take(before)
        work.scorer.breaks_after = 1
        broken = work.run_of([execution(n) for n in range(10, 260)], start=10)
        with pytest.raises(RuntimeError, match="no refits"):
            await work.take(broken)
        await work.scoring.finish_runs()
        assert (before.acked, broken.acked) == (False, False)
        assert work.publisher.topic(TOPICS.model_states.name) == []
        assert work.scorer.learned == {}

    run(test())


def test_stopping_waits_for_the_save_under_way_and_saves_what_was_learned_meanwhile(work: Work) -> None:
    async def test() -> None:
        first, second = (work.run_of([execution(n)], start=n) for n in range(2))
        await work.take(first)
        work.publisher.gate.clear()
        saving = asyncio.create_task(work.scoring.save(1.0))
        await asyncio.sleep(0.05)
        await work.take(second)
        stopping = asyncio.create_task(work.scoring.finish_runs())
        await asyncio.sleep(0.05)
        assert (first.acked, second.acked) == (False, False)
        work.publisher.gate.set()
        await stopping
        assert (first.acked, second.acked) == (True, True)
        await saving
        assert work.counted("states_written_total") == 2

    run(test())


def test_refits_are_awaited_without_holding_up_the_loop(work: Work) -> None:
    async def test() -> None:
        fit: Future[None] = Future()
        work.scorer.fits = [fit]
        await work.own(*range(4))
        taking = asyncio.create_task(work.take(work.run_of([execution()])))
        await asyncio.sleep(0.01)
        assert work.scorer.learned == {}
        fit.set_exception(ValueError("the scorer deals with this"))
        await taking
        assert work.scorer.learned[("shop", "")] == ["0"]

    run(test())


def test_reading_is_held_up_while_too_much_is_in_flight(work: Work) -> None:
    async def test() -> None:
        await work.own(*range(4))
        work.publisher.gate.clear()
        chunk = work.scorer.chunk
        values = [execution(n, duration_ms=20_000) for n in range(chunk)]
        runs = [work.run_of(values, start=n * chunk) for n in range(10)]
        taking = asyncio.create_task(work.take(*runs))
        for _ in range(500):
            await asyncio.sleep(0.01)
            if len(work.scorer.learned.get(("shop", ""), [])) >= 5 * chunk:
                break
        await asyncio.sleep(0.1)
        assert len(work.scorer.learned[("shop", "")]) == 5 * chunk  # four in flight, one waits for room
        work.publisher.gate.set()
        await taking
        await work.save()
        assert all(one.acked for one in runs)

    run(test())


def test_finishing_waits_for_what_is_in_flight_and_reports_progress(work: Work) -> None:
    async def test() -> None:
        work.publisher.gate.clear()
        one = work.run_of([execution(n, duration_ms=20_000, status="error") for n in range(3)])
        await work.take(one)
        asyncio.get_running_loop().call_later(0.05, work.publisher.gate.set)
        await work.scoring.finish_runs()
        assert one.acked
        (progress,) = work.publisher.topic(TOPICS.progress.name)
        assert progress.key == b"shop"
        assert json.loads(progress.value) == {
            "application": "shop",
            "environment": "",
            "scored_through": "2026-01-01T00:00:02.000Z",
            "executions": 3,
            "errors": 3,
            "anomalies": 3,
            "operations": {"get /": 3},
        }

    run(test())


def test_finishing_can_be_given_up_and_done_later(work: Work) -> None:
    async def test() -> None:
        work.publisher.gate.clear()
        one = work.run_of([execution(duration_ms=20_000)])
        await work.take(one)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work.scoring.finish_runs(), 0.2)
        assert not one.acked
        work.publisher.gate.set()
        await work.scoring.finish_runs()
        assert one.acked

    run(test())
