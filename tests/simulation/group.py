"""A consumer group's coordinator: who is a member, in which generation, and who reads which partitions."""

import asyncio
import random
from collections.abc import Collection

from faust.types import TP

from tests.simulation.cluster import Cluster
from tests.simulation.virtual_machine import Process

_LOOK_S = 0.25
_REBALANCE_TIMEOUT_S = 60.0


class Member:
    """A member as its group knows it. ``rejoin`` is set when it is to give up what it reads and join again."""

    def __init__(self, process: Process | None, topics: Collection[str], session_s: float) -> None:
        self.process = process
        self.topics = frozenset(topics)
        self.session_s = session_s
        self.rejoin = asyncio.Event()
        self.joining: asyncio.Future[tuple[int, set[TP]]] | None = None
        self.heard_s = 0.0
        self.generation = -1

    @property
    def beats(self) -> bool:
        """Whether its heartbeats come."""
        return self.process is None or not (self.process.dead or self.process.stopped)


class Position:
    """What aiokafka's fetcher knows of a partition."""

    def __init__(self) -> None:
        self.position: int | None = None
        self.unknown = False  # nothing is committed, and nobody has sought
        self.highwater: int | None = None
        self.lso: int | None = None
        self.timestamp = 0

    @property
    def has_valid_position(self) -> bool:
        return self.position is not None

    def seek(self, offset: int) -> None:
        self.position, self.unknown = offset, False


class Group:
    """The coordinator of one group; what it does is done by brokers, and takes what time they take."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.name = name
        self.generation = 0
        self.members: list[Member] = []
        self._cluster = cluster
        self._changed = False
        self._closed = False
        self._watching = asyncio.get_running_loop().create_task(self._watch(), context=cluster.context)

    @property
    def _draw(self) -> random.Random:
        return self._cluster.draw

    def unsettle(self) -> None:
        """Let all members join again."""
        self._changed = True

    async def join(self, member: Member) -> tuple[int, set[TP]]:
        """Take part in the next generation."""
        await self._cluster.answers(float("inf"))
        if member not in self.members:
            self.members.append(member)
        self._changed = True
        member.heard_s = self._cluster.loop.time()
        member.joining = self._cluster.loop.create_future()
        generation, partitions = await member.joining
        await asyncio.sleep(self._cluster.delay_s())
        return generation, partitions

    def leave(self, member: Member) -> None:
        """A member says that it goes."""
        if member in self.members:
            self.members.remove(member)
            self._changed = True

    def commit(self, member: Member, offsets: dict[TP, tuple[int, str]]) -> bool:
        """Commit, unless the member is of another generation."""
        if member not in self.members or member.generation != self.generation:
            member.rejoin.set()
            return False
        self._cluster.committed[self.name].update({(tp.topic, tp.partition): one for tp, one in offsets.items()})
        return True

    def committed(self, tp: TP) -> tuple[int, str] | None:
        return self._cluster.committed[self.name].get((tp.topic, tp.partition))

    def close(self) -> None:
        self._watching.cancel()

    async def _watch(self) -> None:
        loop = self._cluster.loop
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._cluster.away_s:
                for member in self.members:
                    member.heard_s = loop.time()
                continue
            self._expire()
            if self._changed and self.members:
                await self._rebalance()

    def _expire(self) -> None:
        now_s = self._cluster.loop.time()
        for member in list(self.members):
            if member.beats:
                member.heard_s = now_s
            elif now_s - member.heard_s > member.session_s:
                self._expel(member)

    def _expel(self, member: Member) -> None:
        self.members.remove(member)
        member.joining = None
        member.rejoin.set()  # it finds out with its next heartbeat
        self._changed = True

    async def _rebalance(self) -> None:
        self._changed = False
        for member in self.members:
            if member.joining is None:
                member.rejoin.set()
        ends_s = self._cluster.loop.time() + _REBALANCE_TIMEOUT_S
        while any(member.joining is None for member in self.members):
            await asyncio.sleep(_LOOK_S)
            self._expire()
            if self._cluster.loop.time() > ends_s:
                for member in [one for one in self.members if one.joining is None]:
                    self._expel(member)
        self._changed = False
        self.generation += 1
        members = list(self.members)
        shares: list[set[TP]] = [set() for _ in members]
        first = self._draw.randrange(len(members)) if members else 0
        for topic in sorted({topic for member in members for topic in member.topics}):
            for number in range(len(self._cluster.topics[topic].logs)):
                shares[(first + number) % len(members)].add(TP(topic, number))
        for member, share in zip(members, shares, strict=True):
            joining, member.joining = member.joining, None
            member.generation = self.generation
            member.heard_s = self._cluster.loop.time()
            assert joining is not None
            if not joining.done():
                joining.set_result((self.generation, share))
