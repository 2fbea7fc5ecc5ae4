"""Evidence that adds up: probabilities of single executions, smoothed per key."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.charts.kernel import FAST, HIGHEST, LOWEST, SLOW, TO_SIGMA_FAST, TO_SIGMA_SLOW
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.reference import normal_score_of_tail
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_columns import RestoredTogether, checked_columns
from tracehound.detectors.packed.stored_numbers import LARGEST, moment, real

BEGINS, ENDS = 6.0, 2.0
"""Sigma from which a deviation goes on, and below which it has ended."""
LASTS_S, LASTS = 300.0, 30.0
"""For so long, in event time, and in so many executions that show it, a deviation goes on until it is certain."""
AGAIN_S = 86_400.0
"""For so long after a deviation became certain the next does not by itself: it may be the end of that one, which had
become usual meanwhile."""
_STORED = {"fast": real(LOWEST, HIGHEST), "slow": real(LOWEST, HIGHEST), "told": moment(never=True)}
_STORED |= {"since": moment(never=True), "shown": real(0.0, LARGEST), "certain": moment(never=True)}
_FRESH: Final = dict.fromkeys(("told", "since", "certain"), -np.inf)
_ADDED: Final = {"since": -np.inf, "shown": 0.0, "certain": -np.inf}
"""What states of 0.1.0 lack: since when a deviation goes on, how many executions have shown it since, and when one last
was certain."""


class SmoothedScores(RestoredTogether):
    """EWMA chart for many keys on scores that are calibrated already, so that it needs no reference.

    A score, −log10 of a false-alarm probability, becomes a normal score, counts within [-0.5, 4] and is smoothed
    twice (weights 0.3 and 0.1), as in ``detectors.charts.chart``: ten executions in a row that are each improbable at
    1 % are 6 sigma, and so is a third of them over a longer time.

    Assumes that the probabilities are right and independent; where they are not, ``detectors.calibration.calibration``
    sees it.

    Source: S. W. Roberts, Technometrics 1 (1959).

    >>> smoothed = SmoothedScores()
    >>> smoothed.open(0)
    >>> scores = np.array([0.3] * 50 + [2.0] * 10)
    >>> sigma = smoothed.judge_then_learn(np.zeros(60, np.int64), scores)
    >>> bool(sigma[:50].max() < 1.0), bool(sigma[-1] > 5.0)
    (True, True)
    """

    def __init__(self) -> None:
        self._store = SlotRecords(dict.fromkeys(_STORED, (np.float64, ())), _FRESH)

    def open(self, slot: int) -> None:
        """Start afresh for the key in ``slot``."""
        self._store.open(slot)

    def open_all(self, slots: Slots) -> None:
        """The same for several."""
        self._store.open_all(slots)

    def judge_then_learn(self, slots: Slots, scores: Floats) -> Floats:
        """The deviation, in sigma, of each key after each score (n,); a missing (NaN) one changes nothing and has 0."""
        sigma = np.zeros(len(slots))
        _smooth(slots, scores, self._store.records, sigma)
        return sigma

    def lasts(self, slots: Slots, sigma: Floats, shows: Flags, times: Floats) -> Floats:
        """Since when a deviation goes on that has become certain by it at ``times`` (n,), all in epoch seconds.

        It becomes so once, and of a slot once a day; NaN (n,) else.

        ``sigma`` (n,) is what ``judge_then_learn`` said, NaN where it was not asked, and ``shows`` (n,) True where the
        execution itself deviates. How large deviations were before does not matter, nor that others go on unharmed.
        """
        since = np.full(len(slots), np.nan)
        _last(slots, sigma, shows, times, self._store.records, since)
        return since

    def once(self, slots: Slots, alarms: Flags, times: Floats, rest_s: float, since: Floats | None = None) -> Flags:
        """Which ``alarms`` (n,) at ``times`` (epoch seconds) begin: none within ``rest_s`` of the key's last one.

        One that is certain, ``since`` (n,) it goes on (NaN else), is none where it was told since.
        """
        begins = np.zeros(len(slots), np.bool_)
        told = self._store["told"]
        for row in np.flatnonzero(alarms).tolist():
            known = since is not None and since[row] <= told[slots[row]]
            if times[row] >= told[slots[row]] + rest_s and not known:
                told[slots[row]] = times[row]
                begins[row] = True
        return begins

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        return {name: float(self._store[name][slot]) for name in _STORED}

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of keys."""
        for name, column in checked_columns("smoothed scores", states, _STORED, _ADDED).items():
            self._store[name][slots] = column

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()


@njit(cache=True)
def _smooth(slots: Any, scores: Any, records: Any, sigma: Any) -> None:
    for i in range(slots.size):
        if np.isnan(scores[i]):
            continue
        one = records[slots[i]]
        counted = min(HIGHEST, max(LOWEST, normal_score_of_tail(scores[i])))
        one.fast += FAST * (counted - one.fast)
        one.slow += SLOW * (counted - one.slow)
        sigma[i] = max(one.fast * TO_SIGMA_FAST, one.slow * TO_SIGMA_SLOW)


@njit(cache=True)
def _last(slots: Any, sigma: Any, shows: Any, times: Any, records: Any, since: Any) -> None:
    for i in range(slots.size):
        one = records[slots[i]]
        if sigma[i] < ENDS:
            one.since, one.shown = -np.inf, 0.0
        elif sigma[i] >= BEGINS and one.since == -np.inf:
            one.since = times[i]
        if shows[i] and one.since > -np.inf:
            one.shown += 1.0
            lasts = one.shown >= LASTS and times[i] >= one.since + LASTS_S
            if lasts and sigma[i] >= BEGINS and times[i] >= one.certain + AGAIN_S:
                since[i], one.certain = one.since, times[i]
