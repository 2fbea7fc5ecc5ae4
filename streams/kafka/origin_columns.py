"""The origins of many records as columns, as ``forwarding.read_origin`` reads them one by one."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from tracehound.detectors.bank import Flags, Slots
from tracehound.detectors.columns.placed_texts import PlacedTexts
from tracehound.detectors.columns.read_records import (
    ABSENT,
    HEADER_LENGTH,
    HEADER_NUMBER,
    HEADER_PLACE,
    HEADER_REPEATS,
)
from tracehound.streams.kafka.columned_records import ColumnedRecords
from tracehound.streams.kafka.forwarding import (
    ID_HEADER,
    LARGEST_OFFSET,
    LONGEST_ID,
    MOST_PARTITION_DIGITS,
    OFFSET_HEADER,
    PARTITION_HEADER,
    TOPIC_HEADER,
    Origin,
)

_TOPIC, _ID, _PARTITION, _OFFSET = range(4)
_HEADERS: Final = (TOPIC_HEADER, ID_HEADER, PARTITION_HEADER, OFFSET_HEADER)
NO_ORIGIN: Final = -1


@dataclass(frozen=True, slots=True)
class OriginColumns:
    """What led to n records. ``topics`` are topics and their ids; ``topic`` (n,) are places in it, ``NO_ORIGIN`` where
    a producer wrote the record; ``partition`` and ``offset`` (n,) mean nothing there. ``marked``: whether any record
    has one of the headers that the reader was told.
    """

    topics: list[tuple[str, str]]
    topic: Slots
    partition: Slots
    offset: Slots
    marked: bool = False

    def __len__(self) -> int:
        return len(self.topic)

    def origin(self, row: int) -> Origin:
        """That of a record which has one."""
        topic, topic_id = self.topics[self.topic[row]]
        return Origin(topic, int(self.partition[row]), int(self.offset[row]), topic_id)

    @property
    def count(self) -> int:
        """How many have one."""
        return int((self.topic != NO_ORIGIN).sum())

    def of(self, chosen: Flags) -> Self:
        """The same, but only records that are ``chosen`` (n,) have an origin."""
        return replace(self, topic=np.where(chosen, self.topic, NO_ORIGIN))


class OriginReader:
    """Reads the origins of records.

    Parameters:
        topics, partitions: which origins count, see ``forwarding.read_origin``.
        marks: further headers, of which it is said whether any record has one.
    """

    def __init__(self, topics: Collection[str], partitions: int, marks: Collection[str] = ()) -> None:
        self._topics, self._partitions = topics, partitions
        self._names = PlacedTexts.of([name.encode() for name in (*_HEADERS, *marks)])

    def read(self, records: ColumnedRecords) -> OriginColumns:
        """The origins of records."""
        found = records.headers_of(self._names)
        if found is None:
            none = np.full(len(records), NO_ORIGIN)
            return OriginColumns([], none, none, none)
        partition, offset = found[:, _PARTITION, HEADER_NUMBER], found[:, _OFFSET, HEADER_NUMBER]
        named = (partition >= 0) & (partition < self._partitions) & (offset >= 0) & (offset < LARGEST_OFFSET)
        named &= found[:, _PARTITION, HEADER_LENGTH] <= MOST_PARTITION_DIGITS
        named &= found[:, _TOPIC, HEADER_LENGTH] >= 0
        begins = np.flatnonzero(~found[:, [_TOPIC, _ID], HEADER_REPEATS].all(axis=1))
        topics: dict[tuple[str, str], int] = {}
        numbers = [NO_ORIGIN]  # before the first that has headers
        for row in begins.tolist():
            name = self._name(records, found[row])
            numbers.append(topics.setdefault(name, len(topics)) if name[0] in self._topics else NO_ORIGIN)
        topic = np.repeat(numbers, np.diff([0, *begins, len(records)]))
        marked = bool((found[:, len(_HEADERS) :, HEADER_LENGTH] != ABSENT).any())
        return OriginColumns(list(topics), np.where(named, topic, NO_ORIGIN), partition, offset, marked)

    @staticmethod
    def _name(records: ColumnedRecords, found: Slots) -> tuple[str, str]:
        """Topic and id of the origin that was found in the headers of a record."""
        topic, topic_id = (
            records.header(int(found[one, HEADER_PLACE]), int(found[one, HEADER_LENGTH])) for one in (_TOPIC, _ID)
        )
        return topic.decode(errors="replace"), topic_id[:LONGEST_ID].decode(errors="replace")
