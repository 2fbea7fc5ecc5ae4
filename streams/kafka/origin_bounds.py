"""Which origins are believed: those of topics that there are, and of records that these hold."""

import asyncio
import time
from collections.abc import Mapping, Sequence, Set

import numpy as np
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from tracehound.detectors.bank import Flags
from tracehound.streams.kafka.aiokafka_options import started
from tracehound.streams.kafka.clients import KafkaClients
from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.extent import Extent
from tracehound.streams.kafka.forwarding import Origin, OriginTopic
from tracehound.streams.kafka.origin_columns import NO_ORIGIN, OriginColumns, OriginReader

_PATIENCE_S = 5.0
_IDS_EVERY_S = 10.0
_MOST_DENIED = 8
_REST_S = 30.0
_PAUSE_S = 1.0

log = structlog.get_logger(__name__)


class OriginBounds:
    """Believes an origin only where its topic is there under the same id, and holds the record that it names.

    Anybody who may write executions may write such headers: numbers beyond the end of a topic would have all that
    follows taken for known. What is believed is at most what has come.

    Parameters:
        topics: those that origins may name.
    """

    def __init__(self, clients: KafkaClients, topics: Mapping[str, OriginTopic]) -> None:
        self._clients = clients
        self._topics = topics
        self._origins = OriginReader(topics.keys(), max(topic.partitions for topic in topics.values()))
        self._known: dict[str, Extent] = {}
        self._asked_s: dict[str, float] = {}
        self._denied: dict[str, set[str]] = {}  # ids that topics did not have when last asked
        self._not_before_s: dict[str, float] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._asking = asyncio.Lock()

    async def look(self, records: Sequence[ConsumerRecord]) -> None:
        """Ask how far topics go, where a record names an origin beyond what is known of them."""
        wanted: dict[str, set[str]] = {}
        origins = self._origins.read(ColumnedRecords.of(records))
        if not origins.topics:
            return
        doubted = origins.of(~self.believed(origins)).topic
        for number in np.unique(doubted[doubted != NO_ORIGIN]).tolist():
            topic, topic_id = origins.topics[number]
            wanted.setdefault(topic, set()).add(topic_id)
        async with self._asking:
            for topic, ids in wanted.items():
                await self._ask(topic, ids)

    def believes(self, origin: Origin) -> bool:
        """Whether the record that the origin names is known to be there."""
        topic, extent = self._topics.get(origin.topic), self._known.get(origin.topic)
        if topic is None or extent is None or not extent.is_of(origin.topic_id):
            return False
        return origin.offset // topic.per_offset < extent.ends.get(origin.partition, 0)

    def believed(self, origins: OriginColumns) -> Flags:
        """Of n records those whose origin ``believes`` would believe: (n,)."""
        believed = np.zeros(len(origins), np.bool_)
        for number, (name, topic_id) in enumerate(origins.topics):
            topic, extent = self._topics.get(name), self._known.get(name)
            if topic is None or extent is None or not extent.is_of(topic_id):
                continue
            rows = np.flatnonzero(origins.topic == number)
            ends = np.zeros(int(origins.partition[rows].max(initial=0)) + 1, np.int64)
            for partition, end in extent.ends.items():
                ends[partition : partition + 1] = end
            believed[rows] = origins.offset[rows] // topic.per_offset < ends[origins.partition[rows]]
        return believed

    async def _ask(self, topic: str, ids: Set[str]) -> None:
        if time.monotonic() < self._not_before_s.get(topic, 0.0):
            return
        failure = await self._learn(topic, ids)
        while failure is not None:
            await self._until_somebody_answers()
            failure = await self._learn(topic, ids)
            if failure is not None and await self._clients.answered():
                self._give_up(topic, failure)
                return

    async def _until_somebody_answers(self) -> None:
        while not await self._clients.answered():  # noqa: ASYNC110 (nothing can be told either, so nothing is lost)
            await asyncio.sleep(_PAUSE_S)

    def _give_up(self, topic: str, failure: Exception) -> None:
        self._not_before_s[topic] = time.monotonic() + _REST_S
        log.warning(
            "origins_not_checked",
            sentence=f"How far {topic} goes cannot be asked, so records that name it as their origin count as any.",
            topic=topic,
            cause=repr(failure),
        )

    async def _learn(self, topic: str, ids: Set[str]) -> Exception | None:
        """Learn how far a topic goes; what went wrong where that cannot be learned.

        Its own id is asked for now and then, and where one of ``ids`` was not seen before: it may have been made anew.
        """
        now_s, known = time.monotonic(), self._known.get(topic, Extent())
        topic_id, denied = known.topic_id, self._denied.setdefault(topic, set())
        try:
            async with asyncio.timeout(_PATIENCE_S):
                if now_s - self._asked_s.get(topic, float("-inf")) >= _IDS_EVERY_S:
                    denied.clear()
                    unseen = True
                else:
                    unseen = len(denied) < _MOST_DENIED and any(not known.is_of(one) for one in ids - denied)
                if unseen:
                    topic_id = await self._clients.topic_id(topic) or topic_id
                    self._asked_s[topic] = now_s
                    denied |= ids - {topic_id}
                ends = await self._ends(topic)
        except (KafkaError, OSError, TimeoutError) as error:
            return error
        self._known[topic] = Extent(topic_id, ends)
        return None

    async def _ends(self, topic: str) -> dict[int, int]:
        if self._consumer is None:
            self._consumer = await started(self._clients.consumer())
        partitions = [TopicPartition(topic, number) for number in range(self._topics[topic].partitions)]
        ends = await self._consumer.end_offsets(partitions)
        return {tp.partition: int(end) for tp, end in ends.items()}

    async def close(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()
