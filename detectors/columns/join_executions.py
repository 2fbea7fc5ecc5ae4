"""Makes executions with their segments of the spans of a trace in columns, as ``streams.intake.assembly`` does."""

from typing import Any

import numpy as np

from tracehound.detectors.columns.join_segments import add_segments
from tracehound.detectors.columns.join_spans import find_owners, find_parents, sort_spans
from tracehound.detectors.columns.read_pieces import FITS, OWN_ID, RESOURCE, SHAPE, STARTS_NS, UNFIT
from tracehound.detectors.columns.span_marks import mark_spans
from tracehound.detectors.columns.trace_columns import (
    BEGIN,
    CALLED,
    CALLEE,
    CLIPPED,
    CONNECTS,
    DURATION_MS,
    END,
    ENTRY,
    FIRST,
    LAST,
    MARKS,
    MOST_SPANS,
    NOWHERE,
    OFFSET_US,
    OWNER,
    PARENT,
    PLACE,
    REMOTE_MS,
    ROOT,
    SERVICE,
)
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN


@njit(**LEAN)
def join_traces(
    fits: Any,
    bounds: Any,
    read: Any,
    durations: Any,
    known: Any,
    spans: Any,
    times: Any,
    traces: Any,
    executions: Any,
    segments: Any,
    marks: Any,
    work: Any,
) -> None:
    """Join the spans of each trace that ``fits``, or say that it does not.

    Parameters:
        fits: (t,) ``FITS``, or not, of each trace; what was unsure is ``UNFIT`` afterwards.
        bounds: (t + 1,) where the spans of each trace begin.
        read: (n, PIECE_COLUMNS) spans as ``read_pieces`` gives them, and their ``durations`` (n,).
        known: arrays of resources (r, RESOURCE_COLUMNS), shapes (s, SHAPE_COLUMNS), and texts: their bytes and (x, 2)
            where each begins and ends.
        spans: (n, SPAN_COLUMNS) to be filled: the spans of each trace by start.
        times: (n, 2) their offset from the first of the trace and their duration, in microseconds.
        traces: (t, TRACE_COLUMNS) to be filled.
        executions: (n, EXECUTION_COLUMNS) to be filled, and (n,) when each started, in epoch seconds, in this order.
        segments: (2 n, SEGMENT_COLUMNS) to be filled, and (2 n, 3) their times in milliseconds.
        marks: (n,) the marks of each trace, from the place of its first span on.
        work: (k,) ``ROOM`` for indexes.
    """
    execution, segment = 0, 0
    for trace in range(len(fits)):
        traces[trace, FIRST] = traces[trace, LAST] = execution
        first, last = bounds[trace], bounds[trace + 1]
        is_whole, fits[trace] = fits[trace] == FITS, UNFIT
        if not is_whole or not 0 < last - first <= MOST_SPANS:
            continue
        if not sort_spans(read, durations, known, first, last, spans, times, work):
            continue
        if not find_parents(spans, known, first, last, work) or not find_owners(spans, known, first, last):
            continue
        begun, filled = execution, segment
        for row in range(first, last):
            shape = known[1][spans[row, SHAPE]]
            if spans[row, OWNER] != row or (spans[row, PARENT] == ROOT and shape[CONNECTS] == 1):
                continue
            end = add_segments(spans, times, known, row, last, first, segments[0], segments[1], filled, work)
            if end < 0:
                break
            base_ns = spans[first, STARTS_NS]
            start_us = np.float64(base_ns // 1_000) + (base_ns % 1_000) / 1e3  # (base_ns is more than a double holds)
            started_s = (start_us + times[row, OFFSET_US]) / 1e6
            _add_execution(executions[0], executions[1], begun, execution, row, started_s, filled, end, spans)
            execution, filled = execution + 1, end
        else:
            fits[trace], segment = FITS, filled
            traces[trace, LAST] = execution
            traces[trace, CLIPPED] = _find_callees(
                spans, known[0], executions[0], begun, execution, segments[0], segments[1]
            )
            traces[trace, MARKS] = mark_spans(spans, known, first, last, marks)
        if fits[trace] == UNFIT:
            execution = begun


@njit(**LEAN)
def _add_execution(
    executions: Any, started: Any, begun: int, count: int, row: int, started_s: float, begin: int, end: int, spans: Any
) -> None:
    """Add an execution to those from ``begun`` on: by start and id."""
    own_id = np.uint64(spans[row, OWN_ID])
    at = count
    while at > begun and (
        started[at - 1] > started_s
        or (started[at - 1] == started_s and np.uint64(spans[executions[at - 1, ENTRY], OWN_ID]) > own_id)
    ):
        for column in range(executions.shape[1]):
            executions[at, column] = executions[at - 1, column]
        started[at] = started[at - 1]
        at -= 1
    executions[at, ENTRY], executions[at, BEGIN], executions[at, END] = row, begin, end
    started[at] = started_s


@njit(**LEAN)
def _find_callees(
    spans: Any, resources: Any, executions: Any, begun: int, ended: int, segments: Any, times: Any
) -> int:
    """Fill in whose execution each call led to, the first of its peer; returns how many calls are clipped."""
    clipped = 0
    for execution in range(begun, ended):
        for segment in range(executions[execution, BEGIN], executions[execution, END]):
            clipped += times[segment, REMOTE_MS] == times[segment, DURATION_MS]
        entry = executions[execution, ENTRY]
        parent = spans[entry, PARENT]
        if parent < 0 or spans[parent, PLACE] == NOWHERE:
            continue
        for caller in range(begun, ended):
            if executions[caller, ENTRY] != spans[parent, OWNER]:
                continue
            segment = executions[caller, BEGIN] + spans[parent, PLACE]
            if (
                segments[segment, CALLEE] < 0
                and segments[segment, CALLED] == resources[spans[entry, RESOURCE], SERVICE]
            ):
                segments[segment, CALLEE] = entry
            break
    return clipped
