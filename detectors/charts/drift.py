"""Drift: whether the values of an operation's features are still distributed as they were, by blocks of 300."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.growing_rows import (
    NO_ROW,
    GrowingRows,
    give_row_back,
    larger_row,
    room_for,
    row_at,
)
from tracehound.detectors.packed.many_rows import put_rows
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_columns import RestoredTogether, checked_columns
from tracehound.detectors.packed.stored_numbers import EARLIEST_S, LARGEST_SINGLE, LATEST_S, Stored, numbers

BINS = 10
SAMPLE = 100
"""Values whose deciles become the edges of the bins."""
EDGES = BINS - 1
REFERENCE = 1_500
"""Values after those, whose shares of the bins are the reference."""
BLOCK = 300
LIMIT = 0.2
NOISE = EDGES * (1.0 / BLOCK + 1.0 / REFERENCE)
"""What the index of a block is on average without any drift: 0.036."""
SMOOTHING = 0.5 / BLOCK
BLOCKS = 2
REST_S = 604_800.0
"""A feature is told at most once in so much event time: what has drifted since is then compared with a week ago."""
MOST_OVER = 1_000_000_000
"""Blocks in a row that a state may say were above the limit: more are added to them."""
LARGEST_INDEX = 100.0
"""Above the index of any two counts: 2 ln(600) at most."""
_FEATURE = np.dtype(
    [
        *(("count", np.int32), ("over", np.int32), ("since", np.float64), ("told", np.float64), ("psi", np.float32)),
        *(("reference", np.int16, (BINS,)), ("block", np.int16, (BINS,))),
        *(("edges", np.float32, (EDGES,)), ("sample", np.int32)),
    ],
    align=True,
)
"""One feature of an operation. ``sample`` is the place of a row (``detectors.packed.growing_rows``) of the values so
far, while there are fewer than ``SAMPLE``; then ``edges`` are made of them."""
_ARRAYS = ("reference", "block", "count", "over", "since", "told", "psi")


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """A feature that has drifted: the row that ended the block, the operation's slot, the feature's column, and the
    population stability index of that block."""

    row: int
    slot: int
    column: int
    psi: float


class Drift(RestoredTogether):
    """Population stability index (PSI) per operation and feature, on blocks of 300 values.

    Binning: the deciles of a feature's first 100 learned values are the edges of ten bins, frozen. A value equal to
    several edges goes to the middle of their bins, so a feature that is constant drifts both ways. The next 1,500
    values give the reference shares q (so that they need not be a tenth each), every 300 after that a block with the
    shares p: PSI = Σ (p − q) ln(p / q), each share with 1/600 added, so that an empty bin counts like half a value.

    Without drift (1/300 + 1/1500)⁻¹ PSI is about χ² with 9 degrees of freedom: 0.036 ± 0.017. A feature has drifted
    when ``blocks`` blocks in a row, over at least ``patience_s`` of event time, are above 0.2 plus these 0.036. It is
    then told once, and the reference is collected afresh. For a week it is told no more, and compared with that
    reference: what follows the course of the day, or grows slowly, is told once a week. A reason to refit, never an
    anomaly: the index cannot tell drift from a fault, so give ``learn`` False for executions that deviate.

    Assumes values that are nearly independent: with autocorrelation a block counts for fewer than 300 values and its
    noise grows, which is what the patience is for. Blind while the reference is collected (1,600 values), to changes
    beyond the outermost edges (a longer tail with the same tenth in it), and to a drift that reverts within a block.
    Missing values (NaN) are left out.

    Parameters: ``columns`` features per operation; ``patience_s`` and ``blocks`` as above.

    Source: S. B. Siddiqi, Credit Risk Scorecards (2006); noise: B. Yurdakul and J. Naranjo, Journal of Risk Model
    Validation 14 (2020).

    >>> drift = Drift(columns=1, patience_s=0.0)
    >>> drift.open(0, seed=0)
    >>> random, learn = np.random.default_rng(1), np.ones(3_000, bool)
    >>> slots, times = np.zeros(3_000, np.int64), np.arange(3_000.0)
    >>> drift.observe(slots, random.normal(size=(3_000, 1)), times, learn), bool(drift.psi(0)[0] < 0.1)
    ([], True)
    >>> [finding] = drift.observe(slots[:900], random.normal(1.0, size=(900, 1)), times[:900] + 3_000.0, learn[:900])
    >>> finding.column, finding.psi > 0.5
    (0, True)
    """

    def __init__(self, columns: int, patience_s: float = 600.0, blocks: int = BLOCKS) -> None:
        for name, value, least in (("columns", columns, 1), ("patience_s", patience_s, 0), ("blocks", blocks, 1)):
            if not value >= least:
                raise ValueError(f"The '{name}' parameter of Drift must be at least {least}. Got {value} instead.")
        self.columns = columns
        self._patience_s, self._blocks = patience_s, blocks
        fresh = np.zeros(columns, _FEATURE)
        fresh["psi"], fresh["told"] = np.nan, EARLIEST_S
        self._store, self._rows = SlotRecords({"features": (_FEATURE, fresh.shape)}, {"features": fresh}), GrowingRows()
        self._stored = _stored(columns)

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (nothing random here)
        """Start afresh for the operation in ``slot``."""
        self._give_back(slot)
        self._store.open(slot)

    def observe(self, slots: Slots, values: Floats, times: Floats, learn: Flags) -> list[DriftFinding]:
        """Count ``values`` (n, columns) at ``times`` (n,) in order, where ``learn`` (n,) is True; tell what drifted."""
        if values.shape != (len(slots), self.columns):
            raise ValueError(
                f"The 'values' of Drift must have the shape {(len(slots), self.columns)}. Got {values.shape} instead."
            )
        told = np.empty((values.size, 2), np.int64)
        indexes = np.empty(len(told))
        self._rows.reserve(values.size, SAMPLE)
        state = self._store["features"], self._rows.memory
        found = _run(slots, values, times, learn, self._patience_s, self._blocks, *state, told, indexes)
        return [
            DriftFinding(row, int(slots[row]), column, psi)
            for (row, column), psi in zip(told[:found].tolist(), indexes[:found].tolist(), strict=True)
        ]

    def psi(self, slot: int) -> Floats:
        """(columns,) index of the newest block of each feature; NaN before the first."""
        newest: Floats = self._of(slot)["psi"].astype(np.float64)
        return newest

    def largest(self, slots: Slots, starts: Slots) -> Floats:
        """(k,) the largest index of the newest blocks of all features of several operations; NaN before the first.

        ``slots`` (n,) has the operations of k groups one after another, and ``starts`` (k,) says where each group
        begins; none is empty.
        """
        newest = np.fmax.reduce(self._store["features"]["psi"][slots], axis=1)
        groups: Floats = np.fmax.reduceat(newest, starts).astype(np.float64)
        return groups

    def snapshot(self, slot: int) -> State:
        """A copy of the operation's complete state."""
        sample = np.zeros((self.columns, SAMPLE), np.float32)
        for column, (place, count) in enumerate(self._samples(slot)):
            sample[column, :count] = self._rows.row(place, count)
        edged = self._of(slot)["count"] >= SAMPLE
        sample[edged, :EDGES] = self._of(slot)["edges"][edged]
        return {"sample": sample, **{name: self._of(slot)[name].copy() for name in _ARRAYS}}

    def restore_many(self, slots: Slots, states: Sequence[Mapping[str, Any]]) -> None:
        """Replace the states of operations, of as many columns."""
        taken = checked_columns("drift", states, self._stored, {"told": np.zeros(self.columns)})
        beyond = np.maximum(taken["count"].astype(np.int64) - SAMPLE, 0)
        counted = np.minimum(beyond, REFERENCE), np.maximum(beyond - REFERENCE, 0)
        for name, count in zip(("reference", "block"), counted, strict=True):
            if (taken[name].sum(axis=2) != count).any():
                raise ValueError(f"The bins of drift's {name!r} must hold what it counted, {count.tolist()}.")
        if not len(slots):
            return
        self._give_all_back(slots[slots < len(self._store)])
        self._store.open(int(slots.max()))
        features, sample = self._store["features"], taken["sample"]
        for name in _ARRAYS:
            features[name][slots] = taken[name]
        edged = taken["count"] >= SAMPLE
        features["edges"][slots] = sample[..., :EDGES] * edged[..., np.newaxis]
        counts = np.where(edged, 0, taken["count"]).astype(np.int64)
        kept = sample[np.arange(SAMPLE) < counts[..., np.newaxis]]
        features["sample"][slots] = put_rows(self._rows, kept, counts.ravel()).reshape(counts.shape)

    def _samples(self, slot: int) -> list[tuple[int, int]]:
        """The place of each feature's row, and how many values it has."""
        features = self._of(slot)
        counts = np.where(features["count"] < SAMPLE, features["count"], 0)
        return list(zip(features["sample"].tolist(), counts.tolist(), strict=True))

    def _give_back(self, slot: int) -> None:
        """Give the rows of a slot back, if it has been used."""
        if self._store.used(slot) and self._of(slot)["sample"].any():
            for place, count in self._samples(slot):
                self._rows.give_back(place, count)
            self._of(slot)["sample"] = NO_ROW

    def _give_all_back(self, slots: Slots) -> None:
        places = self._store["features"]["sample"][slots]
        if places.any():
            counts = self._store["features"]["count"][slots]
            self._rows.give_all_back(places.ravel(), np.where(counts < SAMPLE, counts, 0).ravel())
            self._store["features"]["sample"][slots] = NO_ROW

    def _of(self, slot: int) -> NDArray[np.void]:
        features: NDArray[np.void] = self._store["features"][slot]
        return features

    def nbytes(self) -> int:
        """Bytes that one operation takes at most."""
        return self._store.row_bytes() + self.columns * int(room_for(SAMPLE)) * np.dtype(np.float32).itemsize

    def nbytes_now(self, operations: int) -> int:
        """Bytes that so many operations take, with the samples that are there now."""
        return operations * self._store.row_bytes() + self._rows.nbytes()


def _stored(columns: int) -> dict[str, Stored]:
    """What the state of an operation of so many features may hold."""
    return {
        "count": numbers(np.int32, (columns,), 0, SAMPLE + REFERENCE + BLOCK - 1),
        "over": numbers(np.int32, (columns,), 0, MOST_OVER),
        "since": numbers(np.float64, (columns,), EARLIEST_S, LATEST_S),
        "told": numbers(np.float64, (columns,), EARLIEST_S, LATEST_S),
        "psi": numbers(np.float32, (columns,), 0.0, LARGEST_INDEX, missing=True),
        "reference": numbers(np.int16, (columns, BINS), 0, REFERENCE),
        "block": numbers(np.int16, (columns, BINS), 0, BLOCK),
        "sample": numbers(np.float32, (columns, SAMPLE), -LARGEST_SINGLE, LARGEST_SINGLE),
    }


@njit(cache=True)
def keep_largest(values: Any, column: int, rows: Any, candidates: Any) -> None:
    """Set places of a column of ``values`` (n, columns) to the largest of their ``candidates`` (m,), in ``rows`` (m,).

    Missing values (NaN) give way, and are no candidates.
    """
    for at in range(rows.size):
        if not candidates[at] <= values[rows[at], column] and not np.isnan(candidates[at]):
            values[rows[at], column] = candidates[at]


def stability_index(
    block: Sequence[int] | np.ndarray[Any, Any], reference: Sequence[int] | np.ndarray[Any, Any]
) -> float:
    """The population stability index of two counts over the same bins.

    >>> stability_index([30] * 10, [150] * 10), round(stability_index([0] * 5 + [60] * 5, [150] * 10), 2)
    (0.0, 2.4)
    """
    return float(_stability_index(np.asarray(block), np.asarray(reference)))


@njit(cache=True)
def _stability_index(block: Any, reference: Any) -> Any:
    total, of_block, of_reference = 0.0, block.sum(), reference.sum()
    for j in range(block.size):
        p = block[j] / of_block + SMOOTHING
        q = reference[j] / of_reference + SMOOTHING
        total += (p - q) * np.log(p / q)
    return total


@njit(cache=True)
def _bin_of(edges: Any, value: float) -> int:
    below, up_to = 0, 0
    for j in range(EDGES):
        below += edges[j] < value
        up_to += edges[j] <= value
    return (below + up_to) >> 1


@njit(cache=True)
def _freeze_edges(memory: Any, one: Any) -> None:
    """Keep the deciles of a full sample instead of it."""
    sample = row_at(memory, one.sample, SAMPLE)
    sample.sort()
    for j in range(EDGES):
        one.edges[j] = 0.5 * (sample[(j + 1) * SAMPLE // BINS - 1] + sample[(j + 1) * SAMPLE // BINS])
    give_row_back(memory, one.sample, room_for(SAMPLE))
    one.sample = NO_ROW


@njit(cache=True)
def _add(memory: Any, one: Any, value: float) -> None:
    """Add a value to a sample that is not full."""
    if one.count == room_for(one.count):
        one.sample = larger_row(memory, one.sample, one.count)
    row_at(memory, one.sample, SAMPLE)[one.count] = value
    one.count += 1
    if one.count == SAMPLE:
        _freeze_edges(memory, one)


@njit(cache=True)
def _run(
    slots: Any,
    values: Any,
    times: Any,
    learn: Any,
    patience_s: float,
    blocks: int,
    features: Any,
    memory: Any,
    told: Any,
    indexes: Any,
) -> int:
    found = 0
    for i in range(slots.size):
        if not learn[i]:
            continue
        for column in range(values.shape[1]):
            value = np.float32(values[i, column])
            if np.isnan(value):
                continue
            one = features[slots[i], column]
            count = one.count
            if count < SAMPLE:
                _add(memory, one, value)
                continue
            one.count = count + 1
            if count < SAMPLE + REFERENCE:
                one.reference[_bin_of(one.edges, value)] += 1
                continue
            if count == SAMPLE + REFERENCE and one.over == 0:
                one.since = times[i]
            one.block[_bin_of(one.edges, value)] += 1
            if count < SAMPLE + REFERENCE + BLOCK - 1:
                continue
            one.count = SAMPLE + REFERENCE
            psi = _stability_index(one.block, one.reference)
            one.block[:] = 0
            one.psi = psi
            if psi <= LIMIT + NOISE:
                one.over = 0
                continue
            one.over += 1
            if one.over < blocks or times[i] - one.since < patience_s or times[i] < one.told + REST_S:
                continue
            one.told = times[i]
            told[found, 0], told[found, 1], indexes[found] = i, column, psi
            found += 1
            one.count = one.over = 0
            one.reference[:] = 0
    return found
