"""Reads pieces of traces, as the spans topic holds them, into columns: what each span has of its own, and its shape."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.byte_words import PADDING, double_of
from tracehound.detectors.columns.numbered_texts import LONGEST, NO_NUMBER, NO_PEER, number_of
from tracehound.detectors.columns.packed_values import read_array, read_size, skip_values
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

PIECE_COLUMNS: Final = 5
RESOURCE, SHAPE, OWN_ID, PARENT_ID, STARTS_NS = range(PIECE_COLUMNS)
"""The columns of spans: number of resource and shape, ids as words (0: no parent), start in nanoseconds."""
UNKNOWN_RESOURCE, UNKNOWN_SHAPE = 0, 1
UNFIT, FITS, UNSURE = 0, 1, 2
SHAPE_ROOM: Final = LONGEST + len(PADDING)
_FIELDS = 20
_BEFORE_DURATION, _BEFORE_ID, _BEHIND_START = 4, 4, 8
_EMPTY, _DOUBLE, _WORD, _NOTHING, _ID = 0x90, 0xCB, 0xCF, 0xA0, 0xB0


@njit(**LEAN)
def read_pieces(
    text: Any,
    pieces: Any,
    fits: Any,
    bounds: Any,
    resources: Any,
    shapes: Any,
    spans: Any,
    durations: Any,
    unknown: Any,
    shape: Any,
) -> int:
    """Read the pieces of traces, those of a trace one after the other; returns how much of ``unknown`` was filled.

    Parameters:
        text: bytes of all pieces, one after the other, with ``PADDING`` behind.
        pieces: (p, 2) of each where it ends, and the number of its trace, which never falls.
        fits: (t,) of each trace whether it was read whole: ``FITS``, ``UNFIT``, or ``UNSURE`` where not all is known.
        bounds: (t + 1,) where the spans of each trace begin in ``spans``.
        resources: the arrays of ``NumberedTexts`` that have the numbers of resources, as they are written.
        shapes: those of shapes: all of a span but for ids, start and duration.
        spans: (n, PIECE_COLUMNS) the columns to be filled.
        durations: (n,) in microseconds.
        unknown: (u, 3) of what was not known whether it is a resource or a span, and where it begins and ends.
        shape: (SHAPE_ROOM,) for what is at hand.
    """
    count, missing, begin, trace = 0, 0, 0, -1
    for piece in range(len(pieces)):
        end = pieces[piece, 0]
        while trace < pieces[piece, 1]:
            trace += 1
            bounds[trace] = count
            fits[trace] = FITS
        if fits[trace] != UNFIT:
            filled, lost = _piece(text, begin, end, resources, shapes, spans, durations, count, unknown, missing, shape)
            if filled < 0:
                fits[trace] = UNFIT
            elif lost > missing:
                fits[trace] = UNSURE
            count, missing = max(filled, count), lost
        begin = end
    bounds[trace + 1] = count
    return missing


@njit(**LEAN)
def _piece(
    text: Any,
    at: int,
    end: int,
    resources: Any,
    shapes: Any,
    spans: Any,
    durations: Any,
    count: int,
    unknown: Any,
    missing: int,
    shape: Any,
) -> Any:
    """Read a piece; returns how many spans there are now (-1: it is not as all are), and how much was not known."""
    parts, at = read_array(text, at, end)
    if parts != 2:
        return -1, missing
    groups, at = read_array(text, at, end)
    if groups < 0:
        return -1, missing
    for _ in range(groups):
        parts, at = read_array(text, at, end)
        begin = at
        at = skip_values(text, at, end, 1)
        if parts != 2 or at < 0 or at - begin > LONGEST:
            return -1, missing
        resource = number_of(resources, text, begin, at - begin, 0, NO_PEER)
        if resource == NO_NUMBER:
            if missing == len(unknown):
                return -1, missing
            unknown[missing, 0], unknown[missing, 1], unknown[missing, 2] = UNKNOWN_RESOURCE, begin, at
            missing += 1
        some, at = read_array(text, at, end)
        if some < 0:
            return -1, missing
        for _ in range(some):
            if count == len(spans):
                return -1, missing
            begin = at
            at, length = _span(text, at, end, spans[count], durations, count, shape)
            if at < 0:
                return -1, missing
            number = number_of(shapes, shape, 0, length, 0, NO_PEER)
            if number == NO_NUMBER:
                if missing == len(unknown):
                    return -1, missing
                unknown[missing, 0], unknown[missing, 1], unknown[missing, 2] = UNKNOWN_SHAPE, begin, at
                missing += 1
            spans[count, RESOURCE], spans[count, SHAPE] = resource, number
            count += 1
    if at + 1 != end or text[at] != _EMPTY:  # executions of others are not for columns
        return -1, missing
    return count, missing


@njit(**LEAN)
def _copy(text: Any, begin: int, end: int, shape: Any, filled: int) -> int:
    for place in range(begin, end):
        shape[filled] = text[place]
        filled += 1
    return filled


@njit(**LEAN)
def _span(text: Any, at: int, end: int, row: Any, durations: Any, index: int, shape: Any) -> Any:
    """Read one span; returns where it ends (-1: it is not as all are) and how long its shape is."""
    fields, at = read_array(text, at, end)
    if fields != _FIELDS:
        return -1, 0
    begin = at
    at = skip_values(text, at, end, _BEFORE_DURATION)
    if at < 0 or at + 9 > end or text[at] != _DOUBLE or at - begin > LONGEST:
        return -1, 0
    filled = _copy(text, begin, at, shape, 0)
    durations[index] = double_of(read_size(text, at + 1, 8))
    begin = at + 9
    at = skip_values(text, begin, end, _BEFORE_ID)
    if at < 0 or filled + at - begin > LONGEST or at + 17 + 1 > end or text[at] != _ID:
        return -1, 0
    filled = _copy(text, begin, at, shape, filled)
    row[OWN_ID], fine = _id(text, at + 1)
    at += 17
    if text[at] == _NOTHING:
        row[PARENT_ID] = 0
        at += 1
    elif text[at] == _ID and at + 17 <= end:
        row[PARENT_ID], known = _id(text, at + 1)
        fine = fine and known and row[PARENT_ID] != 0
        at += 17
    else:
        return -1, 0
    if not fine or at + 9 > end or text[at] != _WORD:
        return -1, 0
    row[STARTS_NS] = read_size(text, at + 1, 8)
    begin = at + 9
    at = skip_values(text, begin, end, _BEHIND_START)
    if at < 0 or filled + at - begin > LONGEST or row[STARTS_NS] < 0:
        return -1, 0
    return at, _copy(text, begin, at, shape, filled)


@njit(**LEAN)
def _id(text: Any, at: int) -> Any:
    """The word that 16 lower-case hexadecimal digits stand for, and whether they are such."""
    word: Any = np.uint64(0)
    fine: Any = True
    for place in range(at, at + 16):
        digit = np.int64(text[place])
        value = digit - 48 if digit <= 57 else digit - 87
        fine = fine and (48 <= digit <= 57 or 97 <= digit <= 102)
        word = (word << np.uint64(4)) | np.uint64(value & 15)
    return np.int64(word), fine
