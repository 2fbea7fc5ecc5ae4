"""A producer that makes up names of applications fills neither memory nor topics, and those that are real stay."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from tests.streams.scoring.scoring_work import RIGHT, Work, execution, run
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.states.model_states import ModelStates

MOST = 20
NAMES = [name for name in map("worker-{}".format, range(999)) if Partitioner(4).partition_of(name) == RIGHT]


@pytest.fixture
def crowded(
    fake_scorer: Any,
    fake_publisher: Any,
    record: Callable[..., ConsumerRecord],
    model_states: Callable[..., ModelStates],
) -> Work:
    return Work(fake_scorer, fake_publisher, record, model_states(), most_per_partition=MOST)


def test_made_up_names_are_forgotten_with_their_states_and_the_real_application_learns_on(crowded: Work) -> None:
    async def test() -> None:
        sent = 0
        for at, name in enumerate(NAMES[:150]):
            await crowded.take(crowded.run_of([execution(at), execution(at, application=name)], start=sent))
            sent += 2
            crowded.now_s += 7.0
            if at % 10 == 0:
                await crowded.save()
        await crowded.save()
        partition = crowded.partitions.get(RIGHT)
        assert partition is not None
        assert len(crowded.scorer.learned["shop", ""]) == 150
        assert len(partition.applications) <= MOST + 1
        assert set(crowded.scorer.learned) == set(partition.applications)
        assert crowded.counted("applications_crowded_out_total") == 151 - len(partition.applications)
        assert crowded.counted("dead_letters_total", error="TooManyApplications") == 0
        heads = (await crowded.states.load([RIGHT]))[RIGHT]
        assert set(heads) == set(partition.applications)
        assert all(one.acked for one in crowded.runs)

    run(test())


def test_names_that_are_kept_in_use_leave_no_room_for_more_and_all_that_was_known_learns_on(crowded: Work) -> None:
    async def test() -> None:
        known = ["shop", *NAMES[: MOST - 1]]
        for round_ in range(2):
            values = [execution(round_, application=name) for name in known]
            await crowded.take(crowded.run_of(values, start=round_ * MOST))
            crowded.now_s += 5.0
        new = execution(9, application=NAMES[MOST])
        await crowded.take(crowded.run_of([execution(2), new, execution(3)], start=2 * MOST))
        await crowded.delivery.idle()
        assert crowded.scorer.learned["shop", ""] == ["0", "1", "2", "3"]
        assert (NAMES[MOST], "") not in crowded.scorer.learned
        assert crowded.counted("dead_letters_total", error="TooManyApplications") == 1
        assert crowded.counted("applications_crowded_out_total") == 0
        crowded.now_s += 60.0  # all of them have been quiet for longer than they were heard
        await crowded.scoring.retire(86_400.0)
        await crowded.take(crowded.run_of([new], start=2 * MOST + 3))
        assert (NAMES[MOST], "") in crowded.scorer.learned

    run(test())
