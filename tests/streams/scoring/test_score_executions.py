"""The scoring agent with a fake core and a fake publisher."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from faust.types import TP
from prometheus_client import CollectorRegistry

from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.kafka.forwarding import Partitioner, origin_headers
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.scoring.read_run import RunReader
from tracehound.streams.scoring.report_progress import ProgressLedger
from tracehound.streams.scoring.score_executions import Scoring, score_executions
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partitions
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.used_models import UsedModels

TOPICS = Topics(partitions=4)
RIGHT = Partitioner(4).partition_of("shop")
WRONG = (RIGHT + 1) % 4
NOW_S = 1_767_225_700.0


def execution(number: int = 0, **fields: Any) -> bytes:
    content = {
        "application": "shop",
        "operation": "GET /",
        "started_at": 1_767_225_600.0 + number,
        "duration_ms": 5.0,
        "trace_id": str(number),
    }
    return json.dumps({**content, **fields}).encode()


class Work:
    """A scoring agent that owns all partitions, with what it counted and sent."""

    def __init__(
        self,
        scorer: Any,
        publisher: Any,
        record: Callable[..., ConsumerRecord],
        states: ModelStates,
        limit: int = 4,
        most: int = 1_000,
    ) -> None:
        self.scorer = scorer
        self.publisher = publisher
        self.record = record
        self.failures: list[BaseException] = []
        self.owns = False
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry)
        used = UsedModels(scorer.forget)
        self.partitions = Partitions(used.forget)
        self.ledger = ProgressLedger()
        self.delivery = Delivery(publisher, TOPICS.dead_letters.name, metrics, limit, self.failures.append)
        reader = RunReader(TOPICS.executions.name, 4, Limits(), str.lower, TOPICS.spans.name)
        self.models = ResidentModels(scorer, used, self.partitions, states, self.delivery, metrics, most)
        self.scoring = Scoring(
            scorer,
            self.partitions,
            self.models,
            reader,
            self.delivery,
            self.ledger,
            TOPICS,
            metrics,
            progressed=lambda: None,
            clock=lambda: NOW_S,
            go_back=self.go_back,
        )
        self.log: list[tuple[TP, list[ConsumerRecord]]] = []
        self.runs: list[Run] = []
        self.again: list[Run] = []
        self.went_back = 0

    async def own(self, *numbers: int, begin: int | None = None) -> None:
        self.owns = True
        self.partitions.assign(numbers)
        self.scoring.positioned(dict.fromkeys((TP(TOPICS.executions.name, number) for number in numbers), begin))
        await self.models.load(self.partitions.unloaded())

    async def go_back(self) -> None:
        """Where nothing was ever committed: everything is read again from the beginning."""
        self.went_back += 1
        for run in self.runs:
            run.outstanding = False
        self.again = [Run(tp, records) for tp, records in self.log]
        self.scoring.positioned({TP(TOPICS.executions.name, one.number): None for one in self.partitions})
        await self.models.load(self.partitions.unloaded())

    async def save(self) -> None:
        await self.models.write(self.models.take(10.0, least=1_000))

    def run_of(self, values: Sequence[bytes | None], partition: int = RIGHT, start: int = 0, **more: Any) -> Run:
        records = [
            self.record(value, partition, start + number, topic=TOPICS.executions.name, **more)
            for number, value in enumerate(values)
        ]
        tp = TP(TOPICS.executions.name, partition)
        self.log.append((tp, records))
        self.runs.append(Run(tp, records))
        return self.runs[-1]

    async def take(self, *runs: Run) -> None:
        """Take runs; the first time as the owner of all partitions, unless it owns some already."""
        if not self.owns:
            await self.own(*range(4))

        async def stream(runs: Sequence[Run]) -> AsyncIterator[Run]:
            for run in runs:
                yield run

        await score_executions(stream(runs), self.scoring)
        while self.again:
            self.runs, self.again = self.again, []
            await score_executions(stream(self.runs), self.scoring)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"tracehound_{name}", labels) or 0.0


@pytest.fixture
def work(
    fake_scorer: Any,
    fake_publisher: Any,
    record: Callable[..., ConsumerRecord],
    model_states: Callable[..., ModelStates],
) -> Work:
    return Work(fake_scorer, fake_publisher, record, model_states())


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test

    asyncio.run(limited())


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


def test_bad_records_become_dead_letters_and_good_neighbours_are_learned(work: Work) -> None:
    async def test() -> None:
        array = b"[" + execution(1) + b"," + execution(2, duration_ms=-1) + b"," + execution(3) + b"]"
        bad = [None, b"\xff", b"{", execution(0, application=7), b'{"application":"shop"}', array]
        one = work.run_of([*bad, execution(4)], key=b"k", headers=[("mine", b"1")])
        await work.take(one)
        await work.delivery.idle()
        letters = work.publisher.topic(TOPICS.dead_letters.name)
        said = [(dict(letter.headers)["tracehound_stage"], letter.value) for letter in letters]
        refused = b"[" + execution(2, duration_ms=-1) + b"]"
        assert said == [
            (b"decode", None),
            (b"decode", b"\xff"),
            (b"decode", b"{"),
            (b"validate", bad[3]),
            (b"validate", bad[4]),
            (b"validate", refused),
        ]
        assert all(letter.key == b"k" and dict(letter.headers)["mine"] == b"1" for letter in letters)
        assert [int(dict(letter.headers)["tracehound_offset"]) for letter in letters] == list(range(6))
        assert work.scorer.learned[("shop", "")] == ["1", "3", "4"]
        assert work.counted("dead_letters_total", error="InvalidJson") == 1
        await work.save()
        assert one.acked

    run(test())


def test_an_execution_that_cannot_be_scored_is_buried_and_its_neighbours_are_not(work: Work) -> None:
    async def test() -> None:
        values = [execution(n, operation="RAISE" if n == 3 else "GET /") for n in range(6)]
        one = work.run_of(values)
        await work.take(one)
        await work.delivery.idle()
        (letter,) = work.publisher.topic(TOPICS.dead_letters.name)
        headers = dict(letter.headers)
        assert headers["tracehound_stage"] == b"score"
        assert headers["tracehound_error"] == b"ArithmeticError"
        assert headers["tracehound_offset"] == b"3"
        assert json.loads(letter.value)["trace_id"] == "3"
        assert work.scorer.learned[("shop", "")] == ["0", "1", "2", "4", "5"]
        assert (work.went_back, work.counted("scoring_begun_anew_total")) == (1, 1)
        await work.save()
        assert all(run.acked for run in work.runs)

    run(test())


def test_operations_are_normalised(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(operation="GET /Cart")]))
        (progress,) = work.ledger.take()
        assert progress.operations == {"get /cart": 1}

    run(test())


def test_a_record_on_the_wrong_partition_is_forwarded_as_it_came(work: Work) -> None:
    async def test() -> None:
        value = b"[" + execution(1) + b",{}]"
        one = work.run_of([value], partition=WRONG, start=7, key=b"wrong", headers=[("mine", b"1")])
        await work.take(one)
        await work.delivery.idle()
        (sent,) = work.publisher.sent
        assert (sent.topic, sent.partition, sent.key, sent.value) == (TOPICS.executions.name, RIGHT, b"shop", value)
        assert sent.timestamp_ms == 1_767_225_600_000
        assert dict(sent.headers) == {
            "mine": b"1",
            "tracehound_origin_topic": TOPICS.executions.name.encode(),
            "tracehound_origin_partition": str(WRONG).encode(),
            "tracehound_origin_offset": b"7",
        }
        assert work.scorer.learned == {}
        assert work.counted("forwarded_total") == 1
        assert one.acked

    run(test())


OTHER = next(name for name in map(str, range(99)) if Partitioner(4).partition_of(name) == WRONG)


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


def test_a_forwarded_record_is_learned_once(work: Work) -> None:
    async def test() -> None:
        def forwarded(origin: int, at: int) -> Run:
            headers = origin_headers([], TOPICS.executions.name, WRONG, origin)
            return work.run_of([execution(origin)], start=at, headers=headers)

        again = forwarded(6, 12)
        await work.take(forwarded(5, 10), forwarded(6, 11), again, forwarded(5, 13), forwarded(7, 14))
        assert work.scorer.learned[("shop", "")] == ["5", "6", "7"]
        assert work.counted("duplicates_skipped_total") == 2
        await work.save()
        assert again.acked

    run(test())


def test_what_intake_emits_again_is_learned_once(work: Work) -> None:
    """A replaying intake writes the same executions at new offsets; each partition of spans counts for itself."""

    async def test() -> None:
        def emitted(spans_partition: int, sequence: int, number: int, at: int) -> Run:
            headers = origin_headers([], TOPICS.spans.name, spans_partition, sequence)
            return work.run_of([execution(number)], start=at, headers=headers)

        direct = work.run_of([execution(9)], start=25)
        await work.take(
            emitted(0, 7_000_000, 1, 20),
            emitted(1, 5_000_000, 2, 21),
            emitted(0, 7_000_001, 3, 22),
            emitted(0, 7_000_000, 1, 23),
            emitted(0, 7_000_001, 3, 24),
            direct,
            emitted(1, 6_000_000, 4, 26),
        )
        assert work.scorer.learned[("shop", "")] == ["1", "2", "3", "9", "4"]
        assert work.counted("duplicates_skipped_total") == 2

    run(test())


def test_a_forwarded_record_that_is_wrong_again_is_buried(work: Work) -> None:
    async def test() -> None:
        headers = origin_headers([("mine", b"1")], TOPICS.executions.name, RIGHT, 5)
        await work.take(work.run_of([execution()], partition=WRONG, headers=headers))
        await work.delivery.idle()
        (letter,) = work.publisher.sent
        assert letter.topic == TOPICS.dead_letters.name
        assert dict(letter.headers)["tracehound_error"] == b"ForwardedTwice"
        assert [name for name, _ in letter.headers if "origin" in name] == []

    run(test())


def test_what_was_scored_before_is_skipped_when_it_comes_again(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(n) for n in range(5)]))
        work.scoring.positioned({TP(TOPICS.executions.name, RIGHT): 2})
        again = work.run_of([execution(n) for n in range(2, 8)], start=2)
        await work.take(again)
        assert work.scorer.learned[("shop", "")] == [str(n) for n in range(8)]
        assert work.counted("duplicates_skipped_total") == 3
        await work.save()
        assert again.acked

    run(test())


def test_models_are_dropped_with_their_partition_and_kept_where_it_stays(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution()]), work.run_of([execution(application=OTHER)], partition=WRONG))
        work.partitions.assign([RIGHT])
        assert set(work.scorer.learned) == {("shop", "")}
        work.partitions.assign([RIGHT, WRONG])
        assert set(work.scorer.learned) == {("shop", "")}

    run(test())


def test_models_are_dropped_where_another_worker_went_on(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(n) for n in range(5)]))
        work.scoring.positioned({TP(TOPICS.executions.name, RIGHT): 9})
        assert work.scorer.learned == {}
        await work.models.load(work.partitions.unloaded())
        late = work.run_of([execution(8)], start=8)
        await work.take(late, work.run_of([execution(9)], start=9))
        assert work.scorer.learned[("shop", "")] == ["9"]

    run(test())


def test_a_run_whose_partition_is_lost_while_it_is_scored_leaves_no_models(work: Work) -> None:
    async def test() -> None:
        fit: Future[None] = Future()
        work.scorer.fits = [fit]
        await work.own(*range(4))
        lost = work.run_of([execution(n) for n in range(250)])
        taking = asyncio.create_task(work.take(lost))
        await asyncio.sleep(0.01)
        work.partitions.assign([])
        fit.set_result(None)
        await taking
        assert work.scorer.learned == {}
        assert not lost.acked

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


def test_lost_offsets_are_told_and_a_topic_made_anew_is_read_from_its_start(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(n) for n in range(5)]))
        work.scoring.offsets_lost(TP(TOPICS.executions.name, RIGHT), 5, 9)
        await asyncio.sleep(0)
        await work.delivery.idle()
        (told,) = work.publisher.topic(TOPICS.models.name)
        assert json.loads(told.value)["data"]["change"] == "loss"
        work.scoring.offsets_lost(TP(TOPICS.executions.name, RIGHT), 9, 0)
        await work.take(work.run_of([execution(90)], start=0))
        assert work.scorer.learned[("shop", "")][-1] == "90"
        await work.delivery.idle()
        assert len(work.publisher.topic(TOPICS.models.name)) == 1, "nothing is lost where offsets begin anew"

    run(test())


def test_what_the_broker_refuses_becomes_a_dead_letter_cut_short(work: Work) -> None:
    async def test() -> None:
        work.publisher.limit = 70_000
        value = b"x" * 200_000
        one = work.run_of([value, execution(duration_ms=20_000, application="a" * 200)], key=b"k")
        await work.take(one)
        await work.delivery.idle()
        letters = work.publisher.topic(TOPICS.dead_letters.name)
        cut = next(letter for letter in letters if letter.value.startswith(b"xxx"))
        assert dict(cut.headers)["tracehound_truncated_from_bytes"] == b"200000"
        assert dict(cut.headers)["tracehound_error"] == b"InvalidJson"
        assert len(cut.value) == 65_536
        await work.save()
        assert one.acked
        assert work.failures == []

    run(test())


def test_a_failure_of_delivery_is_reported(work: Work) -> None:
    async def test() -> None:
        error = RuntimeError("closed")

        send = work.publisher.publish

        async def publish(outgoing: Outgoing) -> None:
            if outgoing.topic in (TOPICS.anomalies.name, TOPICS.incident_input.name):
                raise error
            await send(outgoing)

        work.publisher.publish = publish
        one = work.run_of([execution(duration_ms=20_000)])
        await work.take(one)
        await work.delivery.idle()
        await asyncio.sleep(0)
        assert work.failures == [error]
        await work.scoring.finish_runs()
        await work.scoring.save(0.05)
        assert not one.acked
        assert work.publisher.sent == []

    run(test())


def test_a_run_that_comes_before_its_partition_was_assigned_is_not_dropped(work: Work) -> None:
    async def test() -> None:
        work.owns = True
        one = work.run_of([execution()])
        taking = asyncio.create_task(work.take(one))
        await asyncio.sleep(0.05)
        assert not one.acked
        work.partitions.assign([RIGHT])
        await asyncio.sleep(0.05)
        assert work.scorer.learned == {}
        await work.own(RIGHT)
        await taking
        assert one.done

    run(test())


def test_a_run_of_a_partition_that_was_taken_away_is_left_alone(work: Work) -> None:
    async def test() -> None:
        work.owns = True
        one = work.run_of([execution()])
        taking = asyncio.create_task(work.take(one))
        await asyncio.sleep(0.05)
        one.outstanding = False
        await taking
        assert not one.acked
        assert work.counted("executions_total") == 0

    run(test())
