"""Batches are unpacked within a bound, and odd ones read: aiokafka has no setting against either, and stops at them."""

import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import chain, islice
from operator import lt
from typing import Any, ClassVar, Final

import aiokafka.consumer.fetcher as fetcher
import cramjam
import numpy as np
import structlog
from aiokafka import codec
from aiokafka.record import default_records
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from prometheus_client import Counter

from tracehound.schemas.errors import TracehoundError
from tracehound.streams.kafka.bounded_parts import BoundedPart, NoRoomError, PlainRecords
from tracehound.streams.kafka.odd_records import UNREAD_HEADER, Unpacked, odd_records, stand_in

PACKED: Final = "PackedBatch"
"""The class of its dead letter."""
_OVERHEAD: Final = 12
"""Bytes before those that the length of a batch counts."""
_LENGTH_AT: Final = 8
_MAGIC, _MAGIC_AT, _CODEC_AT = 2, 16, 22
_USUAL_RATIO: Final = 16
_MOST_RATIO: Final = {1: 1_032, 2: 22, 3: 255}
"""Of gzip, snappy and lz4, as their formats have it; Zstandard has none to speak of."""
_PACKED_PIECE: Final = 16_384
_PIECE: Final = 262_144
_XERIAL_HEAD: Final = 16
_WITH_ITS_HEAD: Final = 31
_LONGEST_SENTENCE: Final = 500
_AT_A_TIME: Final = 500
_READ_BY_AIOKAFKA: Final = 4_000_000
"""Larger batches are read with a bound on headers: of two bytes each, aiokafka makes thirty times as many of them."""
_CODECS: Final = ("none", "gzip", "snappy", "lz4", "zstd")

BATCHES_REFUSED: Final = Counter(
    "tracehound_batches_refused", "Compressed batches of records that were not unpacked", registry=None
)
"""Of this process."""

log = structlog.get_logger(__name__)


class BatchTooLargeError(TracehoundError):
    """What a batch holds, once unpacked, is larger than it may be."""


def unpack_gzip(packed: Any, most: int) -> bytearray:
    """What was packed, all members of it.

    Raises:
        BatchTooLargeError: it has more than ``most`` bytes.
        zlib.error, EOFError: it is damaged, or cut off.
    """
    found = bytearray()
    rest = memoryview(packed)
    while rest:
        member = zlib.decompressobj(_WITH_ITS_HEAD)
        while not member.eof:
            piece = rest[:_PACKED_PIECE]
            unpacked = member.decompress(piece, min(_PIECE, most + 1 - len(found)))
            if not piece and not unpacked:
                raise EOFError("a gzip member ends early")
            found += unpacked
            if len(found) > most:
                raise _too_large(most)
            rest = rest[len(piece) - len(member.unconsumed_tail) - len(member.unused_data) :]
        while rest and not rest[0]:
            padded = bytes(rest[:_PACKED_PIECE])
            rest = rest[len(padded) - len(padded.lstrip(b"\0")) :]
    return found


def unpack_lz4(packed: Any, most: int) -> memoryview:
    """What was packed; raises as ``unpack_gzip`` does, ``cramjam.DecompressionError`` where it is damaged."""
    return _unpack_into(cramjam.lz4.decompress_into, packed, most)


def unpack_zstd(packed: Any, most: int) -> memoryview:
    """What was packed; raises as ``unpack_lz4`` does."""
    return _unpack_into(cramjam.zstd.decompress_into, packed, most)


def unpack_snappy(packed: Any, most: int) -> bytes:
    """What was packed, in blocks (as Java does) or as one; raises as ``unpack_lz4`` does."""
    packed = memoryview(packed)
    if not codec._detect_xerial_stream(packed):
        if cramjam.snappy.decompress_raw_len(packed) > most:
            raise _too_large(most)
        return bytes(cramjam.snappy.decompress_raw(packed))
    found: list[bytes] = []
    at, room = _XERIAL_HEAD, most
    while at < len(packed):
        (size,) = struct.unpack_from("!I", packed, at)
        block = packed[at + 4 : at + 4 + size]
        room -= cramjam.snappy.decompress_raw_len(block)
        if room < 0:
            raise _too_large(most)
        found.append(bytes(cramjam.snappy.decompress_raw(block)))
        at += 4 + size
    return b"".join(found)


def unpack_into(codec: int, packed: memoryview, room: memoryview) -> int:
    """Puts what was packed by a codec (a place in Kafka's list of them) there, and returns how many bytes it has.

    Raises:
        KeyError: there is no such codec.
        Exception: it is damaged, or larger than the room (each codec has its own).
    """
    if codec in _INTO:
        return int(_INTO[codec](packed, room))
    content = _UNPACK[codec](packed, len(room)) if codec else packed
    room[: len(content)] = content
    return len(content)


def _unpack_into(unpack: Any, packed: Any, most: int) -> memoryview:
    guess = min(most, _USUAL_RATIO * len(packed))
    for size in (guess, most):
        room = np.empty(size, np.uint8)  # what is not written is not taken from the machine
        try:
            used = int(unpack(packed, room))
        except cramjam.DecompressionError as error:
            if "not enough memory" in str(error):
                raise MemoryError(str(error)) from error
            if "whole buffer" not in str(error):
                raise
            continue
        room.resize(used, refcheck=False)
        return room.data
    raise _too_large(most)


def _too_large(most: int) -> BatchTooLargeError:
    return BatchTooLargeError(f"A batch of records must unpack to at most {most} bytes. Got more instead")


_Unpack = Callable[[Any, int], Unpacked]
_UNPACK: Final[dict[int, _Unpack]] = dict(enumerate((unpack_gzip, unpack_snappy, unpack_lz4, unpack_zstd), 1))
_INTO: Final = {3: cramjam.lz4.decompress_into, 4: cramjam.zstd.decompress_into}


class BoundedRecords:
    """What aiokafka's fetcher reads batches from; one that cannot be unpacked is one record, its bytes as they came.

    So it is a dead letter like any other, and what follows is read. ``most`` bytes are what one may unpack to.
    """

    most: ClassVar[int] = sys.maxsize

    def __init__(self, content: bytes) -> None:
        self._records = MemoryRecords(content)
        self.content = content
        self._at = self._begin = 0
        self.held_bytes = 0
        """Of the batch that is being read, once it is unpacked."""

    @cached_property
    def packed_bytes(self) -> int:
        """What the compressed ones may unpack to at the most, together; more than any bound where it is not said."""
        at = found = 0
        while at + _CODEC_AT < len(self.content):
            length = max(_OVERHEAD, self._length(at))
            if self.content[at + _MAGIC_AT] < _MAGIC:  # of an older format
                return sys.maxsize
            if codec := self.content[at + _CODEC_AT] & DefaultRecordBatch.CODEC_MASK:
                found += length * _MOST_RATIO.get(codec, sys.maxsize)
            at += length
        return found

    def _length(self, at: int) -> int:
        (length,) = struct.unpack_from(">i", self.content, at + _LENGTH_AT)
        return _OVERHEAD + int(length)

    def go_back(self) -> None:
        """Give the batch again that was given last, and those behind it."""
        self._records, self._at = MemoryRecords(self.content), 0
        while self._at < self._begin:
            self._records.next_batch()
            self._at += self._length(self._at)
        self.held_bytes = 0

    def size_in_bytes(self) -> int:
        """Of all batches, packed."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether there is a further batch."""
        return bool(self._records.has_next())

    def next_batch(self) -> Any:
        """The next batch; None after the last."""
        begin = self._begin = self._at
        self.held_bytes = 0
        batch = self._records.next_batch()
        if batch is None:
            return None
        self._at = begin + self._length(begin)
        if not isinstance(batch, DefaultRecordBatch) or batch.is_control_batch:  # (of brokers alone)
            return batch
        return _Guarded(batch, memoryview(self.content)[begin : self._at], self)


class _Guarded:
    """A batch: aiokafka's own, but that it never fails to give its records, each at an offset of its own."""

    def __init__(self, batch: Any, content: memoryview, records: BoundedRecords) -> None:
        self._batch = batch
        self._content = content
        self._of = records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        _unpacked.is_kept = True
        try:
            records = iter(self._batch)
        except (NoRoomError, MemoryError):  # nothing is wrong with it
            raise
        except Exception as error:  # noqa: BLE001 (each codec has its own, and the batches behind this one must be read)
            return iter([self._as_one(error)])
        finally:
            unpacked, _unpacked.content, _unpacked.is_kept = _unpacked.content, None, False
        self._of.held_bytes = 0 if unpacked is None else len(unpacked)
        if (len(self._content) if unpacked is None else len(unpacked)) > _READ_BY_AIOKAFKA:
            return odd_records(bytes(self._content), unpacked)
        return chain.from_iterable(self._given(records))

    def _given(self, records: Iterator[Any]) -> Iterator[Iterable[Any]]:
        """The records; where one is odd, all of them anew: aiokafka leaves out those that it was given."""
        following, end = self._batch.base_offset, self._batch.next_offset
        records = chain(records)  # aiokafka's begin anew where they are asked behind their end
        try:
            while chunk := list(islice(records, _AT_A_TIME)):
                offsets = [record.offset for record in chunk]
                if offsets[0] < following or offsets[-1] >= end or not all(map(lt, offsets, offsets[1:])):
                    break
                following = offsets[-1] + 1
                yield chunk
            else:
                return
        except MemoryError:  # nothing is wrong with it
            raise
        except Exception as error:  # noqa: BLE001 (whatever is wrong, the records behind this one must be read)
            log.warning("odd_batch", base_offset=self._batch.base_offset, error=f"{type(error).__name__}: {error}")
        yield odd_records(bytes(self._content))

    def _as_one(self, error: Exception) -> Any:
        batch = self._batch
        name = _CODECS[batch.compression_type] if batch.compression_type < len(_CODECS) else "unknown"
        sentence = (
            f"A batch of {len(self._content)} bytes, packed with {name}, is not unpacked, and one record with all "
            f"its bytes: {str(error) or type(error).__name__}."
        )
        BATCHES_REFUSED.inc()
        _tell(sentence, batch.base_offset, batch.next_offset)
        last = batch.next_offset - 1  # a reader may stand in the midst of it
        return stand_in(last, batch.max_timestamp, batch.timestamp_type, bytes(self._content), sentence)


def packed_sentence(headers: Sequence[tuple[str, bytes | None]]) -> str | None:
    """Why a record is a batch that was not unpacked, or a part of one that cannot be read; None for all others."""
    for name, value in headers:
        if name == UNREAD_HEADER:
            return (value or b"").decode(errors="replace")[:_LONGEST_SENTENCE]
    return None


def _log(sentence: str, base_offset: int, next_offset: int) -> None:
    log.error("batch_refused", sentence=sentence, base_offset=base_offset, next_offset=next_offset)


_tell: Callable[[str, int, int], None] = _log


def bound_batches(most: int, tell: Callable[[str, int, int], None] = _log, longest: int = BoundedPart.longest) -> None:
    """Unpack batches to at most so many bytes, in all of this process's aiokafka consumers from now on.

    ``tell`` is given each that is not unpacked: why, its first offset, and that after its last. Values are cut to
    ``longest`` bytes.
    """
    global _tell  # (as what follows, it holds for the process)
    _tell = tell
    fetcher.MemoryRecords = BoundedRecords
    BoundedRecords.most, BoundedPart.longest = most, longest
    if not issubclass(fetcher.FetchResult, BoundedPart):  # (some topics may be read in columns already)
        fetcher.PartitionRecords, fetcher.FetchResult = PlainRecords, BoundedPart
    for name in (DefaultRecordBatch.__module__, LegacyRecordBatch.__module__, default_records.__name__):
        module: Any = sys.modules[name]
        module.gzip_decode = lambda packed: _in_room(unpack_gzip, packed, most)
        module.snappy_decode = lambda packed: _in_room(unpack_snappy, packed, most)
        module.lz4_decode = lambda packed: _in_room(unpack_lz4, packed, most)
        if hasattr(module, "zstd_decode"):
            module.zstd_decode = lambda packed: _in_room(unpack_zstd, packed, most)


class _Unpacked(threading.local):
    """What this thread unpacked last, which the batch does not give, where it is to be kept; how large it may be."""

    content: Unpacked | None = None
    is_kept = False
    room = sys.maxsize


_unpacked = _Unpacked()


@contextmanager
def within(room: int) -> Iterator[None]:
    """Let this thread unpack no batch beyond ``room`` bytes for now: it raises ``NoRoomError`` then."""
    _unpacked.room = room
    try:
        yield
    finally:
        _unpacked.room = sys.maxsize


def _in_room(unpack: _Unpack, packed: Any, most: int) -> Unpacked:
    try:
        found = unpack(packed, min(_unpacked.room, most))
    except BatchTooLargeError as error:
        if _unpacked.room >= most:
            raise
        raise NoRoomError(str(error)) from error
    if _unpacked.is_kept:
        _unpacked.content = found
    return found
