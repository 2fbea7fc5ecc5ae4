"""Keeps checkpoints of partitions in a compacted topic: one writer per partition, any number of readers."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import structlog

from tracehound.streams.kafka.changelog import ChangelogReader
from tracehound.streams.kafka.extent import Extent, ExtentOf
from tracehound.streams.kafka.publisher import Outgoing, Publisher

log = structlog.get_logger(__name__)


Checkpoint = TypeVar("Checkpoint")


class CheckpointLog(Generic[Checkpoint]):
    """Loads and saves checkpoints.

    A key names partition, generation of the consumer group, turn and piece. So a writer that has lost its
    partition without knowing cannot replace what its successor wrote, and an interrupted checkpoint leaves the
    one before it whole. Every checkpoint is right for its position in its topic; of those of the topic that is there
    now the one with the highest is taken, whatever an earlier topic of that name had reached.

    Parameters:
        pack: a partition's checkpoint as the values of records.
        unpack: the best checkpoint of a partition in values of records, None if there is none, and a sentence for
            each that is unusable; asked whether a topic's id may be that of the topic which is there now; never raises,
            whatever the bytes.
        extent: asked how far the topic goes that checkpoints hold positions of.
    """

    def __init__(
        self,
        topic: str,
        reader: ChangelogReader,
        publisher: Publisher,
        pack: Callable[[int, Checkpoint], list[bytes]],
        unpack: Callable[[int, Iterable[bytes], Callable[[str], bool]], tuple[Checkpoint | None, list[str]]],
        extent: ExtentOf | None = None,
    ) -> None:
        self._extent = extent
        self._pack = pack
        self._unpack = unpack
        self._topic = topic
        self._reader = reader
        self._publisher = publisher
        self._turns: dict[int, int] = {}
        self._outdated: dict[int, set[bytes]] = {}

    async def load(self, partitions: Iterable[int]) -> tuple[dict[int, Checkpoint | None], Extent]:
        """The best whole checkpoint of each partition; what is unusable is logged and left out.

        Beside them how far the topic goes that they hold positions of: they are believed within that only.
        """
        latest: dict[int, dict[bytes, bytes]] = {partition: {} for partition in partitions}
        async for page in self._reader.read(dict.fromkeys(latest, 0)):
            values = latest[page.partition]
            for record in page.records:
                if record.key is not None and record.value:
                    values[record.key] = record.value
                elif record.key is not None:
                    values.pop(record.key, None)
        # Asked after checkpoints were read, for the topic may have grown by what they hold.
        extent = Extent() if self._extent is None else await self._extent(list(latest))
        loaded: dict[int, Checkpoint | None] = {}
        for partition, values in latest.items():
            loaded[partition], problems = self._unpack(partition, values.values(), extent.is_of)
            self._outdated[partition] = set(values)
            for problem in problems:
                log.warning("checkpoint_refused", partition=partition, sentence=problem)
        return loaded, extent

    async def save(self, partition: int, generation: int, checkpoint: Checkpoint) -> int:
        """Write a checkpoint, then remove those of earlier generations; returns its bytes, once all is acknowledged.

        Only one ``save`` of a partition may be under way.

        Raises:
            RefusedError: the broker does not take a record of this size.
        """
        turn = self._turns[partition] = 1 - self._turns.get(partition, 1)
        pieces = self._pack(partition, checkpoint)
        written: set[bytes] = set()
        for index, piece in enumerate(pieces):
            key = f"{partition}/{generation}/{turn}/{index}".encode()
            written.add(key)
            await self._publisher.publish(Outgoing(self._topic, key, piece, partition=partition))
        own = f"{partition}/{generation}/".encode()
        outdated = self._outdated.pop(partition, set())
        for key in outdated - written:
            if not key.startswith(own):
                await self._publisher.publish(Outgoing(self._topic, key, None, partition=partition))
        return sum(map(len, pieces))
