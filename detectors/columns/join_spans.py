"""Finds out whose parent is who among the spans of a trace in columns, and which execution each belongs to.

What comes out is what ``streams.intake.assembly`` makes of the same spans as objects, which is the oracle. A trace with
anything in it that is seldom (cycles, spans without an end or a parent, messages) is left to that.
"""

from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.byte_words import folded_product
from tracehound.detectors.columns.read_pieces import OWN_ID, PARENT_ID, PIECE_COLUMNS, RESOURCE, SHAPE, STARTS_NS
from tracehound.detectors.columns.trace_columns import (
    DURATION_US,
    KIND,
    MOST_SPANS,
    NO_KIND,
    NOT_RECORDED,
    NOWHERE,
    OFFSET_US,
    OWNER,
    PARENT,
    PLACE,
    PLAIN,
    REMOTE_PARENT,
    ROOT,
    SERVER,
    SERVICE,
)
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN

ROOM: Final = 4 * MOST_SPANS
"""Indexes that the work on one trace takes."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MOMENT_US = 1.0
_LEAST_NS, _MOST_NS = 2 * 10**16, 9 * 10**18
"""Outside of 1970 to 2255 the start of a trace in microseconds would be rounded twice."""
_UNKNOWN = -1


@njit(**LEAN)
def sort_spans(read: Any, durations: Any, known: Any, first: int, last: int, spans: Any, times: Any, work: Any) -> bool:
    """Write the spans [``first``, ``last``) by start; False where columns are not enough for one of them."""
    resources, shapes = known[0], known[1]
    count = last - first
    for place in range(count):
        row = first + place
        resource, shape, start_ns = read[row, RESOURCE], read[row, SHAPE], read[row, STARTS_NS]
        fits = resources[resource, SERVICE] >= 0 and shapes[shape, PLAIN] == 1
        if not fits or not _LEAST_NS <= start_ns <= _MOST_NS or not _MOMENT_US < durations[row] < np.inf:
            return False
        at = place
        while at > 0 and read[work[at - 1], STARTS_NS] > start_ns:
            work[at] = work[at - 1]
            at -= 1
        work[at] = row
    base_ns = read[work[0], STARTS_NS]
    for place in range(count):
        row, given = first + place, work[place]
        for column in range(PIECE_COLUMNS):
            spans[row, column] = read[given, column]
        spans[row, PLACE] = NOWHERE
        times[row, OFFSET_US] = (read[given, STARTS_NS] - base_ns) / 1e3
        times[row, DURATION_US] = durations[given]
    return True


@njit(**LEAN)
def find_parents(spans: Any, known: Any, first: int, last: int, table: Any) -> bool:
    """Fill in ``PARENT``; False where an id comes twice, or a parent is missing that says what began."""
    shapes = known[1]
    size = 4
    while size < 2 * (last - first):
        size *= 2
    for place in range(size):
        table[place] = _UNKNOWN
    mask = size - 1
    for row in range(first, last):
        place = _place_of(spans[row, OWN_ID], mask)
        while table[place] >= 0:
            if spans[table[place], OWN_ID] == spans[row, OWN_ID]:
                return False
            place = (place + 1) & mask
        table[place] = row
    for row in range(first, last):
        parent_id = spans[row, PARENT_ID]
        spans[row, PARENT] = ROOT
        if parent_id == 0:
            continue
        place = _place_of(parent_id, mask)
        while table[place] >= 0 and spans[table[place], OWN_ID] != parent_id:
            place = (place + 1) & mask
        spans[row, PARENT] = NOT_RECORDED if table[place] < 0 or table[place] == row else table[place]
        kind = shapes[spans[row, SHAPE], KIND]
        is_inner = kind not in (NO_KIND, SERVER) and shapes[spans[row, SHAPE], REMOTE_PARENT] != 1
        if spans[row, PARENT] == NOT_RECORDED and is_inner:
            return False
    return True


@njit(**LEAN, forceinline=True)
def _place_of(own_id: int, mask: int) -> Any:
    return np.int64(folded_product(np.uint64(own_id), _FACTOR) & np.uint64(mask))


@njit(**LEAN)
def find_owners(spans: Any, known: Any, first: int, last: int) -> bool:
    """Fill in ``OWNER``; False where spans are each other's ancestors."""
    resources, shapes = known[0], known[1]
    missing = False
    for row in range(first, last):
        parent = spans[row, PARENT]
        spans[row, OWNER] = row
        if parent < 0 or _service(resources, spans, parent) != _service(resources, spans, row):
            continue
        shape = shapes[spans[row, SHAPE]]
        if shape[KIND] == SERVER:
            is_remote = shape[REMOTE_PARENT]
            if is_remote == 1 or (is_remote < 0 and shapes[spans[parent, SHAPE], KIND] != SERVER):
                continue
        spans[row, OWNER] = spans[parent, OWNER] if parent < row else _UNKNOWN
        missing = missing or spans[row, OWNER] == _UNKNOWN
    for row in range(first, last) if missing else range(0):
        at, steps = row, 0
        while spans[at, OWNER] == _UNKNOWN:
            at = spans[at, PARENT]
            steps += 1
            if steps > last - first:
                return False
        spans[row, OWNER] = spans[at, OWNER]
    return not _circles(spans, first, last)


@njit(**LEAN, forceinline=True)
def _service(resources: Any, spans: Any, row: int) -> Any:
    return resources[spans[row, RESOURCE], SERVICE]


@njit(**LEAN)
def _circles(spans: Any, first: int, last: int) -> bool:
    """Whether spans that begin executions are each other's ancestors."""
    for row in range(first, last):
        if spans[row, OWNER] != row:
            continue
        at, steps = row, 0
        while spans[at, PARENT] >= 0:
            above = spans[spans[at, PARENT], OWNER]
            if above < row:  # (of which it is known)
                break
            at = above
            steps += 1
            if steps > last - first:
                return True
    return False
