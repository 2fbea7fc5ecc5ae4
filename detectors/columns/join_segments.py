"""Makes the segments of an execution of spans in columns: in order, calls with both of their sides."""

from typing import Any

import numpy as np

from tracehound.detectors.columns.read_pieces import OWN_ID, RESOURCE, SHAPE
from tracehound.detectors.columns.trace_columns import (
    CALLED,
    CALLEE,
    CLIENT,
    DESCRIBED,
    DURATION_MS,
    DURATION_US,
    FAILED,
    KIND,
    LOCAL_KIND,
    MOST_SPANS,
    NOWHERE,
    OFFSET_MS,
    OFFSET_US,
    OWN_KIND,
    OWNER,
    PARENT,
    PEER,
    PLACE,
    REMOTE_KIND,
    REMOTE_MS,
    SEGMENT_KIND,
    SERVER,
    SERVICE,
    SPAN,
    UNSEEN,
    UNSEEN_KIND,
    WITH_ERROR,
    WITHIN,
)
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

_SYNCHRONOUS_TOLERANCE_US = 1_000.0
_NOT_PLAIN = -1


@njit(**LEAN)
def add_segments(
    spans: Any,
    times: Any,
    known: Any,
    entry: int,
    last: int,
    first: int,
    segments: Any,
    filled_times: Any,
    filled: int,
    work: Any,
) -> int:
    """Add the segments of the execution that a span begins; returns where they end (negative: it is not plain)."""
    shapes = known[1]
    count, calls, in_order, latest_us = 0, 0, True, -np.inf
    failed = shapes[spans[entry, SHAPE], FAILED] == 1
    for row in range(first, last):
        parent = spans[row, PARENT]
        if spans[row, OWNER] != entry or row == entry:
            calls += parent == entry and spans[row, OWNER] == row
            continue
        if failed and shapes[spans[row, SHAPE], FAILED] == 1 and shapes[spans[row, SHAPE], WITH_ERROR] == 1:
            return _NOT_PLAIN  # which of the errors it is, objects say
        offset_us = times[row, OFFSET_US]
        if offset_us <= latest_us or not (parent == entry or spans[parent, PLACE] != NOWHERE):
            in_order = False
        work[count] = row
        spans[row, PLACE] = count
        count, latest_us = count + 1, offset_us
    if not in_order:
        _order_segments(spans, times, entry, count, work)
    begin = filled
    for place in range(count):
        _add_segment(spans, times, known, entry, work[place], first, last, segments[filled], filled_times[filled], work)
        filled += 1
    if calls:
        filled = _add_unseen(spans, times, known, entry, first, last, segments, filled_times, begin, filled, work)
    return filled


@njit(**LEAN)
def _order_segments(spans: Any, times: Any, entry: int, count: int, work: Any) -> None:
    """By start, the longer first, but never before the enclosing one."""
    for at in range(count):
        spans[work[at], PLACE] = NOWHERE
    for place in range(1, count):
        row, at = work[place], place
        while at > 0 and _is_before(spans, times, row, work[at - 1]):
            work[at] = work[at - 1]
            at -= 1
        work[at] = row
    given, path = MOST_SPANS, 2 * MOST_SPANS
    for place in range(count):
        work[given + place] = work[place]
    filled = 0
    for place in range(count):
        row, steps = work[given + place], 0
        while row != entry and spans[row, PLACE] == NOWHERE:
            work[path + steps] = row
            spans[row, PLACE] = 0  # (it is on the path)
            steps += 1
            row = spans[row, PARENT]
        while steps > 0:
            steps -= 1
            work[filled] = work[path + steps]
            spans[work[filled], PLACE] = filled
            filled += 1


@njit(**LEAN)
def _is_before(spans: Any, times: Any, one: int, other: int) -> bool:
    if times[one, OFFSET_US] != times[other, OFFSET_US]:
        return bool(times[one, OFFSET_US] < times[other, OFFSET_US])
    if times[one, DURATION_US] != times[other, DURATION_US]:
        return bool(times[one, DURATION_US] > times[other, DURATION_US])
    return bool(np.uint64(spans[one, OWN_ID]) < np.uint64(spans[other, OWN_ID]))


@njit(**LEAN)
def _callees_of(spans: Any, times: Any, row: int, first: int, last: int, callees: Any) -> int:
    """The spans right below one that begin executions, by start; returns how many there are."""
    count = 0
    for other in range(first, last):
        if spans[other, PARENT] != row or spans[other, OWNER] != other:
            continue
        at = count
        while at > 0 and _is_before(spans, times, other, callees[at - 1]):
            callees[at] = callees[at - 1]
            at -= 1
        callees[at] = other
        count += 1
    return count


@njit(**LEAN)
def _add_segment(
    spans: Any,
    times: Any,
    known: Any,
    entry: int,
    row: int,
    first: int,
    last: int,
    segment: Any,
    filled_times: Any,
    work: Any,
) -> None:
    resources, shapes = known[0], known[1]
    shape = shapes[spans[row, SHAPE]]
    callees = work[MOST_SPANS:]
    count = _callees_of(spans, times, row, first, last, callees)
    segment[SPAN], segment[UNSEEN], segment[CALLEE] = row, 0, NOWHERE
    segment[SEGMENT_KIND] = shape[REMOTE_KIND] if count else shape[LOCAL_KIND]
    parent = spans[row, PARENT]
    segment[WITHIN] = NOWHERE if parent == entry else spans[parent, PLACE]
    segment[CALLED] = shape[PEER]
    duration_us = times[row, DURATION_US]
    filled_times[DURATION_MS] = duration_us / 1e3
    filled_times[OFFSET_MS] = (times[row, OFFSET_US] - times[entry, OFFSET_US]) / 1e3
    filled_times[REMOTE_MS] = np.nan
    if count:
        segment[CALLED] = resources[spans[callees[0], RESOURCE], SERVICE]
        own_us = times[callees[0], DURATION_US] if count == 1 else _union_us(times, callees, count)
        if own_us <= duration_us + _SYNCHRONOUS_TOLERANCE_US:
            filled_times[REMOTE_MS] = own_us / 1e3
        elif shape[KIND] == CLIENT:
            described = True
            for place in range(count):
                callee = shapes[spans[callees[place], SHAPE]]
                described = described and callee[KIND] == SERVER and callee[DESCRIBED] == 1
            if described:
                filled_times[REMOTE_MS] = duration_us / 1e3


@njit(**LEAN)
def _union_us(times: Any, callees: Any, count: int) -> float:
    """How long any of the callees ran; they are by start, and of those that start together by end."""
    for place in range(1, count):
        row, at = callees[place], place
        while at > 0 and (
            times[callees[at - 1], OFFSET_US] == times[row, OFFSET_US]
            and times[callees[at - 1], DURATION_US] > times[row, DURATION_US]
        ):
            callees[at] = callees[at - 1]
            at -= 1
        callees[at] = row
    total, reached = 0.0, -np.inf
    for place in range(count):
        begin = times[callees[place], OFFSET_US]
        end = begin + times[callees[place], DURATION_US]
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


@njit(**LEAN)
def _add_unseen(
    spans: Any,
    times: Any,
    known: Any,
    entry: int,
    first: int,
    last: int,
    segments: Any,
    filled_times: Any,
    begin: int,
    filled: int,
    work: Any,
) -> int:
    """Add segments for callees right below the span that an execution begins with; returns where they end."""
    resources, shapes = known[0], known[1]
    caller = shapes[spans[entry, SHAPE]]
    callees = work[MOST_SPANS:]
    count = _callees_of(spans, times, entry, first, last, callees)
    alone = filled == begin and count == 1 and caller[KIND] in (SERVER, CLIENT) and caller[DESCRIBED] == 1
    caller_us = times[entry, DURATION_US]
    for place in range(count):
        row = callees[place]
        callee, callee_us = shapes[spans[row, SHAPE]], times[row, DURATION_US]
        segment, own = segments[filled], filled_times[filled]
        segment[SPAN], segment[UNSEEN], segment[CALLEE], segment[WITHIN] = row, 1, NOWHERE, NOWHERE
        segment[CALLED] = resources[spans[row, RESOURCE], SERVICE]
        own[REMOTE_MS] = np.nan
        if alone and callee[KIND] == SERVER and callee[DESCRIBED] == 1:  # all that it does is to hand on
            segment[SEGMENT_KIND] = callee[OWN_KIND]
            own[DURATION_MS], own[OFFSET_MS] = caller_us / 1e3, 0.0
            own[REMOTE_MS] = min(callee_us, caller_us) / 1e3
        else:
            segment[SEGMENT_KIND] = callee[UNSEEN_KIND]
            room_us = caller_us - callee_us
            latest_us = room_us if room_us >= 0 else caller_us
            offset_us = times[row, OFFSET_US] - times[entry, OFFSET_US]
            own[DURATION_MS] = callee_us / 1e3
            own[OFFSET_MS] = min(max(offset_us, 0.0), latest_us) / 1e3
        filled += 1
    return filled
