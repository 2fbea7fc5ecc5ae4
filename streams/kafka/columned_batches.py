"""Fetched batches are read into columns: aiokafka makes an object of each record, whoever looks at it."""

import struct
import sys
from typing import Any, Final

import aiokafka.consumer.fetcher as fetcher
import numpy as np
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import calc_crc32c
from numpy.typing import NDArray

from tracehound.detectors.columns.byte_words import PADDING
from tracehound.detectors.columns.read_records import BATCH, LEFT, MALFORMED, PLACES, SHORTEST_RECORD, read_records
from tracehound.streams.kafka.bounded_batches import BoundedRecords, unpack_into
from tracehound.streams.kafka.bounded_parts import BoundedPart, Part, PlainRecords
from tracehound.streams.kafka.columned_records import ColumnedRecords

_HEAD: Final = struct.Struct(">qiibIhiqqqhii")
_LENGTH: Final = struct.Struct(">i")
_LENGTH_AT, _OVERHEAD, _CHECKED_FROM = 8, 12, 21
_MAGIC: Final = 2
_CODEC, _APPENDED = DefaultRecordBatch.CODEC_MASK, 0x08
_FOR_BROKERS: Final = 0x30
"""Of a transaction, or a control record."""
_MOST_BYTES: Final = 16_000_000
"""Of batches that are read together, unpacked."""
_USUAL_RATIO: Final = 16

_topics: Final[set[str]] = set()


def read_in_columns(topic: str) -> None:
    """Have the records of a topic handed over as ``ColumnedRecords``, in all of this process's aiokafka consumers."""
    _topics.add(topic)
    fetcher.PartitionRecords, fetcher.FetchResult = ColumnedPartition, ColumnedResult


class ColumnedPartition(PlainRecords):
    """What was fetched of a partition, which may be taken as columns.

    What is unusual is left to aiokafka, with all that follows: batches that are damaged, of a transaction, for brokers
    alone, of an older format, or that unpack to very much.
    """

    next_fetch_offset: int

    def __init__(self, tp: Any, records: Any, aborted: Any, *others: Any) -> None:
        super().__init__(tp, records, aborted, *others)
        self._columned = tp.topic in _topics and not aborted and isinstance(records, BoundedRecords)
        self._content = records.content if self._columned else b""
        self._end = 0  # of the batches that were gathered
        self._begins: list[int] = []  # of each of them
        self._text = np.zeros(len(PADDING), np.uint8)
        self._batches: NDArray[np.int64] = np.empty((0, BATCH), np.int64)

    def take(self, most: int) -> ColumnedRecords | None:
        """The next records, no more than ``most``; None where aiokafka is to read them, and all that follow."""
        if not self._columned:
            return None
        if not self._batches[:, LEFT].any():
            self._gather()
        batches, following = self._batches.copy(), np.array([self.next_fetch_offset])
        places = np.empty((min(most, int(batches[:, LEFT].sum())), PLACES), np.int64)
        count = read_records(self._text, batches, following, places)
        if not self._begins or count == MALFORMED:
            self._leave()
            return None
        self._batches, self.next_fetch_offset = batches, int(following[0])
        text = self._text.view()
        text.flags.writeable = False
        return ColumnedRecords(self._tp.topic, self._tp.partition, text, places[:count])

    @property
    def taken(self) -> bool:
        """Whether nothing is left that ``take`` has not given."""
        return not self._batches[:, LEFT].any() and self._end_of_batch(self._end) is None

    def _gather(self) -> None:
        """Unpack the next batches."""
        guess = _USUAL_RATIO * (len(self._content) - self._end)
        if not self._gather_into(min(guess, _MOST_BYTES)) and guess < _MOST_BYTES:
            self._gather_into(_MOST_BYTES)

    def _gather_into(self, most: int) -> bool:
        """Unpack the next batches, no more than there is room for; whether there was any."""
        text = np.empty(most + len(PADDING), np.uint8)
        batches: list[tuple[int, ...]] = []
        begins: list[int] = []
        size, begin = 0, self._end
        with text.data as room:
            while (end := self._end_of_batch(begin)) is not None:
                found = self._unpack(begin, end, room[size : min(size + BoundedRecords.most, most)])
                if found is None:
                    break
                length, (base, _, _, _, _, attributes, last, first_ms, last_ms, _, _, _, count) = found
                appended = int(attributes & _APPENDED > 0)
                batches.append(
                    (size, size + length, count, base, first_ms, last_ms, appended, base + last + 1, base - 1)
                )
                size += length
                begins.append(begin)
                begin = end
        text[size : size + len(PADDING)] = 0
        text.resize(size + len(PADDING), refcheck=False)  # gives back what was not needed, and copies nothing
        gathered = np.array(batches, np.int64).reshape(-1, BATCH)
        self._text, self._batches, self._begins, self._end = text, gathered, begins, begin
        return bool(batches)

    def _end_of_batch(self, at: int) -> int | None:
        """Where the batch ends that begins at ``at``; None where it is not there, or not all of it."""
        left = len(self._content) - at
        if left < _OVERHEAD:
            return None
        end: int = at + _OVERHEAD + _LENGTH.unpack_from(self._content, at + _LENGTH_AT)[0]
        return end if end <= len(self._content) else None

    def _unpack(self, begin: int, end: int, room: memoryview) -> tuple[int, tuple[int, ...]] | None:
        """Puts the records of the batch that lies there into the room; returns how many bytes they are, and its head.
        None where it is unusual, or there is too little room.
        """
        content = memoryview(self._content)[begin:end]
        if len(content) < _HEAD.size:
            return None
        head = _HEAD.unpack_from(content)
        _, _, _, magic, checksum, attributes, *_, count = head
        if magic != _MAGIC or attributes & _FOR_BROKERS or calc_crc32c(content[_CHECKED_FROM:]) != checksum:
            return None
        try:
            length = unpack_into(attributes & _CODEC, content[_HEAD.size :], room)
        except MemoryError:  # nothing is wrong with it
            raise
        except Exception:  # noqa: BLE001 (each codec has its own; whoever reads it then says what is wrong)
            return None
        return (length, head) if 0 <= count * SHORTEST_RECORD <= length else None

    def _leave(self) -> None:
        """Let aiokafka read what was not taken."""
        begins = [at for at, left in zip(self._begins, self._batches[:, LEFT].tolist(), strict=True) if left]
        self._records = BoundedRecords(self._content[min([*begins, self._end]) :])
        self._records_iterator = self._unpack_records()
        self._columned = False


class ColumnedResult(BoundedPart):
    """The answer to a fetch of a partition."""

    _partition_records: ColumnedPartition

    def _next(self, max_records: int | None) -> Part:
        fetched = self._partition_records
        try:
            records = fetched.take(sys.maxsize if max_records is None else max_records)
        except MemoryError:
            return Part((), lacks_memory=True)
        return super()._next(max_records) if records is None else Part(records, ended=fetched.taken)
