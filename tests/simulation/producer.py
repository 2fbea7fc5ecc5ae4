"""aiokafka's producer on the simulated cluster: acknowledgements come late, out of order, twice or never."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import RequestTimedOutError

from tests.simulation.cluster import Cluster
from tests.simulation.virtual_machine import present_process

_TIMEOUT_S = 30.0
_BATCH_RECORDS = 3
_APART_S = 1e-6
"""What keeps the order of two sends."""


class Batch:
    """What ``create_batch`` gives; it is full after a few records."""

    def __init__(self) -> None:
        self.records: list[tuple[Any, ...]] = []

    def append(self, *, key: Any, value: Any, timestamp: Any, headers: Sequence[Any] = ()) -> object | None:
        if len(self.records) >= _BATCH_RECORDS:
            return None
        self.records.append((key, value, tuple(headers), timestamp))
        return self

    def close(self) -> None: ...


class SimulatedProducer:
    """Sends of one producer to one partition arrive in their order, except those that are sent again. What sends never
    ends by itself.
    """

    _closed = False
    _sender = SimpleNamespace(sender_task=SimpleNamespace(done=lambda: False))

    def __init__(self, cluster: Cluster, **_: Any) -> None:
        self._cluster = cluster
        self._last_s: defaultdict[tuple[str, int], float] = defaultdict(float)
        self._process = present_process()

    async def start(self) -> None:
        await self._cluster.answers(float("inf"))

    async def stop(self) -> None:
        await asyncio.sleep(0)

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[None]:
        where = self._cluster.partition_of(topic, key) if partition is None else partition
        return self._send(topic, where, [(key, value, tuple(headers), timestamp_ms)])

    def create_batch(self) -> Batch:
        return Batch()

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(self._cluster.topics[topic].topic.partitions))

    async def send_batch(self, batch: Batch, topic: str, *, partition: int | None) -> asyncio.Future[None]:
        where = self._cluster.partition_of(topic, None) if partition is None else partition
        return self._send(topic, where, batch.records)

    def _send(self, topic: str, partition: int, records: Sequence[tuple[Any, ...]]) -> asyncio.Future[None]:
        cluster, loop, draw = self._cluster, self._cluster.loop, self._cluster.draw
        acknowledged: asyncio.Future[None] = loop.create_future()
        kind = draw.choice(("lost", "twice", "unacknowledged", "late")) if draw.random() < cluster.doubt else "good"
        arrives_s = max(
            loop.time() + cluster.away_of_s(topic) + cluster.delay_s(), self._last_s[topic, partition] + _APART_S
        )
        self._last_s[topic, partition] = arrives_s
        survives = draw.random() < 0.5  # a killed process: whether what it had sent is on its way

        def arrive() -> None:
            if self._process is not None and self._process.dead and not survives:
                return
            if away_s := cluster.away_of_s(topic):
                later(away_s + (arrives_s % 1_000.0) * _APART_S, arrive)
                return
            for _ in range({"lost": 0, "twice": 2}.get(kind, 1)):
                for record in records:
                    cluster.append(topic, partition, *record)
            if kind in ("lost", "unacknowledged"):
                later(_TIMEOUT_S * draw.random(), fail)
            else:
                later(cluster.delay_s() + (5.0 * draw.random() if kind == "late" else 0.0), tell)

        def tell() -> None:
            if not acknowledged.done():
                acknowledged.set_result(None)

        def fail() -> None:
            if not acknowledged.done():
                acknowledged.set_exception(RequestTimedOutError())

        def later(after_s: float, act: Callable[[], None]) -> None:
            loop.call_later(after_s, act, context=cluster.context)

        loop.call_at(arrives_s, arrive, context=cluster.context)
        return acknowledged
