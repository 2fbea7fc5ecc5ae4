"""The scoring agent while partitions come and go, and topics are made anew."""

import asyncio
import json
from concurrent.futures import Future

from faust.types import TP

from tests.streams.scoring.scoring_work import OTHER, RIGHT, TOPICS, WRONG, Work, execution, run


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


def test_what_was_learned_of_a_topic_that_was_made_anew_is_saved_at_once(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(n) for n in range(5)]))
        await work.delivery.idle()
        assert not work.publisher.topic(TOPICS.model_states.name)
        work.scoring.offsets_lost(TP(TOPICS.executions.name, RIGHT), 5, 0)
        await asyncio.gather(*work.scoring._spawned)  # nobody else saves it
        assert work.publisher.topic(TOPICS.model_states.name)
        await work.own(RIGHT, begin=0)  # the group rebalances
        await work.take(work.run_of([execution(90)]))
        assert work.scorer.learned[("shop", "")] == ["0", "1", "2", "3", "4", "90"]

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
