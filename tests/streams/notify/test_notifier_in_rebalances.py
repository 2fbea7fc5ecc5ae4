"""A notifier whose group rebalances while it finds out what is owed."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from prometheus_client import CollectorRegistry

from tests.virtual_time import run_in_virtual_time
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.streams.notify.metrics import NotifyMetrics
from tracehound.streams.notify.notifier import Notifier
from tracehound.streams.notify.routing import Routes
from tracehound.streams.settings.notify import NotifySettings

TP = TopicPartition("severity", 0)


class FakeConsumer:
    """One partition with one record, paused until it is resumed; an answer takes a second."""

    def __init__(self) -> None:
        self._coordinator = self
        self.paused: set[TopicPartition] = set()
        self.position: dict[TopicPartition, int] = {}
        self.commit_s = 0.0
        self.committed: dict[TopicPartition, OffsetAndMetadata] = {TP: OffsetAndMetadata(0, "")}

    async def fetch_committed_offsets(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, Any]:
        known = dict(self.committed)
        await asyncio.sleep(1.0)
        return known

    async def beginning_offsets(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(tps, 0)

    async def end_offsets(self, tps: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(tps, 1)

    def assignment(self) -> set[TopicPartition]:
        return {TP}

    def pause(self, *tps: TopicPartition) -> None:
        self.paused.update(tps)

    def resume(self, *tps: TopicPartition) -> None:
        self.paused.difference_update(tps)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.position[tp] = offset

    async def getmany(self, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        await asyncio.sleep(timeout_ms / 1000)
        if TP in self.paused or self.position.get(TP) != 0:
            return {}
        self.position[TP] = 1
        return {TP: [ConsumerRecord("severity", 0, 0, 0, 0, b"k", b"no incident", None, -1, -1, ())]}

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        await asyncio.sleep(self.commit_s)
        self.committed |= offsets


def notifier_of(
    consumer: FakeConsumer,
    buried: list[DeadLetter],
    failures: list[BaseException],
    topic_ids: Iterable[str] = ("the same",) * 9,
) -> Notifier:
    ids = iter(topic_ids)

    async def topic_id() -> str:
        return next(ids)

    async def bury(letter: DeadLetter) -> None:
        buried.append(letter)

    metrics = NotifyMetrics(CollectorRegistry())
    return Notifier(
        *(consumer, Routes(NotifySettings()), {}, bury, metrics),
        *(float("inf"), 0.1, 1.0, failures.append),
        topic_id=topic_id,
    )


def test_a_partition_that_comes_back_meanwhile_is_read() -> None:
    async def test() -> None:
        buried: list[DeadLetter] = []
        consumer, stop, failures = FakeConsumer(), asyncio.Event(), list[BaseException]()
        notifier = notifier_of(consumer, buried, failures)
        notifier.on_partitions_assigned([TP])
        running = asyncio.create_task(notifier.run(stop))
        await asyncio.sleep(0.5)  # it waits for what is committed
        await notifier.on_partitions_revoked([TP])
        await asyncio.sleep(0.7)  # it has found out, while the group rebalances
        notifier.on_partitions_assigned([TP])
        await asyncio.sleep(10.0)
        stop.set()
        await running
        assert (len(buried), failures) == (1, [])
        assert consumer.committed[TP].offset == 1

    run_in_virtual_time(test())


def test_no_commit_is_under_way_once_a_partition_is_another_s() -> None:
    async def test() -> None:
        buried: list[DeadLetter] = []
        consumer, stop, failures = FakeConsumer(), asyncio.Event(), list[BaseException]()
        notifier = notifier_of(consumer, buried, failures)
        consumer.commit_s = (
            30.0  # brokers are away, and the client tries again, whatever becomes of the group meanwhile
        )
        notifier.on_partitions_assigned([TP])
        running = asyncio.create_task(notifier.run(stop))
        await asyncio.sleep(5.0)
        assert (len(buried), consumer.committed[TP].offset) == (1, 0)
        await notifier.on_partitions_revoked([TP])
        assert consumer.committed[TP].offset == 1
        consumer.committed[TP] = OffsetAndMetadata(9, "")  # the next owner goes on
        await asyncio.sleep(100.0)
        assert consumer.committed[TP].offset == 9
        stop.set()
        await running
        assert failures == []

    run_in_virtual_time(test())


@pytest.mark.parametrize(("now", "told"), [("before", 0), ("after", 1)])
def test_all_that_a_topic_holds_that_was_made_anew_is_told_also_before_the_group_rebalances(
    now: str, told: int
) -> None:
    async def test() -> None:
        buried: list[DeadLetter] = []
        consumer, stop, failures = FakeConsumer(), asyncio.Event(), list[BaseException]()
        consumer.committed.clear()
        notifier = notifier_of(consumer, buried, failures, ("before", "before", now))
        notifier.on_partitions_assigned([TP])
        running = asyncio.create_task(notifier.run(stop))
        await asyncio.sleep(5.0)
        assert (len(buried), consumer.committed[TP].offset) == (0, 1), "what was there before the first start"
        await notifier.on_partitions_revoked([TP])
        consumer.committed.clear()
        notifier.on_partitions_assigned([TP])
        await asyncio.sleep(5.0)
        stop.set()
        await running
        assert (len(buried), failures) == (told, [])
        assert consumer.committed[TP].offset == 1

    run_in_virtual_time(test())


@pytest.mark.parametrize(("now", "told"), [("before", 0), ("after", 1)])
def test_what_was_committed_of_a_topic_that_is_no_more_does_not_count(now: str, told: int) -> None:
    async def test() -> None:
        buried: list[DeadLetter] = []
        consumer, stop, failures = FakeConsumer(), asyncio.Event(), list[BaseException]()
        consumer.committed[TP] = OffsetAndMetadata(1, "")
        notifier = notifier_of(consumer, buried, failures, ("before", "before", now))
        notifier.on_partitions_assigned([TP])
        running = asyncio.create_task(notifier.run(stop))
        await asyncio.sleep(1.2)  # it owns the partition, and has committed nothing of it yet
        consumer.committed.clear()  # the topic is made anew, and soon has one record again
        await asyncio.sleep(5.0)
        assert consumer.committed[TP].offset == 1
        await notifier.on_partitions_revoked([TP])
        notifier.on_partitions_assigned([TP])
        await asyncio.sleep(5.0)
        stop.set()
        await running
        assert (len(buried), failures) == (told, [])
        assert consumer.committed[TP].offset == 1

    run_in_virtual_time(test())


def test_a_first_start_that_a_rebalance_overtook_commits_nothing() -> None:
    async def test() -> None:
        buried: list[DeadLetter] = []
        consumer, stop, failures = FakeConsumer(), asyncio.Event(), list[BaseException]()
        consumer.committed.clear()
        notifier = notifier_of(consumer, buried, failures)
        notifier.on_partitions_assigned([TP])
        running = asyncio.create_task(notifier.run(stop))
        await asyncio.sleep(0.5)  # it waits to hear that nothing is committed
        await notifier.on_partitions_revoked([TP])
        consumer.committed[TP] = OffsetAndMetadata(0, "")  # another one begins, and has told nobody yet
        notifier.on_partitions_assigned([TP])
        await asyncio.sleep(10.0)
        stop.set()
        await running
        assert (len(buried), failures) == (1, [])

    run_in_virtual_time(test())
