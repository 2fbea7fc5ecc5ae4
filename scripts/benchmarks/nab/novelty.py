"""How far the newest value of a series, and the shape of its newest windows, are from anything seen before."""

from typing import Any

import numpy as np

from tracehound.detectors.bank import Floats
from tracehound.detectors.packed.compiling import njit
from tracehound.scripts.benchmarks.nab.rank import SAMPLE, TOP, learn_rank, rank_score

RECENT, BLOCK, BLOCKS, SEEN = 32, 8, 1000, 480
"""Windows that count as the present; windows averaged into a block; blocks and representative values remembered."""
ROWS, ORIGIN, BLOCK_SUM, HELD = range(4)
"""Places in ``present``: windows learned, the first value (others are kept relative to it), sum of the block that is
being filled, and how many representative values are held; from RANKED on, how many distances of each kind were ranked.
"""
RANKED, PRESENT = 4, 6
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
def _run(
    values: Any, hold: int, present: Any, recent: Any, blocks: Any, seen: Any, samples: Any, tops: Any, out: Any
) -> None:
    """Scores of the distances of value and shape into ``out`` (n, 2), 0 where missing; each row is learned."""
    distances = np.zeros(2, np.float32)
    for i in range(values.size):
        if np.isnan(values[i]):
            continue
        rows = int(present[ROWS])
        if rows == 0:
            present[ORIGIN] = values[i]
        value = values[i] - present[ORIGIN]
        distances[0] = value_distance(seen, int(present[HELD]), value)
        distances[1] = shape_distance(recent, blocks, rows, value)
        distances[distances < RESOLUTION * abs(values[i])] = 0.0
        for k in range(2):
            out[i, k] = rank_score(samples[k], tops[k], present[RANKED + k], distances[k])
            present[RANKED + k] = learn_rank(samples[k], tops[k], present[RANKED + k], distances[k])
        learn_novelty(present, recent, blocks, seen, value, hold)


def novelty(values: Floats, hold: int) -> Floats:
    """Scores (n, 2) of a series of windows: −log10 of how rarely a value, and a shape, was as far from all before.

    The distance of the value to the nearest one ever seen, and of the mean of the last 32 windows in blocks of 8 to
    the nearest such shape of the last 1,000 blocks, each ranked among its own past. They tell values and shapes that
    never were, and are blind to the usual at an unusual time. Distances of the first cycle, when everything is new,
    stay among the largest for some ten thousand windows and keep shapes quiet. A value is known from ``hold`` windows
    (1 to 32) after it came; NaN is neither judged nor learned.
    """
    out = np.zeros((len(values), 2))
    memory = (np.zeros(size, np.float32) for size in (RECENT, BLOCKS, SEEN, (2, SAMPLE), (2, TOP)))
    _run(values, hold, np.zeros(PRESENT), *memory, out)
    return out
