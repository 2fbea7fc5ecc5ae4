"""How improbable a residual is among a key's past ones: a sorted reference with an exponential tail."""

from typing import Any

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.ordered import place_of

REFERENCE = 400
TAIL_SHARE, LEAST_TAIL = 0.05, 10
LARGEST_LEARNED = 4.0
"""The residual with which a deviation begins is learned as if its score were at most this."""
_LN_10 = float(np.log(10.0))


@njit(cache=True)
def learn_residual(reference: Any, learned: float, size: float) -> None:
    """Put the size of a residual into the sorted reference, which ``learned`` so many, in place of one by rotation."""
    count = int(min(learned, REFERENCE))
    if count < REFERENCE:
        place = place_of(reference, count, size)
        for j in range(count, place, -1):
            reference[j] = reference[j - 1]
        reference[place] = size
    else:
        j = int(learned * 167) % REFERENCE
        while j + 1 < REFERENCE and reference[j + 1] < size:
            reference[j] = reference[j + 1]
            j += 1
        while j > 0 and reference[j - 1] > size:
            reference[j] = reference[j - 1]
            j -= 1
        reference[j] = size


@njit(cache=True)
def own_tail(reference: Any, count: int) -> Any:
    """Threshold, mean excess over it, and the share of residuals beyond it, of the sorted first ``count`` ones."""
    beyond = min(count - 1, max(LEAST_TAIL, int(TAIL_SHARE * count)))
    threshold = reference[count - 1 - beyond]
    total = 0.0
    for j in range(count - beyond, count):
        total += reference[j] - threshold
    return threshold, (1.0 + 1.0 / np.sqrt(beyond)) * total / beyond + 1e-9, beyond / count


@njit(cache=True)
def score_of(size: float, threshold: float, excess: float, share: float) -> Any:
    """−log10 of the probability of a residual of ``size``: the smaller of the own tail's and of the normal one's."""
    if size <= threshold:
        return 0.0
    own = -np.log10(share) + (size - threshold) / excess / _LN_10
    normal = 0.0
    if size > 1.0:
        # Mills' ratio bounds the normal tail from above closely enough here, and never underflows.
        normal = 0.5 * size * size / _LN_10 + np.log10(size * np.sqrt(0.5 * np.pi))
    return min(own, normal)


@njit(cache=True)
def size_of_largest(threshold: float, excess: float, share: float) -> Any:
    """The largest size that a residual is learned as, by the own tail."""
    return threshold + (LARGEST_LEARNED + np.log10(share)) * _LN_10 * excess
