"""Brokers that are slow or away: what is held stays bounded, and goes on where it was."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.streams.conftest import PARTITIONS, FakeScorer, Reader, until
from tests.streams.restarts import Said, Worker, World, applications
from tracehound.infra.kafka.broker import Broker
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.states.resident_models import ResidentModels

MOST_HELD, IN_FLIGHT, RUNS = 5, 3, 60


@pytest.mark.parametrize("leads_to_anomalies", [True, False])
def test_while_the_broker_takes_nothing_few_runs_are_held_and_afterwards_nothing_is_missing(
    leads_to_anomalies: bool,
) -> None:
    async def test(world: World) -> None:
        names = applications(0, 3)
        for number in range(RUNS):
            world.write(0, Said(names[number % 3], f"t{number}", leads_to_anomalies))
        worker = Worker(world)
        await worker.own()
        worker.publisher.gate.clear()

        async def take_all() -> None:
            for _ in range(RUNS):
                await worker.take(0, 1)

        taking = asyncio.create_task(take_all())
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(taking), 0.2)
        assert not taking.done(), "reading waits"
        (runs, _), (held, _) = worker._runs, (one.held for one in worker.partitions)
        assert len(held) <= MOST_HELD + 1
        assert len(worker.delivery._in_flight) <= IN_FLIGHT
        assert len(runs) <= MOST_HELD + IN_FLIGHT + 1
        assert sum(len(one.records) for one in runs) <= 1, "records are let go of once they are scored"
        worker.publisher.gate.set()
        await taking
        await worker.stop()
        assert await world.problems() == []
        await worker.kill()

    with tempfile.TemporaryDirectory() as folder:
        models = partial(ResidentModels, most_held=MOST_HELD)
        asyncio.run(test(World(Path(folder), FakeScorer, models, most=10)))


class Stuck(Reader):
    """A reader whose agent does nothing before it may."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.may = asyncio.Event()

    async def take(self, run: Run) -> None:
        await self.may.wait()
        await super().take(run)

    def fetched(self) -> int:
        """Records that were fetched and not yet acknowledged."""
        return sum(len(run.records) for one in self.app.consumer._handovers.values() for run in one.runs)


@pytest.mark.parametrize("any_kafka", ["embedded"], indirect=True)
def test_while_nothing_is_scored_little_is_fetched(any_kafka: Broker, topic: str, produce: Callable[..., None]) -> None:
    each, a_fetch, buffers = 1_500, 50, 4
    produce(count=each)

    async def test() -> None:
        options: dict[str, Any] = {"broker_max_poll_records": a_fetch, "stream_buffer_maxsize": buffers}
        async with Stuck(any_kafka.bootstrap_servers, topic, f"{topic}group", any_kafka.embedded, **options) as stuck:
            await until(lambda: stuck.fetched() > 0, "something is fetched")
            await asyncio.sleep(1.5)  # long enough to fetch everything
            assert stuck.fetched() <= PARTITIONS * buffers * a_fetch + a_fetch
            stuck.may.set()
            await until(lambda: len(stuck.seen) >= PARTITIONS * each, "everything is read")
            assert sorted(stuck.seen) == [(number, offset) for number in range(PARTITIONS) for offset in range(each)]

    asyncio.run(test())
