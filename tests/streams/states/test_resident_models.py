"""Which models are in memory, and when they are saved, with the fake core."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry

from tracehound.schemas.control import Control
from tracehound.schemas.feedback import Lesson, Pattern
from tracehound.schemas.model_state import Head, ModelState, RecordKey
from tracehound.streams.delivery.delivery import Delivery, Parcel
from tracehound.streams.kafka.extent import Extent
from tracehound.streams.kafka.publisher import Outgoing, RefusedError
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partition, Partitions, Seen
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.used_models import UsedModels

A, B, C, D = ((name, "") for name in "abcd")


class Resident:
    """Models of a few applications, on two partitions that are loaded."""

    def __init__(
        self, scorer: Any, publisher: Any, states: ModelStates, record: Any, most: int = 2, extent: Any = None
    ) -> None:
        self.scorer = scorer
        self.publisher = publisher
        self.states = states
        self.record = record
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry)
        self.delivery = Delivery(publisher, "dead", metrics, 4, lambda error: None)
        used = UsedModels(scorer.forget)
        self.partitions = Partitions(used.forget)
        self.models = ResidentModels(scorer, used, self.partitions, states, self.delivery, metrics, most, extent)

    async def own(self) -> Partition:
        self.partitions.assign([0, 1])
        self.partitions.positioned({0: None, 1: None})
        await self.models.load(self.partitions.unloaded())
        return self.partition(0)

    def partition(self, number: int) -> Partition:
        partition = self.partitions.get(number)
        assert partition is not None
        return partition

    async def learn(self, partition: Partition, *keys: tuple[str, str]) -> Run:
        """Take a run of one record of each application."""
        start = partition.scored_to
        records = [self.record(b"", partition.number, start + number) for number in range(len(keys))]
        run = Run(TP("executions", partition.number), records)
        await self.models.fetch(partition, keys, 100.0)
        for key in keys:
            self.scorer.learned.setdefault(key, []).append(str(run.start))
            partition.applications.setdefault(key, Seen())
            partition.dirty.setdefault(key, start)
        partition.note_scored(run.end)
        partition.held.append(run)
        run.finish()
        return run

    async def save(self) -> None:
        assert await self.models.write(self.models.take(1.0, least=100))

    def saved(self) -> list[tuple[str, int]]:
        """Application and position of the states on the topic."""
        return [(sent.key.decode().split('"')[1], sent.partition) for sent in self.publisher.sent if sent.value]


@pytest.fixture
def resident(fake_scorer: Any, fake_publisher: Any, model_states: Callable[..., ModelStates], record: Any) -> Resident:
    return Resident(fake_scorer, fake_publisher, model_states(), record)


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(120):
            await test

    asyncio.run(limited())


def test_models_are_fetched_when_they_are_first_used(resident: Resident) -> None:
    async def test() -> None:
        stored = [ModelState(*key, Head(0), b'[["%s",""],["1","2"]]' % key[0].encode()) for key in (A, B)]
        await resident.states.save(0, stored)
        partition = await resident.own()
        assert (resident.scorer.learned, partition.unrestored) == ({}, {A, B})
        assert await resident.models.fetch(partition, [A, C], 100.0) == []
        assert (resident.scorer.learned, partition.unrestored) == ({A: ["1", "2"]}, {B})
        resident.scorer.learned[A].append("3")
        assert await resident.models.fetch(partition, [A], 100.0) == []
        assert resident.scorer.learned[A] == ["1", "2", "3"]

    run(test())


@pytest.mark.parametrize(("topic_id", "positions"), [("new", [0, 0]), ("old", [7, 7]), ("", [7, 7])])
def test_positions_are_believed_within_their_topic_and_models_are_kept(
    fake_scorer: Any,
    fake_publisher: Any,
    model_states: Callable[..., ModelStates],
    record: Any,
    topic_id: str,
    positions: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The topic of executions now ends at 7, and is the same or was made anew: before, states reached 7 and 2**62."""

    async def extent(numbers: Sequence[int]) -> Extent:
        return Extent(topic_id, dict.fromkeys(numbers, 7))

    async def test() -> None:
        states = model_states()
        heads = {A: Head(7, topic_id="old"), B: Head(2**62, topic_id="old")}
        await states.save(
            0, [ModelState(*key, head, b'[["%s",""],["1"]]' % key[0].encode()) for key, head in heads.items()]
        )
        resident = Resident(fake_scorer, fake_publisher, states, record, extent=extent)
        partition = await resident.own()
        assert [partition.learned_to[key] for key in (A, B)] == positions
        assert not partition.knows(B, 7, None)
        (told,) = await resident.models.fetch(partition, [B], 100.0)
        assert told.data.change == "loss"
        assert "its models are kept" in told.data.sentence
        assert resident.scorer.learned == {B: ["1"]}
        partition.note_scored(9)
        partition.dirty[B] = 7
        await resident.save()
        again = await model_states(2, "elsewhere").load([0])
        assert again[0][B].position == 9  # the lower position is the later one
        assert again[0][B].topic_id == topic_id

    run(test())
    assert "positions_begin_again" in capsys.readouterr().out


def test_where_a_state_cannot_be_used_what_it_had_learned_is_told(resident: Resident) -> None:
    async def test() -> None:
        await resident.states.save(0, [ModelState(*A, Head(5), b"damaged")])
        partition = await resident.own()
        unreadable, lost = await resident.models.fetch(partition, [A], 100.0)
        assert (unreadable.data.change, lost.data.change) == ("loss", "loss")
        assert "that of offsets 0 to 4 of partition 0 is not read again" in lost.data.sentence

    run(test())


def test_executions_that_a_damaged_state_may_have_known_are_told_as_a_loss(
    resident: Resident, changelog: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test() -> None:
        await resident.states.save(
            0, [ModelState(*key, Head(4), b'[["%s",""],["1"]]' % key[0].encode()) for key in (A, B)]
        )
        for name in "abd":
            changelog.append(0, RecordKey(name, "", 1, 1, 0).encoded(), b"random")
        resident.partitions.assign([0])
        resident.partitions.positioned({0: 9})
        await resident.models.load(resident.partitions.unloaded())
        partition = resident.partition(0)
        assert capsys.readouterr().out.count("model_state_doubtful") == 3
        (older,) = await resident.models.fetch(partition, [A], 100.0)
        assert resident.scorer.learned == {A: ["1"]}
        (cold,) = await resident.models.fetch(partition, [C, D], 100.0)
        assert [(one.data.application, one.data.change) for one in (older, cold)] == [("a", "loss"), ("d", "loss")]
        assert "the one before it is used: what it learned at offsets 4 to 8 of partition 0" in older.data.sentence
        assert "starts cold: what it learned at offsets 0 to 8" in cold.data.sentence
        assert await resident.models.fetch(partition, [A, D], 100.0) == []

    run(test())


def test_a_damaged_state_of_an_application_that_is_read_from_there_on_is_no_loss(
    resident: Resident, changelog: Any
) -> None:
    async def test() -> None:
        await resident.states.save(0, [ModelState(*A, Head(9), b'[["a",""],["1"]]')])
        changelog.append(0, RecordKey("a", "", 1, 1, 0).encoded(), b"random")
        resident.partitions.assign([0])
        resident.partitions.positioned({0: 9})
        await resident.models.load(resident.partitions.unloaded())
        assert await resident.models.fetch(resident.partition(0), [A], 100.0) == []

    run(test())


def test_the_least_recently_used_are_saved_and_sent_away(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        first = await resident.learn(partition, A)
        await resident.learn(partition, B)
        await resident.learn(partition, A)
        third = await resident.learn(partition, C)
        assert set(resident.scorer.learned) == {A, C}
        assert resident.saved() == [("b", 0)]
        assert partition.unrestored == {B}
        assert (first.acked, third.acked) == (False, False)
        await resident.learn(partition, B)
        assert resident.saved() == [("b", 0), ("a", 0)]
        assert first.acked
        assert resident.scorer.learned[B] == ["1", "4"]
        assert resident.registry.get_sample_value("tracehound_applications_sent_away_total") == 2

    run(test())


def test_the_state_of_an_application_that_is_gone_for_good_is_removed(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        await resident.learn(partition, A)
        last = await resident.learn(partition, B)
        partition.applications[A].scored_at_s, partition.applications[B].scored_at_s = 100.0, 900.0
        assert resident.models.retire(unused_since_s=500.0) == 0  # what it has learned is not saved
        assert await resident.models.write(resident.models.take(1.0, least=9))
        assert resident.models.retire(unused_since_s=500.0) == 1
        assert set(resident.scorer.learned) == {B}
        assert await resident.models.write(resident.models.take(1.0, least=9))
        assert (await resident.states.snapshot(0, A), last.acked) == (None, True)
        assert [sent.value for sent in resident.publisher.sent if b'"a"' in sent.key][-1] is None
        await resident.learn(partition, A)
        assert resident.scorer.learned[A] == ["2"]

    run(test())


def test_more_than_there_is_room_for_stay_while_one_run_needs_them(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        await resident.learn(partition, A, B, C)
        assert set(resident.scorer.learned) == {A, B, C}
        await resident.learn(partition, D)
        assert set(resident.scorer.learned) & {D} == {D}
        assert len(resident.scorer.learned) == 2

    run(test())


@pytest.mark.parametrize("snapshot", [b"damaged", b'[["other",""],["1"]]'])
def test_a_state_that_cannot_be_used_starts_cold_and_is_told(resident: Resident, snapshot: bytes) -> None:
    async def test() -> None:
        await resident.states.save(0, [ModelState(*A, Head(0), snapshot)])
        partition = await resident.own()
        (told,) = await resident.models.fetch(partition, [A], 100.0)
        assert (told.data.application, told.data.change) == ("a", "loss")
        assert resident.scorer.learned == {}
        assert await resident.models.fetch(partition, [A], 100.0) == []

    run(test())


def test_delivery_settles_then_the_state_is_written_then_runs_are_acknowledged(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        taken = await resident.learn(partition, A)
        resident.publisher.gate.clear()
        await resident.delivery.send(Parcel(0, [Outgoing("anomalies", b"a", b"found")]))
        writing = asyncio.create_task(resident.models.write(resident.models.take(1.0)))
        await asyncio.sleep(0.02)
        assert (resident.publisher.sent, taken.acked, partition.saving) == ([], False, {A: 0})
        resident.publisher.gate.set()
        while len(resident.publisher.sent) < 2:
            assert not taken.acked
            await asyncio.sleep(0)
        assert await writing
        assert [sent.topic for sent in resident.publisher.sent] == ["anomalies", "tracehound.model-states.v1"]
        assert taken.acked

    run(test())


def test_what_could_not_be_written_is_as_unsaved_as_before(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        taken = await resident.learn(partition, A, B)
        resident.publisher.limit = 1
        with pytest.raises(RefusedError):
            await resident.models.write(resident.models.take(1.0, least=2))
        await resident.learn(partition, B)
        assert (dict(partition.dirty), partition.saving, taken.acked) == ({A: 0, B: 0}, {}, False)
        resident.publisher.limit = 1_000_000
        assert await resident.models.write(resident.models.take(1.0, least=2))
        assert taken.acked

    run(test())


def test_saves_that_fail_one_after_the_other_keep_the_oldest_first(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        taken = [await resident.learn(partition, key) for key in (A, B)]
        older, newer = resident.models.take(0.0, least=1), resident.models.take(0.0, least=1)
        resident.publisher.limit = 1
        for batches in (older, newer):
            with pytest.raises(RefusedError):
                await resident.models.write(batches)
        partition.acknowledge()
        assert (list(partition.dirty), partition.unsaved_from) == ([A, B], 0)
        assert [run.acked for run in taken] == [False, False]

    run(test())


def test_nothing_is_written_after_a_delivery_that_failed(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        taken = await resident.learn(partition, A)

        async def closed(_: Outgoing) -> None:
            raise RuntimeError("closed")

        working, resident.publisher.publish = resident.publisher.publish, closed
        await resident.delivery.send(Parcel(0, [Outgoing("anomalies", b"a", b"found")]))
        await resident.delivery.idle()
        resident.publisher.publish = working
        assert not await resident.models.write(resident.models.take(1.0))
        assert (resident.publisher.sent, taken.acked, dict(partition.dirty)) == ([], False, {A: 0})

    run(test())


def test_one_state_of_an_application_is_written_at_a_time(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        first = await resident.learn(partition, A)
        batches = resident.models.take(1.0)
        second = await resident.learn(partition, A)
        assert resident.models.take(1.0) == []
        assert resident.models.saving
        await resident.models.write(batches)
        assert (first.acked, second.acked) == (True, False)
        await resident.models.write(resident.models.take(1.0))
        assert second.acked
        assert not resident.models.saving

    run(test())


def test_what_is_being_saved_is_not_sent_away(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        await resident.learn(partition, A)
        batches = resident.models.take(1.0)
        await resident.learn(partition, A)
        await resident.learn(partition, B, C)
        assert A in resident.scorer.learned
        await resident.models.write(batches)
        assert resident.scorer.learned[A] == ["0", "1"]

    run(test())


def test_those_that_waited_longest_are_taken_first_and_partitions_take_turns(resident: Resident) -> None:
    async def test() -> None:
        roomy = Resident(resident.scorer, resident.publisher, resident.states, resident.record, most=10)
        partition, other = await roomy.own(), roomy.partition(1)
        other.note_scored(1_000_000)
        await roomy.learn(partition, B, A)
        await roomy.learn(other, C, D)
        taken = []
        for _ in range(4):
            (batch,) = roomy.models.take(0.0, least=1)
            taken += [state.key for state in batch.states]
            await roomy.models.write([batch])
            await roomy.learn(partition, B)
        assert taken == [B, C, A, D]

    run(test())


def test_taking_is_bounded(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        await resident.learn(partition, A, B, C)
        assert [state.key for batch in resident.models.take(0.0, least=2) for state in batch.states] == [A, B]
        assert list(partition.dirty) == [C]

    run(test())


def test_a_state_taken_of_a_partition_that_was_lost_is_not_written(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        taken = await resident.learn(partition, A)
        batches = resident.models.take(1.0)
        resident.partitions.assign([1])
        assert await resident.models.write(batches)
        assert (resident.publisher.sent, taken.acked, resident.scorer.learned) == ([], False, {})

    run(test())


def test_an_application_without_models_has_its_state_removed(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        await resident.learn(partition, A)
        await resident.models.write(resident.models.take(1.0))
        reset = await resident.learn(partition, A)
        resident.scorer.forget(A)
        await resident.models.write(resident.models.take(1.0))
        assert reset.acked
        assert await resident.states.snapshot(0, A) is None

    run(test())


def test_models_whose_silence_is_judged_are_fetched_as_far_as_there_is_room(resident: Resident) -> None:
    async def test() -> None:
        stored = [ModelState(*key, Head(0), b'[["%s",""],["1"]]' % key[0].encode()) for key in (A, B, C)]
        await resident.states.save(0, stored)
        partition = await resident.own()
        await resident.models.fetch_live(partition, [D, A, B, C], 100.0)
        assert set(resident.scorer.learned) == {A, B}
        await resident.models.fetch_live(partition, [C], 100.0)
        assert set(resident.scorer.learned) == {A, B}

    run(test())


def test_models_that_were_fetched_for_a_lost_partition_are_fetched_anew(resident: Resident) -> None:
    async def test() -> None:
        partition = await resident.own()
        await resident.models.fetch(partition, [A], 100.0)
        resident.partitions.assign([1])
        resident.models.forget_lost()
        await resident.states.save(0, [ModelState(*A, Head(5), b'[["a",""],["1"]]')])
        again = await resident.own()
        await resident.models.fetch(again, [A], 100.0)
        assert resident.scorer.learned == {A: ["1"]}

    run(test())


def test_a_lesson_is_handed_to_the_core(resident: Resident) -> None:
    lesson = Lesson("incident", "confirmed", 5.0, [Pattern("latency", "self_ms", "chart")])

    assert resident.models.obey(Control("feedback", "shop", "test", 5.0, lesson=lesson)) == []
    assert resident.scorer.lessons == [(("shop", "test"), lesson)]


def test_a_demand_to_train_is_handed_to_the_core(resident: Resident) -> None:
    assert resident.models.obey(Control("refit", "shop", "test", 5.0)) == []
    assert resident.scorer.refits == [(("shop", "test"), 5.0)]
