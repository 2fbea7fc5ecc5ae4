"""Reads spans in OTLP's Protobuf straight into columns: what each has of its own, and what in common with others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.columns.byte_words import PADDING, word_at
from tracehound.detectors.columns.numbered_texts import NO_NUMBER, NO_PEER, NumberedTexts, number_of
from tracehound.detectors.columns.protobuf_wire import (
    BYTES,
    HALF_WORD,
    MALFORMED,
    VARINT,
    WORD,
    read_field,
    read_varint,
)
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

SPAN_COLUMNS: Final = 9
RESOURCE, BEGIN, END, SHAPE, SHAPE_END, VALUES_END, START_NS, END_NS, REMOTE = range(SPAN_COLUMNS)
"""The columns of spans; see ``SpanColumns``."""
ID_DIGITS: Final = 64
"""Hexadecimal digits of a span's ids: 32 of its trace, 16 of its own and 16 of its parent."""
ODD: Final = -1
_KEY, _VALUE = 0x0A, 0x12
_BY_NAME: Final = 255
"""In a shape, before an attribute of which only the name is there: no field of a span has the number."""
_LONGEST: Final = 65_535
_ZERO: Final = ord("0")
_TEN: Final = ord("a") - 10
_OF_SPAN = 17
"""The numbers of the fields of a span end before it."""
_TRACE_ID, _SPAN_ID, _TRACE_STATE, _PARENT_ID, _NAME, _KIND, _STARTS, _ENDS, _ATTRIBUTE = range(1, 10)
_EVENT, _LINK, _STATUS, _FLAGS = 11, 13, 15, 16
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """The spans of a record in their order, and its resources.

    Parameters:
        resources: (r, 2) where in the record each resource begins and ends; none where both are 0.
        scopes: how many there are.
        spans: (n, SPAN_COLUMNS) of each span: its resource; where in the record it begins and ends; where in
            ``shapes`` its shape begins (``ODD``: it has to be read with care, and the rest means nothing) and ends,
            and where the values that are not part of the shape end; begin and end in nanoseconds; whether its parent
            is remote (-1: not known).
        ids: hexadecimal digits, ``ID_DIGITS`` of each span; those of a parent are "0" where there is none.
        shapes: what each span has in common with others, its name, kind, status and attributes that are wanted, in an
            encoding in which no two of different content are the same. Of some attributes it holds the name only; their
            values stand behind it.
    """

    resources: NDArray[np.int64]
    scopes: int
    spans: NDArray[np.int64]
    ids: str
    shapes: bytes


class SpanReader:
    """Reads spans in the Protobuf of ``ExportTraceServiceRequest``.

    Parameters:
        wanted: the names of attributes that are wanted, each with whether its value, too, belongs to the shape; of the
            others a shape has nothing.

    >>> reader = SpanReader({"http.route": True})
    >>> span = b"\\x0a\\x10" + bytes(15) + b"\\1" + b"\\x12\\x08" + bytes(7) + b"\\1" + b"\\x2a\\1a"
    >>> span += b"\\x39" + (10).to_bytes(8, "little") + b"\\x41" + (20).to_bytes(8, "little")
    >>> scope = b"\\x12%c%b" % (len(span), span)
    >>> resource = b"\\x12%c%b" % (len(scope), scope)
    >>> columns = reader.read(b"\\x0a%c%b" % (len(resource), resource), most=1)
    >>> columns.spans[0, START_NS:].tolist(), columns.ids[16:48].lstrip("0"), columns.shapes
    ([10, 20, -1], '10000000000000001', b'\\x05\\x01\\x00a')
    """

    def __init__(self, wanted: Mapping[str, bool]) -> None:
        self._texts = NumberedTexts()
        by_name = (name for name, with_value in wanted.items() if not with_value)
        numbers = {name: number for number, name in enumerate(by_name, 1)}
        self._texts.add({(name.encode(), None): numbers.get(name, 0) for name in wanted})

    def read(self, record: bytes, most: int) -> SpanColumns | None:
        """The spans of a record; None where it is malformed, is not written as all writers do, or holds more than
        ``most`` spans.
        """
        text = np.frombuffer(record + PADDING, np.uint8)
        room = _count(text, len(record))
        if not 0 <= room <= most:
            return None
        spans = np.empty((room, SPAN_COLUMNS), np.int64)
        resources = np.zeros((min(most, len(record) // 2), 2), np.int64)
        ids = np.full(room * ID_DIGITS, _ZERO, np.uint8)
        # every piece takes a byte more than in the record, at most: tag and length of two bytes each
        shapes = np.empty(2 * len(record) + 16, np.uint8)
        known, counts = self._texts, np.zeros(4, np.int64)
        end = len(record)
        if not _read(text, end, known.places, known.entries, known.text, resources, spans, ids, shapes, counts):
            return None
        resource_count, scope_count, span_count, filled = counts.tolist()
        return SpanColumns(
            resources[:resource_count],
            scope_count,
            spans[:span_count],
            ids[: span_count * ID_DIGITS].tobytes().decode("ascii"),
            shapes[:filled].tobytes(),
        )


@njit(**LEAN)
def _count(text: Any, end: int) -> int:
    """How many spans a record may hold at most: fields number 2 in fields number 2 in those number 1."""
    count, at = 0, 0
    while at < end:
        number, wire, inner, at = read_field(text, at, end)
        if at < 0:
            return MALFORMED
        if number != 1 or wire != BYTES:
            continue
        while inner < at:
            number, wire, spans, inner = read_field(text, inner, at)
            if inner < 0:
                return MALFORMED
            if number != 2 or wire != BYTES:
                continue
            while spans < inner:
                number, wire, _, spans = read_field(text, spans, inner)
                if spans < 0:
                    return MALFORMED
                count += number == 2
    return count


@njit(**LEAN)
def _read(
    text: Any,
    end: int,
    places: Any,
    entries: Any,
    names: Any,
    resources: Any,
    spans: Any,
    ids: Any,
    shapes: Any,
    counts: Any,
) -> bool:
    """Fills ``resources``, ``spans``, ``ids`` and ``shapes``, and ``counts`` with how much of each: resources, scopes,
    spans, bytes of shapes. False where the record is malformed, or is not written as all writers do."""
    resource, scopes, count, filled, at = 0, 0, 0, 0, 0
    while at < end:
        number, wire, inner, at = read_field(text, at, end)
        if number != 1:
            continue
        if wire != BYTES or resource == len(resources):
            return False
        own_scopes = 0
        while inner < at:
            number, wire, content, inner = read_field(text, inner, at)
            if number == 1:
                if wire != BYTES or resources[resource, 1] != 0:
                    return False
                resources[resource, 0], resources[resource, 1] = content, inner
            elif number == 2:
                if wire != BYTES:
                    return False
                own_scopes += 1
                while content < inner:
                    number, wire, begin, content = read_field(text, content, inner)
                    if number != 2:
                        continue
                    if wire != BYTES:
                        return False
                    row = spans[count]
                    row[RESOURCE], row[BEGIN], row[END] = resource, begin, content
                    filled = _span(text, places, entries, names, row, ids, count * ID_DIGITS, shapes, filled)
                    if filled < 0:
                        return False
                    count += 1
        if own_scopes == 0:  # or called otherwise
            return False
        scopes += own_scopes
        resource += 1
    counts[0], counts[1], counts[2], counts[3] = resource, scopes, count, filled
    return True


@njit(**LEAN, forceinline=True)
def _digits(text: Any, at: int, length: int, ids: Any, to: int) -> bool:
    """Write bytes as hexadecimal digits; False where all are 0."""
    together: Any = 0
    for place in range(length):
        byte = np.int64(text[at + place])
        together |= byte
        high, low = byte >> 4, byte & 15
        ids[to + 2 * place] = high + (_ZERO if high < 10 else _TEN)
        ids[to + 2 * place + 1] = low + (_ZERO if low < 10 else _TEN)
    return bool(together != 0)


@njit(**LEAN, forceinline=True)
def _copy(text: Any, begin: int, end: int, tag: int, shapes: Any, filled: int) -> int:
    """Add a piece to a shape; returns where that ends now."""
    length = end - begin
    shapes[filled], shapes[filled + 1], shapes[filled + 2] = tag, length & 255, length >> 8
    filled += 3
    for place in range(length):
        shapes[filled + place] = text[begin + place]
    return filled + length


@njit(**LEAN, forceinline=True)
def _is_text(text: Any, at: int, end: int) -> bool:
    """Whether what stands behind the name of a pair is a text that is not empty, and nothing else."""
    if at == end or text[at] != _VALUE:
        return False
    length, value = read_varint(text, at + 1, end)
    if length < 0 or value + length != end or value == end or text[value] != _KEY:
        return False
    length, begin = read_varint(text, value + 1, end)
    return bool(length > 0 and begin + length == end)


@njit(**LEAN)
def _span(
    text: Any, places: Any, entries: Any, names: Any, row: Any, ids: Any, digits: int, shapes: Any, filled: int
) -> int:
    """Reads one span, whose place is in ``row``; returns where shapes end now, ``MALFORMED`` where it is."""
    at, end, begun = row[BEGIN], row[END], filled
    seen, odd, named_only = 0, False, False
    row[SHAPE], row[START_NS], row[END_NS], row[REMOTE] = begun, 0, 0, -1
    while at < end:
        number, wire, content, at = read_field(text, at, end)
        if at < 0:
            return MALFORMED
        if number >= _OF_SPAN:
            continue
        if number != _ATTRIBUTE and (seen >> number) & 1:
            odd = True
        seen |= 1 << number
        length = at - content
        if number == _ATTRIBUTE:
            name_end = content + 2 + np.int64(text[content + 1])
            if wire != BYTES or length < 2 or text[content] != _KEY or text[content + 1] > 127 or name_end > at:
                odd = True
                continue
            wanted = number_of((places, entries, names), text, content + 2, name_end - content - 2, 0, NO_PEER)
            if wanted == NO_NUMBER:
                continue
            if length > _LONGEST or (wanted > 0 and not _is_text(text, name_end, at)):
                odd = True
            elif wanted > 0:
                shapes[filled], shapes[filled + 1] = _BY_NAME, wanted
                filled += 2
                named_only = True
            else:
                filled = _copy(text, content, at, number, shapes, filled)
        elif number == _TRACE_ID:
            odd = odd or wire != BYTES or length != 16 or not _digits(text, content, 16, ids, digits)
        elif number == _SPAN_ID:
            odd = odd or wire != BYTES or length != 8 or not _digits(text, content, 8, ids, digits + 32)
        elif number == _PARENT_ID:
            if wire != BYTES or length not in (0, 8):
                odd = True
            elif length == 8:
                _digits(text, content, 8, ids, digits + 48)
        elif number in (_NAME, _STATUS):
            if wire != BYTES or length > _LONGEST:
                odd = True
            else:
                filled = _copy(text, content, at, number, shapes, filled)
        elif number == _KIND:
            if wire != VARINT or length != 1:
                odd = True
            else:
                filled = _copy(text, content, at, number, shapes, filled)
        elif number in (_STARTS, _ENDS):
            if wire != WORD:
                odd = True
            else:
                row[START_NS if number == _STARTS else END_NS] = np.int64(word_at(text, content))
        elif number == _FLAGS:
            if wire != HALF_WORD:
                odd = True
            else:
                flags = np.int64(word_at(text, content))
                if flags & _REMOTE_KNOWN:
                    row[REMOTE] = 1 if flags & _REMOTE else 0
        elif number in (_TRACE_STATE, _EVENT, _LINK):
            odd = odd or number != _TRACE_STATE or wire != BYTES or length > 0
    both = (1 << _TRACE_ID) | (1 << _SPAN_ID)
    if odd or seen & both != both or not 0 < row[START_NS] <= row[END_NS]:
        row[SHAPE] = ODD
        return begun
    row[SHAPE_END] = filled
    if named_only:
        filled = _values(text, places, entries, names, row[BEGIN], end, shapes, filled)
    row[VALUES_END] = filled
    return filled


@njit(**LEAN)
def _values(text: Any, places: Any, entries: Any, names: Any, at: int, end: int, shapes: Any, filled: int) -> int:
    """Add the attributes of which the shape has the name only."""
    while at < end:
        number, _, content, at = read_field(text, at, end)
        if number == _ATTRIBUTE:
            name_length = np.int64(text[content + 1])
            if number_of((places, entries, names), text, content + 2, name_length, 0, NO_PEER) > 0:
                filled = _copy(text, content, at, number, shapes, filled)
    return filled
