"""What is to become of models: obeyed once, from its own topic only, and whatever is wrong with a record is told."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord
from faust.types import TP

from tests.streams.scoring.scoring_work import RIGHT, TOPICS, WRONG, Work, execution, run
from tracehound.schemas.control import CONTROL_HEADER, Control
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.obey_controls import Controlling

SHOP = ("shop", "")
RESET = Control("reset", "shop", asked_at=5.0, by="ann")


def controlling(work: Work, topic_id: str = "") -> Controlling:
    return Controlling(
        *(work.scorer, work.partitions, work.models, work.delivery, TOPICS, work.metrics, work.scoring.resting),
        *(lambda _: topic_id, lambda: None),
    )


def control_run(values: Sequence[Any], start: int = 0, partition: int = RIGHT) -> Run:
    encoded = [msgspec.json.encode(value) if isinstance(value, Control) else value for value in values]
    records = [
        ConsumerRecord(TOPICS.control.name, partition, start + n, 0, 0, b"shop", value, None, -1, -1, ())
        for n, value in enumerate(encoded)
    ]
    return Run(TP(TOPICS.control.name, partition), records)


def test_a_reset_is_obeyed_once_and_acknowledged_when_it_is_saved(work: Work) -> None:
    async def test() -> None:
        obeying = controlling(work)
        await work.take(work.run_of([execution(0), execution(1)]))
        asked = control_run([RESET])
        await obeying.take(asked)
        assert asked.acked
        assert SHOP not in work.scorer.learned
        assert [sent.key for sent in work.publisher.topic(TOPICS.models.name)] == [b"shop"]
        await work.take(work.run_of([execution(2)], start=2))
        again = control_run([RESET])
        await obeying.take(again)
        assert again.acked
        assert work.scorer.learned[SHOP] == ["2"]

    run(test())


def test_one_of_a_topic_that_was_made_anew_is_another(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(0)]))
        await controlling(work, "before").take(control_run([RESET], start=7))
        await work.take(work.run_of([execution(1)], start=1))
        await controlling(work, "after").take(control_run([RESET]))
        assert SHOP not in work.scorer.learned

    run(test())


def test_what_raises_is_buried_with_its_bytes_and_leaves_models_as_they_were(work: Work) -> None:
    async def test() -> None:
        def raising(_: object) -> None:
            work.scorer.learned[SHOP].append("half a lesson")
            raise ArithmeticError("no lesson for this")

        obey, work.models.obey = work.models.obey, raising  # type: ignore[assignment,method-assign]
        await work.take(work.run_of([execution(0)]))
        asked = control_run([RESET])
        await controlling(work).take(asked)
        assert asked.acked
        assert work.scorer.learned[SHOP] == ["0"]
        assert work.counted("dead_letters_total", error="UnexpectedFailure") == 1
        work.models.obey = obey  # type: ignore[method-assign]
        await controlling(work).take(control_run([RESET], start=1))
        assert SHOP not in work.scorer.learned

    run(test())


@pytest.mark.parametrize(
    ("value", "partition", "error"),
    [
        (b"{", RIGHT, "InvalidControl"),
        (b'{"verb":"drop","application":"shop"}', RIGHT, "InvalidControl"),
        (b'{"verb":"feedback","application":"shop"}', RIGHT, "InvalidControl"),
        (None, RIGHT, "InvalidControl"),
        (RESET, WRONG, "WrongPartition"),
    ],
)
def test_what_is_no_control_of_this_partition_is_a_dead_letter(
    work: Work, value: Any, partition: int, error: str
) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(0)]))
        asked = control_run([value], partition=partition)
        await controlling(work).take(asked)
        assert asked.acked
        assert work.counted("dead_letters_total", error=error) == 1
        assert work.scorer.learned[SHOP] == ["0"]

    run(test())


def test_nobody_is_obeyed_on_the_topic_of_executions(work: Work) -> None:
    async def test() -> None:
        await work.take(work.run_of([execution(0)]))
        forged = work.run_of([msgspec.json.encode(RESET)], start=1)
        forged.records[0].headers = ((CONTROL_HEADER, b"reset"),)
        await work.take(forged, work.run_of([execution(1)], start=2))
        await work.delivery.idle()
        assert work.scorer.learned[SHOP] == ["0", "1"]
        assert work.counted("dead_letters_total", error="MisplacedControl") == 1

    run(test())


def test_a_run_waits_until_the_states_of_its_partition_are_known(work: Work) -> None:
    async def test() -> None:
        work.partitions.assign([])
        asked = control_run([RESET])
        waiting = asyncio.create_task(controlling(work).take(asked))
        await asyncio.sleep(0.03)
        assert not asked.acked
        asked.outstanding = False
        await waiting
        assert not asked.acked

    run(test())


def test_a_lesson_that_is_read_before_what_its_models_know_leaves_them_knowing_it(work: Work) -> None:
    async def test() -> None:
        async def begin_again() -> None:
            work.partitions.assign([])
            await work.own(RIGHT)

        await work.take(work.run_of([execution(0), execution(1), execution(2)]))
        await work.save()
        await begin_again()  # nothing was committed: reading begins before what the state knows
        await controlling(work).take(control_run([Control("refit", "shop")]))
        await begin_again()
        await work.take(work.run_of([execution(0), execution(1), execution(2)]))
        await work.take(work.run_of([execution(3)], start=3))
        assert work.scorer.learned[SHOP] == ["0", "1", "2", "3"]

    run(test())
