"""Fits scikit-learn's isolation forest to a sample and flattens it into plain arrays; runs in helper processes."""

import time
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest as ScikitIsolationForest

TREES, SUBSAMPLE = 32, 256
MAX_NODES = 2 * SUBSAMPLE - 1
DEPTH = (SUBSAMPLE - 1).bit_length()
"""Levels below the root: scikit-learn's isolation trees are no deeper, since an average search is shorter."""
_NO_CHILD = -1


class FittedForest(TypedDict):
    """An isolation forest as arrays (TREES, MAX_NODES), and what it took to fit.

    ``feature`` is −1 at a leaf; ``value`` is the split threshold of an inner node (rows with a value at most that
    go to ``child``, others to ``child + 1``) and the expected path length at a leaf. ``offset`` is the average
    path length that scores are normalised by.
    """

    feature: NDArray[np.int8]
    child: NDArray[np.int16]
    value: NDArray[np.float32]
    offset: float
    samples: int
    cpu_s: float
    wall_s: float


def fit_forest(sample: NDArray[np.float32], seed: int) -> FittedForest:
    """Fit to ``sample`` (rows, features; finite) with all randomness from ``seed``.

    Source: F. T. Liu, K. M. Ting, Z.-H. Zhou, Isolation Forest, ICDM 2008; scikit-learn.
    """
    cpu, wall = time.process_time(), time.perf_counter()
    forest = ScikitIsolationForest(
        n_estimators=TREES, max_samples=min(SUBSAMPLE, len(sample)), random_state=seed & 0x7FFFFFFF, n_jobs=1
    ).fit(sample)
    feature = np.full((TREES, MAX_NODES), -1, np.int8)
    child = np.zeros((TREES, MAX_NODES), np.int16)
    value = np.zeros((TREES, MAX_NODES), np.float32)
    for number, estimator in enumerate(forest.estimators_):
        _flatten(estimator.tree_, feature[number], child[number], value[number])
    return FittedForest(
        feature=feature,
        child=child,
        value=value,
        offset=float(average_path_length(np.array([forest.max_samples_]))[0]) * TREES,
        samples=len(sample),
        cpu_s=time.process_time() - cpu,
        wall_s=time.perf_counter() - wall,
    )


def average_path_length(samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average length of an unsuccessful search in a binary search tree of ``samples`` nodes (Liu et al., eq. 1)."""
    lengths = np.zeros(len(samples))
    lengths[samples == 2] = 1.0
    many = samples > 2
    n = samples[many].astype(np.float64)
    lengths[many] = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    return lengths


def _flatten(tree: object, feature: NDArray[np.int8], child: NDArray[np.int16], value: NDArray[np.float32]) -> None:
    """Number the nodes level by level, so that siblings are neighbours and one index names both."""
    left, right, split, threshold, count = (
        np.asarray(getattr(tree, name))
        for name in ("children_left", "children_right", "feature", "threshold", "n_node_samples")
    )
    expected, rounded = average_path_length(count), _at_most(threshold)
    queue = [(0, 0, 0)]
    following = 1
    for source, target, depth in queue:
        if left[source] == _NO_CHILD:
            value[target] = depth + expected[source]
            continue
        feature[target], child[target] = split[source], following
        value[target] = rounded[source]
        queue += [(left[source], following, depth + 1), (right[source], following + 1, depth + 1)]
        following += 2


def _at_most(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest single-precision numbers that are not above ``threshold``: comparisons then come out the same."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
