"""Chooses a setting for some of the series: coordinate search from the default, with a few orders of the parameters."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.detection import Detections, Setting
from tracehound.scripts.benchmarks.nab.scorer import PROFILES, Worth, smooth, totals_by_threshold

SPACE: dict[str, tuple[Any, ...]] = {
    "hold": (2, 3, 4, 5, 6, 8, 16, 32),
    "largest": (3.0, 3.2, 3.4, 3.6, 3.8, 4.0, 5.0, 8.0),
    "order": (2.0, 2.5, 2.8, 3.0, 3.2, 3.5, 4.0),
    "shape": (0.9, 0.95, 1.0),
    "rest_h": (8.0, 10.0, 12.0, 12.5, 13.0, 15.0, 17.0, 20.0, 25.0),
    "worse": (0.05, 0.08, 0.09, 0.1, 0.11, 0.12, 0.15, 0.2),
    "alive": (0.5, 0.55, 0.58, 0.6, 0.62, 0.65, 0.7),
    "habituation": (1.0, 1.5, 2.0, 2.5, 2.75, 3.0, 3.25, 3.5),
    "half_life": (2000.0, 2500.0, 3000.0, 3500.0, 4000.0, 5000.0, 8000.0),
    "settle": (0, 1, 2, 3, 4),
}
ORDERS, SWEEPS = 4, 3
STANDARD = PROFILES[0]


class Search:
    """Finds the setting with the best standard score on given series, remembering what was tried for any."""

    def __init__(self, detections: Detections, worths: Sequence[Worth], step: Callable[[], None]) -> None:
        self._detections, self._worths, self._step = detections, worths, step
        self._totals: dict[Setting, Floats] = {}

    @property
    def tried(self) -> int:
        """How many settings have been run."""
        return len(self._totals)

    def best(self, tuning: Sequence[int], smoothing: float) -> Setting:
        """The best setting for the series with the indexes ``tuning``, judged by nothing else."""
        found = [self._climb(order, list(tuning), smoothing) for order in self._orders()]
        return max(found, key=lambda setting: self._value(setting, list(tuning), smoothing))

    def _orders(self) -> list[list[str]]:
        draws = np.random.default_rng(1)
        return [list(SPACE), *([str(name) for name in draws.permutation(list(SPACE))] for _ in range(ORDERS - 1))]

    def _climb(self, order: Sequence[str], tuning: list[int], smoothing: float) -> Setting:
        best = Setting()
        for _ in range(SWEEPS):
            before = best
            for name in order:
                choices = [best, *(replace(best, **{name: value}) for value in SPACE[name])]
                best = max(choices, key=lambda setting: self._value(setting, tuning, smoothing))
                self._step()
            if best == before:
                break
        return best

    def _value(self, setting: Setting, tuning: list[int], smoothing: float) -> float:
        if setting not in self._totals:
            told = self._detections.told(setting)
            rows = [
                totals_by_threshold(scores, worth, STANDARD) for scores, worth in zip(told, self._worths, strict=True)
            ]
            self._totals[setting] = np.array(rows, np.float32)
        return float(smooth(self._totals[setting][tuning].sum(0), smoothing).max())
