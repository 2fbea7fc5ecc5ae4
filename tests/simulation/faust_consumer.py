"""What stands in for the thread in which aiokafka's consumer lives: positions, fetches, commits, membership."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import Producer
from faust.types import TP
from mode import Service

from tests.simulation.cluster import Cluster
from tests.simulation.group import Group, Member, Position
from tests.simulation.virtual_machine import present_process
from tracehound.streams.kafka.runs.app import RunTransport
from tracehound.streams.kafka.runs.consumer import RunConsumer
from tracehound.streams.kafka.runs.consumer_thread import FetchState

_FOREVER_S = float("inf")


class SimulatedThread(Service):
    """The thread's methods, on the simulated cluster; each takes a little while, as a call to another thread does."""

    mundane_level = "debug"

    def __init__(self, consumer: Any, cluster: Cluster, group_of: Callable[[str], Group], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.consumer = consumer
        self.app = consumer.app
        self._cluster = cluster
        self._group = group_of(self.app.conf.id)
        self._member: Member | None = None
        self._positions: dict[TP, Position] = {}

    # --- membership

    async def subscribe(self, topics: Iterable[str]) -> None:
        member = Member(present_process(), set(topics), self.app.conf.broker_session_timeout)
        old, self._member = self._member, member
        if old is not None:
            self._group.leave(old)
            old.rejoin.set()
        else:
            self.add_future(self._take_part())

    async def _take_part(self) -> None:
        while not self.should_stop:
            member = self._member
            assert member is not None
            self.app.on_rebalance_start()
            await self.consumer.on_partitions_revoked(set(self._positions))
            member.rejoin.clear()
            generation, share = await self._group.join(member)
            self._positions = {tp: Position() for tp in share}
            self.app.consumer_generation_id = generation
            await self.consumer.on_partitions_assigned(set(share), generation)
            self.add_future(self._begin_at_committed(self._positions))
            await member.rejoin.wait()
            await self._hop()

    async def _begin_at_committed(self, positions: dict[TP, Position]) -> None:
        await self._cluster.answers(_FOREVER_S)
        for tp, state in positions.items():
            if state.position is None:
                committed = self._group.committed(tp)
                if committed is None:
                    state.unknown = True
                else:
                    state.seek(committed[0])

    async def on_stop(self) -> None:
        if self._member is not None:
            self._group.leave(self._member)

    def close(self) -> None: ...

    # --- positions

    async def seek_to_committed(self) -> Mapping[Any, int | None]:
        await self._cluster.answers(_FOREVER_S)
        found: dict[Any, int | None] = {}
        for tp, state in self._positions.items():
            committed = self._group.committed(tp)
            found[driver.ensure_aiokafka_TP(tp)] = None if committed is None else committed[0]
            if committed is not None and committed[0] > 0:
                state.seek(committed[0])
        return found

    async def seek_wait(self, partitions: Mapping[Any, int]) -> None:
        await self._hop()
        for raw_tp, offset in partitions.items():
            self.seek(raw_tp, offset)
        await self._hop()

    def seek(self, partition: Any, offset: int) -> None:
        self._state(partition).seek(offset)

    async def seek_to_beginning(self, *partitions: Any) -> None:
        await self._cluster.answers(_FOREVER_S)
        for raw_tp in partitions:
            tp = ensure_TP(raw_tp)
            self._state(tp).seek(self._cluster.log(*tp).start)

    async def position(self, tp: Any) -> int | None:
        return self._state(tp).position

    def _state(self, raw_tp: Any) -> Position:
        tp = ensure_TP(raw_tp)
        if tp not in self._positions:
            raise IllegalStateError(f"{tp} is not assigned")
        return self._positions[tp]

    def assignment(self) -> set[TP]:
        return set(self._positions)

    def highwater(self, tp: TP) -> int | None:
        return self._positions[tp].highwater if tp in self._positions else None

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        await self._cluster.answers()
        return {ensure_TP(tp): self._cluster.log(*tp).start for tp in partitions}

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        await self._cluster.answers()
        return {ensure_TP(tp): self._cluster.log(*tp).end for tp in partitions}

    def topic_partitions(self, topic: str) -> int:
        return len(self._cluster.topics[topic].logs)

    def _ensure_consumer(self) -> "SimulatedThread":
        return self

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self.topic_partitions(topic)))

    # --- fetches and commits

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[Any, Any]:  # noqa: ASYNC109
        await self._hop()
        ends_s = self._cluster.loop.time() + timeout
        while self.consumer.flow_active:
            if found := self._take(active_partitions):
                await self._hop()  # what was taken is under way while others may seek
                return found
            if self._cluster.loop.time() >= ends_s:
                break
            await asyncio.sleep(min(timeout, 0.01 + self._cluster.delay_s()))
        return {}

    def _take(self, active: set[TP] | None) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        draw = self._cluster.draw
        for tp in sorted(self._positions):
            state, log = self._positions[tp], self._cluster.log(*tp)
            if (active is not None and tp not in active) or self._cluster.away_of_s(tp.topic):
                continue
            failed = state.unknown or (state.position is not None and not log.start <= state.position <= log.end)
            if failed and found:  # as aiokafka does: an error does not cost what others were drained of
                break
            if state.unknown:
                raise NoOffsetForPartitionError(driver.ensure_aiokafka_TP(tp))
            if state.position is None or draw.random() < 0.3:
                continue
            if failed:
                raise OffsetOutOfRangeError({driver.ensure_aiokafka_TP(tp): state.position})
            state.highwater = state.lso = log.end
            state.timestamp = int(self._cluster.loop.wall_s() * 1000)
            if records := log.from_offset(state.position, 1 + int(draw.random() ** 3 * 40)):
                state.position = records[-1].offset + 1
                found[driver.ensure_aiokafka_TP(tp)] = records
        return found

    async def commit(self, offsets: Mapping[Any, int]) -> bool:
        await self._cluster.answers(_FOREVER_S)
        member = self._member
        if member is None:
            return False
        own = {ensure_TP(tp): (offset, "") for tp, offset in offsets.items() if ensure_TP(tp) in self._positions}
        done = self._group.commit(member, own)
        await asyncio.sleep(self._cluster.delay_s())
        return done

    async def _hop(self) -> None:
        await asyncio.sleep(self._cluster.draw.random() ** 4 * 0.02)

    # --- what is known

    def fetch_state(self, tp: TP) -> FetchState:
        return FetchState(self._positions.get(tp))

    def note_flow(self, flowing: bool) -> None: ...

    def verify_event_path(self, now: float, tp: TP) -> None: ...

    def verify_recovery_event_path(self, now: float, tp: TP) -> None: ...


class SimulatedConsumer(RunConsumer):
    """Ours, on a thread that is none."""

    def _new_consumer_thread(self) -> Any:
        transport: Any = self.transport
        return SimulatedThread(self, transport.cluster, transport.group_of, loop=self.loop, beacon=self.beacon)


class IdleProducer(Producer):
    """Faust's own, which is given nothing to send."""

    mundane_level = "debug"

    async def flush(self) -> None: ...


class SimulatedTransport(RunTransport):
    """Makes consumers of the simulated cluster."""

    Consumer = SimulatedConsumer
    Producer = IdleProducer

    def __init__(self, *args: Any, cluster: Cluster, group_of: Callable[[str], Group], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cluster = cluster
        self.group_of = group_of
