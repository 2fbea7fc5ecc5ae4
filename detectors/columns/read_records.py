"""Reads the records of Kafka's batches without an object for any.

Source: https://kafka.apache.org/documentation/#messageformat, the format of version 2.
"""

from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.byte_words import same_bytes
from tracehound.detectors.columns.json_tokens import SEPARATOR
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

OFFSET, TIMESTAMP, STAMPED, KEY, KEY_LENGTH, VALUE, VALUE_LENGTH, HEADERS, HEADER_COUNT = range(9)
PLACES: Final = 9
"""Of each record: offset, timestamp and its type, where key, value and headers begin, and their lengths; that of the
headers is how many there are."""
AT, END, LEFT, BASE, FIRST_MS, LAST_MS, APPENDED, NEXT, READ = range(9)
BATCH: Final = 9
"""Of each batch: where its records begin and end, and how many there are, its first offset, its first and last
timestamp, 1 where the broker stamped it when it was appended, the offset that follows it, and that of the record which
was read last, the one before the first where none was."""
NONE: Final = -1
"""The length of a key or value that is null."""
ABSENT: Final = -2
"""The length of a header that is not there."""
MALFORMED: Final = -1
MOST_HEADERS: Final = 10_000
"""Of a record."""
SHORTEST_RECORD: Final = 7
"""Bytes: length, attributes, time, offset, key, value and headers, of one each."""
HEADER_PLACE, HEADER_LENGTH, HEADER_NUMBER, HEADER_REPEATS = range(4)
FOUND: Final = 4
"""Of each header that is looked for: where its value begins, its length, the number that it is, ``NO_NUMBER`` where it
is none, and 1 where it is the same as in the last record that has headers, or there are none."""
NO_NUMBER: Final = -1
_LARGEST_NUMBER: Final = 10**17
_MOST_DIGITS: Final = 19


@njit(**LEAN)
def read_records(text: Any, batches: Any, following: Any, places: Any) -> int:
    """Fills ``places`` (room, ``PLACES``) with the records of ``batches`` (k, ``BATCH``) from the offset
    ``following`` (1,) on.

    Returns how many there are, no more than there is room for, or ``MALFORMED`` where a batch is not what the format
    says, a header has a name that is not ASCII, there are very many, or offsets do not rise within the batch. What is
    read is taken out of ``batches``, and ``following`` moves on. Behind each value ``SEPARATOR`` is written into
    ``text``, over the number of headers, which is known then.
    """
    row = 0
    for index in range(len(batches)):
        batch = batches[index]
        while batch[LEFT] > 0:
            if row == len(places):
                return row
            at = _read_record(text, batch, places[row])
            if at < 0:
                return MALFORMED
            if not batch[READ] < places[row, OFFSET] <= batch[NEXT] - batch[LEFT]:  # each that is left has its own
                return MALFORMED
            batch[READ] = places[row, OFFSET]
            batch[AT] = at
            batch[LEFT] -= 1
            if places[row, OFFSET] >= following[0]:
                following[0] = places[row, OFFSET] + 1
                row += 1
        if batch[AT] != batch[END]:
            return MALFORMED
        following[0] = batch[NEXT]
    return row


@njit(**LEAN, forceinline=True)
def _signed(text: Any, at: int, end: int) -> Any:
    """A number of up to 63 bits, and the place behind it, ``MALFORMED`` where there is none."""
    value, shift = np.uint64(0), 0
    while at < end and shift < 63:
        byte = np.uint64(text[at])
        at += 1
        value |= (byte & np.uint64(127)) << np.uint64(shift)
        if byte < 128:
            return np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1)), at
        shift += 7
    return np.int64(0), MALFORMED


@njit(**LEAN, forceinline=True)
def piece(text: Any, at: int, end: int) -> Any:
    """Of a key, a value or a part of a header: where its bytes begin, how many, ``NONE`` for null, and what follows,
    ``MALFORMED`` where they do not end."""
    length, at = _signed(text, at, end)
    if at < 0 or length > end - at:
        return at, np.int64(NONE), MALFORMED
    if length < 0:
        return at, np.int64(NONE), at
    return at, length, at + length


@njit(**LEAN)
def _read_record(text: Any, batch: Any, places: Any) -> int:
    """The place behind the record that the batch goes on with, or ``MALFORMED``."""
    length, at = _signed(text, batch[AT], batch[END])
    if at < 0 or length < 1 or length > batch[END] - at or text[at] > 127:
        return MALFORMED
    end = at + length
    since_ms, at = _signed(text, at + 1, end)
    if at < 0:
        return MALFORMED
    delta, at = _signed(text, at, end)
    if at < 0:
        return MALFORMED
    places[OFFSET] = batch[BASE] + delta
    places[TIMESTAMP] = batch[LAST_MS] if batch[APPENDED] else batch[FIRST_MS] + since_ms
    places[STAMPED] = batch[APPENDED]
    places[KEY], places[KEY_LENGTH], at = piece(text, at, end)
    if at < 0:
        return MALFORMED
    places[VALUE], places[VALUE_LENGTH], at = piece(text, at, end)
    if at < 0:
        return MALFORMED
    count, at = _signed(text, at, end)
    if at < 0 or count < 0 or count > MOST_HEADERS:
        return MALFORMED
    places[HEADERS], places[HEADER_COUNT] = at, count
    if places[VALUE_LENGTH] >= 0:
        text[places[VALUE] + places[VALUE_LENGTH]] = SEPARATOR[0]
    for _ in range(count):
        name, name_length, at = piece(text, at, end)
        if at < 0 or name_length < 0:
            return MALFORMED
        for letter in range(name, at):
            if text[letter] > 127:
                return MALFORMED
        _, _, at = piece(text, at, end)
        if at < 0:
            return MALFORMED
    return at if at == end else MALFORMED


@njit(**LEAN)
def find_headers(text: Any, places: Any, names: Any, name_begins: Any, name_ends: Any, found: Any) -> None:
    """Fills ``found`` (n, k, ``FOUND``) with those headers of records (n, ``PLACES``) that have one of k names, of
    several with one name the last. ``names``, ``name_begins`` and ``name_ends`` (k,) are those of ``PlacedTexts``;
    ``text`` ends with ``PADDING``.
    """
    last = -1  # the row before that has headers
    for row in range(len(places)):
        for name in range(name_begins.size):
            found[row, name, HEADER_LENGTH], found[row, name, HEADER_NUMBER] = ABSENT, NO_NUMBER
            found[row, name, HEADER_PLACE], found[row, name, HEADER_REPEATS] = 0, places[row, HEADER_COUNT] == 0
        at = places[row, HEADERS]
        for _ in range(places[row, HEADER_COUNT]):
            key, length, at = piece(text, at, text.size)
            value, value_length, at = piece(text, at, text.size)
            for name in range(name_begins.size):
                begin = name_begins[name]
                if name_ends[name] - begin == length and same_bytes(names, begin, text, key, length):
                    found[row, name, HEADER_PLACE], found[row, name, HEADER_LENGTH] = value, value_length
                    found[row, name, HEADER_NUMBER] = _number(text, value, value_length)
        if places[row, HEADER_COUNT] == 0:
            continue
        if last >= 0:
            for name in range(name_begins.size):
                length = found[row, name, HEADER_LENGTH]
                found[row, name, HEADER_REPEATS] = length == found[last, name, HEADER_LENGTH] and same_bytes(
                    text, found[row, name, HEADER_PLACE], text, found[last, name, HEADER_PLACE], length
                )
        last = row


@njit(**LEAN, forceinline=True)
def _number(text: Any, at: int, length: int) -> Any:
    """The number that digits are; ``NO_NUMBER`` where they are none, or one that no offset reaches."""
    if length < 1 or length > _MOST_DIGITS:
        return np.int64(NO_NUMBER)
    number = np.int64(0)
    for place in range(at, at + length):
        digit = np.int64(text[place]) - 48
        if digit < 0 or digit > 9 or number >= _LARGEST_NUMBER:
            return np.int64(NO_NUMBER)
        number = 10 * number + digit
    return number
