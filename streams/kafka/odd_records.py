"""Batches that brokers accept and aiokafka does not read: their records, as far as there are any."""

from collections.abc import Iterator
from typing import Any, Final

import structlog
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchPy
from aiokafka.record.util import decode_varint_py as decode_varint  # the compiled one reads beyond the end

from tracehound.detectors.columns.read_records import MOST_HEADERS

UNREAD_HEADER: Final = "tracehound_packed_batch"
"""Of a record that stands for a batch, or a part of one, that cannot be read; its value are the bytes as they came."""

Unpacked = bytes | bytearray | memoryview
"""What was packed."""

log = structlog.get_logger(__name__)


def odd_records(content: bytes, unpacked: Unpacked | None = None) -> Iterator[DefaultRecord]:
    """The records of a batch, at offsets that rise within it, whatever they say.

    Brokers do not look into records that are not compressed: the names of headers may be no UTF-8 (what is not is
    escaped then), and any offset may stand there, which would have a reader skip those of others. What cannot be read
    stands as one record with its bytes (``UNREAD_HEADER``): a record, or all that follows where its length is wrong.

    Parameters:
        content: the batch.
        unpacked: its records, if they were packed and are unpacked already.

    Raises:
        Exception: the batch cannot be unpacked.
    """
    batch = _DefaultRecordBatchPy(content)
    buffer, at = unpacked, 0
    if buffer is None:
        iter(batch)  # unpacks
        buffer, at = batch._buffer, batch._pos
    count, following, end = batch._num_records, batch.base_offset, batch.next_offset
    whole = count == end - following  # nothing was compacted away, so offsets follow one another
    for left in range(count, 0, -1):
        if at >= len(buffer) or following >= end:
            return
        try:
            length, begin = decode_varint(buffer, at)
            size = begin + length
            if length < 0 or size > len(buffer):
                raise ValueError(f"its length is {length} of {len(buffer) - begin} bytes")
        except (ValueError, IndexError) as error:
            yield _unread(batch, end - 1, bytes(buffer[at:]), error)
            return
        try:
            delta, timestamp, key, value, headers = _read(buffer[begin:size])
        except (ValueError, IndexError) as error:
            yield _unread(batch, following, bytes(buffer[at:size]), error)
        else:
            offset = batch.base_offset + delta
            if not whole and following <= offset <= end - left:
                following = offset
            of_batch = batch.max_timestamp if batch.timestamp_type else batch.first_timestamp + timestamp
            yield DefaultRecord(following, of_batch, batch.timestamp_type, key, value, headers)
        at, following = size, following + 1


def stand_in(offset: int, timestamp: int, timestamp_type: int, value: bytes, sentence: str) -> DefaultRecord:
    """What stands for bytes that cannot be read, and why they cannot."""
    return DefaultRecord(offset, timestamp, timestamp_type, None, value, [(UNREAD_HEADER, sentence.encode())])


def _unread(batch: Any, offset: int, content: bytes, error: Exception) -> DefaultRecord:
    sentence = f"{len(content)} bytes of a batch of records cannot be read, and are one dead letter: {error}."
    log.error("record_unread", sentence=sentence, offset=offset)
    return stand_in(offset, batch.max_timestamp, batch.timestamp_type, content, sentence)


def _read(record: Unpacked) -> tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]:
    """Offset and timestamp, both counted from the batch's, key, value and headers of a record without its length.

    Raises:
        ValueError, IndexError: it is none.
    """
    timestamp, at = decode_varint(record, 1)
    delta, at = decode_varint(record, at)
    key, at = _bytes(record, at)
    value, at = _bytes(record, at)
    count, at = decode_varint(record, at)
    if count > MOST_HEADERS:
        raise ValueError(f"it has {count} headers of at most {MOST_HEADERS}")
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, at = _bytes(record, at)
        content, at = _bytes(record, at)
        headers.append(((name or b"").decode(errors="backslashreplace"), content))
    if count < 0 or at != len(record):
        raise ValueError(f"it has {count} headers, and {len(record) - at} bytes behind them")
    return delta, timestamp, key, value, headers


def _bytes(record: Unpacked, at: int) -> tuple[bytes | None, int]:
    size, begin = decode_varint(record, at)
    if size < 0:
        return None, begin
    if begin + size > len(record):
        raise ValueError(f"a part of {size} bytes begins {len(record) - begin} bytes before its end")
    return bytes(record[begin : begin + size]), begin + size
