"""aiokafka's own fetcher against a broker in virtual time: what arrives is gathered, and nothing waits for longer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from tests.virtual_time import run_in_virtual_time
from tracehound.streams.kafka.runs.fetch_pace import MUCH_BYTES, FetchPace
from tracehound.streams.kafka.runs.run import RunListener

PARTITIONS = [TopicPartition("executions.v1", number) for number in range(12)]
GATHER_S = 0.03
ROUND_TRIP_S = 0.002
WAIT_S = 0.5


class Broker:
    """Answers a fetch as soon as there is a record of a partition that is asked for; it is aiokafka's client, too.

    ``asked_s`` has the moment of each fetch that it answered with records.
    """

    def __init__(self) -> None:
        self._loop, self._metadata_max_age_ms = asyncio.get_running_loop(), 60_000
        self.cluster = SimpleNamespace(leader_for_partition=lambda _: 1)
        self.asked_s: list[float] = []
        self._logs: dict[TopicPartition, list[bytes]] = {tp: [] for tp in PARTITIONS}
        self._more = asyncio.Event()

    def append(self, tp: TopicPartition, value: bytes = b"{}") -> None:
        self._logs[tp].append(value)
        self._more.set()
        self._more = asyncio.Event()

    async def send(self, _: int, request: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return request
        asked_s = time.monotonic()
        await asyncio.sleep(ROUND_TRIP_S)
        wanted = [(TopicPartition(topic, one), offset) for topic, own in request.topics for one, offset, _ in own]
        while not any(self._logs[tp][offset:] for tp, offset in wanted) and time.monotonic() < asked_s + WAIT_S:
            try:
                await asyncio.wait_for(self._more.wait(), asked_s + WAIT_S - time.monotonic())
            except TimeoutError:
                break
        given = [(tp.partition, 0, len(self._logs[tp]), -1, 0, None, self._batch(tp, at)) for tp, at in wanted]
        if any(one[-1] for one in given):
            self.asked_s.append(asked_s)
        return SimpleNamespace(API_VERSION=5, topics=[(PARTITIONS[0].topic, given)])

    def _batch(self, tp: TopicPartition, offset: int) -> bytes:
        if not (records := self._logs[tp][offset:]):
            return b""
        batch = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 30)
        for place, value in enumerate(records):
            batch.append(place, 1_000, None, value, [])
        built = batch.build()
        built[:8] = offset.to_bytes(8, "big")
        return bytes(built)


class Reading:
    """Takes what aiokafka's fetcher has, as soon as it has any.

    ``waited_s`` says of each record how long it took until it was dealt with, ``takes`` how many there were at once.
    """

    def __init__(self, broker: Broker, takes_s: Callable[[int], float]) -> None:
        self.broker, self._takes_s = broker, takes_s
        self.waited_s: list[float] = []
        self.takes: list[int] = []
        listener = RunListener()
        self._taken = listener.note_taken
        subscription = SubscriptionState()
        subscription.assign_from_user(PARTITIONS)
        for tp in PARTITIONS:
            subscription.subscription.assignment.state_value(tp).seek(0)
        self.fetcher = Fetcher(broker, subscription, fetch_max_wait_ms=int(WAIT_S * 1000))
        FetchPace(GATHER_S, lambda: listener.took_s).watch(SimpleNamespace(_client=broker, _fetcher=self.fetcher))

    async def read(self) -> None:
        while True:
            if fetched := await self.fetcher.fetched_records(PARTITIONS, timeout=1.0):
                records = [record for own in fetched.values() for record in own]
                begun_s = time.monotonic()
                await asyncio.sleep(self._takes_s(len(records)))
                self._taken(time.monotonic() - begun_s)
                self.takes.append(len(records))
                self.waited_s += [time.monotonic() - float(one.value or 0.0) for one in records if len(one.value) < 99]


def reading(write: Callable[[Broker], Awaitable[None]], takes_s: Callable[[int], float] = lambda _: 0.0) -> Reading:
    """What was read until half a minute after ``write`` had ended."""

    async def run() -> Reading:
        found = Reading(Broker(), takes_s)
        task = asyncio.create_task(found.read())
        await write(found.broker)
        await asyncio.sleep(30.0)
        task.cancel()
        await found.fetcher.close()
        return found

    return run_in_virtual_time(run())


def steady(per_s: float, seconds: float) -> Callable[[Broker], Awaitable[None]]:
    """So many records a second, each with its moment, one partition after the other."""

    async def write(broker: Broker) -> None:
        begun_s = time.monotonic()
        for number in range(int(per_s * seconds)):
            await asyncio.sleep(begun_s + number / per_s - time.monotonic())
            broker.append(PARTITIONS[number % len(PARTITIONS)], repr(time.monotonic()).encode())

    return write


@pytest.mark.parametrize("per_s", [40.0, 500.0, 5_000.0])
def test_however_few_there_are_records_are_fetched_no_more_often_than_is_meant(per_s: float) -> None:
    found = reading(steady(per_s, 2.0))
    assert sum(found.takes) == len(found.waited_s) == int(per_s * 2.0)
    assert min(now - before for before, now in pairwise(found.broker.asked_s)) >= GATHER_S - 1e-6
    assert max(found.waited_s) <= GATHER_S + 2 * ROUND_TRIP_S + 1e-6


@pytest.mark.parametrize("busy", [0.1, 0.5, 0.7])
def test_a_record_is_done_with_in_time_whatever_a_take_costs(busy: float) -> None:
    found = reading(steady(5_000.0, 2.0), lambda count: 0.003 + count * busy / 5_000.0)
    known = found.waited_s[len(found.waited_s) // 4 :]  # by then it is known what they cost
    assert max(known) <= GATHER_S + 4 * ROUND_TRIP_S
    assert len(found.takes) <= 2.0 * 2.0 / (GATHER_S * (1.0 - busy))


def test_what_comes_after_a_while_of_nothing_waits_for_nothing() -> None:
    async def now_and_then(broker: Broker) -> None:
        for pause_s in (5.0, 1.3, 0.031, 7.0):
            await asyncio.sleep(pause_s)
            broker.append(PARTITIONS[3], repr(time.monotonic()).encode())

    found = reading(now_and_then)
    assert found.takes == [1, 1, 1, 1]
    assert max(found.waited_s) <= ROUND_TRIP_S + 1e-6


def test_what_has_piled_up_is_fetched_without_a_pause() -> None:
    async def much(broker: Broker) -> None:
        for _ in range(20):
            broker.append(PARTITIONS[0], b"x" * MUCH_BYTES)
            await asyncio.sleep(ROUND_TRIP_S)

    found = reading(much)
    assert sum(found.takes) == 20
    assert found.broker.asked_s[-1] - found.broker.asked_s[0] < 20 * (2 * ROUND_TRIP_S)


def test_other_requests_are_passed_on() -> None:
    request = MetadataRequest(["executions.v1"])

    async def ask(broker: Broker) -> None:
        assert await broker.send(1, request) is request

    assert not reading(ask).takes
