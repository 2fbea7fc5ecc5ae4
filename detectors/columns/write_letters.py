"""Writes dead letters that say the same of many records, as Kafka's batches hold them, without an object for any.

Sources: https://kafka.apache.org/documentation/#messageformat, the format of version 2; the partitioner of Kafka's
clients, MurmurHash2 (A. Appleby, 2008).
"""

from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.byte_words import PADDING, same_bytes
from tracehound.detectors.columns.copied_bytes import copied_bytes
from tracehound.detectors.columns.read_records import (
    HEADER_COUNT,
    HEADERS,
    KEY,
    KEY_LENGTH,
    OFFSET,
    TIMESTAMP,
    VALUE,
    VALUE_LENGTH,
    piece,
)
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

ANYWHERE: Final = -1
"""The partition of a letter without a key."""
MOST_FRAMING: Final = 16
"""Bytes that the lengths of a letter, and its place in the batch, take beside what ``measure_letters`` counts."""
KEPT_COUNT, KEPT_BYTES, TARGET, SIZE = range(4)
MEASURES: Final = 4
"""Of each letter: how many of its record's own headers it keeps, the bytes of these, the partition that its key says,
and the bytes of all of it but for lengths in front."""
OURS: Final = 7
"""Headers that each letter has beside those of its record."""
_PADDED: Final = len(PADDING)
_ZERO, _MINUS = ord("0"), ord("-")
_SEED, _MIX = np.uint32(0x9747B28C), np.uint32(0x5BD1E995)


@njit(**LEAN)
def measure_letters(text: Any, places: Any, left_out: Any, partitions: int, fixed: int, measures: Any) -> None:
    """Fills ``measures`` (n, ``MEASURES``) for the records (n, ``PLACES``) that letters are about.

    Parameters:
        text: ends with ``PADDING``.
        left_out: what the names of headers begin with that are not kept, with ``PADDING``.
        partitions: of the topic of dead letters.
        fixed: bytes of the headers that all letters have.
    """
    length = left_out.size - _PADDED
    for row in range(len(places)):
        place, measure = places[row], measures[row]
        at = place[HEADERS]
        measure[KEPT_COUNT] = measure[KEPT_BYTES] = 0
        for _ in range(place[HEADER_COUNT]):
            begin = at
            name, name_length, at = piece(text, at, text.size)
            _, _, at = piece(text, at, text.size)
            if not (name_length >= length and same_bytes(left_out, 0, text, name, length)):
                measure[KEPT_COUNT] += 1
                measure[KEPT_BYTES] += at - begin
        measure[TARGET] = ANYWHERE
        if place[KEY_LENGTH] >= 0:
            hashed = np.int64(_murmur2(text, place[KEY], place[KEY_LENGTH]))
            measure[TARGET] = (hashed & 0x7FFFFFFF) % partitions
        size = 2 + fixed + measure[KEPT_BYTES] + _size(measure[KEPT_COUNT] + OURS)
        size += _size_of_piece(place[KEY_LENGTH]) + _size_of_piece(_value_length(place))
        for number in (place[OFFSET], place[TIMESTAMP]):
            digits = _digits(number)
            size += _size(digits) + digits
        measure[SIZE] = size


@njit(**LEAN)
def write_letters(
    text: Any,
    places: Any,
    measures: Any,
    rows: Any,
    left_out: Any,
    before: Any,
    names: Any,
    name_length: int,
    behind: Any,
    written: Any,
) -> int:
    """Writes letters about the records at ``rows`` (k,) as a batch that begins with the first; returns its bytes.

    A letter has its record's key, value and own headers. ``before`` and ``behind`` are headers as they are written; in
    between are those with offset and timestamp, whose ``names`` are the first ``name_length`` bytes and the others.
    ``written`` has room for ``SIZE`` and ``MOST_FRAMING`` of each.
    """
    length, at = left_out.size - _PADDED, 0
    for index in range(rows.size):
        place, measure = places[rows[index]], measures[rows[index]]
        at = _put(written, at, measure[SIZE] + _size(index))
        written[at] = written[at + 1] = 0  # attributes, and milliseconds since the first
        at = _put(written, at + 2, index)
        at = _put_piece(written, at, text, place[KEY], place[KEY_LENGTH])
        at = _put_piece(written, at, text, place[VALUE], _value_length(place))
        at = _put(written, at, measure[KEPT_COUNT] + OURS)
        following = place[HEADERS]
        for _ in range(place[HEADER_COUNT]):
            begin = following
            name, its_length, following = piece(text, following, text.size)
            _, _, following = piece(text, following, text.size)
            if not (its_length >= length and same_bytes(left_out, 0, text, name, length)):
                at = copied_bytes(written, at, text, begin, following)
        at = copied_bytes(written, at, before, 0, before.size)
        at = copied_bytes(written, at, names, 0, name_length)
        at = _put_number(written, at, place[OFFSET])
        at = copied_bytes(written, at, names, name_length, names.size)
        at = _put_number(written, at, place[TIMESTAMP])
        at = copied_bytes(written, at, behind, 0, behind.size)
    return at


@njit(**LEAN, forceinline=True)
def _value_length(place: Any) -> Any:
    """That of the value; a record without key and value cannot be sent, and has an empty one then."""
    return np.int64(0) if place[KEY_LENGTH] < 0 and place[VALUE_LENGTH] < 0 else place[VALUE_LENGTH]


@njit(**LEAN, forceinline=True)
def _size(number: int) -> int:
    """Bytes of a number from 0 on, as it is written."""
    size, rest = 1, number >> 6
    while rest > 0:
        size += 1
        rest >>= 7
    return size


@njit(**LEAN, forceinline=True)
def _size_of_piece(length: int) -> int:
    return 1 if length < 0 else _size(length) + length


@njit(**LEAN, forceinline=True)
def _digits(number: int) -> int:
    count, rest = 1 + (number < 0), abs(number) // 10
    while rest > 0:
        count += 1
        rest //= 10
    return count


@njit(**LEAN, forceinline=True)
def _put(written: Any, at: int, number: int) -> int:
    rest = number << 1
    while rest > 127:
        written[at] = 128 | (rest & 127)
        rest >>= 7
        at += 1
    written[at] = rest
    return at + 1


@njit(**LEAN, forceinline=True)
def _put_piece(written: Any, at: int, text: Any, begin: int, length: int) -> Any:
    if length < 0:
        written[at] = 1  # the number -1
        return at + 1
    return copied_bytes(written, _put(written, at, length), text, begin, begin + length)


@njit(**LEAN, forceinline=True)
def _put_number(written: Any, at: int, number: int) -> Any:
    digits = _digits(number)
    at = _put(written, at, digits)
    if number < 0:
        written[at] = _MINUS
    rest, place = abs(number), at + digits - 1
    while True:
        written[place] = _ZERO + rest % 10
        rest //= 10
        place -= 1
        if rest == 0:
            return at + digits


@njit(**LEAN)
def _murmur2(text: Any, begin: int, length: int) -> Any:
    """The hash of a key, as Kafka's clients know it."""
    found = _SEED ^ np.uint32(length)
    at, end = begin, begin + length
    while at + 4 <= end:
        word = np.uint32(0)
        for place in range(4):
            word |= np.uint32(text[at + place]) << np.uint32(8 * place)
        word = np.uint32(word * _MIX)
        word ^= word >> np.uint32(24)
        found = np.uint32(found * _MIX) ^ np.uint32(word * _MIX)
        at += 4
    if at < end:
        for place in range(end - at):
            found ^= np.uint32(text[at + place]) << np.uint32(8 * place)
        found = np.uint32(found * _MIX)
    found ^= found >> np.uint32(13)
    found = np.uint32(found * _MIX)
    return found ^ (found >> np.uint32(15))
