"""A scoring agent with a fake core and a fake publisher, for the tests of what it does."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from aiokafka import ConsumerRecord
from faust.types import TP
from prometheus_client import CollectorRegistry

from tracehound.schemas.execution_rules import Limits
from tracehound.schemas.topics import Topics
from tracehound.streams.delivery.delivery import Delivery
from tracehound.streams.kafka.forwarding import Partitioner
from tracehound.streams.kafka.runs.run import Run
from tracehound.streams.scoring.metrics import Metrics
from tracehound.streams.scoring.read_run import RunReader
from tracehound.streams.scoring.report_progress import ProgressLedger
from tracehound.streams.scoring.score_executions import Scoring, score_executions
from tracehound.streams.states.model_states import ModelStates
from tracehound.streams.states.partitions import Partitions
from tracehound.streams.states.resident_models import ResidentModels
from tracehound.streams.states.used_models import UsedModels

TOPICS = Topics(partitions=4)
RIGHT = Partitioner(4).partition_of("shop")
WRONG = (RIGHT + 1) % 4
OTHER = next(name for name in map(str, range(99)) if Partitioner(4).partition_of(name) == WRONG)
NOW_S = 1_767_225_700.0


def execution(number: int = 0, **fields: Any) -> bytes:
    content = {
        "application": "shop",
        "operation": "GET /",
        "started_at": 1_767_225_600.0 + number,
        "duration_ms": 5.0,
        "trace_id": str(number),
    }
    return json.dumps({**content, **fields}).encode()


class Work:
    """A scoring agent that owns all partitions, with what it counted and sent."""

    def __init__(
        self,
        scorer: Any,
        publisher: Any,
        record: Callable[..., ConsumerRecord],
        states: ModelStates,
        limit: int = 4,
        most: int = 1_000,
        most_per_partition: int = 1_000,
    ) -> None:
        self.scorer = scorer
        self.publisher = publisher
        self.states = states
        self.record = record
        self.failures: list[BaseException] = []
        self.owns = False
        self.now_s = NOW_S
        self.registry = CollectorRegistry()
        metrics = self.metrics = Metrics(self.registry)
        used = UsedModels(scorer.forget)
        self.partitions = Partitions(used.forget)
        self.ledger = ProgressLedger()
        self.delivery = Delivery(publisher, TOPICS.dead_letters.name, metrics, limit, self.failures.append)
        reader = RunReader(TOPICS.executions.name, 4, Limits(), str.lower, [TOPICS.spans.name])
        self.models = ResidentModels(
            scorer, used, self.partitions, states, self.delivery, metrics, most, most_per_partition=most_per_partition
        )
        self.scoring = Scoring(
            scorer,
            self.partitions,
            self.models,
            reader,
            self.delivery,
            self.ledger,
            TOPICS,
            metrics,
            progressed=lambda: None,
            clock=lambda: self.now_s,
            go_back=self.go_back,
        )
        self.log: list[tuple[TP, list[ConsumerRecord]]] = []
        self.runs: list[Run] = []
        self.again: list[Run] = []
        self.went_back = 0

    async def own(self, *numbers: int, begin: int | None = None) -> None:
        self.owns = True
        self.partitions.assign(numbers)
        self.scoring.positioned(dict.fromkeys((TP(TOPICS.executions.name, number) for number in numbers), begin))
        await self.models.load(self.partitions.unloaded())

    async def go_back(self) -> None:
        """Where nothing was ever committed: everything is read again from the beginning."""
        self.went_back += 1
        for run in self.runs:
            run.outstanding = False
        self.again = [Run(tp, records) for tp, records in self.log]
        self.scoring.positioned({TP(TOPICS.executions.name, one.number): None for one in self.partitions})
        await self.models.load(self.partitions.unloaded())

    async def save(self) -> None:
        await self.models.write(self.models.take(10.0, least=1_000))

    def run_of(self, values: Sequence[bytes | None], partition: int = RIGHT, start: int = 0, **more: Any) -> Run:
        records = [
            self.record(value, partition, start + number, topic=TOPICS.executions.name, **more)
            for number, value in enumerate(values)
        ]
        tp = TP(TOPICS.executions.name, partition)
        self.log.append((tp, records))
        self.runs.append(Run(tp, records))
        return self.runs[-1]

    async def take(self, *runs: Run) -> None:
        """Take runs; the first time as the owner of all partitions, unless it owns some already."""
        if not self.owns:
            await self.own(*range(4))

        async def stream(runs: Sequence[Run]) -> AsyncIterator[Run]:
            for run in runs:
                yield run

        await score_executions(stream(runs), self.scoring)
        while self.again:
            self.runs, self.again = self.again, []
            await score_executions(stream(self.runs), self.scoring)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"tracehound_{name}", labels) or 0.0


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(120):
            await test

    asyncio.run(limited())
