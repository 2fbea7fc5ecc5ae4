"""The kernel that reads executions; what it does not read it leaves to the decoder of objects."""

from typing import Any, Final, get_args

import numpy as np

from tracehound.detectors.columns.decimal_numbers import read_number
from tracehound.detectors.columns.json_tokens import (
    CLOSE_BRACE,
    CLOSE_BRACKET,
    COLON,
    COMMA,
    OPEN_BRACE,
    OPEN_BRACKET,
    QUOTE,
    after_blanks,
    after_null,
    after_object,
    after_plain_string,
    after_string,
    next_field,
    truth_at,
    word_of,
    words,
)
from tracehound.detectors.columns.numbered_texts import NO_PEER, number_of
from tracehound.detectors.columns.read_segments import read_list
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.schemas.execution import (
    LARGEST_ADJUSTED_COUNT,
    LATEST_S,
    LONGEST_LABEL,
    Execution,
    ExecutionFailure,
    ExecutionKind,
    Status,
)

STARTED, DURATION, MEMORY, ADJUSTED = range(4)
NUMBERS: Final = 4
"""Numbers of each execution."""
BEGIN, END, LEFT, KIND, FAILED = range(5)
APPLICATION, OPERATION, VERSION, ERROR = NAMED = (5, 10, 15, 20)
"""Where the number of a name is, followed by where the name begins and how long it is, and the same of what goes with
it: the environment of an application, whether an error was handled."""
PLACES: Final = 25

_FIELDS: Final = Execution.__struct_fields__
_APPLICATION, _OPERATION, _STARTED_AT, _DURATION_MS, _TRACE_ID, _SPAN_ID, _PARENT_SPAN_ID = range(7)
_KIND, _STATUS, _RESULT, _ENVIRONMENT, _VERSION, _HOST, _MEMORY, _CPU = range(7, 15)
_ERROR, _ATTRIBUTES, _WAIT, _ADJUSTED, _SEGMENTS = range(15, len(_FIELDS))
_REQUIRED: Final = 1 << _APPLICATION | 1 << _OPERATION | 1 << _STARTED_AT | 1 << _DURATION_MS
_FIELD_WORDS, _KINDS, _STATUSES = words(_FIELDS), words(get_args(ExecutionKind)), words(get_args(Status))
_REQUEST, _UNSET, _FAILED_STATUS = (
    get_args(ExecutionKind).index("request"),
    get_args(Status).index("unset"),
    get_args(Status).index("error"),
)
_ERROR_FIELDS: Final = ExecutionFailure.__struct_fields__
_ERROR_WORDS = words(_ERROR_FIELDS)
_TYPE, _MESSAGE, _HANDLED = range(len(_ERROR_FIELDS))
_N, _T, _F = 110, 116, 102
_MOST_ADJUSTED, _LATEST_S, _WHOLE = float(LARGEST_ADJUSTED_COUNT), float(LATEST_S), 2.0**63


@njit(**LEAN)
def read_texts(
    text: Any,
    begins: Any,
    ends: Any,
    most: int,
    names: Any,
    segment_names: Any,
    counts: Any,
    starts: Any,
    numbers: Any,
    places: Any,
    segment_numbers: Any,
    segment_places: Any,
) -> int:
    """Reads the texts from ``begins`` (k,) to ``ends`` (k,), each followed by a separator, and counts their executions
    in ``counts`` (k,). Returns how many executions there are, or -1 where a text is neither an execution nor an array.

    Fills ``numbers`` (n, ``NUMBERS``) and ``places`` (n, ``PLACES``), and with segments ``starts`` (n + 1,) and the
    last two as ``read_list`` does. ``names`` are the tables of ``NAMED``. An execution that is left has no segments.
    """
    row = count = 0
    for index in range(begins.size):
        end, before = ends[index], row
        at = after_blanks(text, begins[index])
        if text[at] == OPEN_BRACE:
            if row >= len(places):
                return -1
            at, found = _read_one(
                text, at, most, count, names, segment_names, numbers[row], places[row], segment_numbers, segment_places
            )
            if at >= 0 and after_blanks(text, at) == end:
                count = found
            else:
                _leave(numbers[row], places[row])
            places[row, BEGIN], places[row, END] = begins[index], end
            row += 1
            starts[row] = count
        elif text[at] == OPEN_BRACKET:
            at = after_blanks(text, at + 1)
            while text[at] != CLOSE_BRACKET:
                if row > before:
                    if text[at] != COMMA:
                        return -1
                    at = after_blanks(text, at + 1)
                if text[at] != OPEN_BRACE or row >= len(places):
                    return -1
                begin = at
                at, found = _read_one(
                    *(text, at, most, count, names, segment_names),
                    *(numbers[row], places[row], segment_numbers, segment_places),
                )
                if at >= 0:
                    count = found
                else:
                    _leave(numbers[row], places[row])
                    at = after_object(text, begin)
                    if at < 0:
                        return -1
                places[row, BEGIN], places[row, END] = begin, at
                row += 1
                starts[row] = count
                at = after_blanks(text, at)
            if after_blanks(text, at + 1) != end:
                return -1
        else:
            return -1
        counts[index] = row - before
    return row


@njit(**LEAN, forceinline=True)
def _leave(numbers: Any, places: Any) -> None:
    numbers[:] = 0.0
    places[:] = 0
    places[LEFT] = 1


@njit(**LEAN)
def _read_one(
    text: Any,
    at: int,
    most: int,
    count: int,
    names: Any,
    segment_names: Any,
    numbers: Any,
    places: Any,
    segment_numbers: Any,
    segment_places: Any,
) -> Any:
    """Reads the execution that begins at ``at``; returns what follows it, -1 where it is left, and how many segments
    there are then.
    """
    started = duration = 0.0
    memory, adjusted = np.nan, 1.0
    kind, status, unhandled = _REQUEST, _UNSET, False
    for first in range(APPLICATION, PLACES):
        places[first] = 0
    for first in (APPLICATION, OPERATION, VERSION, ERROR):
        places[first + 4] = NO_PEER
    seen, field = 0, -1
    at = after_blanks(text, at + 1)
    while text[at] != CLOSE_BRACE:
        field, at = next_field(text, at, seen, field + 1, _FIELD_WORDS)
        if field < 0:
            return -1, count
        seen |= 1 << field
        if text[at] == QUOTE:
            begin = at + 1
            if field == _KIND:
                kind, at = word_of(text, begin, _KINDS, 0)
            elif field == _STATUS:
                status, at = word_of(text, begin, _STATUSES, 0)
            elif field == _APPLICATION:
                at = _note(text, begin, places, APPLICATION + 1)
            elif field == _OPERATION:
                at = _note(text, begin, places, OPERATION + 1)
            elif field == _ENVIRONMENT:
                at = _note(text, begin, places, APPLICATION + 3)
            elif field == _VERSION:
                at = _note(text, begin, places, VERSION + 1)
            elif field == _RESULT:
                at = after_plain_string(text, begin)
            elif field in (_TRACE_ID, _SPAN_ID, _PARENT_SPAN_ID, _HOST):
                at = after_plain_string(text, begin)
                if at - 1 - begin > LONGEST_LABEL:  # in bytes: in letters it may be none
                    return -1, count
            else:
                return -1, count
        elif text[at] == OPEN_BRACKET:
            if field != _SEGMENTS:
                return -1, count
            at, count = read_list(text, at, most, count, segment_names, segment_numbers, segment_places)
        elif text[at] == OPEN_BRACE:
            if field == _ERROR:
                at, unhandled = _read_error(text, at, places)
            elif field == _ATTRIBUTES:
                at = _after_attributes(text, at)
            else:
                return -1, count
        elif text[at] == _N:
            if field not in (_RESULT, _MEMORY, _CPU, _ERROR, _WAIT, _ADJUSTED):
                return -1, count
            at = after_null(text, at)
        else:
            value, at, is_whole = read_number(text, at)
            if field == _RESULT:
                if not is_whole or not -_WHOLE < value < _WHOLE:
                    return -1, count
            elif not value >= 0.0:
                return -1, count
            elif field == _STARTED_AT and value < _LATEST_S:
                started = value
            elif field == _DURATION_MS:
                duration = value
            elif field == _MEMORY:
                memory = value
            elif field == _ADJUSTED and value <= _MOST_ADJUSTED:
                adjusted = value
            elif field != _CPU:
                return -1, count
        if at < 0:
            return -1, count
        at = after_blanks(text, at)
    if seen & _REQUIRED != _REQUIRED or places[APPLICATION + 2] == 0 or places[OPERATION + 2] == 0:
        return -1, count
    numbers[STARTED], numbers[DURATION], numbers[MEMORY], numbers[ADJUSTED] = started, duration, memory, adjusted
    places[LEFT], places[KIND] = 0, kind
    places[FAILED] = status == _FAILED_STATUS or unhandled
    places[APPLICATION] = _number(text, places, APPLICATION, names[0])
    places[OPERATION] = _number(text, places, OPERATION, names[1])
    if places[VERSION + 2] > 0:
        places[VERSION] = _number(text, places, VERSION, names[2])
    if places[ERROR + 1] > 0:
        places[ERROR] = _number(text, places, ERROR, names[3])
    return at + 1, count


@njit(**LEAN, forceinline=True)
def _note(text: Any, at: int, places: Any, where: int) -> Any:
    """Notes where the string from ``at`` on begins and how long it is; returns what follows it, or -1."""
    end = after_string(text, at)
    places[where], places[where + 1] = at, end - 1 - at
    return end


@njit(**LEAN, forceinline=True)
def _number(text: Any, places: Any, first: int, tables: Any) -> Any:
    return number_of(tables, text, places[first + 1], places[first + 2], places[first + 3], places[first + 4])


@njit(**LEAN, forceinline=True)
def _read_error(text: Any, at: int, places: Any) -> Any:
    """Notes the type of the error that begins at ``at`` and whether it was handled; returns what follows, or -1, and
    whether it was not.
    """
    places[ERROR + 1] = at + 1
    handled, seen, field = 0, 0, -1
    at = after_blanks(text, at + 1)
    while text[at] != CLOSE_BRACE:
        field, at = next_field(text, at, seen, field + 1, _ERROR_WORDS)
        if field < 0:
            return -1, False
        seen |= 1 << field
        if field == _HANDLED:
            places[ERROR + 3] = at
            handled, at = truth_at(text, at)
            places[ERROR + 4] = at - places[ERROR + 3]
        elif text[at] != QUOTE:
            return -1, False
        elif field == _TYPE:
            at = _note(text, at + 1, places, ERROR + 1)
        else:
            at = after_plain_string(text, at + 1)
        if at < 0:
            return -1, False
        at = after_blanks(text, at)
    return at + 1, handled == 0


@njit(**LEAN, forceinline=True)
def _after_attributes(text: Any, at: int) -> int:
    """What follows the attributes that begin at ``at``; -1 where one has other attributes, or is no plain value."""
    at = after_blanks(text, at + 1)
    first = True
    while text[at] != CLOSE_BRACE:
        if not first:
            if text[at] != COMMA:
                return -1
            at = after_blanks(text, at + 1)
        first = False
        if text[at] != QUOTE:
            return -1
        at = after_plain_string(text, at + 1)
        if at < 0:
            return -1
        at = after_blanks(text, at)
        if text[at] != COLON:
            return -1
        at = after_blanks(text, at + 1)
        if text[at] == QUOTE:
            at = after_plain_string(text, at + 1)
        elif text[at] == _N:
            at = after_null(text, at)
        elif text[at] == _T or text[at] == _F:
            _, at = truth_at(text, at)
        else:
            _, at, _ = read_number(text, at)
        if at < 0:
            return -1
        at = after_blanks(text, at)
    return at + 1
