"""The columns of the calibration are the ones that plain array expressions give."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tracehound.detectors.bank import Floats
from tracehound.detectors.calibration.channel_statistics import take_charts, take_windows
from tracehound.detectors.charts.chart import ChartJudgement
from tracehound.detectors.charts.charts import PER_EXECUTION, CallJudgement
from tracehound.detectors.charts.drift import keep_largest
from tracehound.detectors.charts.kernel import OWN_LEAST
from tracehound.detectors.features.batch import Calls
from tracehound.detectors.windows.findings import JudgedWindows

ROWS, GATE, SIGNALS = 12, 4.0, 4
NO_CALLS = Calls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
seeds = st.integers(0, 10_000)


def chart_by_chance(random: np.random.Generator) -> ChartJudgement:
    judged = ChartJudgement.empty(ROWS)
    judged.sigma[:] = random.choice([0.0, 3.0, GATE, 6.0], ROWS)
    judged.tail[:] = random.uniform(0.0, 5.0, ROWS)
    judged.learned[:] = random.integers(0, 2 * OWN_LEAST, ROWS)
    return judged


def call_by_chance(random: np.random.Generator) -> CallJudgement:
    rows = np.zeros(ROWS, PER_EXECUTION)
    rows["sigma"] = random.choice([np.nan, 0.0, GATE, 6.0], ROWS)
    rows["tail"] = random.uniform(0.0, 5.0, ROWS)
    return CallJudgement(NO_CALLS, ChartJudgement.empty(0), rows)


def windows_by_chance(random: np.random.Generator, count: int) -> JudgedWindows:
    rows, signals = random.integers(0, ROWS, count), random.integers(0, SIGNALS, count)
    score, matters, warming = random.uniform(0.0, 9.0, count), random.random(count) < 0.5, random.random(count) < 0.5
    zeros = np.zeros(count)
    before, after = 3 * (zeros,), 6 * (zeros,)
    return JudgedWindows(rows, np.zeros(count, np.int64), signals, *before, score, *after, matters, warming)


@settings(deadline=None)  # the first example compiles
@given(seeds)
def test_charts_and_calls(seed: int) -> None:
    random = np.random.default_rng(seed)
    charts, calls = [chart_by_chance(random) for _ in range(3)], [call_by_chance(random) for _ in range(2)]
    signals = random.choice([np.nan, 1.0], (ROWS, 3))
    statistics = np.full((ROWS, 8), np.nan)
    normal = take_charts(signals, charts, calls, GATE, statistics)
    expected: list[Floats] = [
        np.where((chart.learned >= OWN_LEAST) & ~np.isnan(signals[:, column]), chart.sigma, np.nan)
        for column, chart in enumerate(charts)
    ]
    expected += [call.sigma for call in calls]
    expected.append(np.maximum.reduce([chart.tail for chart in charts] + [call.tail for call in calls]))
    assert np.array_equal(statistics[:, :6], np.column_stack(expected), equal_nan=True)
    assert np.isnan(statistics[:, 6:]).all()
    deviating = [chart.sigma >= GATE for chart in charts] + [call.sigma >= GATE for call in calls]
    assert np.array_equal(normal, ~np.logical_or.reduce(deviating))


@settings(deadline=None)  # the first example compiles
@given(seeds, st.integers(0, 30))
def test_windows(seed: int, count: int) -> None:
    windows = windows_by_chance(np.random.default_rng(seed), count)
    statistics = np.full((ROWS, SIGNALS + 1), np.nan)
    take_windows(windows, 1, SIGNALS, statistics)
    expected = np.full((ROWS, SIGNALS + 1), np.nan)
    for row, signal, score, matters, warming in zip(
        windows.row, windows.signal, windows.score, windows.matters, windows.warming, strict=True
    ):
        if not warming:
            expected[row, signal + 1] = np.fmax(expected[row, signal + 1], score if matters else 0.0)
    assert np.array_equal(statistics, expected, equal_nan=True)


@settings(deadline=None)  # the first example compiles
@given(seeds, st.integers(0, 30))
def test_the_largest_of_an_executions_calls(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    rows, candidates = random.integers(0, ROWS, count), random.choice([np.nan, -1.0, 2.0, 3.0], count)
    values = random.choice([np.nan, 0.0], (ROWS, 2))
    expected = values.copy()
    np.fmax.at(expected[:, 1], rows, candidates)
    keep_largest(values, 1, rows, candidates)
    assert np.array_equal(values, expected, equal_nan=True)
