"""The input of incidents made anew while a worker reads it."""

import asyncio

from tests.detectors.incidents.records import anomaly, wrapped
from tests.streams.conftest import FakeChangelog, KeepingPublisher
from tests.streams.incidents.test_group_incidents import INPUT, TOPICS, Worker, run_of, told
from tests.streams.made_anew import RemadeTopic
from tracehound.schemas.incident_input import encode_input


def test_all_that_the_new_input_holds_is_grouped() -> None:
    topic = RemadeTopic(9)

    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1, topic.extent)
        await worker.start(None)
        before = [encode_input(wrapped(anomaly("shop", 20.0 * step, "critical"))) for step in range(5)]
        await worker.grouping.take(run_of(before, 0))
        await worker.grouping.save()
        known = len(told(publisher))
        topic.make_anew(2)
        worker.grouping.offsets_lost(INPUT, 5, 0)
        await asyncio.gather(*worker.loading)
        after = [encode_input(wrapped(anomaly("till", 200.0 + 20.0 * step, "critical"))) for step in range(2)]
        await worker.grouping.take(run_of(after, 0))
        await worker.grouping.save()
        assert any("till" in event.data.applications for event in told(publisher)[known:])
        statistics = worker.grouping.statistics()
        assert statistics["applications"] == 2, "what was known of the others is kept"

    asyncio.run(test())


def test_what_is_saved_is_of_the_new_input_also_where_nothing_was_read_of_the_old_one() -> None:
    topic = RemadeTopic(0)

    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1, topic.extent)
        await worker.start(None)
        topic.make_anew(1)
        worker.grouping.offsets_lost(INPUT, 0, 0)
        await asyncio.gather(*worker.loading)
        await worker.grouping.take(run_of([encode_input(wrapped(anomaly("shop", 20.0, "critical")))], 0))
        await worker.grouping.save()
        state = (await worker.states.load([0]))[0][0]
        assert state is not None
        assert (state.position, state.topic_id) == (1, "after"), "else its position means nothing to the next worker"

    asyncio.run(test())


def test_what_is_saved_is_of_the_new_input_also_where_that_was_made_between_assignment_and_reading() -> None:
    topic = RemadeTopic(9)

    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        worker = Worker(kept, publisher, 1, topic.extent)
        await worker.grouping.assigned([INPUT])
        await asyncio.gather(*worker.loading)
        topic.make_anew(1)
        worker.grouping.positioned({INPUT: None})  # whoever reads knows of no other topic before this one
        await asyncio.gather(*worker.loading)
        await worker.grouping.take(run_of([encode_input(wrapped(anomaly("shop", 20.0, "critical")))], 0))
        await worker.grouping.save()
        state = (await worker.states.load([0]))[0][0]
        assert state is not None
        assert (state.position, state.topic_id) == (1, "after")

    asyncio.run(test())


def test_what_another_worker_saved_meanwhile_is_loaded_also_where_nothing_had_been_saved_before() -> None:
    async def test() -> None:
        kept = FakeChangelog(TOPICS.incident_states.name)
        publisher = KeepingPublisher(kept)
        frozen, other = Worker(kept, publisher, 1), Worker(kept, publisher, 2)
        await frozen.start(None)
        await other.start(None)
        values = [encode_input(wrapped(anomaly("shop", 20.0 * step, "critical"))) for step in range(5)]
        await other.grouping.take(run_of(values, 0))
        await other.grouping.save()
        frozen.grouping.positioned({INPUT: 5})
        await asyncio.gather(*frozen.loading)
        assert frozen.grouping.statistics() == other.grouping.statistics()
        assert frozen.grouping.statistics()["applications"] == 1

    asyncio.run(test())
