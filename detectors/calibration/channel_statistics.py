"""What goes to the channels of the calibration, a column each: the part of it that comes from charts and windows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tracehound.detectors.bank import Flags, Floats
from tracehound.detectors.charts.chart import ChartJudgement
from tracehound.detectors.charts.charts import CallJudgement
from tracehound.detectors.charts.kernel import OWN_LEAST
from tracehound.detectors.packed.compiling import njit
from tracehound.detectors.windows.findings import JudgedWindows


def take_charts(
    signals: Floats,
    charts: Sequence[ChartJudgement],
    calls: Sequence[CallJudgement],
    gate_sigma: float,
    statistics: Floats,
) -> Flags:
    """Fill the columns of charts, of calls, and the one after them of single values; tell where nothing deviates.

    ``signals`` (n, charts) are what was charted. ``statistics`` (n, k) has a row per execution, NaN so far. A chart
    says nothing (NaN) where it has too few values or no value; the column after theirs gets the largest tail. Returns
    (n,): no chart's sigma is at ``gate_sigma``.
    """
    n, single = len(statistics), len(charts) + len(calls)
    normal = np.ones(n, np.bool_)
    statistics[:, single] = 0.0
    for column, chart in enumerate(charts):
        _take_chart(chart.rows, signals, column, single, gate_sigma, statistics, normal)
    for column, call in enumerate(calls, start=len(charts)):
        _take_call(call.rows, column, single, gate_sigma, statistics, normal)
    return normal


def take_windows(windows: JudgedWindows, first: int, signals: int, statistics: Floats) -> None:
    """Fill the columns from ``first`` on, one per signal of windows, at the rows that closed windows."""
    if not len(windows.row):
        return
    telling = np.where(windows.matters, windows.score, 0.0)
    for number in range(signals):
        of_signal = (windows.signal == number) & ~windows.warming
        rows, column = windows.row[of_signal], statistics[:, first + number]
        column[rows] = 0.0
        np.maximum.at(column, rows, telling[of_signal])


@njit(cache=True)
def _take_chart(said: Any, signals: Any, column: int, single: int, gate: float, statistics: Any, normal: Any) -> None:
    for row in range(said.size):
        one = said[row]
        if one.learned >= OWN_LEAST and not np.isnan(signals[row, column]):
            statistics[row, column] = one.sigma
        statistics[row, single] = max(statistics[row, single], one.tail)
        normal[row] &= not one.sigma >= gate


@njit(cache=True)
def _take_call(said: Any, column: int, single: int, gate: float, statistics: Any, normal: Any) -> None:
    for row in range(said.size):
        one = said[row]
        statistics[row, column] = one.sigma
        statistics[row, single] = max(statistics[row, single], one.tail)
        normal[row] &= not one.sigma >= gate
