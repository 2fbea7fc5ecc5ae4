"""Changes of structure that several executions of an operation show: how certain they are, and when they are told."""

from typing import Final, NamedTuple

import numpy as np

from tracehound.detectors.bank import Flags, Floats
from tracehound.detectors.calibration.calibration import Calibrated
from tracehound.detectors.charts.smoothed import SmoothedScores
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.structure.detector import StructureJudgement
from tracehound.detectors.structure.kernel import PATH_NEW, SET_NEW
from tracehound.detectors.structure.lacking import sigma_of_certain
from tracehound.detectors.structure.learning import STRONG

TOLD: Final = 1.05
"""What a change of structure counts at most, in multiples of the limit of alarms."""
CHANGED_SCORE: Final = 1.0
"""−log10 of the probability of an execution's set and counts of paths from which it shows a change of structure."""


class JudgedStructure(NamedTuple):
    """What the structure of n executions says, each (n,).

    ``score`` is that of each by itself, ``change`` the sigma of a change that several show, NaN where an execution
    shows none, and ``since`` when one goes on that is certain by it, however large others were, NaN where none is.
    """

    score: Floats
    change: Floats
    since: Floats

    @property
    def certain(self) -> Flags:
        """Where a change has gone on for so long that it is told."""
        return ~np.isnan(self.since)


def judge_structure(
    changes: SmoothedScores, batch: Batch, structure: StructureJudgement, exposure: Floats, patience_s: float
) -> JudgedStructure:
    """Judge, then learn, what the structure of a batch says.

    A change is told at an execution that shows it itself. Slower paths are no change: the charts see them. What a
    version that is new brings (``patience_s`` is the patience without one) becomes usual, and is not certain by itself.
    """
    score = np.where(structure.warming, np.nan, np.maximum(0.0, structure.score + exposure))
    change = np.where(structure.warming, np.nan, np.maximum(structure.novelty, structure.count_excess))
    sigma = changes.judge_then_learn(batch.operations, change)
    asked = change >= CHANGED_SCORE
    brought = (batch.accept_after < patience_s) & ((structure.about == SET_NEW) | (structure.about == PATH_NEW))
    shows = asked & (change >= STRONG) & ~brought
    since = changes.lasts(batch.operations, np.where(structure.warming, np.nan, sigma), shows, batch.times)
    sigma = np.maximum(sigma, sigma_of_certain(structure.certainty, batch.errors))
    return JudgedStructure(score, np.where(asked, sigma, np.nan), since)


def tell_changes_once(
    changes: SmoothedScores, column: int, batch: Batch, since: Floats, calibrated: Calibrated, rest_s: float
) -> Calibrated:
    """A change of structure is an event, not a state: it alarms where it begins, and never more than just so."""
    limit, alarms = calibrated.limit, calibrated.alarm[:, column]
    if not alarms.any():
        return calibrated
    begins = changes.once(batch.operations, alarms, batch.times, rest_s, since)
    told = Calibrated(calibrated.rows.copy(), calibrated.scores.copy(), calibrated.alarm.copy())
    most = limit * np.where(begins, TOLD, 0.9)
    score = told.scores[:, column]
    told.scores[:, column] = np.where(alarms, np.minimum(score, most), score)
    told.alarm[:, column] = begins
    told.score[:] = np.maximum(0.0, told.scores.max(axis=1))
    return told
