"""Rests of a key: gaps between its values that are long beside those that are usual for it."""

from typing import Any, Final

import numpy as np

from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.lean import LEAN
from tracehound.detectors.packed.stored_numbers import LARGEST, Stored, moment, real

REST_S: Final = 120.0
"""No shorter gap is a rest, however dense the values before it."""
REST_GAPS: Final = 20.0
"""Nor is one that is shorter than so many of the usual gaps."""
GAP_RATE: Final = 0.1
"""Weight of the newest gap in the usual one, for which no gap counts as more than a rest."""
GAPS: Final = {"newest_s": np.float64, "usual_gap_s": np.float64, "stale": np.float64}
"""What a record holds of a key's gaps: when its newest value came (epoch seconds), the usual gap in seconds, and 1
while what deviates is what was before a rest."""
STORED_GAPS: Final[dict[str, Stored]] = {
    "newest_s": moment(never=True),
    "usual_gap_s": real(0.0, LARGEST),
    "stale": real(0.0, 1.0),
}
NO_GAPS: Final = {"newest_s": float("-inf"), "usual_gap_s": 0.0, "stale": 0.0}
"""Before the first value, and in states of earlier versions."""


@njit(**LEAN)
def rested(one: Any, time: float) -> bool:
    """Whether a value at ``time`` (epoch seconds) comes after a rest. Changes nothing."""
    gap = time - one.newest_s
    return bool(gap > REST_S and one.usual_gap_s > 0.0 and gap > REST_GAPS * one.usual_gap_s)


@njit(**LEAN)
def outlived(one: Any, time: float, early: bool, shows: bool) -> bool:
    """Whether what deviates is of before a rest alone: no value since then ``shows`` it, nor does that at ``time``.

    ``early`` is as in ``detectors.features.batch.Batch``: it may be after a rest. Changes nothing.
    """
    return bool(not shows and (early or one.stale == 1.0 or rested(one, time)))


@njit(**LEAN)
def note_gap(one: Any, time: float, deviates: bool, shows: bool) -> None:
    """Learn that a value came at ``time`` (epoch seconds), whether the key ``deviates`` and whether it ``shows`` that.

    Values of the same time, as the calls of one execution are, have no gap between them; nor has one that is late.
    """
    one.stale = 1.0 if deviates and not shows and (one.stale == 1.0 or rested(one, time)) else 0.0
    gap = time - one.newest_s
    if not gap > 0.0:
        return
    if one.newest_s > -np.inf:
        usual = one.usual_gap_s if one.usual_gap_s > 0.0 else gap
        one.usual_gap_s = min(LARGEST, usual + GAP_RATE * (min(gap, REST_GAPS * usual) - usual))
    one.newest_s = time
