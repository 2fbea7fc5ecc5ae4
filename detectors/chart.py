"""The per-operation chart: an EWMA of ranks in a reference of the operation's own past, and the tail beside it."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numba import njit

from detectors.bank import Flags, Floats, Slots, State
from detectors.ordered import place_of
from detectors.probability import score_of_sigma
from detectors.slots import SlotArrays
from detectors.tail import tail_score

REFERENCE = 500
SMOOTHING = 0.1
WINSOR = 3.0
DEVIATING_TAIL = 2.0
"""−log10 of the probability of a single value from which its judgement carries bounds."""
REPLACE_ONE_IN = 8
_STEPS = 2048
_NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / _STEPS) for i in range(_STEPS)])
_TO_SIGMA = float(np.sqrt((2 - SMOOTHING) / SMOOTHING))
_STATE = ("ordered", "count", "ewma", "level", "deviating_since", "random")


@dataclass(frozen=True, slots=True)
class ChartJudgement:
    """What a chart says about n values: each array is (n,).

    ``sigma`` is the chart's deviation after the value (0 while warming or where the value is missing), ``tail``
    −log10 of the probability of the single value, ``rank`` its place in the reference in [0, 1] (0.5 while
    warming or missing), ``level`` the recent value (geometric EWMA) in the signal's unit. ``bounds`` (n, 3) are
    the 5th, 50th and 95th percentile of the reference as it was, where the value deviates, else zeros.
    """

    sigma: Floats
    tail: Floats
    rank: Floats
    level: Floats
    bounds: Floats
    warming: Flags


class Chart:
    """EWMA chart on ranks for many keys, one signal.

    A value's mid-rank in a sorted reference of the key's last values becomes a normal score, is winsorised at
    ±3 and smoothed (λ 0.1); the smoothed score over its standard deviation is ``sigma``. Nothing is learned
    while the deviation is beyond the gate, so that a fault does not become normal; after ``patience_s`` of event
    time it is a new normal and is learned. Once full, the reference replaces one random value for every eighth.

    Assumes that values of one operation are exchangeable in normal times; a strong daily pattern or
    autocorrelation widens the chart, so ``sigma`` is not exactly Gaussian. Cannot flag a single value (six
    extreme ones in a row make 6 sigma): that is what ``tail`` is for. Values must be above −1; smaller ones
    count as −1 + 1e-6.

    Parameters: ``warm_up`` values before it judges; ``gate_sigma`` and ``patience_s`` as above.

    Source: S. W. Roberts, Technometrics 1 (1959), on ranks as in P. Hackl and J. Ledolter, Journal of Quality
    Technology 23 (1991).

    >>> chart = Chart(warm_up=60, gate_sigma=4.0, patience_s=600.0)
    >>> chart.open(0, seed=1)
    >>> normal = 100 + np.arange(300) % 20.0
    >>> slots, times = np.zeros(300, np.int64), np.arange(300.0)
    >>> bool((chart.judge_then_learn(slots, normal, times).sigma < 4).all())
    True
    >>> slow = chart.judge_then_learn(slots[:10], np.full(10, 300.0), 300 + times[:10])
    >>> bool(slow.sigma[-1] > 6)
    True
    """

    def __init__(self, warm_up: int, gate_sigma: float, patience_s: float) -> None:
        self.warm_up = warm_up
        self._gate = gate_sigma
        self._patience_s = patience_s
        self._store = SlotArrays(
            {
                "ordered": (np.float32, (REFERENCE,)),
                "count": (np.int32, ()),
                "ewma": (np.float64, ()),
                "level": (np.float64, ()),
                "deviating_since": (np.float64, ()),
                "random": (np.int64, ()),
            }
        )

    def open(self, slot: int, seed: int) -> None:
        """Start afresh for the key in ``slot``; all its randomness follows from ``seed``."""
        self._store.open(slot)
        self._store["random"][slot] = seed & 0x7FFFFFFF
        self._store["deviating_since"][slot] = np.nan

    def judge(self, slots: Slots, values: Floats) -> ChartJudgement:
        """Judge values (n,) as if each came next for its slot. Changes nothing."""
        return self._run(slots, values, np.zeros(len(slots)), np.zeros(len(slots), np.bool_), remember=False)

    def judge_then_learn(
        self, slots: Slots, values: Floats, times: Floats, learn: Flags | None = None
    ) -> ChartJudgement:
        """Judge each value (n,) at its time (epoch seconds), then learn it unless gated or ``learn`` is False."""
        allowed = np.ones(len(slots), np.bool_) if learn is None else learn
        return self._run(slots, values, times, allowed, remember=True)

    def _run(self, slots: Slots, values: Floats, times: Floats, learn: Flags, remember: bool) -> ChartJudgement:
        n = len(slots)
        sigma, tail, level = np.zeros(n), np.zeros(n), np.zeros(n)
        rank, bounds, warming = np.full(n, 0.5), np.zeros((n, 3)), np.zeros(n, np.bool_)
        store = self._store
        _run_chart(
            *(
                slots,
                values,
                times,
                learn,
                remember,
                self.warm_up,
                self._gate,
                self._patience_s,
                _NORMAL,
                _TO_SIGMA,
            ),
            *(store[name] for name in _STATE),
            *(sigma, tail, rank, level, bounds, warming),
        )
        return ChartJudgement(sigma, tail, rank, level, bounds, warming)

    def typical(self, slot: int) -> tuple[float, float, float]:
        """5th, 50th and 95th percentile of the reference, in the signal's unit; zeros while it is empty."""
        count = int(self._store["count"][slot])
        if count == 0:
            return 0.0, 0.0, 0.0
        ordered = self._store["ordered"][slot]
        low, middle, high = (float(ordered[min(count - 1, int(q * count))]) for q in (0.05, 0.5, 0.95))
        return low, middle, high

    def count(self, slot: int) -> int:
        """Values in the reference, at most 500."""
        return int(self._store["count"][slot])

    def tail_of(self, slot: int, value: float) -> float:
        """−log10 of the probability that the key's next value exceeds ``value``; 0 while warming."""
        count = self.count(slot)
        return float(tail_score(self._store["ordered"][slot], count, value)) if count >= self.warm_up else 0.0

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        state: State = {name: self._store[name][slot].item() for name in _STATE[1:]}
        state["ordered"] = self._store["ordered"][slot, : self._store["count"][slot]].copy()
        return state

    def restore(self, slot: int, state: State) -> None:
        """Replace the key's state by one that ``snapshot`` returned."""
        ordered = np.asarray(state["ordered"], np.float32)
        if ordered.ndim != 1 or len(ordered) > REFERENCE or len(ordered) != state["count"]:
            raise ValueError(f"A chart's reference must have 'count' values, at most {REFERENCE}. Got {ordered.shape}.")
        self._store["ordered"][slot] = 0
        self._store["ordered"][slot, : len(ordered)] = ordered
        for name in _STATE[1:]:
            self._store[name][slot] = state[name]

    def nbytes(self) -> int:
        """Bytes that one key takes."""
        return self._store.row_bytes()


def chart_score(sigma: Floats, judged: ChartJudgement) -> Floats:
    """One score (n,) per value: the larger of −log10 of the normal tail of ``sigma`` and of the value's own tail.

    ``sigma`` (n,) is the chart's deviation as it is to be counted; warming values score 0.
    """
    return np.where(judged.warming, 0.0, np.maximum(score_of_sigma(sigma), judged.tail))


@njit(cache=True)
def _run_chart(
    slots: Any,
    values: Any,
    times: Any,
    learn: Any,
    remember: bool,
    warm_up: int,
    gate: float,
    patience_s: float,
    normal: Any,
    to_sigma: float,
    ordered: Any,
    counts: Any,
    ewma: Any,
    level: Any,
    deviating_since: Any,
    random: Any,
    out_sigma: Any,
    out_tail: Any,
    out_rank: Any,
    out_level: Any,
    out_bounds: Any,
    out_warming: Any,
) -> None:
    capacity = ordered.shape[1]
    steps = normal.size
    for i in range(slots.size):
        slot = slots[i]
        count = counts[slot]
        out_warming[i] = count < warm_up
        if np.isnan(values[i]):
            out_level[i] = np.exp(level[slot]) - 1.0
            continue
        value = np.float32(max(values[i], -1.0 + 1e-6))
        reference = ordered[slot]
        smoothed, sigma = ewma[slot], 0.0
        if count >= warm_up:
            low = place_of(reference, count, value)
            high = low
            while high < count and reference[high] == value:
                high += 1
            rank = (0.5 * (low + high) + 0.5) / (count + 1.0)
            z = min(WINSOR, max(-WINSOR, normal[min(steps - 1, int(rank * steps))]))
            smoothed += SMOOTHING * (z - smoothed)
            sigma = smoothed * to_sigma
            out_rank[i] = rank
            out_tail[i] = tail_score(reference, count, value)
            if sigma >= gate or out_tail[i] >= DEVIATING_TAIL:
                out_bounds[i, 0] = reference[int(0.05 * count)]
                out_bounds[i, 1] = reference[count // 2]
                out_bounds[i, 2] = reference[int(0.95 * count)]
        recent = np.log(1.0 + value)
        if count > 0:
            recent = level[slot] + SMOOTHING * (recent - level[slot])
        out_sigma[i] = sigma
        out_level[i] = np.exp(recent) - 1.0
        if not remember or not learn[i]:
            continue
        ewma[slot] = smoothed
        level[slot] = recent
        accepted, lasting = True, False
        if count >= warm_up and abs(sigma) >= gate:
            if np.isnan(deviating_since[slot]):
                deviating_since[slot] = times[i]
            accepted = lasting = times[i] - deviating_since[slot] > patience_s
        else:
            deviating_since[slot] = np.nan
        if not accepted:
            continue
        state = (1103515245 * random[slot] + 12345) & 0x7FFFFFFF
        random[slot] = state
        if count < capacity:
            place = place_of(reference, count, value)
            for j in range(count, place, -1):
                reference[j] = reference[j - 1]
            reference[place] = value
            counts[slot] = count + 1
        elif lasting or (state >> 9) % REPLACE_ONE_IN == 0:
            j = (state >> 12) % capacity
            while j + 1 < capacity and reference[j + 1] < value:
                reference[j] = reference[j + 1]
                j += 1
            while j > 0 and reference[j - 1] > value:
                reference[j] = reference[j - 1]
                j -= 1
            reference[j] = value
