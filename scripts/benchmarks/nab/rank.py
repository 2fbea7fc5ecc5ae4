"""How improbable a number is among all that came before, from a bounded sample of them and the largest ones."""

import math
from typing import Any

import numpy as np

from tracehound.detectors.packed.compiling import njit

SAMPLE, TOP = 320, 72
LEAST_SEEN = 100
"""Numbers before any rank is told."""
TAIL_SHARE, LEAST_EXCESSES = 0.02, 10
MOST_COUNTED = 40_000
"""At this many numbers the count is halved and every second one of the largest is dropped, so that they age."""
_LN_10 = math.log(10.0)


@njit(cache=True)
def _between(ordered: Any, count: int, number: float) -> Any:
    """Middle of the places at which ``number`` could be put in the first ``count`` of an ascending array."""
    low = np.searchsorted(ordered[:count], number)
    return 0.5 * (low + np.searchsorted(ordered[:count], number, side="right"))


@njit(cache=True)
def rank_score(sample: Any, top: Any, seen: float, number: float) -> Any:
    """−log10 of the share of past numbers that are larger; an exponential tail continues it beyond the largest.

    ``sample`` (SAMPLE,) and ``top`` (TOP,) are what ``learn_rank`` keeps of ``seen`` numbers. 0 before a hundred.
    """
    if seen < LEAST_SEEN:
        return 0.0
    highest = int(min(TOP, seen))
    excesses = min(TOP - 1, max(LEAST_EXCESSES, int(TAIL_SHARE * seen)))
    threshold = top[highest - excesses - 1]
    if number > threshold:
        scale = 0.0
        for j in range(highest - excesses, highest):
            scale += top[j] - threshold
        scale = scale / excesses + 1e-12
        return math.log10(seen / excesses) + (number - threshold) / scale / _LN_10
    if number > top[0]:
        return -math.log10((highest - _between(top, highest, number) + 0.5) / (seen + 1.0))
    count = int(min(SAMPLE, seen))
    return -math.log10((count - _between(sample, count, number) + 0.5) / (count + 1.0))


@njit(cache=True)
def _replace(ordered: Any, count: int, j: int, number: float) -> None:
    """Put ``number`` into an ascending array in place of its element ``j``."""
    while j + 1 < count and ordered[j + 1] < number:
        ordered[j] = ordered[j + 1]
        j += 1
    while j > 0 and ordered[j - 1] > number:
        ordered[j] = ordered[j - 1]
        j -= 1
    ordered[j] = number


@njit(cache=True)
def learn_rank(sample: Any, top: Any, seen: float, number: float) -> float:
    """Keep a number, and return how many have been seen; the sample stays spread over all of them."""
    if seen < SAMPLE:
        sample[int(seen)] = np.inf
        _replace(sample, int(seen) + 1, int(seen), number)
    elif int(seen) % int(seen / SAMPLE) == 0:
        _replace(sample, SAMPLE, int(seen * 167) % SAMPLE, number)
    if seen < TOP:
        top[int(seen)] = np.inf
        _replace(top, int(seen) + 1, int(seen), number)
    elif number > top[0]:
        _replace(top, TOP, 0, number)
    if seen + 1.0 < MOST_COUNTED:
        return seen + 1.0
    half = TOP // 2
    for j in range(half):
        top[TOP - 1 - j] = top[TOP - 1 - 2 * j]
    # What lies below is not known any more; the largest of the sample is about as rare as the last of the list.
    for j in range(TOP - half):
        top[j] = min(sample[SAMPLE - 1], top[TOP - half])
    return 0.5 * (seen + 1.0)
