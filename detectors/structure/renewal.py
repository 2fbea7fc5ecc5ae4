"""Renewal of what the structure detector judges against: live statistics become the frozen reference."""

import math
from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.structure.state import NOTHING, drop
from tracehound.detectors.structure.tail import fit_calibration, fit_shared_tail, hill, place_in_shared_tail

GROWTH_DIVISOR: Final = 4
"""A reference is renewed when it can be larger by one part in so many."""
CUMULATIVE_UNTIL: Final = 3_840
"""Executions up to which a renewed reference contains the one before; later ones are taken afresh."""
UNSEEN: Final = 0.05
"""What is added to the count of executions with something rare before it becomes a probability."""
LONGEST: Final = 15_360
"""Most executions between two renewals."""


@njit(cache=True)
def renew(memory: Any, slot: int) -> None:
    """Freeze what was learned; forget what did not occur any more; plan the next renewal."""
    operation, entries = memory.operations[slot], memory.entries
    _drop_unseen(memory, slot)
    _freeze_paths(operation, entries)
    _freeze_sets(operation, entries)
    operation.known = operation.learned
    fit_shared_tail(operation, entries)
    place_in_shared_tail(operation, entries)
    fit_calibration(operation)
    if 2 * operation.judged >= operation.learned:
        _clear_judged(operation)
    operation.restarted = 0
    operation.next_renewal = min(operation.learned + operation.learned // GROWTH_DIVISOR, LONGEST)
    if operation.learned >= CUMULATIVE_UNTIL:
        clear_live(operation, entries)


@njit(cache=True)
def clear_live(operation: Any, entries: Any) -> None:
    """Start a reference from nothing."""
    operation.learned, operation.unlisted_sets = 0, 0
    _clear_judged(operation)
    entry = operation.head
    while entry != NOTHING:
        one = entries[entry]
        one.learned, one.log_time, one.total_count = 0, 0.0, 0.0
        one.times[:] = -1.0
        one.counts[:] = 0.0
        entry = one.next


@njit(cache=True)
def _clear_judged(operation: Any) -> None:
    operation.judged, operation.peak_total, operation.sum_total = 0, 0.0, 0.0
    operation.peaks[:] = -1.0
    operation.sums[:] = -1.0


@njit(cache=True)
def _drop_unseen(memory: Any, slot: int) -> None:
    operations, entries = memory.operations, memory.entries
    before, entry = NOTHING, operations[slot].head
    while entry != NOTHING:
        following = entries[entry].next
        if entries[entry].learned == 0:
            if before == NOTHING:
                operations[slot].head = following
            else:
                entries[before].next = following
            drop(memory, entry)
        else:
            before = entry
        entry = following


@njit(cache=True)
def _freeze_paths(operation: Any, entries: Any) -> None:
    entry = operation.head
    while entry != NOTHING:
        one = entries[entry]
        one.known = one.learned
        if not one.is_set:
            one.typical = math.exp(one.log_time / one.learned) - 1.0
            one.bound, one.at_bound, one.scale = hill(one.times, one.learned)
            one.bound = max(one.bound, one.typical)
            one.count = one.total_count / one.learned
            one.count_bound, one.count_at_bound, one.count_scale = hill(one.counts, one.learned)
            one.score = -math.log10((operation.learned - one.learned + UNSEEN) / (operation.learned + 1.0))
        entry = one.next


@njit(cache=True, _nrt=True)
def _freeze_sets(operation: Any, entries: Any) -> None:
    """A set's probability is that of all sets that are at most as frequent."""
    numbers = np.empty(operation.sets, np.int32)
    filled, once = 0, 0
    entry = operation.head
    while entry != NOTHING:
        one = entries[entry]
        if one.is_set:
            numbers[filled] = entry
            filled += 1
            once += one.learned == 1
        entry = one.next
    executions = operation.learned + 1.0
    for entry in numbers[:filled]:
        rarer = 0.0
        for other in numbers[:filled]:
            if entries[other].learned <= entries[entry].learned:
                rarer += entries[other].learned
        entries[entry].score = -math.log10(min(1.0, (rarer + operation.unlisted_sets + UNSEEN) / executions))
    operation.new_set = -math.log10((once + operation.unlisted_sets + UNSEEN) / executions)
    operation.new_path = -math.log10((min(once, _paths_once(operation, entries)) + UNSEEN) / executions)


@njit(cache=True)
def _paths_once(operation: Any, entries: Any) -> Any:
    found = 0
    entry = operation.head
    while entry != NOTHING:
        one = entries[entry]
        found += (not one.is_set) and one.learned == 1
        entry = one.next
    return found


@njit(cache=True)
def start(operations: Any, warm_up: int) -> None:
    """Set the fields of an operation that do not start at 0."""
    operation = operations[0]
    operation.next_renewal = warm_up
    operation.tokens = 1.0
    operation.disturbed_since = np.nan
    _clear_judged(operation)
