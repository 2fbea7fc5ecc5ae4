"""Proves the scorer: the published scores of two detectors must give the figures that were published for them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from pathlib import Path

import numpy as np

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.scorer import PROFILES, Worth, optimise
from tracehound.scripts.benchmarks.nab.workload import CorpusError, LabelledSeries, read_reference_scores

PUBLISHED = {
    "windowedGaussian": {"standard": 39.65, "reward_low_FP_rate": 20.87, "reward_low_FN_rate": 47.41},
    "numentaTM": {"standard": 64.55, "reward_low_FP_rate": 56.67, "reward_low_FN_rate": 69.38},
}
STORED_DECIMALS, PUBLISHED_DECIMALS = 6, 12
_WINDOW, _STEP = 6400, 100

Track = Callable[[Sequence[LabelledSeries]], Iterable[LabelledSeries]]


@dataclass(frozen=True, slots=True)
class Check:
    """What the scorer makes of a published detector's scores, by profile, and what was published."""

    detector: str
    obtained: dict[str, float]
    published: dict[str, float]

    @property
    def reproduced(self) -> bool:
        """Whether all profiles agree to the published two decimals."""
        return all(abs(self.obtained[name] - figure) < 0.0051 for name, figure in self.published.items())


def windowed_gaussian(values: Floats) -> Floats:
    """The benchmark's windowed Gaussian: 1 minus the normal tail beyond each value (n,), over the last 6,400 values.

    The window moves by 100 values once it is full.
    """
    scores = np.zeros(len(values))
    mean = deviation = 0.0
    for row, value in enumerate(values):
        if row > 0:
            scores[row] = 1.0 - 0.5 * erfc(abs(value - mean) / deviation / sqrt(2))
        if row < _WINDOW or (row + 1 - _WINDOW) % _STEP == 0:
            window = values[max(0, row + 1 - _WINDOW) : row + 1]
            mean, deviation = float(window.mean()), float(window.std()) or 1e-6
    return scores


def _check(detector: str, scores: Sequence[Floats], worths: Sequence[Worth]) -> Check:
    obtained = {profile.name: optimise(scores, worths, profile).normalised for profile in PROFILES}
    return Check(detector, obtained, PUBLISHED[detector])


def check_scorer(folder: Path, corpus: Sequence[LabelledSeries], worths: Sequence[Worth], track: Track) -> list[Check]:
    """Score both published detectors; ``track`` shows progress over the series.

    The windowed Gaussian's scores are kept with six decimals, which makes 2,339 of them 1. Its threshold lies between
    those: its scores are computed anew, must agree with the kept ones in every row, and are scored with the twelve
    digits they were published with.

    Raises:
        CorpusError: the scores computed anew do not agree with the kept ones.
    """
    kept = read_reference_scores(folder, "numentaTM")
    checks = [_check("numentaTM", [kept[series.name] for series in corpus], worths)]
    kept, fine = read_reference_scores(folder, "windowedGaussian"), []
    for series in track(corpus):
        scores = windowed_gaussian(series.values)
        if not np.array_equal(np.round(scores, STORED_DECIMALS), kept[series.name]):
            raise CorpusError(f"The windowed Gaussian of {series.name} must give the scores kept as reference.")
        fine.append(np.round(scores, PUBLISHED_DECIMALS))
    return [*checks, _check("windowedGaussian", fine, worths)]
