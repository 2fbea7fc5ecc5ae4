"""River's half-space trees for many applications: its trees, with their masses packed and walked in a kernel."""

import math
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numba.core.dispatcher import Dispatcher

from tracehound.detectors.bank import Bank, Flags, Floats, Slots, State
from tracehound.detectors.features.measures import OUTLIER_COLUMNS
from tracehound.detectors.forests.river_trees import splits
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.packed.slots import SlotRecords
from tracehound.detectors.packed.stored_numbers import checked, numbers, whole

TREES, HEIGHT, WINDOW = 10, 8, 250
_NODES = 2 ** (HEIGHT + 1) - 1
_STORED = {
    "earlier": numbers(np.uint8, (TREES, _NODES), 0, WINDOW),
    "current": numbers(np.uint8, (TREES, _NODES), 0, WINDOW),
    "counter": whole(0, WINDOW - 1),
    "windows": whole(0),
}


class HalfSpaceTrees(Bank):
    """Half-space trees, the online relative of isolation forests, one ensemble per application.

    The trees are River's (10 of height 8, window 250, split by a fixed seed, so that all applications share
    their structure), and so are the scores, to the last bit; only the masses are kept per application, one byte
    a node. The score of a value does not change before the window's end, so a batch costs one kernel call.

    Scores lie in [0, 1] and are no probability: the core puts them through a chart. Warming for the first
    window, where River answers 0. Assumes features in [0, 1], which ranks are. Fails on dense clusters of
    anomalies that last longer than a window: they become normal, and on features that matter only together.

    Source: S. C. Tan, K. M. Ting, T. F. Liu, Fast anomaly detection for streaming data, IJCAI 2011; River.

    >>> bank = HalfSpaceTrees()
    >>> bank.open(0, seed=0); slots = np.zeros(251, np.int64)
    >>> values = np.full((251, len(bank.columns)), 0.4); values[250] = 0.99
    >>> scores = bank.score_then_learn_many(slots, values, np.arange(251.0), np.ones(251, bool))
    >>> float(scores[249]), bool(scores[250] > bank.score_many(slots[:1], values[:1])[0])
    (0.0, True)
    """

    name: ClassVar[str] = "half-space-trees"
    scope: ClassVar[Literal["operation", "application"]] = "application"
    columns: ClassVar[tuple[str, ...]] = OUTLIER_COLUMNS

    def __init__(self) -> None:
        self._feature, self._threshold = splits(TREES, HEIGHT, WINDOW, len(self.columns), _folder())
        self._store = SlotRecords(
            {
                "earlier": (np.uint8, (TREES, _NODES)),
                "current": (np.uint8, (TREES, _NODES)),
                "counter": (np.int64, ()),
                "windows": (np.int64, ()),
            }
        )

    def open(self, slot: int, seed: int) -> None:  # noqa: ARG002 (the structure is shared)
        """Start afresh for the application in ``slot``."""
        self._store.open(slot)

    def score_many(self, slots: Slots, values: Floats) -> Floats:
        """River's ``score_one`` of each row."""
        return self._run(slots, values, np.zeros(len(slots), np.bool_))

    def learn_many(self, slots: Slots, values: Floats, times: Floats) -> None:  # noqa: ARG002 (time plays no part)
        """River's ``learn_one`` of each row."""
        self._run(slots, values, np.ones(len(slots), np.bool_))

    def score_then_learn_many(self, slots: Slots, values: Floats, times: Floats, learn: Flags) -> Floats:  # noqa: ARG002
        """Score each row, then learn it where ``learn`` is True."""
        return self._run(slots, values, learn)

    def _run(self, slots: Slots, values: Floats, learn: Flags) -> Floats:
        scores = np.zeros(len(slots))
        _walk(slots, values, learn, self._feature, self._threshold, self._store.records, scores)
        return scores

    def warming(self, slots: Slots) -> Flags:
        """(n,) True during the first window."""
        flags: Flags = self._store["windows"][slots] == 0
        return flags

    def snapshot(self, slot: int) -> State:
        """Masses and counters of an application."""
        return {
            "earlier": self._store["earlier"][slot].copy(),
            "current": self._store["current"][slot].copy(),
            "counter": int(self._store["counter"][slot]),
            "windows": int(self._store["windows"][slot]),
        }

    def restore(self, slot: int, state: State) -> None:
        """Replace an application's masses by those that ``snapshot`` returned.

        Raises:
            KeyError, ValueError: the state is not one of half-space trees.
        """
        for name, value in checked("half-space trees", state, _STORED).items():
            self._store[name][slot] = value

    def nbytes(self, slot: int) -> int:  # noqa: ARG002 (the same for every application)
        """Bytes that one application takes."""
        return self._store.row_bytes()


def _folder() -> Path | None:
    """Where numba keeps the kernel; None where it does not."""
    kept = _walk.stats.cache_path if isinstance(_walk, Dispatcher) else None
    return None if kept is None else Path(kept)


@njit(cache=True)
def _walk(slots: Any, values: Any, learn: Any, feature: Any, threshold: Any, records: Any, out: Any) -> None:
    """Sums are of whole numbers, so their order does not matter. Unsigned, for want of a check for negative places."""
    largest = TREES * WINDOW * (2.0 ** (HEIGHT + 1) - 1.0)
    limit, one = np.uint64(math.ceil(0.1 * WINDOW)), np.uint64(1)
    nodes, counting = np.zeros(TREES, np.uint64), np.ones(TREES, np.uint64)
    for i in range(slots.size):
        key, total, learns = records[slots[i]], np.uint64(0), np.uint8(learn[i])
        earlier, current = key.earlier, key.current
        nodes[:], counting[:] = 0, 1
        for depth in range(HEIGHT + 1):  # All trees go down together: their looks at memory then overlap.
            weight = one << np.uint64(depth)
            for tree in range(TREES):
                node = nodes[tree]
                mass = np.uint64(earlier[tree, node])
                total += mass * weight * counting[tree]
                counting[tree] &= np.uint64(mass >= limit)
                current[tree, node] += learns
                if depth == HEIGHT:
                    continue
                left = node + node + one
                value = values[i, feature[tree, node]]
                right = value >= threshold[tree, node]
                if np.isnan(value):
                    # River then goes to the child with more mass.
                    right = current[tree, left] < current[tree, left + one]
                nodes[tree] = left + np.uint64(right)
        if key.windows > 0:
            out[i] = 1.0 - np.float64(total) / largest
        if not learn[i]:
            continue
        key.counter += 1
        if key.counter == WINDOW:
            earlier[:] = current
            current[:] = 0
            key.counter = 0
            key.windows += 1
