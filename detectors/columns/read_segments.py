"""Reads executions with the JSON of their segments straight into columns: of most segments no object is ever made."""

from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec
import numpy as np

from tracehound.detectors.bank import Slots
from tracehound.detectors.columns.byte_words import PADDING, end_of_string, word_at
from tracehound.detectors.columns.decimal_numbers import read_number
from tracehound.detectors.columns.segment_columns import ColumnedExecutions, SegmentColumns, durations, within
from tracehound.detectors.columns.segment_names import SegmentNames, segment_names
from tracehound.detectors.columns.segment_texts import NO_NUMBER, NO_PEER, number_of
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.schemas.execution import Label, Segment, SegmentKind, SegmentName, Status, UnreadExecution

_SEPARATOR: Final = b"\n"
"""Between executions: it ends a number and is part of nothing that is read here."""
_SHORTEST: Final = b'{"name":"a","duration_ms":0}'
"""There is no shorter segment."""
_NAME_DECODER = msgspec.json.Decoder(SegmentName)
_PEER_DECODER = msgspec.json.Decoder(Label)


def _table(words: Sequence[str]) -> Any:
    """For kernels, words (k,) of at most 15 letters, each with the quote that ends it: how long it is, the masks of
    its first and second eight bytes, and these.
    """
    quoted = [f'{word}"'.encode() for word in words]
    return (
        np.array([len(word) for word in quoted]),
        np.array([[256 ** min(8, one) - 1, 256 ** max(0, one - 8) - 1] for one in map(len, quoted)], np.uint64),
        np.array([np.frombuffer(word.ljust(16, b"\0"), np.uint64) for word in quoted]),
    )


_FIELDS: Final = tuple(name for name in Segment.__struct_fields__ if name != "count")
"""Those that are read here; segments that stand for several are rare."""
_NAME, _DURATION, _KIND, _OFFSET, _PARENT, _STATUS, _PEER, _SPAN_ID, _REMOTE = range(len(_FIELDS))
_FIELD_WORDS, _KINDS, _STATUSES = _table(_FIELDS), _table(get_args(SegmentKind)), _table(get_args(Status))
_OPEN_BRACE, _CLOSE_BRACE, _OPEN_BRACKET, _CLOSE_BRACKET = 123, 125, 91, 93
_QUOTE, _BACKSLASH, _COMMA, _COLON, _SPACE, _TAB = 34, 92, 44, 58, 32, 9


def read_segments(executions: Sequence[UnreadExecution], most: int) -> ColumnedExecutions | None:
    """The executions with their segments as columns, the same as those of ``columns_of``; None where ``whole`` has to
    be asked.

    That is where any segment breaks a rule, or does what few do: it has fields that are not known or come twice, or a
    number that ``read_number`` does not read. ``most`` is how many segments one may have. Strings must be valid UTF-8.

    >>> one = UnreadExecution("shop", "GET /", 0.0, 9.0, segments=msgspec.Raw(b'[{"name":"SELECT","duration_ms":2}]'))
    >>> read_segments([one, one], most=5).columns.duration_ms.tolist()
    [2.0, 2.0]
    >>> read_segments([one], most=0) is None
    True
    """
    texts = [execution.segments for execution in executions]
    together = b"".join((_SEPARATOR.join(texts), _SEPARATOR, PADDING))
    names = segment_names()
    room = len(together) // len(_SHORTEST) + 1
    numbers = np.empty((3, room))
    places = np.empty((6, room), np.int64)
    starts = np.zeros(len(texts) + 1, np.int64)
    known = names.texts
    count = _read(
        np.frombuffer(together, np.uint8), most, known.places, known.entries, known.text, starts, numbers, places
    )
    if count < 0 or not _name(together, names, places[:, :count]):
        return None
    within(numbers[:, :count])
    columns = SegmentColumns(
        whole_ms=durations([execution.duration_ms for execution in executions]),
        starts=starts,
        names=names,
        name=places[0, :count],
        duration_ms=numbers[0, :count],
        offset_ms=numbers[1, :count],
        remote_ms=numbers[2, :count],
        parent=places[1, :count],
    )
    return ColumnedExecutions(executions, columns)


def _name(text: bytes, names: SegmentNames, places: Slots) -> bool:
    """Give numbers to segments whose texts are not known; False where one is no valid name."""
    news: dict[tuple[bytes, bytes | None], int] = {}
    unknown = np.flatnonzero(places[0] == NO_NUMBER)
    if not len(unknown):
        return True
    where = places[2:, unknown].T.tolist()
    for at, (name_at, name_length, peer_at, peer_length) in zip(unknown.tolist(), where, strict=True):
        name = text[name_at : name_at + name_length]
        peer = None if peer_length == NO_PEER else text[peer_at : peer_at + peer_length]
        if (name, peer) not in news:
            try:
                called = None if peer is None else _PEER_DECODER.decode(b'"%b"' % peer)
                news[name, peer] = names[called][_NAME_DECODER.decode(b'"%b"' % name)]
            except msgspec.DecodeError:
                return False
        places[0, at] = news[name, peer]
    names.texts.add(news)
    return True


@njit(**LEAN)
def _read(text: Any, most: int, slots: Any, entries: Any, known: Any, starts: Any, numbers: Any, places: Any) -> int:
    """Fills ``starts`` (n + 1,), ``numbers`` (3, m): duration, offset and remote, and ``places`` (6, m): number of the
    name, parent, where the name begins and how long it is, and the peer. Returns m, or -1.
    """
    at = count = 0
    for row in range(starts.size - 1):
        at = _after_blanks(text, at)
        if text[at] != _OPEN_BRACKET:
            return -1
        at = _after_blanks(text, at + 1)
        first = count
        while text[at] != _CLOSE_BRACKET:
            if count > first:
                if text[at] != _COMMA:
                    return -1
                at = _after_blanks(text, at + 1)
            at = _read_one(text, at, first, count, slots, entries, known, numbers, places)
            if at < 0:
                return -1
            at = _after_blanks(text, at)
            count += 1
        at = _after_blanks(text, at + 1)
        if text[at] != _SEPARATOR[0] or count - first > most:
            return -1
        at += 1
        starts[row + 1] = count
    return count


@njit(**LEAN, forceinline=True)
def _read_one(
    text: Any, at: int, first: int, count: int, slots: Any, entries: Any, known: Any, numbers: Any, places: Any
) -> int:
    """Reads segment ``count``, which begins at ``at``, of the execution whose first is ``first``; returns where it
    ends, or -1.
    """
    if text[at] != _OPEN_BRACE:
        return -1
    at = _after_blanks(text, at + 1)
    duration, offset, remote, parent = -1.0, np.nan, np.nan, -1
    name_at, name_length, peer_at, peer_length = 0, 0, 0, NO_PEER
    seen, field = 0, -1
    while text[at] != _CLOSE_BRACE:
        if seen:
            if text[at] != _COMMA:
                return -1
            at = _after_blanks(text, at + 1)
        if text[at] != _QUOTE:
            return -1
        field, at = _word(text, at + 1, _FIELD_WORDS, field + 1)
        if field < 0 or seen & (1 << field):
            return -1
        seen |= 1 << field
        at = _after_blanks(text, at)
        if text[at] != _COLON:
            return -1
        at = _after_blanks(text, at + 1)
        if text[at] == _QUOTE:
            begin = at + 1
            if field == _KIND:
                _, at = _word(text, begin, _KINDS, 0)
            elif field == _STATUS:
                _, at = _word(text, begin, _STATUSES, 0)
            elif field == _NAME:
                name_at, at = begin, _after_string(text, begin, True)
                name_length = at - 1 - begin
            elif field == _PEER:
                peer_at, at = begin, _after_string(text, begin, True)
                peer_length = at - 1 - begin
            elif field == _SPAN_ID:
                at = _after_string(text, begin, False)
            else:
                return -1
            if at < 0:
                return -1
        elif text[at] == 110:  # n
            if field in (_NAME, _DURATION, _KIND, _STATUS):
                return -1
            if text[at + 1] != 117 or text[at + 2] != 108 or text[at + 3] != 108:  # ull
                return -1
            at += 4
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
        at = _after_blanks(text, at)
    if name_length == 0 or duration < 0.0:
        return -1
    numbers[0, count], numbers[1, count], numbers[2, count] = duration, offset, remote
    places[0, count] = number_of(slots, entries, known, text, name_at, name_length, peer_at, peer_length)
    places[1, count] = parent
    places[2, count], places[3, count] = name_at, name_length
    places[4, count], places[5, count] = peer_at, peer_length
    return at + 1


@njit(**LEAN, forceinline=True)
def _after_blanks(text: Any, at: int) -> int:
    """The next place that is not blank; a separator is not, or one execution would run into the next."""
    while text[at] == _SPACE or text[at] == _TAB:
        at += 1
    return at


@njit(**LEAN, forceinline=True)
def _word(text: Any, at: int, words: Any, likely: int) -> Any:
    """Which of ``words`` begins at ``at`` and ends with a quote, -1 for none, and what follows the quote; those from
    ``likely`` on are tried first.
    """
    lengths, masks, values = words
    first, second = word_at(text, at), word_at(text, at + 8)
    for tried in range(lengths.size):
        word = likely + tried
        if word >= lengths.size:
            word -= lengths.size
        if first & masks[word, 0] == values[word, 0] and second & masks[word, 1] == values[word, 1]:
            return word, at + lengths[word]
    return -1, -1


@njit(**LEAN, forceinline=True)
def _after_string(text: Any, at: int, escapes: bool) -> int:
    """What follows the quote that ends the string from ``at`` on; -1 where it has control characters, or ``escapes``
    that it may not have. Which escapes they are is not looked at.
    """
    while True:
        at = end_of_string(text, at)
        if text[at] == _QUOTE:
            return at + 1
        if text[at] != _BACKSLASH or not escapes or text[at + 1] < _SPACE:
            return -1
        at += 2
