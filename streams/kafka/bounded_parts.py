"""What was fetched is given in parts of a bounded size: aiokafka counts records, and packed ones may be any size."""

import asyncio
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords

from tracehound.schemas.errors import TracehoundError
from tracehound.streams.kafka.odd_records import UNREAD_HEADER

PART_BYTES: Final = 8_000_000
"""A part ends with the record that makes it so large."""
HEADER_BYTES: Final = 64
"""What a header takes at least, once it is read."""
_KEPT: Final = 65_536
_SIZE: Final = attrgetter("serialized_value_size")
AGAIN_S: Final = 1.0
"""So long after there was no memory for a batch it is read again."""
TRIES: Final = 30
"""So often at the most."""

log = structlog.get_logger(__name__)


class NoRoomError(TracehoundError):
    """There is no room for what a batch holds, once unpacked, and will be later on."""


class NoMemoryError(TracehoundError):
    """There was no memory for what a batch holds, again and again."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is taken of a fetch at once; whether nothing follows, and what there is too little of for what does."""

    records: Sequence[ConsumerRecord]
    ended: bool = False
    lacks_room: bool = False
    lacks_memory: bool = False


class BoundedPart(FetchResult):
    """What was fetched of a partition and not yet taken; ``longest`` is how long a value may be, in bytes.

    Longer ones, of compressed batches, are cut before they wait for anything. That there is no memory for a batch is no
    fault of it: it is read again once a second.
    """

    longest = 8_000_000
    _partition_records: Any  # (aiokafka's have no types)
    _aside: "asyncio.Future[Part] | None" = None
    """The next part, where it is read elsewhere, or was."""
    _begins = 0
    """Its first offset."""
    _in_vain = 0
    """How often there was no memory since something was read."""
    _again_s = 0.0
    lacks_room = False
    """Whether there was no room for the next batch."""

    def getall(self, max_records: int | None = None) -> Sequence[ConsumerRecord]:
        """The next records: so many at most, and no more once they are ``PART_BYTES`` long. None while they are being
        read elsewhere, or wait for room or memory.

        Raises:
            NoMemoryError: there was no memory for them ``TRIES`` times.
        """
        if not self.has_more() or not self.check_assignment(self._topic_partition):
            return []
        aside = self._aside
        if aside is None:
            if not self.is_due:
                return []
            part = self._next(max_records)
        elif not aside.done() or _is_longer(aside, max_records):  # as others have been taken at the same time
            return []
        else:
            self._aside = None
            part = aside.result()
        self._note(part)
        self._update_position()
        if part.ended:
            self._partition_records = None
        return part.records

    def check_assignment(self, tp: TopicPartition) -> bool:
        """Whether what follows is still wanted, as aiokafka asks; what is read elsewhere is ahead of that."""
        if self._aside is None:
            wanted: bool = super().check_assignment(tp)
            return wanted
        assignment = self._assignment
        if assignment.active:
            state = assignment.state_value(self._topic_partition)
            if not state.paused and state.position == self._begins:
                return True
        self._partition_records = None
        return False

    @property
    def held_bytes(self) -> int:
        """How long the batch is that is being read, if it was unpacked."""
        records = self._partition_records
        return 0 if records is None else getattr(records.batches, "held_bytes", 0)

    @property
    def is_due(self) -> bool:
        """Whether what follows may be read: at once, or a while after there was no memory for it."""
        return not self._in_vain or time.monotonic() >= self._again_s

    @property
    def may_be_long(self) -> bool:
        """Whether what was fetched is compressed, and may unpack to more than one part."""
        return self.has_more() and getattr(self._partition_records.batches, "packed_bytes", 0) > PART_BYTES

    def read_aside(
        self, run: "Callable[[Callable[[], Part]], asyncio.Future[Part]]", most: int | None
    ) -> "asyncio.Future[Part]":
        """Have the next records read elsewhere, no more than ``most``, unless they are already; returns what to wait
        for.

        Parameters:
            run: calls in another thread.
        """
        if self._aside is None:
            self._begins = self._partition_records.next_fetch_offset
            self._aside = run(partial(self._next, most))
            self._aside.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may not be asked for
        return self._aside

    @property
    def is_aside(self) -> bool:
        """Whether the next records are being read elsewhere, or were."""
        return self._aside is not None

    def _note(self, part: Part) -> None:
        self.lacks_room = part.lacks_room
        if part.records or not part.lacks_memory:
            self._in_vain = 0
        if not part.lacks_memory:
            return
        self._in_vain += 1
        self._again_s = time.monotonic() + AGAIN_S
        topic, partition = self._topic_partition
        offset = self._partition_records.next_fetch_offset
        log.warning("no_memory_for_batch", topic=topic, partition=partition, offset=offset, times=self._in_vain)
        if self._in_vain >= TRIES:
            raise NoMemoryError(
                f"There is no memory to unpack what follows offset {offset} of {topic}-{partition}, and was none "
                f"{TRIES} times. Give this process more, or it fewer partitions"
            )

    def _next(self, max_records: int | None) -> Part:
        part: list[ConsumerRecord] = []
        records = self._partition_records
        begins = records.next_fetch_offset
        try:
            return Part(part, ended=self._fill(part, max_records))
        except NoRoomError:
            lacks_room = True
        except MemoryError:
            lacks_room = False
        records.go_back(part[-1].offset + 1 if part else begins)
        return Part(part, lacks_room=lacks_room, lacks_memory=not lacks_room)

    def _fill(self, part: list[ConsumerRecord], max_records: int | None) -> bool:
        """Fill a part; returns whether nothing follows."""
        size = 0
        for record in self._partition_records:
            part.append(record)
            size += record.serialized_value_size
            if record.headers:
                size += HEADER_BYTES * len(record.headers)
            if size >= PART_BYTES or len(part) == max_records:
                if record.serialized_value_size > max(self.longest, PART_BYTES):
                    part[-1] = _cut(record, self.longest)
                return False
        return True


def _is_longer(read: "asyncio.Future[Part]", most: int | None) -> bool:
    return most is not None and read.exception() is None and len(read.result().records) > most


class PlainRecords(PartitionRecords):
    """The records of a fetch, for consumers that take keys and values as they are: what aiokafka asks of each is not
    asked."""

    @property
    def batches(self) -> Any:
        """All of them."""
        return self._records

    def _unpack_records(self) -> Any:
        """As aiokafka reads them; where this is dropped before their end, it is freed at once with all that was
        fetched, which a generator that referred to it would leave to the collector of cycles."""
        return PartitionRecords._unpack_records(weakref.proxy(self))

    def go_back(self, offset: int) -> None:
        """Read again from there on, in the batch that was given last."""
        self._records.go_back()
        self.next_fetch_offset = offset
        self._records_iterator = self._unpack_records()

    def _consumer_record(self, tp: TopicPartition, record: Any) -> ConsumerRecord:
        key, value, headers = record.key, record.value, record.headers
        return ConsumerRecord(
            tp.topic,
            tp.partition,
            record.offset,
            record.timestamp,
            record.timestamp_type,
            key,
            value,
            None,
            -1 if key is None else len(key),
            -1 if value is None else len(value),
            tuple(headers) if headers else (),
        )


def bytes_of(records: Any) -> int:
    """How long the values of records are together."""
    known: int | None = getattr(records, "value_bytes", None)
    return sum(map(_SIZE, records)) if known is None else known


def _cut(record: ConsumerRecord, longest: int) -> ConsumerRecord:
    length = record.serialized_value_size
    sentence = f"A record must have at most {longest} bytes. Got {length} instead, of which the first {_KEPT} are kept."
    headers = [(UNREAD_HEADER, sentence.encode())]
    return replace(record, value=record.value[:_KEPT], serialized_value_size=_KEPT, headers=headers)
