"""Runs the detector of the benchmark's series, novelty of values and shapes, with one of many settings."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from tracehound.detectors.bank import Floats
from tracehound.scripts.benchmarks.nab.novelty import RECENT, novelty
from tracehound.scripts.benchmarks.nab.onsets import Onsets
from tracehound.scripts.benchmarks.nab.workload import LabelledSeries

WARM_UP = 60
"""Windows with a value before the detector says anything."""
LEAST_REST = 50
"""Windows: no rest is shorter, however wide a window is."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much a value and a shape count that were never seen before.

    The value's score and the shape's, times its weight ``shape`` from 0 (not asked) to 1, are combined by the power
    mean of order ``order``: 1 is the mean, and the larger the order the closer to the larger of them. No score counts
    as more than ``largest``: that is what ranks among some thousands can say. A value is known from ``hold`` windows
    (1 to 32) after it came.

    Raises:
        ValueError: hold or order are out of range.
    """

    shape: float = 1.0
    order: float = 3.0
    largest: float = 3.5
    hold: int = 4

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.hold <= RECENT:
            raise ValueError(f"The 'hold' parameter of Evidence must be from 1 to {RECENT}. Got {self.hold} instead.")
        if not self.order >= 1.0:
            raise ValueError(f"The 'order' parameter of Evidence must be at least 1. Got {self.order} instead.")

    def combine(self, novel: Floats) -> Floats:
        """One score (n,) of the scores (n, 2) of values and shapes."""
        value: Floats = np.minimum(novel[:, 0], self.largest)
        shape: Floats = np.minimum(novel[:, 1], self.largest)
        if self.shape == 0.0:
            return value
        mean: Floats = ((value**self.order + (self.shape * shape) ** self.order) / 2) ** (1.0 / self.order)
        return mean


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
        return Evidence(self.shape, order=self.order, largest=self.largest, hold=self.hold)


def detect(series: LabelledSeries, setting: Setting) -> Floats:
    """What the detector tells of each row (n,), learning row after row."""
    return told(series, setting.evidence.combine(_novelty(series, setting.hold)), setting)


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
    return onsets.worth(scores)


def _novelty(series: LabelledSeries, hold: int) -> Floats:
    """Scores (n, 2) of values and shapes, 0 while warming up."""
    known = ~np.isnan(series.values)
    warming = np.cumsum(known) - known < WARM_UP
    return np.where(warming[:, np.newaxis], 0.0, novelty(series.values, hold))


class Detections:
    """What is told of a corpus with any setting; the novelty with each hold is kept, not computed anew.

    Gives what ``detect`` gives.
    """

    def __init__(self, corpus: Sequence[LabelledSeries]) -> None:
        self._corpus = corpus
        self._novelty = cache(lambda hold: [_novelty(series, hold) for series in corpus])
        self._combined: tuple[Evidence, list[Floats]] | None = None

    def told(self, setting: Setting) -> Iterable[Floats]:
        """What is told (n,) of each series."""
        evidence = setting.evidence
        if self._combined is None or self._combined[0] != evidence:
            self._combined = evidence, [evidence.combine(novel) for novel in self._novelty(setting.hold)]
        for series, scores in zip(self._corpus, self._combined[1], strict=True):
            yield told(series, scores, setting)
