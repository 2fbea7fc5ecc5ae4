"""Reads the JSON of segments straight into columns: of most of them no object is ever made."""

from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Floats, Slots
from tracehound.detectors.columns.byte_words import PADDING
from tracehound.detectors.columns.decimal_numbers import read_number
from tracehound.detectors.columns.json_tokens import (
    CLOSE_BRACE,
    CLOSE_BRACKET,
    COMMA,
    OPEN_BRACE,
    OPEN_BRACKET,
    QUOTE,
    SEPARATOR,
    after_blanks,
    after_null,
    after_plain_string,
    after_string,
    next_field,
    word_of,
    words,
)
from tracehound.detectors.columns.numbered_texts import NO_PEER, number_of
from tracehound.detectors.columns.segment_columns import SegmentColumns, durations, within
from tracehound.detectors.columns.segment_names import SegmentNames, segment_names
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.schemas.execution import Label, Segment, SegmentKind, SegmentName, Status, UnreadExecution

SHORTEST_SEGMENT: Final = len(b'{"name":"a","duration_ms":0}')
"""Bytes; there is no shorter segment."""
_NAME_DECODER = msgspec.json.Decoder(SegmentName)
_PEER_DECODER = msgspec.json.Decoder(Label)
_FIELDS: Final = tuple(name for name in Segment.__struct_fields__ if name != "count")
"""Those that are read here; segments that stand for several are rare."""
_NAME, _DURATION, _KIND, _OFFSET, _PARENT, _STATUS, _PEER, _SPAN_ID, _REMOTE = range(len(_FIELDS))
_FIELD_WORDS, _KINDS, _STATUSES = words(_FIELDS), words(get_args(SegmentKind)), words(get_args(Status))


def read_segments(executions: Sequence[UnreadExecution], most: int) -> SegmentColumns | None:
    """The segments of executions as columns, the same as those of ``columns_of``; None where ``whole`` has to be asked.

    That is where any segment breaks a rule, or does what few do: it has fields that are not known or come twice, or a
    number that ``read_number`` does not read. ``most`` is how many segments one may have. Strings must be valid UTF-8.

    >>> one = UnreadExecution("shop", "GET /", 0.0, 9.0, segments=msgspec.Raw(b'[{"name":"SELECT","duration_ms":2}]'))
    >>> read_segments([one, one], most=5).duration_ms.tolist()
    [2.0, 2.0]
    >>> read_segments([one], most=0) is None
    True
    """
    texts = [execution.segments for execution in executions]
    together = np.frombuffer(b"".join((SEPARATOR.join(texts), SEPARATOR, PADDING)), np.uint8)
    names = segment_names()
    room = len(together) // SHORTEST_SEGMENT + 1
    numbers, places = np.empty((3, room)), np.empty((6, room), np.int64)
    starts = np.zeros(len(texts) + 1, np.int64)
    count = _read(together, most, names.texts.tables, starts, numbers, places)
    if count < 0:
        return None
    whole_ms = durations([execution.duration_ms for execution in executions])
    try:
        return segments_read(together, names, whole_ms, starts, numbers[:, :count], places[:, :count])
    except msgspec.DecodeError:
        return None


def segments_read(
    text: NDArray[np.uint8],
    names: SegmentNames,
    whole_ms: Floats,
    starts: Slots,
    numbers: Floats,
    places: Slots,
) -> SegmentColumns:
    """The columns of what ``read_list`` has read in ``text`` (bytes,) of executions of ``whole_ms``; new ``names`` are
    given numbers.

    Raises:
        msgspec.DecodeError: a segment's name is not valid.
    """

    def number(name: bytes, peer: bytes | None) -> int:
        called = None if peer is None else _PEER_DECODER.decode(b'"%b"' % peer)
        return names[called][_NAME_DECODER.decode(b'"%b"' % name)]

    names.texts.number(text, places[0], places[2:], number)
    within(numbers)
    return SegmentColumns(whole_ms, starts, names, places[0], numbers[0], numbers[1], numbers[2], places[1])


@njit(**LEAN)
def _read(text: Any, most: int, tables: Any, starts: Any, numbers: Any, places: Any) -> int:
    """``read_list`` for each of the texts (n,) that ``text`` is made of. Returns how many segments there are, or -1."""
    at = count = 0
    for row in range(starts.size - 1):
        at, count = read_list(text, after_blanks(text, at), most, count, tables, numbers, places)
        if at < 0:
            return -1
        at = after_blanks(text, at)
        if text[at] != SEPARATOR[0]:
            return -1
        at += 1
        starts[row + 1] = count
    return count


@njit(**LEAN)
def read_list(text: Any, at: int, most: int, count: int, tables: Any, numbers: Any, places: Any) -> Any:
    """Reads the list of an execution's segments that begins at ``at``, of which there may be ``most``; ``count`` have
    been read of others. Returns what follows it, or -1, and how many have been read then.

    Fills ``numbers`` (3, m): duration, offset and remote, and ``places`` (6, m): number of the name, parent, where the
    name begins and how long it is, and the peer. ``tables`` are those of the names' texts.
    """
    if text[at] != OPEN_BRACKET:
        return -1, count
    at = after_blanks(text, at + 1)
    first = count
    while text[at] != CLOSE_BRACKET:
        if count > first:
            if text[at] != COMMA:
                return -1, count
            at = after_blanks(text, at + 1)
        at = _read_one(text, at, first, count, tables, numbers, places)
        if at < 0:
            return -1, count
        at = after_blanks(text, at)
        count += 1
    return (at + 1 if count - first <= most else -1), count


@njit(**LEAN, forceinline=True)
def _read_one(text: Any, at: int, first: int, count: int, tables: Any, numbers: Any, places: Any) -> int:
    """Reads segment ``count``, which begins at ``at``, of the execution whose first is ``first``; returns where it
    ends, or -1.
    """
    if text[at] != OPEN_BRACE:
        return -1
    at = after_blanks(text, at + 1)
    duration, offset, remote, parent = -1.0, np.nan, np.nan, -1
    name_at, name_length, peer_at, peer_length = 0, 0, 0, NO_PEER
    seen, field = 0, -1
    while text[at] != CLOSE_BRACE:
        field, at = next_field(text, at, seen, field + 1, _FIELD_WORDS)
        if field < 0:
            return -1
        seen |= 1 << field
        if text[at] == QUOTE:
            begin = at + 1
            if field == _KIND:
                _, at = word_of(text, begin, _KINDS, 0)
            elif field == _STATUS:
                _, at = word_of(text, begin, _STATUSES, 0)
            elif field == _NAME:
                name_at, at = begin, after_string(text, begin)
                name_length = at - 1 - begin
            elif field == _PEER:
                peer_at, at = begin, after_string(text, begin)
                peer_length = at - 1 - begin
            elif field == _SPAN_ID:
                at = after_plain_string(text, begin)
            else:
                return -1
            if at < 0:
                return -1
        elif text[at] == 110:  # n
            if field in (_NAME, _DURATION, _KIND, _STATUS):
                return -1
            at = after_null(text, at)
            if at < 0:
                return -1
        else:
            value, at, is_whole = read_number(text, at)
            if at < 0:
                return -1
            if field == _OFFSET:
                offset = value
            elif value < 0.0:
                return -1
            elif field == _DURATION:
                duration = value
            elif field == _REMOTE:
                remote = value
            elif field == _PARENT and is_whole and value < count - first:
                parent = int(value)
            else:
                return -1
        at = after_blanks(text, at)
    if name_length == 0 or duration < 0.0:
        return -1
    numbers[0, count], numbers[1, count], numbers[2, count] = duration, offset, remote
    places[0, count] = number_of(tables, text, name_at, name_length, peer_at, peer_length)
    places[1, count] = parent
    places[2, count], places[3, count] = name_at, name_length
    places[4, count], places[5, count] = peer_at, peer_length
    return at + 1
