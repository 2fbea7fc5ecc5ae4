"""Which topics are read, by the ids that the cluster gave them: one of the same name may be another one later."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from faust.types import TP


class ReadTopics:
    """The ids of topics, as last asked for, and those that each partition had when it was last looked at.

    Parameters:
        ask: for the id of a topic; empty where the cluster gives none.
    """

    def __init__(self, ask: Callable[[str], Awaitable[str]]) -> None:
        self._ask = ask
        self._ids: dict[str, str] = {}
        self._of_partitions: dict[TP, str] = {}

    def known_id(self, topic: str) -> str:
        """The id of a topic; empty where the cluster gives none."""
        return self._ids.get(topic, "")

    def known_ids(self) -> Mapping[str, str]:
        """The ids of all topics that are known so far, as of now."""
        return dict(self._ids)

    async def learn(self, topics: Collection[str]) -> None:
        """Ask for the ids of topics; one that is not answered stays what it was."""
        asked = sorted(topics)
        for topic, known in zip(asked, await asyncio.gather(*map(self._ask, asked)), strict=True):
            if known:
                self._ids[topic] = known

    def is_of_another(self, tp: TP) -> bool:
        """Whether a partition is of another topic than when it was last looked at, as far as the cluster says so."""
        before, known = self._look(tp)
        return bool(before and known) and before != known

    async def is_of_the_same(self, tp: TP) -> bool:
        """Whether a partition is of the topic that it was of, as far as the cluster says so now."""
        await self.learn([tp.topic])
        before, known = self._look(tp)
        return bool(before) and before == known

    def _look(self, tp: TP) -> tuple[str, str]:
        before, known = self._of_partitions.get(tp, ""), self.known_id(tp.topic)
        self._of_partitions[tp] = known
        return before, known
