"""Where River's half-space trees split: asked of River once, and kept beside the kernels that are compiled from it.

Nothing else is wanted of River while executions are scored, and to import it takes a third of a worker's start.
"""

import os
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 20_111
"""Of the trees, which all applications share."""
_SPLIT = np.dtype([("feature", np.uint8), ("threshold", np.float64)])


@cache
def splits(
    trees: int, height: int, window: int, features: int, folder: Path | None
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Split feature and threshold (trees, inner nodes) of River's trees in level order.

    ``folder`` is where they are kept; None: nowhere. What is kept is that of the version of River installed here.
    """
    shape = (trees, 2**height - 1)
    kept = None if folder is None else folder / f"river-{version('river')}-{trees}-{height}-{features}-{SEED}.npy"
    found = None if kept is None else _kept(kept, shape, features)
    if found is None:
        found = _asked(trees, height, window, features)
        if kept is not None:
            _keep(kept, found)
    return np.ascontiguousarray(found["feature"]), np.ascontiguousarray(found["threshold"])


def _asked(trees: int, height: int, window: int, features: int) -> NDArray[np.void]:
    from river.anomaly import HalfSpaceTrees

    river = HalfSpaceTrees(n_trees=trees, height=height, window_size=window, seed=SEED)
    river.learn_one(dict.fromkeys(range(features), 0.5))
    found = np.zeros((trees, 2**height - 1), _SPLIT)
    for tree, root in enumerate(river.trees):
        for node, branch in zip(range(found.shape[1]), root.iter_bfs(), strict=False):  # the leaves come after
            found[tree, node] = branch.feature, branch.threshold
    return found


def _kept(file: Path, shape: tuple[int, int], features: int) -> NDArray[np.void] | None:
    """What is kept; None where that is nothing or not what was written."""
    with suppress(OSError, ValueError, EOFError):
        found: NDArray[np.void] = np.load(file, allow_pickle=False)
        if found.dtype == _SPLIT and found.shape == shape and (found["feature"] < features).all():
            return found
    return None


def _keep(file: Path, found: NDArray[np.void]) -> None:
    written = file.with_suffix(f".{os.getpid()}")  # others may be reading, or doing the same
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with written.open("wb") as opened:
            np.save(opened, found, allow_pickle=False)
        written.replace(file)
