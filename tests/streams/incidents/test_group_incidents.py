"""The incident agent with a changelog in memory: whatever is interrupted, the same incidents are told."""

import asyncio
import random
from collections.abc import Awaitable, Mapping, Sequence

import msgspec
import pytest
from aiokafka import ConsumerRecord
from faust.types import TP
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.detectors.incidents.records import anomaly, progress, verdict, wrapped
from tests.streams.conftest import FakeChangelog, KeepingPublisher
from tracehound.detectors.incidents.book import IncidentBook
from tracehound.detectors.incidents.settings import IncidentSettings
from tracehound.schemas.control import Control, read_control
from tracehound.schemas.incident import IncidentEvent
from tracehound.schemas.incident_input import IncidentInput, encode_input
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.incidents.group_incidents import Book, Grouping
from tracehound.streams.incidents.hear_people import Hearing
from tracehound.streams.incidents.metrics import IncidentMetrics
from tracehound.streams.kafka.extent import Extent, ExtentOf
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.states.checkpoint_log import CheckpointLog
from tracehound.streams.states.placed_states import PlacedState, PlacedStates

TOPICS = Topics("", 3)
INPUT = TP(TOPICS.incident_input.name, 0)
SETTINGS = IncidentSettings()
STATES = PlacedStates("incidents")


def story(seed: int) -> list[IncidentInput]:
    """Some hundred records: applications that deviate for a while, one after the other, and recover."""
    chance = random.Random(seed)
    records = []
    for step in range(120):
        at_s = step * 20.0
        for name in ("shop", "stock", "till"):
            if chance.random() < (0.3 if 10 <= step % 60 < 30 else 0.0):
                records.append(wrapped(anomaly(name, at_s, chance.choice(["minor", "major", "critical"]))))
            records.append(wrapped(progress(name, at_s, calls=["stock"] if name == "shop" else [])))
    return records


def expected(records: Sequence[IncidentInput]) -> list[IncidentEvent]:
    book = IncidentBook(SETTINGS)
    return [event for record in records for event in book.take(record)]


class Worker:
    """One worker: from its start until it ends or is killed."""

    def __init__(
        self, kept: FakeChangelog, publisher: KeepingPublisher, generation: int, extent: ExtentOf | None = None
    ) -> None:
        self.failures: list[BaseException] = []
        self.metrics = IncidentMetrics(CollectorRegistry())
        self.states = CheckpointLog(kept.topic, kept, publisher, STATES.pack, STATES.unpack, extent)
        self.grouping = Grouping(
            restored,
            self.states,
            Delivery(publisher, TOPICS.dead_letters.name, self.metrics, 16, self.failures.append),
            TOPICS,
            self.metrics,
            lambda: generation,
            lambda work: self.loading.append(asyncio.ensure_future(work)),
            lambda: None,
        )
        self.loading: list[asyncio.Future[None]] = []

    async def start(self, committed: int | None) -> None:
        await self.grouping.assigned([INPUT])
        await asyncio.gather(*self.loading)
        self.grouping.positioned({INPUT: committed})
        await asyncio.gather(*self.loading)


def restored(snapshot: bytes | None) -> Book:
    return IncidentBook(SETTINGS) if snapshot is None else IncidentBook.restore(snapshot, SETTINGS)


def run_of(values: Sequence[bytes | None], start: int, tp: TP = INPUT) -> Run:
    records = [
        ConsumerRecord(tp.topic, tp.partition, start + index, 0, 0, None, value, None, -1, -1, ())
        for index, value in enumerate(values)
    ]
    return Run(tp, records)


def told(publisher: KeepingPublisher) -> list[IncidentEvent]:
    return [msgspec.json.decode(one.value or b"", type=IncidentEvent) for one in publisher.topic(TOPICS.severity.name)]


def by_incident(events: Sequence[IncidentEvent]) -> Mapping[str, list[IncidentEvent]]:
    """Order is kept within an incident: others are in other partitions."""
    found: dict[str, list[IncidentEvent]] = {}
    for event in events:
        found.setdefault(event.data.incident_id, []).append(event)
    return found


def by_id(events: Sequence[IncidentEvent]) -> Mapping[str, IncidentEvent]:
    found: dict[str, IncidentEvent] = {}
    for event in events:
        assert found.setdefault(event.id, event) == event, "an id that came again must have the same content"
    return found


def play(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(120):
            await test

    asyncio.run(limited())


def test_events_are_those_of_the_book_and_keyed_by_incident() -> None:
    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1)
        await worker.start(None)
        run = run_of([encode_input(record) for record in story(1)], 0)
        await worker.grouping.take(run)
        acked_before_save = run.acked
        await worker.grouping.save()
        assert (acked_before_save, run.acked) == (False, True)
        assert by_incident(told(publisher)) == by_incident(expected(story(1)))
        for one, event in zip(publisher.topic(TOPICS.severity.name), told(publisher), strict=True):
            assert one.key == event.data.incident_id.encode()
        assert worker.grouping.statistics()["applications"] == 3

    assert {event.type.split(".")[3] for event in expected(story(1))} == {"opened", "updated", "resolved"}
    play(test())


@pytest.mark.parametrize("seed", range(8))
def test_interrupted_anywhere_the_same_events_are_told_with_the_same_ids(seed: int) -> None:
    async def test() -> None:
        chance = random.Random(seed)
        values = [encode_input(record) for record in story(seed)]
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        committed, generation = 0, 0
        while committed < len(values):
            generation += 1
            worker = Worker(kept, publisher, generation)
            await worker.start(committed or None)
            position, runs = committed, []
            for _ in range(chance.randint(1, 12)):
                run = run_of(values[position : position + chance.randint(1, 40)], position)
                await worker.grouping.take(run)
                runs.append(run)
                position = run.end
                if chance.random() < 0.4:
                    await worker.grouping.save()
                while runs and runs[0].acked and chance.random() < 0.7:  # commits come later, or never
                    committed = runs.pop(0).end
                if position == len(values):
                    break
            await asyncio.sleep(0.01)  # killed here: what was not saved is forgotten
            kept.compact()
        assert generation > 3
        assert by_id(told(publisher)) == by_id(expected(story(seed)))

    play(test())


def test_a_worker_that_lost_its_partition_cannot_replace_what_its_successor_saved() -> None:
    async def test() -> None:
        values = [encode_input(record) for record in story(2)]
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        zombie, successor, third = (Worker(kept, publisher, generation) for generation in (1, 2, 3))
        await zombie.start(None)
        await zombie.grouping.take(run_of(values[:50], 0))
        await successor.start(None)
        await successor.grouping.take(run_of(values[:200], 0))
        await successor.grouping.save()
        await zombie.grouping.save()
        await third.start(0)
        before = len(told(publisher))
        await third.grouping.take(run_of(values[:200], 0))
        await third.grouping.save()
        assert len(told(publisher)) == before, "all of this was known to the successor"
        await third.grouping.take(run_of(values[200:], 200))
        await third.grouping.save()
        assert by_id(told(publisher)) == by_id(expected(story(2)))

    play(test())


def test_what_cannot_be_read_is_refused_and_its_neighbours_are_taken() -> None:
    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1)
        await worker.start(None)
        good = [encode_input(record) for record in story(3)]
        bad = [b"{", None, b'{"anomaly": {"id": 3}}', b"\xff" * 50, b'{"progress": null, "anomaly": 7}']
        await worker.grouping.take(run_of([*bad[:3], *good, *bad[3:]], 0))
        await worker.grouping.save()
        letters = publisher.topic(TOPICS.dead_letters.name)
        assert [letter.value for letter in letters] == [b"{", b"" or None, *bad[2:]]
        assert by_incident(told(publisher)) == by_incident(expected(story(3)))

    play(test())


def test_a_saved_book_that_is_damaged_is_refused_and_a_new_one_begun() -> None:
    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        kept.append(0, b"0/1/0/0", b"no piece")
        for value in STATES.pack(0, PlacedState(40, b"no book")):
            kept.append(0, b"0/1/1/0", value)
        worker = Worker(kept, publisher, 2)
        await worker.start(None)
        await worker.grouping.take(run_of([encode_input(record) for record in story(4)], 0))
        await worker.grouping.save()
        assert by_incident(told(publisher)) == by_incident(expected(story(4)))

    play(test())


def controls(publisher: KeepingPublisher) -> list[Control]:
    return [read_control(one.value) for one in publisher.topic(TOPICS.control.name)]


def test_verdicts_become_control_records_beside_the_executions_of_each_application() -> None:
    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1)
        await worker.start(None)
        judged = [anomaly(name, 16.0) for name in ("shop", "stock", "till")]
        values = [encode_input(wrapped(one)) for one in judged]
        values += [encode_input(wrapped(verdict(one.id))) for one in judged]
        run = run_of([*values, encode_input(wrapped(verdict("nobody knows")))], 0)
        await worker.grouping.take(run)
        await worker.grouping.save()

        assert run.acked
        assert [control.application for control in controls(publisher)] == ["shop", "stock", "till"]
        for one in publisher.topic(TOPICS.control.name):
            assert one.key is not None
            assert one.partition == Partitioner(TOPICS.control.partitions).partition_of(one.key.decode())
        [letter] = publisher.topic(TOPICS.dead_letters.name)
        headers = dict(letter.headers)
        assert {b"incidents", b"UnknownSubject"} <= set(headers.values())
        assert not worker.failures

    play(test())


def test_a_lesson_is_sent_again_where_it_may_not_have_arrived() -> None:
    async def test() -> None:
        judged = anomaly("shop", 16.0)
        values = [encode_input(wrapped(judged)), encode_input(wrapped(verdict(judged.id)))]
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        for generation in (1, 2):
            worker = Worker(kept, publisher, generation)
            await worker.start(None)
            await worker.grouping.take(run_of(values, 0))
            await asyncio.sleep(0.01)  # killed here
        await worker.grouping.save()
        third = Worker(kept, publisher, 3)
        await third.start(2)
        await third.grouping.take(run_of(values, 0))
        await third.grouping.save()
        first, second = controls(publisher)
        assert first == second

    play(test())


def test_what_people_say_is_checked_and_passed_on() -> None:
    async def test() -> None:
        publisher = KeepingPublisher(FakeChangelog("none"))
        metrics = IncidentMetrics(CollectorRegistry())
        failures: list[BaseException] = []
        delivery = Delivery(publisher, TOPICS.dead_letters.name, metrics, 16, failures.append)
        hearing = Hearing(delivery, TOPICS, metrics, 31 * 86_400.0, lambda: None, lambda: 1e9)
        verdict = b'{"subject_id": "a1", "judgement": "confirmed", "judged_at": 5.0}'
        wrong = b'{"subject_id": "a1", "judgement": "maybe", "judged_at": 5.0}'
        window = b'{"window_id": "w", "starts_at": 5.0, "ends_at": 9.0, "environment": "test"}'
        backwards = b'{"window_id": "w", "starts_at": 9.0, "ends_at": 5.0}'
        for_ages = b'{"window_id": "w", "starts_at": 9.0, "ends_at": 9e10, "environment": "*"}'
        unreplaceable = b'{"subject_id": "a1", "judgement": "confirmed", "judged_at": 9e10}'
        runs = [
            run_of([verdict, wrong, None, unreplaceable], 0, TP(TOPICS.feedback.name, 1)),
            run_of([window, backwards, for_ages], 0, TP(TOPICS.maintenance.name, 0)),
        ]
        for run in runs:
            await hearing.take(run)
        await hearing.finish_runs()
        assert all(run.acked for run in runs)
        heard = [msgspec.json.decode(one.value or b"", type=IncidentInput) for one in publisher.topic(INPUT.topic)]
        assert heard[0].verdict is not None
        assert heard[0].verdict.subject_id == "a1"
        assert heard[1].maintenance is not None
        assert heard[1].maintenance.environment == "test"
        letters = publisher.topic(TOPICS.dead_letters.name)
        assert [letter.value for letter in letters] == [wrong, unreplaceable, backwards, for_ages]
        assert len(heard) == 2

    play(test())


@pytest.mark.parametrize("topic_id", ["before", "after"])
def test_incidents_go_on_where_their_input_was_made_anew_or_is_shorter(
    topic_id: str,
) -> None:
    async def extent(partitions: Sequence[int]) -> Extent:
        return Extent(topic_id, dict.fromkeys(partitions, 3))

    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        state = PlacedState(2**62, IncidentBook(SETTINGS).snapshot(), "before")
        for number, value in enumerate(STATES.pack(0, state)):
            kept.append(0, b"%d" % number, value)
        worker = Worker(kept, publisher, 1, extent)
        await worker.start(None)
        start = 0 if topic_id == "after" else 3
        values = [encode_input(wrapped(anomaly("shop", 20.0 * step, "critical"))) for step in range(5)]
        await worker.grouping.take(run_of(values, start))
        await worker.grouping.save()
        assert told(publisher)
        (saved,) = (await worker.states.load([0]))[0].values()
        assert saved is not None
        assert (saved.position, saved.topic_id) == (start + 5, topic_id)

    with capture_logs() as logs:
        asyncio.run(test())
    assert "incidents_input_begins_again" in {entry["event"] for entry in logs}
