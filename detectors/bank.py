"""The one detector contract: a bank holds the state of many keys in packed arrays and judges batches."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tracehound.schemas.anomaly import AnomalyKind

Floats = NDArray[np.float64]
Slots = NDArray[np.int64]
Flags = NDArray[np.bool_]
State = dict[str, NDArray[np.generic] | int | float]
"""A key's state: numbers and arrays under names, nothing that needs code to be read."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores (n,) of a batch, with the typical and actual value of what they are about where the bank knows them.

    ``count`` (n,) executions show the deviation so far; ``lasting`` (n,) is True where it has lasted for so long that
    it is no news, and says nothing of how restless the application is.
    """

    score: Floats
    typical: Floats | None = None
    actual: Floats | None = None
    count: Floats | None = None
    lasting: Flags | None = None


class Bank(ABC):
    """Detector state for many keys; a key is an operation or an application, and lives in a slot.

    Scoring never changes state, learning never returns a score, and ``score_then_learn_many`` is the same as
    both, one row after the other. Higher is more anomalous. Rows of a batch are in event order per slot; rows of
    different slots do not influence each other.

    Class attributes say how the scoring core uses the bank: ``scope`` is what a key is; ``columns`` are the
    features it reads (see ``detectors.features.measures``); ``kind`` is the kind of anomaly it finds; ``calibrated`` is
    True where scores are −log10 of a false-alarm probability. Scores of any other bank are put through a chart
    of their own, so they need no scale.
    """

    name: ClassVar[str]
    scope: ClassVar[Literal["operation", "application"]]
    columns: ClassVar[tuple[str, ...]]
    kind: ClassVar[AnomalyKind] = "outlier"
    calibrated: ClassVar[bool] = False

    @abstractmethod
    def open(self, slot: int, seed: int) -> None:
        """Start afresh for the key that lives in ``slot`` from now on. All its randomness follows from ``seed``."""

    @abstractmethod
    def score_many(self, slots: Slots, values: Floats) -> Floats:
        """Scores (n,) of ``values`` (n, len(columns)) as if each row came next for its slot. Changes nothing.

        Always finite; 0 where the key is still warming up. Missing values are NaN.
        """

    @abstractmethod
    def learn_many(self, slots: Slots, values: Floats, times: Floats) -> None:
        """Learn rows in order; ``times`` (n,) are epoch seconds."""

    @abstractmethod
    def warming(self, slots: Slots) -> Flags:
        """(n,) True where the key has not learned enough for its score to mean anything."""

    @abstractmethod
    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""

    @abstractmethod
    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of this bank.
        """

    @abstractmethod
    def nbytes(self, slot: int) -> int:
        """Memory that the key takes, in bytes; bounded whatever it learns."""

    def score_then_learn_many(self, slots: Slots, values: Floats, times: Floats, learn: Flags) -> Floats:
        """Score each row, then learn it where ``learn`` is True, row after row.

        Banks override this where a batch can be done at once with the same result.
        """
        scores = np.empty(len(slots))
        for row in range(len(slots)):
            one = slice(row, row + 1)
            scores[one] = self.score_many(slots[one], values[one])
            if learn[row]:
                self.learn_many(slots[one], values[one], times[one])
        return scores

    def judge_then_learn_many(self, slots: Slots, values: Floats, times: Floats, learn: Flags) -> Judged:
        """The same with what anomalies should name as typical and actual; most banks have only scores."""
        return Judged(self.score_then_learn_many(slots, values, times, learn))
