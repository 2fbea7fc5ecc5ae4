"""aiokafka's consumer as a member of a group, on the simulated cluster."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata, OffsetAndTimestamp
from faust.types import TP

from tests.simulation.cluster import Cluster
from tests.simulation.group import Group, Member, Position
from tests.simulation.reader import SimulatedReader
from tests.simulation.virtual_machine import present_process

_FOREVER_S = float("inf")


class SimulatedGroupConsumer(SimulatedReader):
    """Reads from what is committed, or from the beginning."""

    def __init__(self, cluster: Cluster, group: Group, session_timeout_ms: int, **_: Any) -> None:
        super().__init__(cluster)
        self._group = group
        self._session_s = session_timeout_ms / 1000
        self._coordinator = self
        self._shares: dict[TopicPartition, Position] = {}
        self._paused: set[TopicPartition] = set()
        self._member: Member | None = None
        self._listener: Any = None
        self._topics: Sequence[str] = ()
        self._membership: asyncio.Task[None] | None = None

    def subscribe(self, topics: Sequence[str], listener: Any) -> None:
        self._topics, self._listener = topics, listener

    async def start(self) -> None:
        await super().start()
        self._member = Member(present_process(), self._topics, self._session_s)
        self._membership = asyncio.create_task(self._take_part(self._member))

    async def stop(self) -> None:
        if self._membership is not None and self._member is not None:
            self._membership.cancel()
            self._group.leave(self._member)
        await asyncio.sleep(0)

    async def _take_part(self, member: Member) -> None:
        while True:
            await self._listener.on_partitions_revoked(set(self._shares))
            member.rejoin.clear()
            _, share = await self._group.join(member)
            self._paused.clear()
            self._shares = {TopicPartition(*tp): Position() for tp in sorted(share)}
            self._listener.on_partitions_assigned(set(self._shares))
            for tp, state in self._shares.items():
                committed = self._group.committed(TP(*tp))
                if state.position is None:
                    state.seek(self._cluster.log(*tp).start if committed is None else committed[0])
            await member.rejoin.wait()
            await asyncio.sleep(self._cluster.delay_s())

    # --- positions

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._shares)

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        for tp in partitions:
            self._state(tp)
            self._paused.discard(tp)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._state(partition).seek(offset)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self._state(partition).highwater

    def _state(self, tp: TopicPartition) -> Position:
        if tp not in self._shares:
            raise IllegalStateError(f"{tp} is not assigned")
        return self._shares[tp]

    async def offsets_for_times(self, times_ms: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Any]:
        await self._cluster.answers()
        found: dict[TopicPartition, OffsetAndTimestamp | None] = {}
        for tp, since_ms in times_ms.items():
            late = [one for one in self._cluster.log(*tp).records if one.timestamp >= since_ms]
            found[tp] = OffsetAndTimestamp(late[0].offset, late[0].timestamp) if late else None
        return found

    # --- fetches and commits

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int | None = None
    ) -> Mapping[TopicPartition, Sequence[ConsumerRecord]]:
        await asyncio.sleep(self._cluster.delay_s())
        ends_s = self._cluster.loop.time() + timeout_ms / 1000
        while not (found := self._take()) and self._cluster.loop.time() < ends_s:  # noqa: ASYNC110 (as a client does)
            await asyncio.sleep(0.05 + self._cluster.delay_s())
        return found

    def _take(self) -> dict[TopicPartition, Sequence[ConsumerRecord]]:
        found: dict[TopicPartition, Sequence[ConsumerRecord]] = {}
        for tp, state in self._shares.items():
            if tp in self._paused or state.position is None or self._cluster.away_of_s(tp.topic):
                continue
            log = self._cluster.log(*tp)
            state.highwater = log.end
            if records := log.from_offset(state.position, 1 + self._cluster.draw.randrange(8)):
                found[tp] = records
                state.position = records[-1].offset + 1
        return found

    async def fetch_committed_offsets(
        self, partitions: Iterable[TopicPartition]
    ) -> Mapping[TopicPartition, OffsetAndMetadata]:
        await self._cluster.answers(_FOREVER_S)
        known = {tp: self._group.committed(TP(*tp)) for tp in partitions}
        return {tp: OffsetAndMetadata(*one) for tp, one in known.items() if one is not None}

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        for tp in offsets:
            self._state(tp)
        await self._cluster.answers(_FOREVER_S)
        assert self._member is not None
        wanted = {TP(*tp): (one.offset, one.metadata) for tp, one in offsets.items()}
        if not self._group.commit(self._member, wanted):
            raise CommitFailedError("the group has already rebalanced")
        await asyncio.sleep(self._cluster.delay_s())
