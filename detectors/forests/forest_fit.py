"""Grows scikit-learn's isolation forest from a sample, as plain arrays; runs in helper processes."""

import time
from functools import cache
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from tracehound.detectors.packed.compiling import njit

TREES, SUBSAMPLE = 32, 256
MAX_NODES = 2 * SUBSAMPLE - 1
DEPTH = (SUBSAMPLE - 1).bit_length()
"""Levels below the root: scikit-learn's isolation trees are no deeper, since an average search is shorter."""
_NO_CHILD = -1
_LARGEST = 0x7FFFFFFF


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

    The trees are those of ``sklearn.ensemble.IsolationForest`` with this seed, bit by bit; its classes, which spend
    nine tenths of a fit on copying and checking parameters, are left out.

    What it took is counted from when scikit-learn is there, which a process imports once.

    Source: F. T. Liu, K. M. Ting, Z.-H. Zhou, Isolation Forest, ICDM 2008; scikit-learn 1.9.
    """
    _get_ready()
    cpu, wall = time.process_time(), time.perf_counter()
    drawn = min(SUBSAMPLE, len(sample))
    feature = np.full((TREES, MAX_NODES), -1, np.int8)
    child = np.zeros((TREES, MAX_NODES), np.int16)
    value = np.zeros((TREES, MAX_NODES), np.float32)
    sample = np.ascontiguousarray(sample, np.float32)
    seed &= _LARGEST
    random, own = np.random.RandomState(seed), np.random.RandomState()  # seeding one anew is faster than making it
    targets = random.uniform(size=(len(sample), 1))
    random.seed(seed)
    for number, tree_seed in enumerate(random.randint(_LARGEST, size=TREES)):
        random.seed(tree_seed)
        own.seed(random.randint(_LARGEST))
        random.seed(tree_seed)
        tree = _grow(sample, targets, drawn, random, own)
        expected, threshold = average_path_length(tree.n_node_samples), _at_most(tree.threshold)
        _flatten(
            *(tree.children_left, tree.children_right, tree.feature, threshold, expected),
            *(feature[number], child[number], value[number]),
        )
    return FittedForest(
        feature=feature,
        child=child,
        value=value,
        offset=float(average_path_length(np.array([drawn]))[0]) * TREES,
        samples=len(sample),
        cpu_s=time.process_time() - cpu,
        wall_s=time.perf_counter() - wall,
    )


@cache
def _get_ready() -> None:
    """Import and compile what a fit uses, by growing a tree."""
    random = np.random.RandomState(0)
    tree = _grow(np.zeros((2, 1), np.float32), np.zeros((2, 1)), 2, random, np.random.RandomState(0))
    nodes = (np.zeros(3, np.int8), np.zeros(3, np.int16), np.zeros(3, np.float32))
    expected = average_path_length(tree.n_node_samples)
    _flatten(tree.children_left, tree.children_right, tree.feature, _at_most(tree.threshold), expected, *nodes)


def _grow(
    sample: NDArray[np.float32],
    targets: NDArray[np.float64],
    drawn: int,
    random: np.random.RandomState,
    own: np.random.RandomState,
) -> Any:
    """A tree of ``drawn`` rows, chosen with ``random``: a random feature split at a random value, again and again.

    The order in which random numbers are asked for is scikit-learn's.
    """
    # Here, since only helper processes fit: a worker starts sooner without scikit-learn, and is smaller.
    from sklearn.tree._criterion import MSE
    from sklearn.tree._splitter import RandomSplitter
    from sklearn.tree._tree import DepthFirstTreeBuilder, Tree
    from sklearn.utils.random import sample_without_replacement

    sample_without_replacement(sample.shape[1], sample.shape[1], random_state=random)  # the features: all
    rows = np.sort(sample_without_replacement(len(sample), drawn, random_state=random))
    splitter = RandomSplitter(MSE(1, drawn), 1, 1, 0.0, own, None)
    builder = DepthFirstTreeBuilder(splitter, 2, 1, 0.0, max(1, (drawn - 1).bit_length()), 0.0)
    tree = Tree(sample.shape[1], np.ones(1, np.intp), 1)
    builder.build(tree, sample[rows], targets[rows], None, None)
    return tree


def average_path_length(samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average length of an unsuccessful search in a binary search tree of ``samples`` nodes (Liu et al., eq. 1)."""
    lengths = np.zeros(len(samples))
    lengths[samples == 2] = 1.0
    many = samples > 2
    n = samples[many].astype(np.float64)
    lengths[many] = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    return lengths


@njit(cache=True)
def _flatten(
    left: Any, right: Any, split: Any, threshold: Any, expected: Any, feature: Any, child: Any, value: Any
) -> None:
    """Number the nodes level by level, so that siblings are neighbours and one index names both.

    ``left`` to ``expected`` (nodes,) are scikit-learn's tree, the others (MAX_NODES,) are filled.
    """
    source = np.zeros(left.size, np.int64)
    depth = np.zeros(left.size, np.int64)
    following = 1
    for target in range(left.size):
        node = source[target]
        if left[node] == _NO_CHILD:
            value[target] = depth[target] + expected[node]
            continue
        feature[target], child[target], value[target] = split[node], following, threshold[node]
        source[following], source[following + 1] = left[node], right[node]
        depth[following] = depth[following + 1] = depth[target] + 1
        following += 2


def _at_most(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest single-precision numbers that are not above ``threshold``: comparisons then come out the same."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
