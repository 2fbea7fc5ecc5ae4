"""Runs the series detector over the benchmark's series with a setting from a small grid."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product, starmap
from typing import Any

import numpy as np

from detectors.bank import Floats
from detectors.series import Evidence, Series
from detectors.series_onsets import Onsets
from scripts.benchmarks.nab.corpus import LabelledSeries

LEAST_REST, MOST_REST = 50, 300
"""Windows: no rest is shorter or longer, whatever the width of a window."""


EVIDENCE = Evidence(residual=0.0, value=1.0, shape=1.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the detector is run with; ``rest_h`` in hours of event time, ``settle`` in windows."""

    rest_h: float
    alive: float
    habituation: float
    settle: int

    def as_figures(self) -> dict[str, Any]:
        """The setting as it goes into the JSON document."""
        return asdict(self)


GRID = tuple(starmap(Setting, product((12.0, 17.0, 24.0), (0.6, 0.65, 0.7), (1.0, 2.0, 3.0), (0, 2, 4))))
"""All settings that are tried; the tuning half chooses."""


def series_scores(series: LabelledSeries) -> Floats:
    """The detector's score of each row (n,), learning row after row."""
    detector = Series(series.step_s, evidence=EVIDENCE)
    detector.open(0, seed=0)
    return detector.judge_then_learn(np.zeros(len(series.values), np.int64), series.values, series.times).score


def told(series: LabelledSeries, scores: Floats, setting: Setting) -> Floats:
    """What is left of the scores (n,) after rest and habituation."""
    rest = int(np.clip(setting.rest_h * 3600.0 / series.step_s, LEAST_REST, MOST_REST))
    onsets = Onsets(rest, alive=setting.alive, habituation=setting.habituation, settle=setting.settle)
    onsets.open(0)
    return onsets.observe(np.zeros(len(scores), np.int64), scores)


def detect(corpus: Sequence[LabelledSeries], scores: Sequence[Floats], setting: Setting) -> list[Floats]:
    """What is told in every series, of the detector's scores."""
    return [told(series, score, setting) for series, score in zip(corpus, scores, strict=True)]
