"""scikit-learn's isolation forest per application, refitted from a reservoir and scored in a kernel."""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.bank import Flags, Floats, Slots, State
from tracehound.detectors.features.measures import OUTLIER_COLUMNS
from tracehound.detectors.forests.forest_fit import DEPTH, MAX_NODES, TREES, FittedForest, fit_forest
from tracehound.detectors.forests.refitting import RefittedBank
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.reference import RANDOM_MOST
from tracehound.detectors.packed.slots import SlotBlocks, SlotRecords
from tracehound.detectors.packed.stored_numbers import LARGEST_SINGLE, checked, numbers, real, whole

_NODE = np.dtype([("value", np.float32), ("child", np.uint16), ("feature", np.uint16)])
"""A node, side by side, so that a step costs one look at memory. At a leaf ``child`` is the leaf itself and ``feature``
the column after the last, in which every row is −∞: a walk of fixed length stays there, without a branch to guess."""
_FOREST = ("feature", "child", "value")
_COUNTS = ("seen", "kept", "random")
LEAST_OFFSET, LARGEST_OFFSET = 1.0, 1e4
"""What ``forest_fit`` normalises path lengths by lies between."""
KEEP_LEARNING = 0.02
"""Once full, the reservoir takes a row with at least this probability, so that it follows slow change."""


class IsolationForest(RefittedBank):
    """Isolation forest per application: learning fills a reservoir, a refit fits scikit-learn's forest to it.

    Scores equal −``score_samples`` of scikit-learn in (0, 1]; they are no probability. 0 before the first refit.
    The forest is kept flat, in single precision: 32 trees of at most 511 nodes, 8 bytes a node.

    Assumes that what it learns is mostly normal (the core does not hand it rows that a chart gates). Fails on
    anomalies that are frequent in the sample, and cannot see order in time. Parameter: ``reservoir`` rows.

    Source: F. T. Liu, K. M. Ting, Z.-H. Zhou, Isolation Forest, ICDM 2008; J. S. Vitter's algorithm R, ACM TOMS
    11 (1985), with a floor on its probability.

    >>> bank = IsolationForest(reservoir=500)
    >>> bank.open(0, seed=3); slots = np.zeros(500, np.int64)
    >>> values = np.random.default_rng(0).uniform(0.3, 0.6, (500, len(bank.columns)))
    >>> bank.learn_many(slots, values, np.arange(500.0))
    >>> bank.install(0, fit_forest(*bank.sample(0)))
    >>> usual, strange = bank.score_many(slots[:2], np.vstack([values[0], np.full(len(bank.columns), 0.99)]))
    >>> bool(strange > usual)
    True
    """

    name: ClassVar[str] = "isolation-forest"
    scope: ClassVar[Literal["operation", "application"]] = "application"
    columns: ClassVar[tuple[str, ...]] = OUTLIER_COLUMNS

    def __init__(self, reservoir: int = 2_000) -> None:
        self._rows = reservoir
        columns = len(self.columns)
        self._stored = {
            "kept": whole(0, reservoir),
            "seen": whole(0),
            "random": whole(0, RANDOM_MOST),
            "seed": whole(0, RANDOM_MOST),
            "offset": real(0.0, LARGEST_OFFSET),
            "rows": numbers(np.float32, ("kept", columns), -LARGEST_SINGLE, LARGEST_SINGLE),
        }
        self._stored_forest = {
            "feature": numbers(np.int8, (TREES, MAX_NODES), -1, columns - 1),
            "child": numbers(np.int16, (TREES, MAX_NODES), 0, MAX_NODES - 2),
            "value": numbers(np.float32, (TREES, MAX_NODES), -LARGEST_SINGLE, LARGEST_SINGLE),
        }
        self._store = SlotRecords(
            {
                "offset": (np.float64, ()),
                "seen": (np.int64, ()),
                "kept": (np.int64, ()),
                "random": (np.int64, ()),
                "seed": (np.int64, ()),
            }
        )
        self._nodes = SlotBlocks(_NODE, (TREES, MAX_NODES))
        self._sample = SlotBlocks(np.float32, (reservoir, len(self.columns)))

    def open(self, slot: int, seed: int) -> None:
        """Start afresh for the application in ``slot``; reservoir and forests draw from ``seed``."""
        for store in (self._store, self._nodes, self._sample):
            store.open(slot)
        self._store["random"][slot] = self._store["seed"][slot] = seed & 0x7FFFFFFF

    def score_many(self, slots: Slots, values: Floats) -> Floats:
        """Anomaly scores in (0, 1], 0 without a forest; missing values count as 0.5."""
        return self._score(slots, _rows_of(values))

    def _score(self, slots: Slots, rows: NDArray[np.float32]) -> Floats:
        scores = np.zeros(len(slots))
        for first, nodes in self._nodes.holding(slots):
            _score(slots, rows, first, nodes, self._store["offset"], scores)
        return scores

    def learn_many(self, slots: Slots, values: Floats, times: Floats) -> None:  # noqa: ARG002 (time plays no part)
        """Offer rows to the reservoir."""
        self._learn(slots, _rows_of(values), np.ones(len(slots), np.bool_))

    def _learn(self, slots: Slots, rows: NDArray[np.float32], learn: Flags) -> None:
        for first, kept_rows in self._sample.holding(slots):
            _keep(slots, rows, learn, first, kept_rows, *(self._store[name] for name in _COUNTS))

    def score_then_learn_many(self, slots: Slots, values: Floats, times: Floats, learn: Flags) -> Floats:  # noqa: ARG002
        """Score all rows, then learn: learning does not change a forest before its refit."""
        rows = _rows_of(values)
        scores = self._score(slots, rows)
        self._learn(slots, rows, learn)
        return scores

    def warming(self, slots: Slots) -> Flags:
        """(n,) True before the first refit took effect."""
        flags: Flags = self._store["offset"][slots] == 0
        return flags

    def sample(self, slot: int) -> tuple[NDArray[np.float32], int]:
        """A frozen copy of the reservoir and the seed: what ``fit_forest`` takes."""
        kept = int(self._store["kept"][slot])
        seed = (int(self._store["seed"][slot]) + int(self._store["seen"][slot])) & 0x7FFFFFFF
        return self._sample[slot][:kept].copy(), seed

    def checked_sample(self, sample: tuple[Any, ...]) -> tuple[NDArray[np.float32], int]:
        """A stored sample, as ``sample`` returned it."""
        rows, seed = sample
        taken = checked(
            "a sample",
            {"kept": len(rows), "rows": rows, "seed": seed},
            {name: self._stored[name] for name in ("kept", "rows", "seed")},
        )
        return taken["rows"], taken["seed"]

    @staticmethod
    def fit(sample: NDArray[np.float32], seed: int) -> FittedForest:
        """``fit_forest``, for a fitter in another process."""
        return fit_forest(sample, seed)

    def install(self, slot: int, fitted: FittedForest) -> None:
        """Let a fitted forest take effect."""
        self._put(slot, fitted["feature"], fitted["child"], fitted["value"])
        self._store["offset"][slot] = fitted["offset"]

    def _put(self, slot: int, feature: NDArray[np.int8], child: NDArray[np.int16], value: NDArray[np.float32]) -> None:
        nodes, leaf = self._nodes[slot], feature < 0
        nodes["value"] = value
        nodes["child"] = np.where(leaf, np.arange(MAX_NODES), child)
        nodes["feature"] = np.where(leaf, len(self.columns), feature)

    def _fitted(self, slot: int) -> State:
        """A forest as ``fit_forest`` returns it."""
        nodes = self._nodes[slot]
        leaf = nodes["feature"] == len(self.columns)
        return {
            "feature": np.where(leaf, -1, nodes["feature"]).astype(np.int8),
            "child": np.where(leaf, 0, nodes["child"]).astype(np.int16),
            "value": nodes["value"].copy(),
        }

    def fitted_bytes(self) -> int:
        """Bytes of one fitted forest."""
        return self._nodes.row_bytes() + self._store["offset"][:1].nbytes

    def snapshot(self, slot: int) -> State:
        """Reservoir, forest and counters of an application."""
        state: State = {name: self._store[name][slot].item() for name in (*_COUNTS, "seed", "offset")}
        state["rows"] = self._sample[slot][: int(self._store["kept"][slot])].copy()
        if self._store["offset"][slot]:
            state.update(self._fitted(slot))
        return state

    def restore(self, slot: int, state: State) -> None:
        """Replace an application's reservoir and forest by those that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of an isolation forest.
        """
        taken = checked("an isolation forest", state, self._stored)
        if taken["kept"] > taken["seen"]:
            raise ValueError(
                f"A reservoir must have seen what it kept. Got {taken['seen']} and {taken['kept']} instead."
            )
        if any(name in state for name in _FOREST) != (taken["offset"] > 0.0):
            raise ValueError(f"A forest must have an offset above 0. Got {taken['offset']} instead.")
        if taken["offset"]:
            forest = checked("an isolation forest", state, self._stored_forest)
            leaf = forest["feature"] < 0
            lengths = forest["value"][leaf]
            if forest["child"][leaf].any():
                raise ValueError("The leaves of a forest must have no children.")
            if taken["offset"] < LEAST_OFFSET or not ((lengths >= 0.0) & (lengths <= LARGEST_OFFSET)).all():
                raise ValueError(f"A forest must have path lengths from 0 to {LARGEST_OFFSET:g}, on average 1 or more.")
            self._put(slot, *(forest[name] for name in _FOREST))
        self._sample[slot][: taken["kept"]] = taken["rows"]
        for name in (*_COUNTS, "seed", "offset"):
            self._store[name][slot] = taken[name]

    def nbytes(self, slot: int) -> int:  # noqa: ARG002 (the same for every application)
        """Bytes that one application takes."""
        return self._store.row_bytes() + self._nodes.row_bytes() + self._sample.row_bytes()


def _rows_of(values: Floats) -> NDArray[np.float32]:
    """Values with 0.5 where they are missing, and the column that leaves look at."""
    rows = np.empty((len(values), values.shape[1] + 1), np.float32)
    _fill(values, rows)
    return rows


@njit(cache=True)
def _fill(values: Any, rows: Any) -> None:
    columns = values.shape[1]
    for i in range(values.shape[0]):
        for j in range(columns):
            rows[i, j] = 0.5 if np.isnan(values[i, j]) else values[i, j]
        rows[i, columns] = -np.inf


@njit(cache=True)
def _score(slots: Any, rows: Any, first: int, nodes: Any, offset: Any, out: Any) -> None:
    """All trees of a row go down one level at a time: their looks at memory then overlap.

    ``nodes`` are those of the slots from ``first`` on; rows of other slots are left alone.
    """
    places = np.zeros(TREES, np.uint64)
    for i in range(slots.size):
        slot = slots[i]
        at = slot - first
        if at < 0 or at >= nodes.shape[0] or offset[slot] == 0.0:
            continue
        places[:] = 0
        for _ in range(DEPTH):
            for tree in range(TREES):
                node = nodes[at, tree, places[tree]]
                places[tree] = np.uint64(node.child) + np.uint64(rows[i, node.feature] > node.value)
        total = 0.0
        for tree in range(TREES):
            total += nodes[at, tree, places[tree]].value
        out[i] = 2.0 ** (-total / offset[slot])


@njit(cache=True)
def _keep(slots: Any, rows: Any, learn: Any, first: int, kept_rows: Any, seen: Any, kept: Any, random: Any) -> None:
    """``kept_rows`` are those of the slots from ``first`` on; rows of other slots are left alone."""
    capacity, columns = kept_rows.shape[1:]
    for i in range(slots.size):
        slot = slots[i]
        at = slot - first
        if not learn[i] or at < 0 or at >= kept_rows.shape[0]:
            continue
        seen[slot] += 1
        if kept[slot] < capacity:
            kept_rows[at, kept[slot]] = rows[i, :columns]
            kept[slot] += 1
            continue
        state = (1103515245 * random[slot] + 12345) & 0x7FFFFFFF
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        random[slot] = state
        if state < 0x7FFFFFFF * max(KEEP_LEARNING, capacity / seen[slot]):
            place = (1103515245 * state + 12345) & 0x7FFFFFFF
            kept_rows[at, (place >> 8) % capacity] = rows[i, :columns]
