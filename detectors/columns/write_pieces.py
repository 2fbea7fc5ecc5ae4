"""Writes spans that were read into columns as pieces of traces in MessagePack, as the spans topic holds them."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.byte_words import bits_of, folded_product, hash_of_bytes, same_bytes
from tracehound.detectors.columns.copied_bytes import copied_bytes
from tracehound.detectors.columns.read_spans import END_NS, ID_DIGITS, REMOTE, RESOURCE, START_NS
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

LEFT_OUT: Final = -1
"""The number of a span that is left out; lower ones are those of spans that are written as a whole."""
PARTS: Final = 4
"""Texts of a span that many have in common: what is before its duration, its ids, whether its parent is remote, and
what is behind that."""
GROUP_COLUMNS: Final = 5
TRACE, OF_RESOURCE, NEXT_GROUP, FIRST_SPAN, LAST_SPAN = range(GROUP_COLUMNS)
TRACE_COLUMNS: Final = 4
ANY_SPAN, FIRST_GROUP, LAST_GROUP, SPANS = range(TRACE_COLUMNS)
PIECE_COLUMNS: Final = 3
_NONE = -1
_TRACE_DIGITS, _DIGITS = 32, 16
_LEAST_OF_SPAN = 64
_ZERO = ord("0")


@njit(**LEAN)
def group_spans(
    spans: Any, ids: Any, numbers: Any, own: Any, secret: Any, table: Any, traces: Any, groups: Any, following: Any
) -> Any:
    """Put spans of a trace, and those of a resource in it, one after the other; returns how many traces and groups.

    Parameters:
        spans: (n, SPAN_COLUMNS) of ``read_spans``, and the digits of their ``ids`` with padding.
        numbers: (n,) which of the spans that have much in common each is like, ``LEFT_OUT``, or less.
        own: (r,) the number of each resource; those that say the same have one.
        secret: two words that whoever chooses ids does not know.
        table: (2, k) full of -1, k a power of two of at least twice as many as there are spans.
        traces: (n, TRACE_COLUMNS) and ``groups`` (n, GROUP_COLUMNS) to be filled, each in the order first met.
        following: (n,) to be filled: the next span of the group.
    """
    mask, trace_count, group_count = table.shape[1] - 1, 0, 0
    for row in range(len(spans)):
        if numbers[row] == LEFT_OUT:
            continue
        digits = row * ID_DIGITS
        place = np.int64(hash_of_bytes(secret[0], secret[1], ids, digits, _TRACE_DIGITS) & np.uint64(mask))
        while table[0, place] >= 0:
            if same_bytes(ids, traces[table[0, place], ANY_SPAN] * ID_DIGITS, ids, digits, _TRACE_DIGITS):
                break
            place = (place + 1) & mask
        if table[0, place] < 0:
            table[0, place] = trace_count
            trace = traces[trace_count]
            trace[ANY_SPAN], trace[FIRST_GROUP], trace[LAST_GROUP], trace[SPANS] = row, _NONE, _NONE, 0
            trace_count += 1
        number, resource = table[0, place], own[spans[row, RESOURCE]]
        trace = traces[number]
        word = folded_product(np.uint64(number) ^ (np.uint64(resource) << np.uint64(32)) ^ secret[0], secret[1])
        place = np.int64(word & np.uint64(mask))
        while table[1, place] >= 0:
            if groups[table[1, place], TRACE] == number and groups[table[1, place], OF_RESOURCE] == resource:
                break
            place = (place + 1) & mask
        following[row] = _NONE
        trace[SPANS] += 1
        if table[1, place] >= 0:
            group = groups[table[1, place]]
            following[group[LAST_SPAN]] = row
            group[LAST_SPAN] = row
            continue
        table[1, place] = group_count
        group = groups[group_count]
        group[TRACE], group[OF_RESOURCE], group[NEXT_GROUP] = number, resource, _NONE
        group[FIRST_SPAN] = group[LAST_SPAN] = row
        if trace[FIRST_GROUP] < 0:
            trace[FIRST_GROUP] = group_count
        else:
            groups[trace[LAST_GROUP], NEXT_GROUP] = group_count
        trace[LAST_GROUP] = group_count
        group_count += 1
    return trace_count, group_count


@njit(**LEAN)
def room_for(numbers: Any, likes: Any, ends: Any, raw_ends: Any, groups: Any, resources: Any) -> Any:
    """How many bytes the pieces take at most; parameters as of ``write_pieces``."""
    size = 0
    for number in numbers:
        size += _LEAST_OF_SPAN
        if number < LEFT_OUT:
            size += raw_ends[LEFT_OUT - number] - raw_ends[LEFT_OUT - number - 1]
        elif number >= 0:
            for part in likes[number]:
                size += ends[part, 1] - ends[part, 0]
    for group in groups:
        text = resources[group[OF_RESOURCE]]
        size += _LEAST_OF_SPAN + ends[text, 1] - ends[text, 0]
    return size


@njit(**LEAN)
def write_pieces(
    spans: Any,
    ids: Any,
    numbers: Any,
    likes: Any,
    texts: Any,
    raws: Any,
    resources: Any,
    traces: Any,
    groups: Any,
    following: Any,
    output: Any,
    pieces: Any,
) -> None:
    """Write a piece for each trace.

    Parameters:
        spans: as ``group_spans`` took them, with ``ids`` and ``numbers``.
        likes: (k, PARTS) the texts of spans that have them in common.
        texts: bytes of texts and (x, 2) where each begins and ends.
        raws: bytes of the spans that are written as a whole, and where each ends, the first after a 0.
        resources: (r,) the text of each resource by its number.
        traces: as ``group_spans`` left them, and ``groups`` and ``following``.
        output: bytes, as many as ``room_for`` says.
        pieces: (t, PIECE_COLUMNS) to be filled: where each begins and ends, and how many spans it has.
    """
    at = 0
    for number in range(len(traces)):
        trace = traces[number]
        pieces[number, 0], pieces[number, 2] = at, trace[SPANS]
        count, group = 0, trace[FIRST_GROUP]
        while group >= 0:
            count, group = count + 1, groups[group, NEXT_GROUP]
        output[at] = 0x92
        at = _put_array(output, at + 1, count)
        group = trace[FIRST_GROUP]
        while group >= 0:
            output[at] = 0x92
            at = _put_text(output, at + 1, texts, resources[groups[group, OF_RESOURCE]])
            count, row = 0, groups[group, FIRST_SPAN]
            while row >= 0:
                count, row = count + 1, following[row]
            at = _put_array(output, at, count)
            row = groups[group, FIRST_SPAN]
            while row >= 0:
                if numbers[row] < LEFT_OUT:
                    raw = LEFT_OUT - numbers[row]
                    at = copied_bytes(output, at, raws[0], raws[1][raw - 1], raws[1][raw])
                else:
                    at = _put_span(output, at, spans[row], ids, row * ID_DIGITS, likes[numbers[row]], texts)
                row = following[row]
            group = groups[group, NEXT_GROUP]
        output[at] = 0x90
        at += 1
        pieces[number, 1] = at


@njit(**LEAN)
def _put_text(output: Any, at: Any, texts: Any, number: Any) -> Any:
    return copied_bytes(output, at, texts[0], texts[1][number, 0], texts[1][number, 1])


@njit(**LEAN)
def _put_bytes(output: Any, at: Any, word: Any, count: int) -> Any:
    """Write a number, its greatest byte first."""
    for place in range(count):
        output[at + place] = (word >> np.uint64(8 * (count - 1 - place))) & np.uint64(255)
    return at + count


@njit(**LEAN)
def _put_array(output: Any, at: Any, count: Any) -> Any:
    if count < 16:
        output[at] = 0x90 | count
        return at + 1
    size = 2 if count < 65_536 else 4
    output[at] = 0xDC if size == 2 else 0xDD
    return _put_bytes(output, at + 1, np.uint64(count), size)


@njit(**LEAN)
def _put_whole(output: Any, at: Any, number: Any) -> Any:
    if number < 128:
        output[at] = number
        return at + 1
    size, tag = 1, 0xCC
    while size < 8 and number >> (8 * size) > 0:
        size, tag = 2 * size, tag + 1
    output[at] = tag
    return _put_bytes(output, at + 1, np.uint64(number), size)


@njit(**LEAN)
def _put_span(output: Any, at: Any, span: Any, ids: Any, digits: Any, parts: Any, texts: Any) -> Any:
    at = _put_text(output, at, texts, parts[0])
    output[at] = 0xCB
    at = _put_bytes(output, at + 1, bits_of((span[END_NS] - span[START_NS]) / 1e3), 8)
    at = _put_text(output, at, texts, parts[1])
    own, parent = digits + _TRACE_DIGITS, digits + _TRACE_DIGITS + _DIGITS
    output[at] = 0xA0 | _DIGITS
    at = copied_bytes(output, at + 1, ids, own, own + _DIGITS)
    has_parent = False
    for place in range(parent, parent + _DIGITS):
        has_parent = has_parent or ids[place] != _ZERO
    output[at] = 0xA0 | (_DIGITS if has_parent else 0)
    at += 1
    if has_parent:
        at = copied_bytes(output, at, ids, parent, parent + _DIGITS)
    at = _put_whole(output, at, span[START_NS])
    at = _put_text(output, at, texts, parts[2])
    output[at] = 0xC0 if span[REMOTE] < 0 else 0xC2 + span[REMOTE]
    return _put_text(output, at + 1, texts, parts[3])
