"""Whatever interrupts workers: every application learns its executions in order and once, and no anomaly is lost."""

import asyncio
import logging
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.broken_protocols import AcknowledgesBeforeWriting, WritesBeforeDelivery
from tests.streams.conftest import FakeScorer
from tests.streams.restarts import PARTITIONS, Said, Step, Story, World, applications
from tracehound.detectors.forests.fitting import InlineFitter
from tracehound.detectors.packed.snapshot import pack, unpack
from tracehound.detectors.scoring.scored_batch import ScoredBatch
from tracehound.detectors.scoring.scorer import Scorer
from tracehound.detectors.settings import DetectionSettings
from tracehound.schemas.execution import ApplicationKey, Execution, ExecutionHead
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.states.resident_models import ResidentModels

NAMES = [applications(0, 3), applications(1, 2)]
PLAIN = [(0, number, number % 4 == 0, False) for number in range(20)]
SMALL = DetectionSettings(first_refit=64, reservoir=64, refit_delay=16, window_s=2.0, lateness_s=0.5)


class SmallChunks(FakeScorer):
    """The fake core with several chunks in a run."""

    chunk = 3


class StumblingScorer(Scorer):
    """The real core, which learns half of what it is given next and raises where it ``stumbles``."""

    stumbles = False

    def score(self, executions: Sequence[ExecutionHead]) -> ScoredBatch:
        if self.stumbles:
            self.stumbles = False
            super().score(executions[: len(executions) // 2])
            raise MemoryError("no room for a moment")
        return super().score(executions)


@pytest.fixture(autouse=True)
def no_tracebacks() -> None:
    """To print one for each example takes most of the time."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def write(world: World, records: Sequence[tuple[int, int, bool, bool]]) -> None:
    """Write records: partition, application, whether slow, and whether it comes with an origin.

    Every third one with an origin is written again later, as a replaying intake does.
    """
    for number, (partition, application, slow, has_origin) in enumerate(records):
        name = NAMES[partition][application % len(NAMES[partition])]
        said = Said(name, f"t{number}", slow, number if has_origin else None)
        world.write(partition, said)
        if has_origin and number % 3 == 0:
            world.write(partition, said)


STEPS: dict[str, int] = {
    "take": 8,
    "take_together": 4,
    "save": 2,
    "save_some": 3,
    "save_in_background": 2,
    "commit": 4,
    "hold": 1,
    "flow": 1,
    "seek": 1,
    "own_anew": 1,
    "kill": 2,
    "stop": 1,
    "fuse": 3,
    "compact": 1,
    "stumble": 2,
    "zombie": 1,
    "zombie_acts": 2,
}
names = st.sampled_from([name for name, weight in STEPS.items() for _ in range(weight)])
steps = st.lists(st.tuples(names, st.integers(0, 9), st.integers(0, 9)), max_size=40)
records = st.lists(
    st.tuples(st.integers(0, PARTITIONS - 1), st.integers(0, 2), st.booleans(), st.booleans()), min_size=5, max_size=60
)


def tell(
    said: Sequence[tuple[int, int, bool, bool]],
    happening: Sequence[Step],
    models: Callable[..., ResidentModels] = ResidentModels,
    delivery: Callable[..., Delivery] = Delivery,
) -> list[str]:
    async def story() -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder), SmallChunks, models, delivery)
            write(world, said)
            await Story(world).happen(happening)
            return await world.problems()

    return asyncio.run(story())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records, steps)
def test_everything_is_learned_in_order_and_once_and_every_anomaly_is_published(
    said: list[tuple[int, int, bool, bool]], happening: list[Step]
) -> None:
    assert tell(said, happening) == []


# --- with the real core


def write_traffic(world: World, seed: int, count: int) -> None:
    """Traffic of all applications with an operation or two, now and then a slow one."""
    draw = random.Random(seed)
    for number in range(count):
        partition = draw.randrange(PARTITIONS)
        name = draw.choice(NAMES[partition])
        said = Said(
            name,
            f"t{number}",
            draw.random() < 0.01,
            None,
            f"GET /{draw.choice('ab')}",
            1_767_225_600.0 + number / 8,
            draw.lognormvariate(3.0, 0.2),
        )
        world.write(partition, said)


def uninterrupted(world: World) -> dict[ApplicationKey, bytes]:
    scorer = Scorer(SMALL, InlineFitter())
    for said in world.expected.values():
        scorer.score(
            [Execution(one.application, one.operation, one.started_s, one.ms, trace_id=one.trace_id) for one in said]
        )
    return {key: scorer.snapshot(key) for key in world.expected}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1_000), steps)
def test_the_models_are_bit_for_bit_those_of_a_run_without_interruption(seed: int, happening: list[Step]) -> None:
    async def story() -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder), lambda: StumblingScorer(SMALL, InlineFitter()))
            write_traffic(world, seed, 900)
            await Story(world, run_size=60).happen(happening)
            wanted = {key: without_silence(snapshot) for key, snapshot in uninterrupted(world).items()}
            found = {key: without_silence(snapshot) for key, snapshot in (await world.stored("inspected")).items()}
            assert found == wanted

    asyncio.run(story())


def without_silence(snapshot: bytes) -> bytes:
    """A snapshot without what wall time decides."""
    state = unpack(snapshot)
    state["numbers"]["silent_since_s"] = None
    return pack(state)


# --- scoring that fails


@pytest.mark.parametrize("again", [[], [("stumble", 0, 0), ("take", 0, 9)]], ids=["once", "and when scored with care"])
@pytest.mark.parametrize("core", [SmallChunks, lambda: StumblingScorer(SMALL, InlineFitter())], ids=["fake", "real"])
def test_a_chunk_that_raises_is_learned_once(core: Callable[[], Any], again: list[Step]) -> None:
    async def story() -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder), core)
            write(world, PLAIN)
            happening = [("take", 0, 4), ("save_some", 0, 0), ("stumble", 0, 0), ("take", 0, 9), *again]
            await Story(world).happen(happening)
            if core is SmallChunks:
                assert await world.problems() == []
            else:
                stored = {key: unpack(snapshot) for key, snapshot in (await world.stored("inspected")).items()}
                learned = {key: state["numbers"]["seen"] for key, state in stored.items()}
                assert learned == {key: len(said) for key, said in world.expected.items()}

    asyncio.run(story())


# --- the checker notices a protocol that is broken


def test_states_written_after_the_acknowledgement_are_noticed() -> None:
    happening = [
        *[("take", 0, 9), ("hold", 0, 0), ("save_in_background", 0, 0)],
        *[("take", 0, 0), ("commit", 0, 0), ("kill", 0, 0)],
    ]
    assert tell(PLAIN, happening) == []
    problems = tell(PLAIN, happening, models=AcknowledgesBeforeWriting)
    assert any("learned" in problem for problem in problems)


def test_states_written_before_everything_is_delivered_are_noticed() -> None:
    happening = [("fuse", 0, 2), ("take", 0, 9), ("save", 0, 0), ("kill", 0, 0)]
    assert tell(PLAIN, happening) == []
    problems = tell(PLAIN, happening, delivery=WritesBeforeDelivery)
    assert any("never published" in problem for problem in problems)
