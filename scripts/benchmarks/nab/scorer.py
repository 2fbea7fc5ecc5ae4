"""The scoring of the Numenta Anomaly Benchmark: what each row is worth, and the best threshold for a corpus.

Source: A. Lavin and S. Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark",
ICMLA 2015.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.workload import LabelledSeries

PROBATION_SHARE, PROBATION_ROWS = 0.15, 750
NO_WINDOW, PROBATION = -1, -2
CANDIDATES = np.exp(np.linspace(np.log(0.05), np.log(20.0), 240))
"""Thresholds that settings are compared at."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Weights of an application profile for true positives, false positives and false negatives."""

    name: str
    true_positive: float
    false_positive: float
    false_negative: float


PROFILES = (
    Profile("standard", 1.0, 0.11, 1.0),
    Profile("reward_low_FP_rate", 1.0, 0.22, 1.0),
    Profile("reward_low_FN_rate", 1.0, 0.11, 2.0),
)


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best threshold (rows at or above it are detections), what it gives, and of how much.

    ``raw`` is the sum of the rows' worth; ``normalised`` is 0 for the detector that never detects and 100 for the
    perfect one.
    """

    threshold: float
    raw: float
    normalised: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What detecting each row is worth before the profile's weights (n,), and the window it is in.

    ``window`` (n,) is the index of the row's window in its series, or NO_WINDOW, or PROBATION where rows do not
    count.
    """

    worth: Floats
    window: NDArray[np.int64]
    windows: int


def scaled_sigmoid(position: Floats) -> Floats:
    """The benchmark's sigmoid: near 1 at the beginning of a window (−1), 0 at its end, −1 from three widths behind."""
    return np.where(position > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(position, 3.0))) - 1.0)


def probation_rows(rows: int) -> int:
    """Rows at the beginning of a series that are not scored."""
    return min(int(PROBATION_SHARE * rows), PROBATION_ROWS)


def worth_of(series: LabelledSeries) -> Worth:
    """What each row of a series is worth when detected."""
    n = len(series.values)
    rows = np.arange(n)
    worth, window = np.full(n, -1.0), np.full(n, NO_WINDOW, np.int64)
    most = float(scaled_sigmoid(np.array(-1.0)))
    for index, (first, last) in enumerate(series.windows):
        width = last - first + 1
        inside = slice(first, last + 1)
        worth[inside] = scaled_sigmoid(-(last - rows[inside] + 1) / width) / most
        window[inside] = index
        worth[last + 1 :] = scaled_sigmoid((rows[last + 1 :] - last) / (width - 1))
    window[: probation_rows(n)] = PROBATION
    return Worth(worth, window, len(series.windows))


def _gains(scores: Floats, worth: Worth, profile: Profile) -> tuple[Floats, Floats]:
    """Scores of the rows that count and what each adds when the threshold sinks to it."""
    outside = worth.window == NO_WINDOW
    parts = [(scores[outside], profile.false_positive * worth.worth[outside])]
    for index in range(worth.windows):
        inside = worth.window == index
        order = np.argsort(-scores[inside], kind="stable")
        value = profile.true_positive * worth.worth[inside][order]
        best = np.maximum.accumulate(np.concatenate([[-profile.false_negative], value]))
        parts.append((scores[inside][order], np.diff(best)))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _normalised(raw: float, windows: int, profile: Profile) -> float:
    nothing, perfect = -profile.false_negative * windows, profile.true_positive * windows
    return 100.0 * (raw - nothing) / (perfect - nothing)


def optimise(scores: Sequence[Floats], worths: Sequence[Worth], profile: Profile) -> Optimum:
    """The threshold over all series together with the largest sum; ``scores`` (n,) per series."""
    parts = [_gains(score, worth, profile) for score, worth in zip(scores, worths, strict=True)]
    score, gain = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    windows = sum(worth.windows for worth in worths)
    order = np.argsort(-score, kind="stable")
    score, total = score[order], np.cumsum(gain[order]) - profile.false_negative * windows
    complete = np.append(score[1:] != score[:-1], True)
    best = int(np.where(complete, total, -np.inf).argmax())
    raw = float(total[best])
    nothing = -profile.false_negative * windows
    if nothing >= raw:
        return Optimum(float("inf"), nothing, 0.0)
    return Optimum(float(score[best]), raw, _normalised(raw, windows, profile))


def totals_by_threshold(scores: Floats, worth: Worth, profile: Profile) -> Floats:
    """What one series gains at each of the ``CANDIDATES`` over detecting nothing."""
    rows = scores >= CANDIDATES[0]
    score, gain = _gains(scores[rows], Worth(worth.worth[rows], worth.window[rows], worth.windows), profile)
    order = np.argsort(-score, kind="stable")
    gained = np.concatenate([[0.0], np.cumsum(gain[order])])
    return gained[np.searchsorted(-score[order], -CANDIDATES, "right")]


def smooth(totals: Floats, width: float) -> Floats:
    """Totals by threshold averaged over thresholds nearby: ``width`` is a standard deviation in their logarithm."""
    if width == 0.0:
        return totals
    distance = np.log(CANDIDATES)[:, None] - np.log(CANDIDATES)
    weights = np.exp(-0.5 * (distance / width) ** 2)
    averaged: Floats = weights @ totals / weights.sum(1)
    return averaged


def smooth_threshold(scores: Sequence[Floats], worths: Sequence[Worth], profile: Profile, width: float) -> float:
    """The best of the ``CANDIDATES`` when the sum is averaged over thresholds nearby.

    A single file can decide where the optimum of a small corpus lies; an average over thresholds transfers better to
    series that were not seen.
    """
    totals = [totals_by_threshold(score, worth, profile) for score, worth in zip(scores, worths, strict=True)]
    return float(CANDIDATES[int(smooth(np.sum(totals, axis=0), width).argmax())])


def raw_score(scores: Floats, worth: Worth, threshold: float, profile: Profile) -> float:
    """The sum of one series at a given threshold."""
    detected = scores >= threshold
    total = profile.false_positive * float(worth.worth[detected & (worth.window == NO_WINDOW)].sum())
    for index in range(worth.windows):
        hit = worth.worth[detected & (worth.window == index)]
        best = profile.true_positive * float(hit.max()) if len(hit) else -profile.false_negative
        total += max(best, -profile.false_negative)
    return total


def normalised_at(
    scores: Sequence[Floats], worths: Sequence[Worth], thresholds: Sequence[float], profile: Profile
) -> float:
    """The normalised score of series, each at its threshold."""
    raw = sum(
        raw_score(score, worth, threshold, profile)
        for score, worth, threshold in zip(scores, worths, thresholds, strict=True)
    )
    return _normalised(raw, sum(worth.windows for worth in worths), profile)
