"""Simple methods to compare with, each a function from all executions to a score per trace; higher is worse."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from river.anomaly import HalfSpaceTrees
from river.preprocessing import MinMaxScaler
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler

from tracehound.detectors.charts.chart import Chart, ChartRules
from tracehound.detectors.settings import DetectionSettings
from tracehound.scripts.benchmarks.quality.execution_table import FEATURES, ExecutionTable, Floats, Numbers
from tracehound.scripts.benchmarks.quality.figures import Detection
from tracehound.scripts.benchmarks.quality.workload import NOMINAL_RATES, PATHS

SEED = 42
FEWEST_ROWS = 50
"""Executions in the warm-up below which an application gets no model and the lowest score."""
NEIGHBOURS_SAMPLE = 2_000
"""Rows that the local outlier factor is fitted to at most: its cost grows with them."""
CONTAMINATION = 2e-3
"""The share of an application's warm-up that its forest puts at 0, which makes applications comparable."""
CHART_LIMIT_SIGMA = 6.0
PATH_QUANTILE = 0.995
_SMALL = [FEATURES.index(name) for name in ("log duration", "log self time", "log longest segment", "segments")]

TraceScore = Callable[[ExecutionTable], Floats]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A method, what is to be known about it, and where it alarms.

    ``limit`` is a fixed threshold; without one it is the quantile of the warm-up's scores that leaves the nominal
    share of traces above it.
    """

    name: str
    about: str
    score: TraceScore
    limit: float | None = None

    def detect(self, data_set: str, table: ExecutionTable) -> Detection:
        """Score every trace of a recording, and alarm."""
        score = self.score(table)
        quantile = 1.0 - NOMINAL_RATES[data_set]
        limit = np.quantile(score[: table.warm_up], quantile) if self.limit is None else self.limit
        return Detection(score, score > limit)


def three_sigma(table: ExecutionTable) -> Floats:
    """Standard deviations of the duration above its application's mean in the warm-up."""
    score = np.zeros(len(table.trace))
    for rows, learned in _applications(table):
        known = table.duration_ms[learned]
        score[rows] = (table.duration_ms[rows] - known.mean()) / (known.std() or 1.0)
    return table.per_trace(score)


def root_p99(table: ExecutionTable) -> Floats:
    """Duration of a trace's first execution over the 99th percentile of its operation's in the warm-up."""
    score = np.zeros(len(table.trace))
    for operation in np.unique(table.operation[table.root]):
        rows = np.flatnonzero(table.root & (table.operation == operation))
        known = rows[table.learned[rows]]
        limit = np.quantile(table.duration_ms[known if len(known) else rows], 0.99)
        score[rows] = table.duration_ms[rows] / limit
    return table.per_trace(score)


def half_space_trees(trees: int) -> TraceScore:
    """River's trees per application, behind its own scaler to [0, 1], scoring and then learning every execution."""

    def score(table: ExecutionTable) -> Floats:
        found = np.zeros(len(table.trace))
        models: dict[int, tuple[MinMaxScaler, HalfSpaceTrees]] = {}
        for row, (application, values) in enumerate(zip(table.application, table.features.tolist(), strict=True)):
            if application not in models:
                models[application] = MinMaxScaler(), HalfSpaceTrees(n_trees=trees, seed=SEED)
            scaler, model = models[application]
            features = dict(zip(FEATURES, values, strict=True))
            scaler.learn_one(features)
            features = scaler.transform_one(features)
            found[row] = model.score_one(features)
            model.learn_one(features)
        return table.per_trace(found)

    return score


def isolation_forest(table: ExecutionTable) -> Floats:
    """A forest per application, fitted once to the executions of the warm-up."""
    return table.per_trace(_forests(table, table.features))


def isolation_forest_with_novelty(table: ExecutionTable) -> Floats:
    """A forest on five features, one of them how new the set of segments is to its operation."""
    features = np.column_stack([table.features[:, _SMALL], _novelty(table)])
    return table.per_trace(_forests(table, features))


def _forests(table: ExecutionTable, features: Floats) -> Floats:
    score = np.full(len(table.trace), -1.0)  # below all that a forest answers
    for rows, learned in _applications(table):
        forest = IsolationForest(contamination=CONTAMINATION, random_state=SEED).fit(features[learned])
        score[rows] = -forest.decision_function(features[rows])
    return score


def local_outlier_factor(table: ExecutionTable) -> Floats:
    """The factor per application, against a bounded sample of the warm-up in standardised features."""
    random = np.random.default_rng(SEED)
    score = np.zeros(len(table.trace))
    for rows, learned in _applications(table):
        scaler = StandardScaler().fit(table.features[learned])
        sample = np.unique(scaler.transform(table.features[learned]), axis=0)
        if len(sample) > NEIGHBOURS_SAMPLE:
            sample = sample[random.choice(len(sample), NEIGHBOURS_SAMPLE, replace=False)]
        if len(sample) < FEWEST_ROWS:
            continue
        factor = LocalOutlierFactor(n_neighbors=20, novelty=True).fit(sample)
        score[rows] = -factor.score_samples(scaler.transform(table.features[rows]))
    return table.per_trace(score)


def call_gap_chart(table: ExecutionTable) -> Floats:
    """The product's chart alone, per operation, on the call gap; learns online behind its gate."""
    settings = DetectionSettings()
    chart = Chart(ChartRules(settings.warm_up_executions, settings.gate_sigma, settings.patience_s), "call_gap_ms")
    for operation in np.unique(table.operation):
        chart.open(int(operation), seed=SEED + int(operation))
    for application in np.unique(table.application):
        chart.open_pool(int(application), seed=SEED + int(application))
    keys = (table.operation, table.application)
    return table.per_trace(chart.judge_then_learn(*keys, table.call_gap_ms, table.started_s).sigma)


def frozen_paths(table: ExecutionTable) -> Floats:
    """The larger of the novelty of the set of segments and each time over its path's 99.5th percentile.

    The execution's own duration counts as the path of its operation.
    """
    segments = table.segments
    score = np.maximum(_novelty(table), _over_limit(table.operation, table.duration_ms, table.learned))
    of_segments = _over_limit(segments.path, segments.duration_ms, table.learned[segments.row])
    np.maximum.at(score, segments.row, of_segments)
    return table.per_trace(score)


def _over_limit(path: Numbers, duration_ms: Floats, learned: NDArray[np.bool_]) -> Floats:
    """Durations (m,) over the quantile of those of the same path that were learned; 0 where none was."""
    limits = np.full(int(path.max(initial=0)) + 1, np.inf)
    for one in np.unique(path[learned]):
        limits[one] = np.quantile(duration_ms[learned & (path == one)], PATH_QUANTILE)
    ratio: Floats = duration_ms / limits[path]
    return ratio


def _novelty(table: ExecutionTable) -> Floats:
    """(n,) −log10 of the share that an execution's set of segments has in the warm-up of its operation."""
    of_structure = np.bincount(table.structure[table.learned], minlength=int(table.structure.max()) + 1)
    of_operation = np.bincount(table.operation[table.learned], minlength=int(table.operation.max()) + 1)
    novelty: Floats = -np.log10((of_structure[table.structure] + 0.5) / (of_operation[table.operation] + 1.0))
    return novelty


def _applications(table: ExecutionTable) -> Iterator[tuple[Numbers, Numbers]]:
    """For each application with enough warm-up: its rows, and those of them that belong to the warm-up."""
    for application in np.unique(table.application):
        rows = np.flatnonzero(table.application == application)
        learned = rows[table.learned[rows]]
        if len(learned) >= FEWEST_ROWS:
            yield rows, learned


_WINDOWS = (
    Baseline("static 3 sigma", "duration, per application, mean and deviation of the warm-up", three_sigma),
    Baseline("static p99", "root duration over the warm-up's 99th percentile of its operation", root_p99),
    Baseline("River HalfSpaceTrees(10)", "8 features per application, online, without a gate", half_space_trees(10)),
    Baseline("IsolationForest", "8 features per application, fitted to the warm-up", isolation_forest),
    Baseline(
        "LOF", "8 features per application, scikit-learn's, fitted to 2,000 rows of the warm-up", local_outlier_factor
    ),
    Baseline("call gap chart", "the product's chart alone, one signal per operation", call_gap_chart),
    Baseline("call gap chart, 6 sigma", "the same with a fixed limit", call_gap_chart, CHART_LIMIT_SIGMA),
)
_PATHS = (
    Baseline("static p99", "root duration over the warm-up's 99th percentile of its operation", root_p99),
    Baseline("River HalfSpaceTrees(25)", "8 features, online, without a gate", half_space_trees(25)),
    Baseline("IsolationForest with novelty", "5 features, fitted to the train part", isolation_forest_with_novelty),
    Baseline("frozen p99.5 and novelty", "per segment path and set of segments, of the train part", frozen_paths),
)


def baselines_of(data_set: str) -> tuple[Baseline, ...]:
    """The methods that a recording is compared with."""
    return _PATHS if data_set == PATHS else _WINDOWS
