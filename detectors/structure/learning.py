"""What the structure detector learns: the gate, patience, and the statistics of a row."""

import math
from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.structure.renewal import clear_live, renew
from tracehound.detectors.structure.state import NOTHING, find, insert
from tracehound.detectors.structure.tail import NEVER, keep_largest

TOKENS_PER_EXECUTION: Final = 0.003
MOST_TOKENS: Final = 3.0
LARGEST_LEARNED_SCORE: Final = 4.0
SHARE_SMOOTHING: Final = 0.03
UNUSUAL: Final = 1.5
"""Score from which an execution counts towards a disturbance; 3 % of normal ones reach it."""
STRONG: Final = 2.5
"""Score that a slow drift hardly ever reaches."""
DISTURBED_FROM: Final = 0.15
DISTURBED_TO: Final = 0.08
"""Smoothed shares of unusual executions at which a disturbance begins and ends: nothing is learned in between."""
DRIFTING: Final = 0.05
"""Smoothed share of strong deviations up to which a disturbance is taken for a new normal."""
REPLACED: Final = 0.8
"""Smoothed share of unusual executions from which a disturbance is taken for a new normal."""
MIXED_PATIENCE: Final = 144.0
"""Times the patience that anything else must last: some executions still show the old normal."""
REFUSED: Final = 0
ACCEPTED: Final = 1
CAPPED: Final = 2


@njit(**LEAN)
def accept(operation: Any, entries: Any, rules: Any, time: float, patience_s: float, said: Any) -> Any:
    """Whether to learn the row: nothing while too many deviate, else what does not deviate or is due by chance."""
    if operation.known == 0 or operation.restarted:
        return ACCEPTED
    deviates = said.score >= rules.gate
    operation.unusual += SHARE_SMOOTHING * ((said.score >= UNUSUAL) - operation.unusual)
    operation.deviating += SHARE_SMOOTHING * ((said.score >= STRONG) - operation.deviating)
    operation.tokens = min(MOST_TOKENS, operation.tokens + TOKENS_PER_EXECUTION)
    if np.isnan(operation.disturbed_since):
        if operation.unusual > DISTURBED_FROM and operation.sum_bound < NEVER:
            operation.disturbed_since = time
    elif operation.unusual < DISTURBED_TO:
        operation.disturbed_since = np.nan
    if not np.isnan(operation.disturbed_since):
        mixed_up = operation.deviating > DRIFTING and operation.unusual < REPLACED
        if not time - operation.disturbed_since > patience_s * (MIXED_PATIENCE if mixed_up else 1.0):
            return REFUSED
        _restart(operation, entries, rules)
        return ACCEPTED
    if not deviates:
        return ACCEPTED
    if operation.tokens < 1.0:
        return REFUSED
    operation.tokens -= 1.0
    return CAPPED


@njit(**LEAN)
def _restart(operation: Any, entries: Any, rules: Any) -> None:
    """Collect a new reference, without a gate; the old one judges until the new one has warmed up."""
    clear_live(operation, entries)
    operation.restarted, operation.next_renewal = 1, rules.warm_up
    operation.unusual, operation.deviating, operation.disturbed_since = 0.0, 0.0, np.nan


@njit(**LEAN)
def learn_row(slot: int, set_key: int, row: Any, decision: int, rules: Any, memory: Any, said: Any) -> None:
    """Add a row's set and entries (see ``structure.kernel.FOLDED``) to the live statistics; renew when it is time."""
    operation, entries = memory.operations[slot], memory.entries
    if operation.known > 0 and not operation.restarted:
        operation.judged += 1
        peak, total = said.peak, said.sum
        if decision == CAPPED:
            peak = min(peak, _largest_learned(operation.peak_bound, operation.peak_at_bound, operation.peak_scale))
            total = min(total, _largest_learned(operation.sum_bound, operation.sum_at_bound, operation.sum_scale))
        operation.peak_total += peak
        operation.sum_total += total
        keep_largest(operation.peaks, peak)
        keep_largest(operation.sums, total)
    of_set = find(memory, slot, set_key)
    if of_set == NOTHING and operation.sets < rules.sets:
        of_set = insert(memory, slot, set_key, True)
    if of_set == NOTHING:
        operation.unlisted_sets += 1
    else:
        entries[of_set].learned += 1
    for at in range(row.size):
        entry = row[at].entry
        if entry == NOTHING:
            entry = insert(memory, slot, row[at].path, False)
            said.remembered = True
        _learn_entry(entries[entry], row[at].count, row[at].time_ms, decision == CAPPED)
    operation.learned += 1
    if operation.learned >= operation.next_renewal:
        renew(memory, slot)


@njit(**LEAN)
def _largest_learned(bound: float, at_bound: float, scale: float) -> Any:
    """An isolated deviation is learned, but as no larger than a statistic of this probability."""
    return bound + max(0.0, LARGEST_LEARNED_SCORE + math.log10(at_bound)) * scale * math.log(10.0)


@njit(**LEAN)
def _learn_entry(one: Any, count: float, time_ms: float, capped: bool) -> None:
    if capped and one.known > 0:
        further = max(0.0, LARGEST_LEARNED_SCORE + math.log10(one.at_bound)) * math.log(10.0)
        time_ms = min(time_ms, (1.0 + one.bound) * math.exp(further * one.scale) - 1.0)
        further = max(0.0, LARGEST_LEARNED_SCORE + math.log10(one.count_at_bound)) * math.log(10.0)
        count = min(count, (1.0 + one.count_bound) * math.exp(further * one.count_scale) - 1.0)
    one.learned += 1
    one.log_time += math.log(1.0 + time_ms)
    one.total_count += count
    keep_largest(one.times, time_ms)
    keep_largest(one.counts, count)
