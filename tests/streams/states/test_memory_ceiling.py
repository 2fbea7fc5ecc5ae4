"""Memory is bounded whatever applications come, and nobody's models show that they were away."""

import asyncio
import gc
import random
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry

from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey, Execution, Segment
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.states.memory_ceiling import MemoryCeiling
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partition, Partitions, Seen
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.used_models import UsedModels

APPLICATIONS, A_RUN, ROUNDS = 300, 10, 2
SMALL = DetectionSettings(
    first_refit=64, reservoir=64, refit_delay=100, window_s=2.0, lateness_s=0.5, applications_per_worker=10_000
)


class Sized:
    """A core that says how large it is."""

    def __init__(self, applications: int, state_bytes: int) -> None:
        self.applications = applications
        self.state_bytes = state_bytes
        self.asked = 0

    def statistics(self) -> dict[str, int]:
        self.asked += 1
        return {"applications": self.applications, "state_bytes": self.state_bytes}


def ceiling(core: Any, ceiling_bytes: int, clock: Callable[[], float] = lambda: 0.0) -> MemoryCeiling:
    return MemoryCeiling(core, ceiling_bytes, clock)


def test_what_is_above_the_ceiling_is_counted_in_applications_of_average_size() -> None:
    core = Sized(10, 1_000)
    assert (ceiling(core, 1_000).surplus(True), ceiling(core, 999).surplus(True)) == (0, 1)
    assert (ceiling(core, 800).surplus(True), ceiling(core, 750).surplus(True)) == (2, 3)
    assert (ceiling(core, 1_099).room(), ceiling(core, 1_250).room(), ceiling(core, 500).room()) == (0, 2, 0)


def test_a_core_without_models_is_below_any_ceiling() -> None:
    assert (ceiling(Sized(0, 0), 5).surplus(True), ceiling(Sized(0, 0), 5).room()) == (0, 5)


def test_without_a_ceiling_nobody_is_asked() -> None:
    core = Sized(10, 10**12)
    assert ceiling(core, 0).surplus(True) == 0
    assert ceiling(core, 0).room() > 10**6
    assert core.asked == 0


def test_measuring_takes_a_small_part_of_the_time_where_it_is_not_urgent() -> None:
    core = Sized(10, 1_000)
    times = iter([0.0, 0.0, 0.01, 0.1, 0.2, 0.3, 0.3, 0.3])
    bounded = ceiling(core, 500, lambda: next(times))
    assert bounded.surplus(False) == 5  # until 0.01: the next not before 0.21
    assert (bounded.surplus(False), bounded.surplus(False), core.asked) == (0, 0, 1)
    assert bounded.surplus(False) == 5


def test_what_does_not_fit_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    bounded = ceiling(Sized(1, 7_000_000), 5_000_000)
    bounded.cannot_be_kept()
    bounded.cannot_be_kept()
    assert capsys.readouterr().out.count("'model_memory_mb' must hold the applications of one fetched run. Got 5") == 1


# --- with the real core


def arrays(root: object) -> int:
    """Bytes of all arrays that hang on ``root``, used or not."""
    seen, waiting, total = {id(root)}, [root], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, np.ndarray):
            total += one.nbytes if one.base is None else 0
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, type | ModuleType) and not callable(other):
                seen.add(id(other))
                waiting.append(other)
    return total


def traffic(rounds: int) -> Iterator[tuple[list[ApplicationKey], list[Execution]]]:
    """Runs of ten applications each, which all come in every round, with one to five operations."""
    draw = random.Random(5)
    number = 0
    for _ in range(rounds):
        names = [f"app-{name}" for name in range(APPLICATIONS)]
        draw.shuffle(names)
        for begin in range(0, APPLICATIONS, A_RUN):
            some = names[begin : begin + A_RUN]
            executions = []
            for _ in range(35 * A_RUN):
                name = draw.choice(some)
                number += 1
                operation = f"GET /{draw.randrange(1 + hash_of(name) % 5)}"
                segments = [Segment("SELECT", draw.lognormvariate(1.0, 0.3), "db", peer="database")]
                ms = draw.lognormvariate(3.0, 0.2)
                executions.append(Execution(name, operation, 1.7e9 + number * 0.05, ms, segments=segments))
            yield [(name, "") for name in some], executions


def hash_of(name: str) -> int:
    return int(name.split("-")[1])


class Bounded:
    """A worker's real core and its stored states, below a ceiling; one partition."""

    def __init__(self, publisher: Any, states: ModelStates, record: Any, ceiling_bytes: int) -> None:
        self.scorer = Scorer(SMALL, InlineFitter())
        self.states = states
        self.record = record
        metrics = Metrics(CollectorRegistry())
        self.sent_away = metrics.applications_sent_away
        used = UsedModels(self.scorer.forget)
        self.partitions = Partitions(used.forget)
        delivery = Delivery(publisher, "dead", metrics, 4, lambda error: None)
        self.models = ResidentModels(
            self.scorer, used, self.partitions, states, delivery, metrics, 10_000, ceiling_bytes=ceiling_bytes
        )

    async def own(self) -> Partition:
        self.partitions.assign([0])
        self.partitions.positioned({0: None})
        await self.models.load(self.partitions.unloaded())
        return next(iter(self.partitions))

    async def take(self, partition: Partition, keys: list[ApplicationKey], executions: list[Execution]) -> None:
        run = Run(TP("executions", 0), [self.record(b"", 0, partition.scored_to)])
        await self.models.fetch(partition, keys, 0.0)
        for begin in range(0, len(executions), self.scorer.chunk):
            self.scorer.score(executions[begin : begin + self.scorer.chunk])
        for key in keys:
            partition.applications.setdefault(key, Seen())
            partition.dirty.setdefault(key, run.start)
        partition.note_scored(run.end)
        partition.held.append(run)
        run.finish()


def test_many_applications_pass_below_a_ceiling_for_a_few_and_learn_as_if_there_was_none(
    model_states: Callable[..., ModelStates], fake_publisher: Any, record: Any
) -> None:
    unbounded = Scorer(SMALL, InlineFitter())
    for _, executions in traffic(ROUNDS):
        unbounded.score(executions)
    average = unbounded.statistics()["state_bytes"] / APPLICATIONS
    most = int(60 * average)

    async def test() -> None:
        bounded = Bounded(fake_publisher, model_states(), record, most)
        partition = await bounded.own()
        state_bytes, array_bytes = [], []
        for number, (keys, executions) in enumerate(traffic(ROUNDS)):
            await bounded.take(partition, keys, executions)
            state_bytes.append(bounded.scorer.statistics()["state_bytes"])
            if number % 10 == 9:
                array_bytes.append(arrays(bounded.scorer))
        assert max(state_bytes) <= most + 2 * A_RUN * average, "applications differ in size by less than two"
        assert min(state_bytes[10:]) > most / 2, "no more leave than have to"
        assert len(set(array_bytes[1:])) == 1, "what is given back is used again"
        assert array_bytes[-1] < arrays(unbounded) / 2
        assert bounded.sent_away._value.get() >= APPLICATIONS
        while batches := bounded.models.take(1.0):
            assert await bounded.models.write(batches)
        for key in unbounded.applications():
            assert await bounded.states.snapshot(0, key) == unbounded.snapshot(key), key

    asyncio.run(test())


def test_an_application_larger_than_the_ceiling_works(
    model_states: Callable[..., ModelStates], fake_publisher: Any, record: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test() -> None:
        bounded = Bounded(fake_publisher, model_states(), record, 1_000)
        partition = await bounded.own()
        runs = list(traffic(1))
        for (large,), executions in ((keys[:1], executions) for keys, executions in runs[:3]):
            mine = [one for one in executions if one.application == large[0]]
            for begin in (0, 10, 20):
                await bounded.take(partition, [large], mine[begin : begin + 10])
            assert bounded.scorer.applications() == [large]
        assert capsys.readouterr().out.count("model_memory_exceeded") == 1

    asyncio.run(test())
