"""Writes executions of traces in columns as JSON, names whom they called, and counts their calls."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.copied_bytes import copied_bytes
from tracehound.detectors.columns.number_rows import find_row, row_of
from tracehound.detectors.columns.read_pieces import OWN_ID, PARENT_ID, RESOURCE, SHAPE
from tracehound.detectors.columns.shortest_numbers import NOT_WRITTEN, write_number
from tracehound.detectors.columns.span_marks import hexadecimal
from tracehound.detectors.columns.trace_columns import (
    ATTRIBUTES,
    BEGIN,
    CALLED,
    CALLEE,
    DURATION_MS,
    DURATION_US,
    END,
    ENTRY,
    ENVIRONMENT,
    ERROR,
    FAILED,
    FIRST,
    KIND,
    LAST,
    NO_KIND,
    NORMALIZED,
    NOWHERE,
    OFFSET_MS,
    OPERATION,
    OUTCOME,
    PARENT,
    PEER,
    REMOTE_MS,
    RUNS_ON,
    SEGMENT_KIND,
    SERVER,
    SERVICE,
    SPAN,
    STATUS,
    UNSEEN,
    WITHIN,
)
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

SEGMENT_KINDS: Final = ("code", "db", "http", "rpc", "cache", "view")
"""By their numbers; messages to queues are joined as objects."""
CALL_KINDS: Final = (SEGMENT_KINDS.index("http"), SEGMENT_KINDS.index("rpc"))
DONE, NO_ROOM, NEWS = 0, 1, 2
"""Why writing ended: all is written; there is no room for the next trace; it is to be joined as objects, since it tells
of peers what was not known, or does not fit into limits."""
NOBODY, SEVERAL = -1, -2
"""What is known of an address: nothing, or that several services answer there. Else it is the text of the one."""
WINDOW_S: Final = 300
COUNT, ERRORS, TIMED = range(3)
CALLER_MS, TIMED_CALLER_MS, CALLEE_MS = range(3)
WRITTEN_AT, WRITTEN_FOR, WRITTEN_ID = range(3)
_LONGEST_FIXED = 400
"""Bytes that an execution or segment takes beside texts, at most."""


def _text(given: str) -> Any:
    return np.frombuffer(given.encode(), np.uint8)


_APPLICATION, _OPERATION, _STARTED = _text('{"application":'), _text(',"operation":'), _text(',"started_at":')
_DURATION, _TRACE, _SPAN = _text(',"duration_ms":'), _text(',"trace_id":'), _text(',"span_id":"')
_PARENT, _JOB, _SEGMENTS = _text('","parent_span_id":"'), _text(',"kind":"job"'), _text(',"segments":[')
_NAME, _OFFSET, _WITHIN, _PEER = _text('{"name":'), _text(',"offset_ms":'), _text(',"parent":'), _text(',"peer":')
_REMOTE = _text(',"remote_ms":')
_KINDS = _text("".join(f',"kind":"{kind}"' for kind in SEGMENT_KINDS[1:]))
_KIND_ENDS: Final = np.cumsum([0, 0, *(len(f',"kind":"{kind}"') for kind in SEGMENT_KINDS[1:])])
_QUOTE, _COMMA, _CLOSING, _ZERO = 0x22, 0x2C, 0x5D, 0x30
_CLOSED = 0x7D


@njit(**LEAN)
def write_executions(
    begin: int,
    end: int,
    traces: Any,
    executions: Any,
    segments: Any,
    spans: Any,
    times: Any,
    known: Any,
    peers: Any,
    calls: Any,
    output: Any,
    limits: Any,
) -> Any:
    """Write the executions of the traces [``begin``, ``end``); returns the trace at which it ended, and why.

    Parameters:
        traces: and the next five as ``join_traces`` left them.
        known: as there, and the bytes of trace ids in JSON with (t + 1,) where each begins.
        peers: ``places`` and ``keys`` of ``NumberRows`` by service, environment, address and name of the segment, all
            texts, and (k,) who answers.
        calls: ``places``, ``keys`` and ``count`` of ``NumberRows`` by service, environment, window, operation, peer and
            its operation, with room for every segment; (k, 3) whole numbers and (k, 3) milliseconds, to be added to.
        output: bytes to be filled, and (n + 1, 3) where each execution begins in them, which is known of the first,
            the text of its service, and its id as a word.
        limits: most segments of an execution, and most bytes.
    """
    texts, places = output
    for trace in range(begin, end):
        filled = places[traces[trace, FIRST], WRITTEN_AT]
        for execution in range(traces[trace, FIRST], traces[trace, LAST]):
            first, last = executions[0][execution, BEGIN], executions[0][execution, END]
            if last - first > limits[0]:
                return trace, NEWS
            if not _name_peers(execution, executions[0], segments[0], spans, known, peers):
                return trace, NEWS
            begun = filled
            filled = _head(execution, trace, executions, spans, times, known, texts, begun)
            for segment in range(first, last):
                if filled < 0:
                    return trace, NO_ROOM if filled == _FULL else NEWS
                filled = _segment(segment, first, segments[0], segments[1], spans, known, texts, filled)
            if filled < 0 or filled + 2 > len(texts):
                return trace, NEWS if filled == NOT_WRITTEN else NO_ROOM
            if last > first:
                texts[filled] = _CLOSING
                filled += 1
            texts[filled] = _CLOSED
            filled += 1
            if filled - begun > limits[1]:
                return trace, NEWS
            entry = spans[executions[0][execution, ENTRY]]
            places[execution, WRITTEN_FOR] = known[0][entry[RESOURCE], SERVICE]
            places[execution, WRITTEN_ID] = entry[OWN_ID]
            places[execution + 1, WRITTEN_AT] = filled
        for execution in range(traces[trace, FIRST], traces[trace, LAST]):
            _count_calls(execution, executions, segments, spans, known, calls)
    return end, DONE


_FULL: Final = -2


@njit(**LEAN)
def _name_peers(execution: int, executions: Any, segments: Any, spans: Any, known: Any, peers: Any) -> bool:
    """Name those who are called at addresses that are known; False where there is anything to be learned."""
    resources, shapes = known[0], known[1]
    resource = resources[spans[executions[execution, ENTRY], RESOURCE]]
    for segment in range(executions[execution, BEGIN], executions[execution, END]):
        row = segments[segment]
        address = shapes[spans[row[SPAN], SHAPE], PEER]
        if row[UNSEEN] == 1 or address < 0 or row[SEGMENT_KIND] not in CALL_KINDS:
            continue
        name = shapes[spans[row[SPAN], SHAPE], OPERATION]
        found = find_row(peers[0], peers[1], resource[SERVICE], resource[ENVIRONMENT], address, name, 0, 0)
        service = peers[2][found] if found >= 0 else NOBODY
        if row[CALLED] == address:
            if row[CALLEE] >= 0 and service >= 0:
                return False
            if service >= 0:
                row[CALLED] = service
        elif service != SEVERAL and service != row[CALLED]:
            return False
    return True


@njit(**LEAN)
def _put(texts: Any, at: int, given: Any) -> Any:
    return copied_bytes(texts, at, given, 0, len(given))


@njit(**LEAN)
def _put_text(texts: Any, at: int, known: Any, number: int) -> Any:
    return copied_bytes(texts, at, known[2], known[3][number, 0], known[3][number, 1])


@njit(**LEAN)
def _put_id(texts: Any, at: int, own_id: int) -> Any:
    for place in range(16):
        texts[at + place] = hexadecimal((own_id >> (60 - 4 * place)) & 15)
    return at + 16


@njit(**LEAN)
def _put_whole(texts: Any, at: int, number: int) -> Any:
    length, rest = 1, number
    while rest >= 10:
        rest, length = rest // 10, length + 1
    for place in range(at + length - 1, at - 1, -1):
        texts[place] = _ZERO + number % 10
        number = number // 10
    return at + length


@njit(**LEAN, forceinline=True)
def _length(known: Any, number: int) -> Any:
    return known[3][number, 1] - known[3][number, 0]


@njit(**LEAN)
def _head(execution: int, trace: int, executions: Any, spans: Any, times: Any, known: Any, texts: Any, at: int) -> Any:
    """Write an execution up to its segments; returns where that ends (negative: it does not fit)."""
    row = executions[0][execution, ENTRY]
    resource, shape = known[0][spans[row, RESOURCE]], known[1][spans[row, SHAPE]]
    ids, id_ends = known[4], known[5]
    wanted = _length(known, resource[SERVICE]) + _length(known, shape[OPERATION]) + _length(known, shape[OUTCOME])
    wanted += _length(known, resource[RUNS_ON]) + _length(known, shape[ERROR]) + _length(known, resource[ATTRIBUTES])
    if at + wanted + id_ends[trace + 1] - id_ends[trace] + _LONGEST_FIXED > len(texts):
        return _FULL
    at = _put(texts, at, _APPLICATION)
    at = _put_text(texts, at, known, resource[SERVICE])
    at = _put(texts, at, _OPERATION)
    at = _put_text(texts, at, known, shape[OPERATION])
    at = _put(texts, at, _STARTED)
    at = write_number(texts, at, executions[1][execution])
    if at < 0:
        return NOT_WRITTEN
    at = _put(texts, at, _DURATION)
    at = write_number(texts, at, times[row, DURATION_US] / 1e3)
    if at < 0:
        return NOT_WRITTEN
    at = _put(texts, at, _TRACE)
    for place in range(id_ends[trace], id_ends[trace + 1]):
        texts[at] = ids[place]
        at += 1
    at = _put(texts, at, _SPAN)
    at = _put_id(texts, at, spans[row, OWN_ID])
    parent_id = spans[row, PARENT_ID]
    if parent_id != 0 and (spans[row, PARENT] >= 0 or parent_id != spans[row, OWN_ID]):
        at = _put(texts, at, _PARENT)
        at = _put_id(texts, at, parent_id)
    texts[at] = _QUOTE
    at += 1
    if spans[row, PARENT] < 0 and shape[KIND] not in (NO_KIND, SERVER):
        at = _put(texts, at, _JOB)
    at = _put_text(texts, at, known, shape[OUTCOME])
    at = _put_text(texts, at, known, resource[RUNS_ON])
    at = _put_text(texts, at, known, shape[ERROR])
    at = _put_text(texts, at, known, resource[ATTRIBUTES])
    return _put(texts, at, _SEGMENTS) if executions[0][execution, END] > executions[0][execution, BEGIN] else at


@njit(**LEAN)
def _segment(segment: int, first: int, segments: Any, times: Any, spans: Any, known: Any, texts: Any, at: int) -> Any:
    """Write a segment; returns where that ends (negative: it does not fit)."""
    row = segments[segment]
    shape = known[1][spans[row[SPAN], SHAPE]]
    wanted = _length(known, shape[OPERATION]) + _length(known, shape[STATUS])
    if row[CALLED] >= 0:
        wanted += _length(known, row[CALLED])
    if at + wanted + _LONGEST_FIXED > len(texts):
        return _FULL
    if segment > first:
        texts[at] = _COMMA
        at += 1
    at = _put(texts, at, _NAME)
    at = _put_text(texts, at, known, shape[OPERATION])
    at = _put(texts, at, _DURATION)
    at = write_number(texts, at, times[segment, DURATION_MS])
    if at < 0:
        return NOT_WRITTEN
    kind = row[SEGMENT_KIND]
    for place in range(_KIND_ENDS[kind], _KIND_ENDS[kind + 1]):
        texts[at] = _KINDS[place]
        at += 1
    at = _put(texts, at, _OFFSET)
    at = write_number(texts, at, times[segment, OFFSET_MS])
    if at < 0:
        return NOT_WRITTEN
    if row[WITHIN] != NOWHERE:
        at = _put(texts, at, _WITHIN)
        at = _put_whole(texts, at, row[WITHIN])
    at = _put_text(texts, at, known, shape[STATUS])
    if row[CALLED] >= 0:
        at = _put(texts, at, _PEER)
        at = _put_text(texts, at, known, row[CALLED])
    if row[UNSEEN] == 0:
        at = _put(texts, at, _SPAN)
        at = _put_id(texts, at, spans[row[SPAN], OWN_ID])
        texts[at] = _QUOTE
        at += 1
    if not np.isnan(times[segment, REMOTE_MS]):
        at = _put(texts, at, _REMOTE)
        at = write_number(texts, at, times[segment, REMOTE_MS])
        if at < 0:
            return NOT_WRITTEN
    texts[at] = _CLOSED
    return at + 1


@njit(**LEAN)
def _count_calls(execution: int, executions: Any, segments: Any, spans: Any, known: Any, calls: Any) -> None:
    resources, shapes = known[0], known[1]
    entry = executions[0][execution, ENTRY]
    resource, shape = resources[spans[entry, RESOURCE]], shapes[spans[entry, SHAPE]]
    window = np.int64(executions[1][execution]) // WINDOW_S * WINDOW_S
    for segment in range(executions[0][execution, BEGIN], executions[0][execution, END]):
        row, times = segments[0][segment], segments[1][segment]
        if row[CALLED] < 0:
            continue
        operation = 0 if row[CALLEE] < 0 else shapes[spans[row[CALLEE], SHAPE], NORMALIZED]
        call = row_of(
            calls[0],
            calls[1],
            calls[2],
            resource[SERVICE],
            resource[ENVIRONMENT],
            window,
            shape[NORMALIZED],
            row[CALLED],
            operation,
        )
        whole, sums = calls[3][call], calls[4][call]
        whole[COUNT] += 1
        whole[ERRORS] += shapes[spans[row[SPAN], SHAPE], FAILED]
        sums[CALLER_MS] += times[DURATION_MS]
        if not np.isnan(times[REMOTE_MS]):
            whole[TIMED] += 1
            sums[TIMED_CALLER_MS] += times[DURATION_MS]
            sums[CALLEE_MS] += times[REMOTE_MS]
