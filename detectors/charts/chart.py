"""The chart per key: smoothed ranks in a reference of the key's own past, and the tail of single values beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.charts.kernel import (
    CANDIDATES,
    KEY,
    POOL,
    REFERENCE,
    ROW,
    ROWS_PER_VALUE,
    RULES,
    STORED_KEY,
    STORED_POOL,
    run_chart,
)
from tracehound.detectors.charts.priors import shipped_reference
from tracehound.detectors.charts.season import BINS, DAYS
from tracehound.detectors.packed.fields import RecordField
from tracehound.detectors.packed.growing_rows import NO_ROW, GrowingRows, room_for
from tracehound.detectors.packed.many_rows import put_rows
from tracehound.detectors.packed.rests import NO_GAPS
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_columns import RestoredTogether, checked_columns
from tracehound.detectors.packed.tail import tail_score

_ROWS = {"ordered": "count", "candidate": "candidates"}
"""What is kept in rows, and how many values each has."""
_NUMBERS = tuple(name for name, rule in STORED_KEY.items() if rule.dtype is None)
_VALUE = np.dtype(np.float32).itemsize
_FRESH = {"deviating_since": np.nan, "waiting": np.nan, "outlier_learned": -np.inf, "newest_s": -np.inf}
_NO_SEASON = {"visit": 0, "visit_most": 0.0, "season": np.zeros((BINS, DAYS), np.uint8)}
_SINCE_0_1_0 = {"waiting": float("nan"), **_NO_SEASON, **NO_GAPS}
"""What states of earlier versions lack."""


@dataclass(frozen=True, slots=True)
class ChartRules:
    """How a chart learns and what matters to it.

    ``warm_up`` values before single values are judged; nothing is learned from ``gate_sigma`` on; ``patience_s``
    of event time make a deviation a lasting one. ``margin`` (in the signal's unit) and ``margin_share`` (of the
    typical value) are what a value may lie above typical without meaning anything to anybody: the larger counts.
    """

    warm_up: int = 30
    gate_sigma: float = 4.0
    patience_s: float = 600.0
    margin: float = 0.0
    margin_share: float = 0.0


@dataclass(frozen=True, slots=True)
class ChartJudgement:
    """What a chart says about n values: ``rows`` (n,) are records, and each of their fields is an array (n,).

    ``sigma`` is the chart's deviation after the value (0 while warming or where the value is missing), ``tail``
    −log10 of the probability of the single value, ``rank`` its place in the reference in [0, 1] (0.5 while
    warming or missing), ``level`` the recent value (geometric EWMA) in the signal's unit, ``bounds`` (n, 3) the
    5th, 50th and 95th percentile of the reference as it was, both where the value deviates, else zeros.
    ``learned`` counts the values in the reference, ``lasting`` is for how many seconds of event time the key has
    deviated, ``accepted`` is True where a lasting deviation became the new normal with this value. ``evident`` is
    True where the value itself lies beyond the usual range, margin included, and those just before it did.
    ``seasonal`` is True where the value was compared with what is usual at this time of the day. ``outlived`` is True
    where the key deviates beyond the gate because of what was before a rest alone.
    """

    rows: NDArray[np.void]

    sigma = RecordField[Floats]()
    tail = RecordField[Floats]()
    rank = RecordField[Floats]()
    level = RecordField[Floats]()
    bounds = RecordField[Floats]()
    learned = RecordField[Slots]()
    lasting = RecordField[Floats]()
    accepted = RecordField[Flags]()
    evident = RecordField[Flags]()
    seasonal = RecordField[Flags]()
    outlived = RecordField[Flags]()

    @classmethod
    def empty(cls, n: int) -> "ChartJudgement":
        """Nothing deviates yet."""
        rows = np.zeros(n, ROW)
        rows["rank"] = 0.5
        return cls(rows)


class Chart(RestoredTogether):
    """EWMA chart on ranks for many keys, one signal, one-sided: only larger values deviate.

    A value, less a margin that matters to nobody, is placed in a sorted reference of the key's last 500 values;
    its rank becomes a normal score (from the extreme-value tail where it lies beyond the reference), counts
    within [-0.5, 4] and is smoothed twice (weights 0.3 and 0.1). The larger smoothed score over its standard
    deviation is ``sigma``: three extreme values make 6 sigma, and small lasting shifts show too.

    *Gate*: nothing is learned while the deviation is beyond ``gate_sigma``; a single outlier in normal times is
    learned at most once per patience, by a key with fewer than 100 values only once the next value is none.
    *Persisting*: the old reference stays, and values of a deviation are kept apart; they become the new normal when it
    has lasted ``accept_after`` seconds. *Prior*: keys share a pool (of
    their application), which starts from values that are shipped; a key with fewer than 100 values of its own is
    judged by both, one with fewer than 10 by the pool alone, and then never as much of a deviation. *Season*: what
    deviated at the same time of the day on two of the last days, half an hour more or less, is usual then: a value
    counts by how much it is more than that, and is not learned for the rest of the day. *Rests*: after a gap of two
    minutes and 20 usual ones (``detectors.packed.rests``) usual values are said to deviate because of those before
    it alone; one that is beyond the usual range goes on with the deviation.

    Assumes that values of one key are exchangeable in normal times; a strong daily pattern or autocorrelation
    widens the chart, so ``sigma`` is not exactly Gaussian and has to be calibrated. Cannot flag a single value:
    that is what ``tail`` is for. Fails where normal values are a mixture whose shares change. Values must be
    above −1; smaller ones count as −1 + 1e-6, larger ones than 1e18 as that.

    Parameters: ``rules``; ``signal`` names the shipped prior, if there is one.

    Source: S. W. Roberts, Technometrics 1 (1959), on ranks as in P. Hackl and J. Ledolter, Journal of Quality
    Technology 23 (1991); the margin as in minimum-effect tests, K. R. Murphy and B. Myors, Journal of Applied
    Psychology 84 (1999).

    >>> chart = Chart(ChartRules(warm_up=60))
    >>> chart.open(0, seed=1); chart.open_pool(0, seed=1)
    >>> normal = 100 + np.arange(300) % 20.0
    >>> slots, times = np.zeros(300, np.int64), np.arange(300.0)
    >>> bool((chart.judge_then_learn(slots, slots, normal, times).sigma < 4).all())
    True
    >>> slow = chart.judge_then_learn(slots[:5], slots[:5], np.full(5, 300.0), 300 + times[:5])
    >>> bool(slow.sigma[-1] > 6)
    True
    """

    def __init__(self, rules: ChartRules, signal: str | None = None) -> None:
        self.rules = rules
        self._prior = np.zeros(0, np.float32) if signal is None else shipped_reference(signal)
        self._rules = np.array([astuple(rules)], RULES)
        self._rows = GrowingRows()
        self._shared = {"ordered": self._rows.put(self._prior), "shared": len(self._prior) > 0}
        self._prior_bytes = self._rows.nbytes()
        pool = {"count": len(self._prior), **self._shared}
        self._keys, self._pools = SlotRecords(KEY, _FRESH), SlotRecords(POOL, pool)

    def open(self, slot: int, seed: int) -> None:
        """Start afresh for the key in ``slot``; all its randomness follows from ``seed``."""
        self._give_back(self._keys, slot)
        self._keys.open(slot)
        self._keys["random"][slot] = seed & 0x7FFFFFFF

    def open_pool(self, slot: int, seed: int) -> None:
        """Start a pool in ``slot`` from the shipped prior."""
        self._give_back(self._pools, slot)
        self._pools.open(slot)
        self._pools["random"][slot] = seed & 0x7FFFFFFF

    def judge(self, slots: Slots, pools: Slots, values: Floats) -> ChartJudgement:
        """Judge values (n,) as if each came next for its slot. Changes nothing."""
        n = len(slots)
        zeros, none = np.zeros(n), np.zeros(n, np.bool_)
        return self._run(slots, pools, values, zeros, none, zeros, zeros, none)

    def judge_then_learn(
        self,
        slots: Slots,
        pools: Slots,
        values: Floats,
        times: Floats,
        learn: Flags | None = None,
        accept_after: Floats | None = None,
        released: Floats | None = None,
        early: Flags | None = None,
    ) -> ChartJudgement:
        """Judge each value (n,) at its time (epoch seconds), then learn it unless gated or ``learn`` is False.

        ``accept_after`` (n,) seconds after which a lasting deviation is the new normal; never by default. One that
        began before ``released`` (n,), the event time of a release, is not: the release did not bring it. ``early``
        (n,) is as in ``detectors.features.batch.Batch``: such a value is judged as one after a rest.
        """
        n = len(slots)
        allowed = np.ones(n, np.bool_) if learn is None else learn
        after = np.full(n, np.inf) if accept_after is None else accept_after
        since = np.full(n, -np.inf) if released is None else released
        may_rest = np.zeros(n, np.bool_) if early is None else early
        return self._run(slots, pools, values, times, allowed, after, since, may_rest)

    def _run(
        self,
        slots: Slots,
        pools: Slots,
        values: Floats,
        times: Floats,
        learn: Flags,
        accept_after: Floats,
        released: Floats,
        early: Flags,
    ) -> ChartJudgement:
        judged = ChartJudgement.empty(len(slots))
        self._rows.reserve(ROWS_PER_VALUE * len(slots))
        run_chart(
            *(slots, pools, np.ascontiguousarray(values), times, learn, accept_after, released, early),
            *(self._rules, (self._keys.records, self._pools.records, self._rows.memory), judged.rows),
        )
        return judged

    def typical(self, slot: int) -> tuple[float, float, float]:
        """5th, 50th and 95th percentile of the reference, in the signal's unit; zeros while it is empty."""
        count = self.count(slot)
        if count == 0:
            return 0.0, 0.0, 0.0
        ordered = self._ordered(slot)
        low, middle, high = (float(ordered[min(count - 1, int(q * count))]) for q in (0.05, 0.5, 0.95))
        return low, middle, high

    def count(self, slot: int) -> int:
        """Values in the reference, at most 500."""
        return int(self._keys["count"][slot])

    def tail_of(self, slot: int, value: float) -> float:
        """−log10 of the probability that the key's next value exceeds ``value``; 0 while warming."""
        count = self.count(slot)
        return float(tail_score(self._ordered(slot), count, value)) if count >= self.rules.warm_up else 0.0

    def _ordered(self, slot: int) -> NDArray[np.float32]:
        return self._rows.row(int(self._keys["ordered"][slot]), self.count(slot))

    def snapshot(self, slot: int) -> State:
        """A copy of the key's complete state."""
        key = self._keys.records[slot]
        state: State = {name: key[name].item() for name in _NUMBERS}
        for name, count in _ROWS.items():
            state[name] = self._rows.row(int(key[name]), int(key[count])).copy()
        state["season"] = key["season"].copy()
        return state

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of keys, also by those of 0.1.0, which knew less."""
        self._put(self._keys, slots, checked_columns("a chart", states, STORED_KEY, _SINCE_0_1_0))

    def snapshot_pool(self, slot: int) -> State:
        """A copy of a pool's complete state."""
        pool = self._pools.records[slot]
        count = int(pool["count"])
        ordered = self._rows.row(int(pool["ordered"]), count).copy()
        return {"ordered": ordered, "count": count, "random": int(pool["random"])}

    def restore_pool(self, slot: int, state: State) -> None:
        """Replace a pool's state by one that ``snapshot_pool`` returned.

        Raises:
            KeyError, ValueError: the state is not one of a pool.
        """
        self._put(self._pools, np.array([slot]), checked_columns("a chart's pool", [state], STORED_POOL))
        pool = self._pools.records[slot]
        pool["shared"] = False
        if np.array_equal(self._rows.row(int(pool["ordered"]), int(pool["count"])), self._prior):
            self._give_back(self._pools, slot)
            for name, value in self._shared.items():
                pool[name] = value

    def _put(self, store: SlotRecords, slots: Slots, taken: dict[str, NDArray[Any]]) -> None:
        if not len(slots):
            return
        self._give_all_back(store, slots)
        store.open(int(slots.max()))
        for name, column in taken.items():
            rows = name in _ROWS
            store[name][slots] = put_rows(self._rows, column, taken[_ROWS[name]]) if rows else column

    def _give_back(self, store: SlotRecords, slot: int) -> None:
        """Give the rows of a slot back, if it has been used."""
        if not store.used(slot):
            return
        record = store.records[slot]
        if store is self._pools and record["shared"]:
            return
        for name, count in _ROWS.items():
            if name in (record.dtype.names or ()) and (place := record[name]):
                self._rows.give_back(int(place), int(record[count]))
                record[name] = NO_ROW

    def _give_all_back(self, store: SlotRecords, slots: Slots) -> None:
        used = slots[slots < len(store)]
        if store is self._pools:
            used = used[~store["shared"][used]]
        for name, count in _ROWS.items():
            if name in (store.records.dtype.names or ()) and (places := store[name][used]).any():
                self._rows.give_all_back(places, store[count][used])
                store[name][used] = NO_ROW

    def nbytes(self) -> int:
        """Bytes that one key takes at most."""
        return self._keys.row_bytes() + (int(room_for(REFERENCE)) + int(room_for(CANDIDATES))) * _VALUE

    def pool_nbytes(self) -> int:
        """Bytes that one pool takes at most."""
        return self._pools.row_bytes() + int(room_for(REFERENCE)) * _VALUE

    def nbytes_now(self, keys: int, pools: int) -> int:
        """Bytes that so many keys and pools take, with the values there now; the prior that pools share takes none."""
        values = self._rows.nbytes() - self._prior_bytes
        return keys * self._keys.row_bytes() + pools * self._pools.row_bytes() + values
