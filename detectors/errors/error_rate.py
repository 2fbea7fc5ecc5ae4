"""Error bursts: a Bernoulli CUSUM per operation against the error rate that the operation is used to."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from tracehound.detectors.bank import Bank, Flags, Floats, Judged, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.rests import NO_GAPS, STORED_GAPS, note_gap, outlived
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_columns import RestoredTogether, checked_columns
from tracehound.detectors.packed.stored_numbers import COUNTED, moment, real
from tracehound.schemas.anomaly import AnomalyKind

WARM_UP = 10
YOUNG = 100.0
"""Learned executions below which a lasting deviation is taken for what the operation does, after ``patience_s``."""
LASTING = 20.0
"""Failures that a new normal is made of at least: the second failure of a job that runs each hour is not usual."""
MEMORY = 5_000.0
"""Executions after which a learned error rate has forgotten its past to 1/e."""
PRIOR_RATE, PRIOR_WEIGHT = 0.01, 5.0
"""What an operation is taken for before it has shown anything, worth a few executions."""
LEAST_USUAL, MOST_USUAL = 0.002, 0.45
"""A smaller usual rate counts as this; above the other no rate is twice as much, so nothing is tested there."""
RECENT_WEIGHT = 0.05
LARGEST_SUM = 40.0
"""The sum stops here, so that a long burst that ends slowly is forgotten within some hundred good executions."""
MOST_WEIGHT, WEIGHT_RATE = 1e6, 0.2
"""The largest adjusted count, and the weight of the newest failure in what failures stand for."""
_LOG_10 = float(np.log(10.0))
OVER = 5.0 * _LOG_10
"""Log-likelihood ratio of the usual rate against that of the burst at which the burst is over."""
_FRESH = {"deviating_since": np.nan, "newest_s": -np.inf}
_STORED = {
    "cusum": real(0.0, LARGEST_SUM),
    "recovery": real(0.0, 2.0 * OVER),
    "errors": real(0.0, MEMORY),
    "seen": real(0.0, MEMORY),
    "recent": real(0.0, 1.0),
    "learned": real(0.0, COUNTED),
    "deviating_since": moment(missing=True),
    "failures": real(0.0, COUNTED),
    "failed_weight": real(0.0, MOST_WEIGHT),
    **STORED_GAPS,
}
_SINCE_0_1_0 = {"failures": 0.0, "failed_weight": 0.0, **NO_GAPS}
"""What states of earlier versions lack."""
RULES = np.dtype([(name, np.float64) for name in ("gate", "patience_s", "persist_s")])
"""The gate as a sum of logarithms, and the settings of the detector."""
ROW = np.dtype(
    [*((name, np.float64) for name in ("score", "usual", "recent", "failures")), ("lasting", np.bool_)], align=True
)
"""What is said about one row; the score is still a sum of logarithms."""


class ErrorRate(RestoredTogether, Bank):
    """Bernoulli CUSUM on the error flag: the sum of log-likelihood ratios of a raised rate against the usual one.

    The usual rate p0 is learned with a prior of 1 % worth 5 executions, and tested from the tenth on; the rate it is
    tested against is p1 = min(0.9, 5 p0 + 0.2). The sum never falls below 0; exp(−sum) bounds the chance that a run
    of executions at the usual rate looks so much like the raised one, so the score is sum / ln 10, at most 17.
    Learning stops while the score is above ``gate``; it starts again after ``persist_s`` of it, so that an outage does
    not become normal, or after ``patience_s`` in an operation that is hardly known, which may just fail often. An
    operation that usually fails nearly half of the time, or always, cannot fail twice as often: it is not tested.

    From the gate on, a second CUSUM runs the other way: the usual rate against that of the burst, max(p1, the recent
    rate), at most 0.9. At a ratio of 10⁵ the burst is over and the sum is 0: after 6 good executions in a row where
    all have failed, after some 25 where 60 % have, after some 45 where a quarter has. After a rest
    (``detectors.packed.rests``) good executions score 0 until one fails.

    Where executions are sampled, a good one counts as often as it stands for more than failures do of late: so a
    sampler that keeps all failures and a tenth of the rest changes nothing. One that was sampled by nobody knows
    what (0) says nothing.

    Assumes independent executions; retries of one failing caller count each. Cannot see a change below five
    times the usual rate. Parameters: ``gate`` (−log10 of a probability), ``patience_s`` and ``persist_s`` (event
    time).

    Source: M. R. Reynolds and Z. G. Stoumbos, Journal of Quality Technology 31 (1999).

    >>> bank = ErrorRate()
    >>> bank.open(0, seed=0); slots = np.zeros(100, np.int64)
    >>> fine, times, learn = np.zeros((100, 1)), np.arange(100.0), np.ones(100, bool)
    >>> float(bank.score_then_learn_many(slots, fine, times, learn).max())
    0.0
    >>> failing = bank.score_then_learn_many(slots[:8], np.ones((8, 1)), times[:8] + 100, learn[:8])
    >>> bool(failing[-1] > 6)
    True
    """

    name: ClassVar[str] = "error-rate"
    scope: ClassVar[Literal["operation", "application"]] = "operation"
    columns: ClassVar[tuple[str, ...]] = ("error", "adjusted_count")
    kind: ClassVar[AnomalyKind] = "errors"
    calibrated: ClassVar[bool] = True

    def __init__(self, gate: float = 3.0, patience_s: float = 600.0, persist_s: float = 86_400.0) -> None:
        self._gate, self._patience_s, self._persist_s = gate, patience_s, persist_s
        self._store = SlotRecords(dict.fromkeys(_STORED, (np.float64, ())), _FRESH)

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the key in ``slot``."""
        self._store.open(slot)

    def score_many(self, slots: Slots, values: Floats) -> Floats:
        """Scores as if each row came next."""
        return self._run(slots, values, np.zeros(len(slots)), np.ones(len(slots), np.bool_), remember=False)

    def learn_many(self, slots: Slots, values: Floats, times: Floats) -> None:
        """Learn rows in order."""
        self._run(slots, values, times, np.ones(len(slots), np.bool_), remember=True)

    def score_then_learn_many(self, slots: Slots, values: Floats, times: Floats, learn: Flags) -> Floats:
        """Score each row, then learn it."""
        return self._run(slots, values, times, learn, remember=True)

    def judge_then_learn_many(self, slots: Slots, values: Floats, times: Floats, learn: Flags) -> Judged:
        """Score each row, then learn it; with the usual and the recent error rate, in [0, 1], as of that row.

        The recent rate is over about the last 20 executions and counts the row itself, as do the failures since the
        sum was last 0. What has lasted for longer than ``patience_s`` is lasting.
        """
        return self._judge(slots, values, times, learn, remember=True)

    def _run(self, slots: Slots, values: Floats, times: Floats, learn: Flags, remember: bool) -> Floats:
        return self._judge(slots, values, times, learn, remember).score

    def _judge(self, slots: Slots, values: Floats, times: Floats, learn: Flags, remember: bool) -> Judged:
        said = np.zeros(len(slots), ROW)
        rules = np.array([(self._gate * _LOG_10, self._patience_s, self._persist_s)], RULES)
        _run_cusum(slots, values, times, learn, remember, rules, self._store.records, said)
        return Judged(said["score"] / _LOG_10, said["usual"], said["recent"], said["failures"], said["lasting"])

    def warming(self, slots: Slots) -> Flags:
        """(n,) True before the tenth execution."""
        flags: Flags = self._store["learned"][slots] < WARM_UP
        return flags

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        return {name: float(self._store[name][slot]) for name in _STORED}

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of keys."""
        taken = checked_columns("an error rate", states, _STORED, _SINCE_0_1_0)
        beyond = taken["errors"][taken["errors"] > taken["seen"]]
        if len(beyond):
            raise ValueError(f"The 'errors' of an error rate must be at most its 'seen'. Got {beyond[0]} instead.")
        for name, column in taken.items():
            self._store[name][slots] = column

    def nbytes(self, slot: int) -> int:  # noqa: ARG002 (the same for every key)
        """Bytes that one key takes."""
        return self._store.row_bytes()


@njit(cache=True)
def _run_cusum(
    slots: Any, flags: Any, times: Any, learn: Any, remember: bool, rules: Any, records: Any, said: Any
) -> None:
    keep, rules = 1.0 - 1.0 / MEMORY, rules[0]
    for i in range(slots.size):
        one, row = records[slots[i]], said[i]
        failed = 1.0 if flags[i, 0] > 0.5 else 0.0
        times_as_many = _times_as_many(one, failed, flags[i, 1] if flags.shape[1] > 1 else 1.0)
        usual = max(LEAST_USUAL, (one.errors + PRIOR_RATE * PRIOR_WEIGHT) / (one.seen + PRIOR_WEIGHT))
        raised = min(0.9, 5.0 * usual + 0.2)
        burst = min(0.9, max(raised, one.recent))
        newest = RECENT_WEIGHT if times_as_many == 1.0 else 1.0 - (1.0 - RECENT_WEIGHT) ** times_as_many
        row.usual, row.recent = usual, one.recent + newest * (failed - one.recent)
        total = 0.0
        if one.learned >= WARM_UP and usual <= MOST_USUAL:
            step = np.log(raised / usual) if failed > 0.5 else np.log((1.0 - raised) / (1.0 - usual))
            total = max(0.0, one.cusum + step * times_as_many)
        row.score = total
        row.failures = one.failures + failed if total > 0.0 else 0.0
        row.lasting = times[i] - one.deviating_since > rules.patience_s
        if times_as_many == 0.0 or outlived(one, times[i], False, failed > 0.5):
            row.score = 0.0
        if not remember or not learn[i] or times_as_many == 0.0:
            continue
        if failed > 0.5:
            one.failed_weight = _weight_of_failures(one.failed_weight, flags[i, 1] if flags.shape[1] > 1 else 1.0)
        one.learned += 1.0
        note_gap(one, times[i], total > 0.0, failed > 0.5)
        one.recent, one.failures, one.cusum = row.recent, row.failures, min(total, LARGEST_SUM)
        if one.cusum >= rules.gate:
            back = np.log(usual / burst) if failed > 0.5 else np.log((1.0 - usual) / (1.0 - burst))
            one.recovery = max(0.0, one.recovery + back * times_as_many)
            if one.recovery >= OVER:
                one.cusum = 0.0
        else:
            one.recovery = 0.0
        accepted = True
        if one.cusum >= rules.gate:
            if np.isnan(one.deviating_since):
                one.deviating_since = times[i]
            patience = rules.patience_s if one.seen < YOUNG else rules.persist_s
            accepted = times[i] - one.deviating_since > patience and one.failures >= LASTING
        else:
            one.deviating_since = np.nan
        if accepted:
            one.errors = one.errors * keep + failed
            one.seen = min(MEMORY, one.seen * keep + times_as_many)


@njit(cache=True)
def _times_as_many(one: Any, failed: float, adjusted_count: float) -> float:
    """How many executions one counts as, where each failure counts as one; 0 where nobody knows."""
    if adjusted_count <= 0.0:
        return 0.0
    if failed > 0.5 or one.failed_weight == 0.0 or np.isnan(adjusted_count):
        return 1.0
    return float(max(1.0, min(adjusted_count, MOST_WEIGHT)) / one.failed_weight)


@njit(cache=True)
def _weight_of_failures(known: float, adjusted_count: float) -> float:
    weight = 1.0 if np.isnan(adjusted_count) else max(1.0, min(adjusted_count, MOST_WEIGHT))
    return weight if known == 0.0 else known + WEIGHT_RATE * (weight - known)
