"""A log, a state topic and committed offsets in memory, and workers on them that are interrupted anywhere."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import ConsumerRecord
from faust.types import TP
from prometheus_client import CollectorRegistry

from tests.streams.conftest import FakeChangelog
from tracehound.schemas.execution import ApplicationKey
from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.kafka.forwarding import Partitioner, origin_headers
from tracehound.streams.kafka.publisher import Outgoing
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.scoring.read_run import RunReader
from tracehound.streams.scoring.report_progress import ProgressLedger
from tracehound.streams.scoring.score_executions import Scoring
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partitions
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.used_models import UsedModels

PARTITIONS = 2
TOPICS = Topics(partitions=PARTITIONS)
_PATIENT_TICKS = 300
_STOP_S = 60.0


def applications(partition: int, count: int) -> list[str]:
    """Names that belong in a partition."""
    partitioner = Partitioner(PARTITIONS)
    names = (f"app-{number}" for number in range(1_000))
    return [name for name in names if partitioner.partition_of(name) == partition][:count]


@dataclass(frozen=True)
class Said:
    """One record: an execution, and the number it has at its origin, if it has one."""

    application: str
    trace_id: str
    slow: bool = False
    origin: int | None = None
    operation: str = "GET /"
    started_s: float = 1_767_225_600.0
    duration_ms: float = 5.0

    @property
    def ms(self) -> float:
        """How long it took."""
        return 20_000.0 if self.slow else self.duration_ms

    @property
    def value(self) -> bytes:
        return json.dumps(
            {
                "application": self.application,
                "operation": self.operation,
                "started_at": self.started_s,
                "duration_ms": self.ms,
                "trace_id": self.trace_id,
            }
        ).encode()


@dataclass
class Fuse:
    """Blows at the ``calls``-th record sent: the sender hangs (the record sent or not) or raises."""

    calls: int
    kind: str
    blown: asyncio.Event = field(default_factory=asyncio.Event)

    async def burn(self, send: Callable[[], None]) -> None:
        self.calls -= 1
        if self.calls >= 0 or (self.kind == "error" and self.calls < -1):
            return send()
        if self.kind == "error":
            raise RuntimeError("the producer failed")
        if self.kind == "sent":
            send()
        self.blown.set()
        await asyncio.Event().wait()
        return None


class World:
    """What outlives workers.

    Parameters:
        folder: where copies of states are kept.
        scorer: makes the core of a worker.
        models: makes what keeps a worker's models and states in step.
    """

    def __init__(
        self,
        folder: Path,
        scorer: Callable[[], Any],
        models: Callable[..., ResidentModels] = ResidentModels,
        delivery: Callable[..., Delivery] = Delivery,
        most: int = 2,
    ) -> None:
        self.folder = folder
        self.scorer = scorer
        self.models = models
        self.delivery = delivery
        self.most = most
        self.log: list[list[ConsumerRecord]] = [[] for _ in range(PARTITIONS)]
        self.expected: defaultdict[ApplicationKey, list[Said]] = defaultdict(list)
        self.committed: list[int | None] = [None] * PARTITIONS
        self.changelog = FakeChangelog(TOPICS.model_states.name)
        self.published: list[str] = []
        self.fuse = Fuse(10**9, "hang")
        self.generation = 0
        self.folders = 0

    def write(self, partition: int, said: Said) -> None:
        """A producer writes a record; ``expected`` is what has to be learned."""
        headers = origin_headers([], TOPICS.spans.name, 0, said.origin) if said.origin is not None else []
        offset = len(self.log[partition])
        self.log[partition].append(
            ConsumerRecord(
                TOPICS.executions.name,
                *(partition, offset, 1_767_225_600_000, 0, said.application.encode(), said.value, None, -1, -1),
                tuple(headers),
            )
        )
        known = self.expected[said.application, ""]
        if said.origin is None or all(one.origin is None or one.origin < said.origin for one in known):
            known.append(said)

    def publisher(self) -> "_Publisher":
        return _Publisher(self)

    async def stored(self, name: str) -> dict[ApplicationKey, bytes]:
        """What someone finds who has nothing but the state topic."""
        folder = self.folder / name
        states = ModelStates(TOPICS.model_states.name, lambda: folder, self.changelog, self.publisher(), lambda: 0)
        try:
            heads = await states.load(range(PARTITIONS))
            return {key: await states.snapshot(number, key) or b"" for number in heads for key in heads[number]}
        finally:
            states.close()

    async def problems(self) -> list[str]:
        """What is wrong once the last worker has read everything and stopped: with the fake core."""
        found = []
        stored = await self.stored("inspected")
        for key, said in self.expected.items():
            wanted = [one.trace_id for one in said]
            learned = json.loads(stored[key])[1] if key in stored else []
            if learned != wanted:
                found.append(f"{key[0]} learned {learned}, not {wanted}")
            missing = [one.trace_id for one in said if one.slow and one.trace_id not in self.published]
            if missing:
                found.append(f"anomalies of {key[0]} were never published: {missing}")
        ends = [len(records) or None for records in self.log]
        if [offset or None for offset in self.committed] != ends:
            found.append(f"committed are {self.committed}, not {ends}")
        return found


class _Publisher:
    """Sends to the world's topics, and waits while ``gate`` is closed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish(self, outgoing: Outgoing) -> None:
        await self.gate.wait()
        await asyncio.sleep(0)
        await self._world.fuse.burn(lambda: self._arrive(outgoing))

    async def publish_in_order(self, outgoing: Sequence[Outgoing]) -> None:
        for one in outgoing:
            await self.publish(one)

    async def publish_together(self, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        await self.publish_in_order(outgoing)
        return []

    def _arrive(self, outgoing: Outgoing) -> None:
        if outgoing.topic == TOPICS.model_states.name:
            assert outgoing.partition is not None
            self._world.changelog.append(outgoing.partition, outgoing.key, outgoing.value)
        elif outgoing.topic == TOPICS.anomalies.name:
            self._world.published += json.loads(outgoing.value or b"")["data"]["exemplar_trace_ids"]


class Worker:
    """One incarnation of a worker that owns all partitions, as far as it knows."""

    def __init__(self, world: World, keeps_folder: bool = True) -> None:
        self.world = world
        self.failed = False
        self.fenced = False
        self.background: list[asyncio.Task[None]] = []
        world.generation += 1
        self.generation = world.generation
        if not keeps_folder:
            world.folders += 1
        folder = world.folder / str(world.folders)
        metrics = Metrics(CollectorRegistry())
        scorer = world.scorer()
        self.publisher = world.publisher()
        used = UsedModels(scorer.forget)
        self.partitions = Partitions(used.forget)
        self.delivery = world.delivery(self.publisher, TOPICS.dead_letters.name, metrics, 3, self._fail)
        self.states = ModelStates(
            TOPICS.model_states.name, lambda: folder, world.changelog, self.publisher, lambda: self.generation
        )
        self.models = world.models(scorer, used, self.partitions, self.states, self.delivery, metrics, world.most)
        self.scoring = Scoring(
            scorer,
            self.partitions,
            self.models,
            RunReader(TOPICS.executions.name, PARTITIONS, Limits(), None, [TOPICS.spans.name]),
            self.delivery,
            ProgressLedger(),
            TOPICS,
            metrics,
            progressed=lambda: None,
            clock=lambda: 1_767_225_700.0,
            go_back=self.go_back,
        )
        self.scorer = scorer
        self._runs: list[list[Run]] = [[] for _ in range(PARTITIONS)]
        self._next = [0] * PARTITIONS

    def _fail(self, _: BaseException) -> None:
        self.failed = True

    async def own(self) -> None:
        """All partitions are assigned, and reading begins at what is committed."""
        self.partitions.assign(range(PARTITIONS))
        self.seek()
        await self.models.load(self.partitions.unloaded())

    async def own_anew(self) -> None:
        """Lose all partitions without a chance to finish, and get them back."""
        self.world.generation += 1
        self.generation = self.world.generation
        await self.states.release(self.partitions.assign([]))
        await self.own()

    def seek(self) -> None:
        """Go back to what is committed, as after a rebalance in which the partitions stayed."""
        for runs in self._runs:
            for run in runs:
                run.outstanding = False
            runs.clear()
        self._next = [offset or 0 for offset in self.world.committed]
        self.scoring.positioned(
            {TP(TOPICS.executions.name, number): offset for number, offset in enumerate(self.world.committed)}
        )

    async def go_back(self) -> None:
        """What the worker asks of its consumer where scoring failed."""
        self.seek()
        await self.models.load(self.partitions.unloaded())

    async def take(self, partition: int, count: int) -> None:
        """Read and score at most so many records."""
        await self.scoring.take(self._read(partition, count))

    async def take_together(self, count: int) -> None:
        """Read twice at most so many records of each partition and score them together, as runs at hand are."""
        await self.scoring.take([run for number in 2 * [*range(PARTITIONS)] for run in self._read(number, count)])

    def _read(self, partition: int, count: int) -> list[Run]:
        begin = self._next[partition]
        records = self.world.log[partition][begin : begin + count]
        if not records:
            return []
        run = Run(TP(TOPICS.executions.name, partition), records)
        self._next[partition] = run.end
        self._runs[partition].append(run)
        return [run]

    async def save(self) -> None:
        await self.scoring.save(0.05)

    async def save_some(self, count: int) -> None:
        """Save so many states only."""
        await self.models.write(self.models.take(0.0, least=count))

    async def save_in_background(self) -> None:
        self.background.append(asyncio.create_task(self.scoring.save(0.05)))

    def commit(self) -> None:
        if self.fenced:
            return
        for number, runs in enumerate(self._runs):
            while runs and runs[0].acked:
                self.world.committed[number] = runs.pop(0).end

    async def stop(self) -> None:
        """Finish and commit, as after a signal or a fatal error."""
        self.publisher.gate.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await self.scoring.finish_runs()
        self.commit()

    async def kill(self) -> None:
        """End at once, wherever everything is."""
        tasks = [*self.background, *self.delivery._in_flight]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, Exception):
                await task
        self.states.close()


Step = tuple[str, int, int]
"""Name of what happens, and two numbers that say more."""


class Story:
    """Lets steps happen to workers, one worker after the other; runs have up to ten times ``run_size`` records."""

    def __init__(self, world: World, run_size: int = 1) -> None:
        self.world = world
        self.run_size = run_size
        self.worker = Worker(world)
        self.zombies: list[Worker] = []

    async def happen(self, steps: Sequence[Step]) -> None:
        await self._try(self.worker.own())
        for step in steps:
            await self._step(*step)
        self.world.fuse = Fuse(10**9, "hang")
        for _ in range(2 + len(steps)):
            if not self.worker.failed and await self._finish():
                break
            await self._restart(True)
        for zombie in self.zombies:
            await zombie.kill()
        await self.worker.kill()

    async def _finish(self) -> bool:
        """Let the worker read all that there is and stop; whether it was the same one all the time."""
        worker = self.worker
        for _ in range(3):  # where scoring fails, reading goes back
            for number in range(PARTITIONS):
                for _ in range(0, len(self.world.log[number]) + 7, 7):
                    await self._try(self.worker.take(number, 7 * self.run_size))
        await self._try(self.worker.stop())
        return self.worker is worker and not worker.failed

    async def _step(self, name: str, a: int, b: int) -> None:
        worker = self.worker
        if name == "take":
            await self._try(worker.take(a % PARTITIONS, (1 + b) * self.run_size))
        elif name == "take_together":
            await self._try(worker.take_together((1 + b % 3) * self.run_size))
        elif name == "save":
            await self._try(worker.save())
        elif name == "save_some":
            await self._try(worker.save_some(1 + a % 3))
        elif name == "save_in_background":
            await self._try(worker.save_in_background())
        elif name == "commit":
            worker.commit()
        elif name == "hold":
            worker.publisher.gate.clear()
        elif name == "flow":
            worker.publisher.gate.set()
        elif name == "seek":
            worker.seek()
        elif name == "own_anew":
            await self._try(worker.own_anew())
        elif name == "kill":
            await self._restart(a % 2 == 0)
        elif name == "stop":
            await self._try(worker.stop())
            await self._restart(a % 2 == 0)
        elif name == "fuse":
            self.world.fuse = Fuse(a, ("hang", "sent", "error")[b % 3])
        elif name == "stumble":
            worker.scorer.stumbles = True
        elif name == "compact":
            self.world.changelog.compact()
        elif name == "zombie":
            worker.fenced = True
            self.zombies.append(worker)
            await self._begin(False)
        elif name == "zombie_acts" and self.zombies and not self.zombies[-1].failed:
            await self._try(self.zombies[-1].take(a % PARTITIONS, (1 + b) * self.run_size))
            if b % 2 and not self.zombies[-1].failed:
                await self._try(self.zombies[-1].save())

    async def _restart(self, keeps_folder: bool) -> None:
        await self.worker.kill()
        await self._begin(keeps_folder)

    async def _begin(self, keeps_folder: bool) -> None:
        self.world.fuse = Fuse(10**9, "hang")
        self.worker = Worker(self.world, keeps_folder)
        await self._try(self.worker.own())

    async def _try(self, act: Coroutine[Any, Any, None]) -> None:
        """Do something to the end, or until the fuse blows (then the worker is killed) or it fails (then it stops)."""
        current = self.worker
        task = asyncio.create_task(act)
        fuse = self.world.fuse
        for _ in range(_PATIENT_TICKS):
            if task.done() or fuse.blown.is_set():
                break
            await asyncio.sleep(0)
        for worker in (current, *self.zombies):
            if not task.done():  # it waits for something that was held back
                worker.publisher.gate.set()
        if not task.done():
            blown = asyncio.create_task(fuse.blown.wait())
            await asyncio.wait([task, blown], return_when=asyncio.FIRST_COMPLETED, timeout=120)
            blown.cancel()
        if fuse.blown.is_set():
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
            self.world.fuse = Fuse(10**9, "hang")
            await self._restart(True)
            return
        assert task.done(), "nothing goes on"
        if task.exception() is not None or current.failed:
            await self._fail(current)

    async def _fail(self, worker: Worker) -> None:
        self.world.fuse = Fuse(10**9, "hang")
        with suppress(Exception):
            await worker.stop()
        await self._restart(True)
