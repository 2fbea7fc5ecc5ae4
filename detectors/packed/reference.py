"""Sorted samples of what a key usually does: kernels that fill them, and that place a value in them."""

from statistics import NormalDist
from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.packed.ordered import place_of
from tracehound.detectors.packed.tail import TAIL_SHARE, tail_score

RANDOM_MOST: Final = 0x7FFFFFFF
"""The largest state of the generator of random numbers."""
_STEPS = 2048
_NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / _STEPS) for i in range(_STEPS)])
_SCORE_STEPS = 50
_OF_SCORE = np.array([-8.0, *(-NormalDist().inv_cdf(10.0 ** (-i / _SCORE_STEPS)) for i in range(1, 16 * _SCORE_STEPS))])


@njit(**LEAN)
def insert(ordered: Any, count: int, value: float) -> None:
    """Put ``value`` in its place among the first ``count`` of ``ordered``, which must have room."""
    insert_at(ordered, count, place_of(ordered, count, value), value)


@njit(**LEAN)
def insert_at(ordered: Any, count: int, place: int, value: float) -> None:
    """``insert`` where the value's place is known."""
    # Unsigned numbers need no check for places counted from the end, so whole lines of memory are moved.
    one, first, i = np.uint64(1), np.uint64(place), np.uint64(count)
    while i > first:
        ordered[i] = ordered[i - one]
        i -= one
    ordered[first] = value


@njit(**LEAN)
def replace(ordered: Any, count: int, place: int, value: float) -> None:
    """Give up the value at ``place`` of the first ``count`` for a new one, and keep the order."""
    i = place
    while i + 1 < count and ordered[i + 1] < value:
        ordered[i] = ordered[i + 1]
        i += 1
    while i > 0 and ordered[i - 1] > value:
        ordered[i] = ordered[i - 1]
        i -= 1
    ordered[i] = value


@njit(**LEAN)
def rank_of(ordered: Any, count: int, value: float) -> float:
    """Mid-rank of ``value`` among the first ``count``, in (0, 1)."""
    return float(_rank_at(ordered, count, value, place_of(ordered, count, value)))


@njit(**LEAN)
def _rank_at(ordered: Any, count: int, value: float, low: int) -> float:
    high = low
    while high < count and ordered[high] == value:
        high += 1
    return float((0.5 * (low + high) + 0.5) / (count + 1.0))


@njit(**LEAN)
def without_margin(ordered: Any, count: int, value: float, margin: float, margin_share: float) -> float:
    """``value`` less what does not matter: a margin, but never below the median if it was above."""
    median = ordered[count // 2]
    if value <= median:
        return value
    return float(max(median, value - max(margin, margin_share * median)))


@njit(**LEAN)
def normal_score_of_tail(tail: float) -> float:
    """The standard normal score of −log10 of an upper tail probability, at most that of 1e-16."""
    return float(_OF_SCORE[max(0, min(_OF_SCORE.size - 1, int(tail * _SCORE_STEPS)))])


@njit(**LEAN)
def normal_score(ordered: Any, count: int, value: float, tail: float) -> float:
    """The value's rank as a standard normal score, from its ``tail`` score where it lies beyond the reference."""
    place = place_of(ordered, count, value)
    if place >= count * (1.0 - TAIL_SHARE):
        return float(normal_score_of_tail(tail))
    return float(_NORMAL[min(_STEPS - 1, int(_rank_at(ordered, count, value, place) * _STEPS))])


@njit(**LEAN)
def deviation(
    ordered: Any, count: int, value: float, rank: float, margin: float, margin_share: float
) -> tuple[float, float]:
    """Normal score and −log10 of the tail probability of a value less its margin; both 0 inside the margin.

    ``ordered`` (K,) ascending, of which the first ``count`` ≥ 1 are filled; ``rank`` is that of ``value``. Values at
    or below the median have their plain normal score and a tail score of 0.
    """
    median = ordered[count // 2]
    if value <= median:
        return float(_NORMAL[min(_STEPS - 1, int(rank * _STEPS))]), 0.0
    beyond = without_margin(ordered, count, value, margin, margin_share)
    if beyond <= median:
        return 0.0, 0.0
    tail = tail_score(ordered, count, beyond)
    return normal_score(ordered, count, beyond, tail), tail


@njit(**LEAN)
def next_random(state: int) -> int:
    """The next state of a linear congruential generator; take its high bits."""
    return (1103515245 * state + 12345) & RANDOM_MOST
