"""Runs the series detector over the benchmark's series with one of many settings."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from tracehound.detectors.bank import Floats
from tracehound.detectors.windows.series import Evidence, Series
from tracehound.detectors.windows.series_onsets import Onsets
from tracehound.scripts.benchmarks.nab.corpus import LabelledSeries

LEAST_REST = 50
"""Windows: no rest is shorter, however wide a window is."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Parameters of ``Evidence`` and ``Onsets``; ``rest_h`` in hours of event time."""

    hold: int = 16
    largest: float = 4.0
    order: float = 3.0
    shape: float = 1.0
    rest_h: float = 17.0
    worse: float = 0.1
    alive: float = 0.6
    habituation: float = 2.0
    half_life: float = 4000.0
    settle: int = 2

    def as_figures(self) -> dict[str, Any]:
        """The setting as it goes into the JSON document."""
        return asdict(self)

    @property
    def evidence(self) -> Evidence:
        """What the detector is asked."""
        return Evidence(0.0, 1.0, self.shape, order=self.order, largest=self.largest, hold=self.hold)


def detect(series: LabelledSeries, setting: Setting) -> Floats:
    """What the detector tells of each row (n,), learning row after row."""
    return told(series, _judge(series, setting.evidence), setting)


def told(series: LabelledSeries, scores: Floats, setting: Setting) -> Floats:
    """What is left of the scores (n,) after rest and habituation."""
    onsets = Onsets(
        max(LEAST_REST, int(setting.rest_h * 3600.0 / series.step_s)),
        worse=setting.worse,
        alive=setting.alive,
        habituation=setting.habituation,
        half_life=setting.half_life,
        settle=setting.settle,
    )
    onsets.open(0)
    return onsets.observe(_slots(series), scores)


def _judge(series: LabelledSeries, evidence: Evidence) -> Floats:
    detector = Series(series.step_s, evidence=evidence)
    detector.open(0, seed=0)
    return detector.judge_then_learn(_slots(series), series.values, series.times).score


def _slots(series: LabelledSeries) -> Any:
    return np.zeros(len(series.values), np.int64)


class Detections:
    """What is told of a corpus with any setting; scores of each kind of evidence are kept, not computed anew.

    Gives what ``detect`` gives: kinds of evidence do not influence each other before they are combined.
    """

    def __init__(self, corpus: Sequence[LabelledSeries]) -> None:
        self._corpus = corpus
        self._shapes = self._scores(Evidence(0.0, 0.0, 1.0, largest=np.inf))
        self._values = cache(lambda hold: self._scores(Evidence(0.0, 1.0, 0.0, largest=np.inf, hold=hold)))
        self._combined: tuple[Evidence, list[Floats]] | None = None

    def told(self, setting: Setting) -> Iterable[Floats]:
        """What is told (n,) of each series."""
        if self._combined is None or self._combined[0] != setting.evidence:
            pairs = zip(self._values(setting.hold), self._shapes, strict=True)
            unasked = setting.evidence.combine
            self._combined = setting.evidence, [unasked(np.zeros(len(v)), v, s) for v, s in pairs]
        for series, scores in zip(self._corpus, self._combined[1], strict=True):
            yield told(series, scores, setting)

    def _scores(self, evidence: Evidence) -> list[Floats]:
        return [_judge(series, evidence) for series in self._corpus]
