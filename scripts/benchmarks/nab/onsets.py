"""Which windows of a scored series are worth telling: the onset of a deviation, worth less the more often it came."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tracehound.detectors.bank import Floats
from tracehound.detectors.packed.compiling import njit

REMEMBERED = 64
NEARLY = 0.1
"""An earlier onset that was lower by this counts as 1/e of one that was as high."""
ROW, LAST, PEAK, HELD, PENDING, PENDING_ROW = range(6)
"""Places in ``numbers``: windows seen, last window of the deviation, its highest score, how many onsets were ever
remembered, and the score and window of the onset that is not told yet (score 0: none)."""
NUMBERS = 6


@dataclass(frozen=True, slots=True)
class Onsets:
    """Rest and habituation on a series of scores.

    A score is an onset when nothing has been told in the last ``rest`` windows, or when it is ``worse`` (a share)
    above what was. Scores above ``alive`` of the last onset's keep the rest going, so that one long deviation is told
    once. An onset is told ``settle`` windows late, later while it still gets worse, with its highest score. Its worth
    is that score less ``habituation`` times log10(1 + k), where k counts the earlier onsets that were at least as
    high, each halved every ``half_life`` windows: evidence that a series gives often is weak evidence, whatever its
    probability was thought to be.

    Assumes scores of at least 0 and windows of even width; NaN are taken as 0. A fault that returns every day is told
    less and less: that is what incidents with a history are for. ``rest``, ``settle`` and ``half_life`` are in
    windows, the others without unit.

    >>> scores = np.zeros(400); scores[[100, 101, 102, 120, 300]] = 3.0, 3.0, 5.0, 4.0, 3.0
    >>> told = Onsets(rest=50).worth(scores)
    >>> np.flatnonzero(told).tolist(), bool(told[300] < told[100])
    ([100, 102, 300], True)
    """

    rest: int
    worse: float = 0.1
    alive: float = 0.6
    habituation: float = 2.0
    half_life: float = 4_000.0
    settle: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.rest < 1:
            raise ValueError(f"The 'rest' parameter of Onsets must be at least 1. Got {self.rest}.")
        if not 0.0 < self.alive <= 1.0:
            raise ValueError(
                f"The 'alive' parameter of Onsets must be above 0 and at most 1. Got {self.alive} instead."
            )

    def worth(self, scores: Floats) -> Floats:
        """The worth (n,) of each score (n,) of one series: above 0 where it is an onset to be told, else 0."""
        told = np.zeros(len(scores))
        settings = (self.rest, self.worse, self.alive, self.habituation, self.half_life, self.settle)
        memory = np.zeros(NUMBERS), np.zeros(REMEMBERED, np.float32), np.zeros(REMEMBERED, np.float32)
        _observe(np.nan_to_num(scores), np.array(settings, np.float64), *memory, told)
        return told


@njit(cache=True)
def _as_high(scores: Any, rows: Any, held: int, row: float, score: float, half_life: float) -> float:
    """How many remembered onsets were at least as high as ``score``, nearly as high ones in part, old ones less."""
    total = 0.0
    for j in range(min(held, REMEMBERED)):
        age = 0.5 ** ((row - rows[j]) / half_life)
        total += age if scores[j] >= score else age * np.exp((scores[j] - score) / NEARLY)
    return total


@njit(cache=True)
def _notice(numbers: Any, score: float, rest: float, worse: float, alive: float) -> None:
    """Take note of the next window's score: an onset that is to be told, or part of what was."""
    row = numbers[ROW]
    if row - numbers[LAST] > rest and numbers[PENDING] == 0.0:
        numbers[PEAK] = 0.0
    if score > 0.0 and score > numbers[PEAK] * (1.0 + worse):
        numbers[PEAK], numbers[LAST] = score, row
        numbers[PENDING], numbers[PENDING_ROW] = score, row
    elif numbers[PEAK] > 0.0 and score > alive * numbers[PEAK]:
        numbers[LAST] = row


@njit(cache=True)
def _observe(scores: Any, settings: Any, numbers: Any, past_scores: Any, past_rows: Any, worth: Any) -> None:
    rest, worse, alive, habituation, half_life, settle = settings
    for i in range(scores.size):
        _notice(numbers, scores[i], rest, worse, alive)
        row, score = numbers[ROW], numbers[PENDING]
        numbers[ROW] = row + 1.0
        if score == 0.0 or row - numbers[PENDING_ROW] < settle:
            continue
        held = int(numbers[HELD])
        earlier = _as_high(past_scores, past_rows, held, row, score, half_life)
        worth[i] = max(0.0, score - habituation * np.log10(1.0 + earlier))
        past_scores[held % REMEMBERED] = score
        past_rows[held % REMEMBERED] = row
        numbers[HELD] = held + 1.0
        numbers[PENDING] = 0.0
