"""The compiled loop of the structure detector: judge a row, decide whether to learn it, learn it."""

import math
from typing import Any, Final

import numpy as np

from tracehound.detectors.columns.segment_columns import LONGEST_MS
from tracehound.detectors.features.paths import OTHER, WHOLE
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.structure.lacking import count_lacking
from tracehound.detectors.structure.learning import REFUSED, accept, learn_row
from tracehound.detectors.structure.state import NOTHING, Memory, find, mixed
from tracehound.detectors.structure.tail import calibrated, inverse_of_count, inverse_of_time

SET_NEW, PATH_NEW, PATH_MISSING, COUNT, TIME = 1, 2, 3, 4, 5
NOVELTY_WORTH_NAMING: Final = 1.5
DEVIATES_FROM: Final = 1.0
"""Score from which it is said what a row is about."""
NAMED_FROM: Final = 2.0
NAMED_SHARE: Final = 0.5
"""A set or count that is this improbable is named before the time, which it takes: the cause before the effect."""
DISTANCE_WEIGHT: Final = 0.5
LEAST_SUMMED: Final = 50.0
BOTH_ASKED: Final = 0.3
WHOLE_WEIGHT: Final = 0.5
"""Weight of the duration among the times of very many paths: where all are a little slower, no other shows it."""
MANY_PATHS: Final = 64.0
"""Paths of an execution at which the duration has about half of that; of few each weighs the same."""
_SALT: Final = 0x3C6EF372FE94F82A

RULES = np.dtype(
    [("warm_up", np.int64), ("gate", np.float64), ("patience_s", np.float64), ("paths", np.int64), ("sets", np.int64)]
)
"""Settings of the detector."""
ROW = np.dtype(
    [
        *(("score", np.float64), ("novelty", np.float64), ("excess", np.float64), ("count_excess", np.float64)),
        *(
            ("peak", np.float64),
            ("sum", np.float64),
            ("culprit", np.int64),
            ("typical", np.float64),
            ("actual", np.float64),
            ("high", np.float64),
            ("certainty", np.float64),
        ),
        *(("about", np.int8), ("warming", np.bool_), ("remembered", np.bool_)),
    ]
)
"""What is said about one row."""
FOLDED = np.dtype([("entry", np.int64), ("path", np.int64), ("count", np.float64), ("time_ms", np.float64)])
"""A path of the row at hand with the entry that remembers it."""


@njit(**LEAN)
def run(
    done: int,
    slots: Any,
    starts: Any,
    paths: Any,
    times: Any,
    learn: Any,
    patience_s: Any,
    rules: Any,
    memory: Any,
    folded: Any,
    remember: bool,
    out: Any,
) -> Any:
    """Judge rows from ``done`` on and learn those that ``learn`` allows; none changes anything unless ``remember``.

    ``starts`` and ``paths`` are those of ``detectors.features.paths.Paths`` (records of ``PATH``), ``memory`` is
    ``detectors.structure.state.Memory`` as a plain tuple, which is quicker to hand over, ``folded`` room for one row.
    Returns the number of the row before which more
    entries must be made free, or the number of rows.
    """
    memory, rules = Memory(*memory), rules[0]
    operations, entries = memory.operations, memory.entries
    for row in range(done, slots.size):
        slot, first, end = slots[row], starts[row], starts[row + 1]
        if learn[row] and memory.free[1] < end - first + 2:
            return row
        used, set_key = _fold(slot, paths[first:end], rules, memory, folded)
        missing = _judge(slot, set_key, folded[:used], memory, out[row])
        if remember:
            out[row].certainty = count_lacking(slot, missing, memory)
        if not learn[row]:
            continue
        decision = accept(operations[slot], entries, rules, times[row], patience_s[row], out[row])
        if decision != REFUSED:
            learn_row(slot, set_key, folded[:used], decision, rules, memory, out[row])
    return slots.size


@njit(**LEAN)
def _fold(slot: int, paths: Any, rules: Any, memory: Any, folded: Any) -> tuple[Any, Any]:
    """Fill ``folded`` with the row's entries, paths beyond the limit as one; return how many, and the set's key."""
    room = rules.paths - memory.operations[slot].paths
    set_key, used = np.int64(_SALT), 0
    other_count, other_time = 0.0, 0.0
    for at in range(paths.size):
        given = paths[at]
        set_key ^= mixed(given.path)
        entry = find(memory, slot, given.path)
        if entry == NOTHING:
            room -= 1
        if entry == NOTHING and room < 0:
            other_count += given.count
            other_time += given.time_ms
            continue
        one = folded[used]
        one.entry, one.path, one.count, one.time_ms = entry, given.path, given.count, min(given.time_ms, LONGEST_MS)
        used += 1
    if other_count > 0.0:
        one = folded[used]
        one.entry, one.path = find(memory, slot, OTHER), OTHER
        one.count, one.time_ms = other_count, min(other_time, LONGEST_MS)
        used += 1
    return used, set_key


@njit(**LEAN)
def _judge(slot: int, set_key: int, row: Any, memory: Any, said: Any) -> Any:
    """Fill ``said``; return the entry of the most surprising path that the row lacks, if it has none that is new."""
    operation, entries, free = memory.operations[slot], memory.entries, memory.free
    said.warming = operation.known == 0
    if said.warming:
        return NOTHING
    free[2] += 1
    slowest, most = _amounts(row, free[2], operation, entries, said)
    code, fresh, missing = _novelty(slot, set_key, row, free[2], memory, said)
    said.score = max(said.novelty, said.excess, said.count_excess)
    if said.score < DEVIATES_FROM:
        return missing
    worth_naming = min(said.score, max(NAMED_FROM, NAMED_SHARE * said.score))
    if said.novelty >= worth_naming:
        said.about = code
        if code == PATH_NEW:
            said.culprit, said.actual = row[fresh].path, row[fresh].count
        elif code == PATH_MISSING:
            said.culprit, said.typical = entries[missing].key, entries[missing].count
    elif said.count_excess >= worth_naming:
        said.about, said.culprit = COUNT, row[most].path
        said.typical, said.actual = entries[row[most].entry].count, row[most].count
        said.high = entries[row[most].entry].count_bound
    else:
        said.about, said.culprit = TIME, row[slowest].path
        said.typical, said.actual = entries[row[slowest].entry].typical, row[slowest].time_ms
        said.high = entries[row[slowest].entry].bound
    return missing


@njit(**LEAN)
def _amounts(row: Any, stamp: int, operation: Any, entries: Any, said: Any) -> tuple[Any, Any]:
    """Set the row's excesses in time and counts; return which of its entries contribute most."""
    tested, times, counts, total, whole = 0, 0.0, 0.0, 0.0, 0.0
    largest_time, largest_count, slowest, most = 0.0, 0.0, 0, 0
    for at in range(row.size):
        if row[at].entry == NOTHING or entries[row[at].entry].known == 0:
            continue
        one = entries[row[at].entry]
        one.seen = stamp
        tested += 1
        inverse = inverse_of_time(one, operation.pool, row[at].time_ms)
        if row[at].path == WHOLE:
            whole = inverse
        else:
            times += inverse
        if inverse > LEAST_SUMMED:
            total += math.log10(inverse / LEAST_SUMMED)
        if inverse > largest_time:
            largest_time, slowest = inverse, at
        inverse = inverse_of_count(one, row[at].count)
        counts += inverse
        if inverse > largest_count:
            largest_count, most = inverse, at
    if tested > 0:
        if tested > 1:
            even = 1.0 / tested
            weight = even + (WHOLE_WEIGHT - even) * tested**2 / (tested**2 + MANY_PATHS**2)
            times = weight * whole + (1.0 - weight) * times / (tested - 1)
        else:
            times += whole
        peak_time, peak_count = math.log10(times), math.log10(counts / tested)
        said.peak, said.sum = max(peak_time, peak_count), total
        of_sum = calibrated(total, operation.sum_mean, operation.sum_bound, operation.sum_at_bound, operation.sum_scale)
        mean, bound = operation.peak_mean, operation.peak_bound
        at_bound, scale = operation.peak_at_bound, operation.peak_scale
        said.excess = max(calibrated(peak_time, mean, bound, at_bound, scale), of_sum - BOTH_ASKED)
        said.count_excess = calibrated(peak_count, mean, bound, at_bound, scale)
    return slowest, most


@njit(**LEAN)
def _novelty(slot: int, set_key: int, row: Any, stamp: int, memory: Any, said: Any) -> tuple[Any, Any, Any]:
    """Set the row's novelty; return what it is about, which entry of the row is new, and the missing path's entry."""
    operation, entries = memory.operations[slot], memory.entries
    of_set = find(memory, slot, set_key)
    known = of_set != NOTHING and entries[of_set].known > 0
    said.novelty = entries[of_set].score if known else operation.new_set
    if known and said.novelty < NOVELTY_WORTH_NAMING:
        return SET_NEW, 0, NOTHING
    new, fresh = 0, 0
    for at in range(row.size - 1, -1, -1):
        if row[at].entry == NOTHING or entries[row[at].entry].known == 0:
            new += 1
            fresh = at
    missing, absent = _missing(operation, entries, stamp)
    if not known:
        if missing != NOTHING:
            said.novelty = max(said.novelty, entries[missing].score)
        if new > 0:
            said.novelty = max(said.novelty, operation.new_path)
        said.novelty += DISTANCE_WEIGHT * math.log10(max(1, absent + new))
    if new > 0:
        return PATH_NEW, fresh, NOTHING
    return (PATH_MISSING, 0, missing) if missing != NOTHING else (SET_NEW, 0, NOTHING)


@njit(**LEAN)
def _missing(operation: Any, entries: Any, stamp: int) -> tuple[Any, Any]:
    """The most surprising entry that the row of ``stamp`` lacks and most executions have, and how many there are."""
    missing, absent, surprise = NOTHING, 0, 0.0
    entry = operation.head
    while entry != NOTHING:
        one = entries[entry]
        if not one.is_set and one.seen != stamp and 2 * one.known >= operation.known:
            absent += 1
            if one.score > surprise:
                missing, surprise = entry, one.score
        entry = one.next
    return missing, absent
