"""A Kafka cluster in memory: topics, what groups have committed, and how long and how well it answers."""

import asyncio
import contextvars
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaConnectionError
from aiokafka.partitioner import murmur2

from tests.simulation.virtual_machine import Loop
from tracehound.schemas.topics import Topic

Headers = Sequence[tuple[str, bytes]]


@dataclass
class Log:
    """One partition: its records in order, of which compaction may have left out some, and its end."""

    records: list[ConsumerRecord] = field(default_factory=list)
    start: int = 0
    end: int = 0

    def from_offset(self, offset: int, most: int) -> list[ConsumerRecord]:
        """The first records at or behind an offset."""
        found = [record for record in self.records if record.offset >= offset] if self.start or self._gaps else None
        return (self.records[offset:] if found is None else found)[:most]

    @property
    def _gaps(self) -> bool:
        return len(self.records) != self.end

    def compact(self) -> None:
        """Keep the last record of each key, tombstones too."""
        last = {record.key: record.offset for record in self.records}
        self.records = [record for record in self.records if last[record.key] == record.offset]


class StoredTopic:
    """A topic as it is now: another one of the same name has another id."""

    def __init__(self, topic: Topic, number: int) -> None:
        self.topic = topic
        self.id = f"id{number}"
        self.logs = [Log() for _ in range(topic.partitions)]


class Cluster:
    """Brokers that all clients of one story talk to.

    Parameters:
        draw: decides how long each answer takes, and how it fails.

    ``slowness`` stretches all answers; nothing is answered before ``back_at_s``, and of a topic nothing is written or
    read before ``leaders_back_at_s``. ``doubt`` is how often what was
    appended is not acknowledged, is appended twice, or is lost on the way.
    """

    def __init__(self, loop: Loop, draw: random.Random, topics: Sequence[Topic]) -> None:
        self.loop = loop
        self.draw = draw
        self.context = contextvars.copy_context()  # of no process: what brokers do outlives all of them
        self.topics: dict[str, StoredTopic] = {}
        self.made = 0
        self.slowness = 1.0
        self.doubt = 0.0
        self.back_at_s = 0.0
        self.leaders_back_at_s: dict[str, float] = {}
        self.committed: defaultdict[str, dict[tuple[str, int], tuple[int, str]]] = defaultdict(dict)
        self.arrived: Callable[[ConsumerRecord], None] = lambda record: None
        for topic in topics:
            self.make(topic)

    # --- topics

    def make(self, topic: Topic) -> None:
        """Make a topic, anew if there is one of its name: what groups had committed of that is gone."""
        self.made += 1
        self.topics[topic.name] = StoredTopic(topic, self.made)
        for committed in self.committed.values():
            for place in [place for place in committed if place[0] == topic.name]:
                del committed[place]

    def log(self, topic: str, partition: int) -> Log:
        return self.topics[topic].logs[partition]

    def partition_of(self, topic: str, key: bytes | None) -> int:
        """Where a record without a partition goes."""
        count = self.topics[topic].topic.partitions
        return self.draw.randrange(count) if key is None else (murmur2(key) & 0x7FFFFFFF) % count

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        timestamp_ms: int | None = None,
    ) -> None:
        """A record is written."""
        log = self.log(topic, partition)
        at_ms = int(self.loop.wall_s() * 1000) if timestamp_ms is None else timestamp_ms
        record = ConsumerRecord(topic, partition, log.end, at_ms, 0, key, value, None, -1, -1, tuple(headers))
        log.records.append(record)
        log.end += 1
        self.arrived(record)

    # --- answers

    def delay_s(self) -> float:
        """How long a message takes on its way."""
        return self.slowness * (0.001 + self.draw.random() ** 3 * 0.05)

    @property
    def away_s(self) -> float:
        """For how long brokers will not answer."""
        return max(0.0, self.back_at_s - self.loop.time())

    def away_of_s(self, topic: str) -> float:
        """For how long the leaders of a topic will not answer."""
        return max(self.away_s, self.leaders_back_at_s.get(topic, 0.0) - self.loop.time())

    async def answers(self, patience_s: float = 40.0) -> None:
        """Return when a request has been answered.

        Raises:
            KafkaConnectionError: no broker was there for so long.
        """
        await asyncio.sleep(self.delay_s())
        if self.away_s > patience_s:
            await asyncio.sleep(patience_s)
            raise KafkaConnectionError("no broker answers")
        while self.away_s:  # noqa: ASYNC110 (they may go away again meanwhile)
            await asyncio.sleep(self.away_s + self.delay_s())
