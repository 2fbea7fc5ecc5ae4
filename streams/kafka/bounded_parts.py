"""What was fetched is given in parts of a bounded size: aiokafka counts records, and packed ones may be any size."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, Final

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords

from tracehound.streams.kafka.odd_records import UNREAD_HEADER

PART_BYTES: Final = 8_000_000
"""A part ends with the record that makes it so large."""
HEADER_BYTES: Final = 64
"""What a header takes at least, once it is read."""
_KEPT: Final = 65_536
_SIZE: Final = attrgetter("serialized_value_size")


class BoundedPart(FetchResult):
    """What was fetched of a partition and not yet taken; ``longest`` is how long a value may be, in bytes.

    Longer ones, of compressed batches, are cut before they wait for anything.
    """

    longest = 8_000_000
    _partition_records: Any  # (aiokafka's have no types)

    def getall(self, max_records: int | None = None) -> Sequence[ConsumerRecord]:
        """The next records: so many at most, and no more once they are ``PART_BYTES`` long."""
        if not self.has_more() or not self.check_assignment(self._topic_partition):
            return []
        part: list[ConsumerRecord] = []
        size = 0
        for record in self._partition_records:
            part.append(record)
            size += record.serialized_value_size
            if record.headers:
                size += HEADER_BYTES * len(record.headers)
            if size >= PART_BYTES or len(part) == max_records:
                if record.serialized_value_size > max(self.longest, PART_BYTES):
                    part[-1] = _cut(record, self.longest)
                self._update_position()
                return part
        self._update_position()
        self._partition_records = None
        return part


class PlainRecords(PartitionRecords):
    """The records of a fetch, for consumers that take keys and values as they are: what aiokafka asks of each is not
    asked."""

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
