"""How far the newest value of a series, and the shape of its newest windows, are from anything seen before."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.stored_numbers import COUNTED, LARGEST
from tracehound.detectors.windows.series_rank import MOST_COUNTED, learn_rank, rank_score

RECENT, BLOCK, BLOCKS, SEEN = 32, 8, 1000, 480
"""Windows that count as the present; windows averaged into a block; blocks and representative values remembered."""
ROWS, ORIGIN, BLOCK_SUM, HELD = range(4)
"""Places in ``present``: windows learned, the first value (others are kept relative to it), sum of the block that is
being filled, and how many representative values are held; from RANKED on, how many distances of each kind were ranked.
"""
RANKED, PRESENT = 4, 6
LEAST_PRESENT: Final = np.array([0.0, -LARGEST, -LARGEST, 0.0, 0.0, 0.0])
MOST_PRESENT: Final = np.array([COUNTED, LARGEST, LARGEST, SEEN, MOST_COUNTED, MOST_COUNTED])
"""What ``present`` may be in a stored state."""
RESOLUTION = 1e-6
"""Distances below this share of the value are rounding, not novelty."""
_IN_SHAPE = RECENT // BLOCK


@njit(cache=True)
def value_distance(seen: Any, held: int, value: float) -> float:
    """Distance to the nearest of the ``held`` ascending representative values; 0 while there is none."""
    if held == 0:
        return 0.0
    place = np.searchsorted(seen[:held], value)
    nearest = np.inf
    if place < held:
        nearest = seen[place] - value
    if place > 0:
        nearest = min(nearest, value - seen[place - 1])
    return nearest


@njit(cache=True)
def _shape(recent: Any, rows: int, value: float, out: Any) -> None:
    """Means of the newest blocks, newest first, with ``value`` as the newest of all."""
    for b in range(_IN_SHAPE):
        total = 0.0
        for age in range(b * BLOCK, (b + 1) * BLOCK):
            total += value if age == 0 else recent[(rows - age) % RECENT]
        out[b] = total / BLOCK


@njit(cache=True)
def shape_distance(recent: Any, blocks: Any, rows: int, value: float) -> float:
    """Mean absolute distance of the newest shape to the nearest one that ended before it began; 0 while unknown."""
    if rows < 2 * RECENT:
        return 0.0
    newest = np.empty(_IN_SHAPE)
    _shape(recent, rows, value, newest)
    full = rows // BLOCK
    last = (rows + 1 - RECENT) // BLOCK
    first = max(0, full - BLOCKS)
    nearest = np.inf
    for end in range(last, first + _IN_SHAPE - 1, -1):
        total = 0.0
        for b in range(_IN_SHAPE):
            total += abs(newest[b] - blocks[(end - 1 - b) % BLOCKS])
            if total >= nearest:
                break
        nearest = min(nearest, total)
    return nearest / _IN_SHAPE if nearest < np.inf else 0.0


@njit(cache=True)
def _represent(seen: Any, held: int, value: float) -> int:
    """Add a representative value; when there is no room, one of the two closest gives way. Returns how many."""
    place = np.searchsorted(seen[:held], value)
    if place < held and seen[place] == value:
        return held
    if held < SEEN:
        for j in range(held, place, -1):
            seen[j] = seen[j - 1]
        seen[place] = value
        return held + 1
    closest, narrow = 1, np.inf
    for j in range(1, held - 1):
        if seen[j + 1] - seen[j - 1] < narrow:
            closest, narrow = j, seen[j + 1] - seen[j - 1]
    if 0 < place < held and seen[place] - seen[place - 1] < narrow:
        return held
    while closest + 1 < held and seen[closest + 1] < value:
        seen[closest] = seen[closest + 1]
        closest += 1
    while closest > 0 and seen[closest - 1] > value:
        seen[closest] = seen[closest - 1]
        closest -= 1
    seen[closest] = value
    return held


@njit(cache=True)
def learn_novelty(present: Any, recent: Any, blocks: Any, seen: Any, value: float, hold: int) -> None:
    """Let ``value`` (relative to the origin) be the newest; the one ``hold`` windows before becomes known."""
    rows = int(present[ROWS])
    place = rows % RECENT
    if rows >= hold:
        present[HELD] = _represent(seen, int(present[HELD]), recent[(rows - hold) % RECENT])
    recent[place] = value
    present[BLOCK_SUM] += value
    present[ROWS] = rows + 1
    if (rows + 1) % BLOCK == 0:
        blocks[(rows // BLOCK) % BLOCKS] = present[BLOCK_SUM] / BLOCK
        present[BLOCK_SUM] = 0.0


@njit(cache=True)
def run_novelty(
    slots: Any,
    values: Any,
    learn: Any,
    hold: int,
    all_present: Any,
    all_recent: Any,
    all_blocks: Any,
    all_seen: Any,
    all_samples: Any,
    all_tops: Any,
    out: Any,
) -> None:
    """Scores of the distances of value and shape into ``out`` (n, 2), 0 where missing; and learn where allowed."""
    distances = np.zeros(2, np.float32)
    for i in range(slots.size):
        if np.isnan(values[i]):
            continue
        present, recent, blocks = all_present[slots[i]], all_recent[slots[i]], all_blocks[slots[i]]
        seen, sample, top = all_seen[slots[i]], all_samples[slots[i]], all_tops[slots[i]]
        rows = int(present[ROWS])
        value = values[i] - (present[ORIGIN] if rows > 0 else values[i])
        distances[0] = value_distance(seen, int(present[HELD]), value)
        distances[1] = shape_distance(recent, blocks, rows, value)
        distances[distances < RESOLUTION * abs(values[i])] = 0.0
        for k in range(2):
            out[i, k] = rank_score(sample[k], top[k], present[RANKED + k], distances[k])
        if not learn[i]:
            continue
        if rows == 0:
            present[ORIGIN] = values[i]
        for k in range(2):
            present[RANKED + k] = learn_rank(sample[k], top[k], present[RANKED + k], distances[k])
        learn_novelty(present, recent, blocks, seen, value, hold)
