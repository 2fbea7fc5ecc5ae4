"""The first minutes of a release: what is slow then, and ends by itself, belongs to the release."""

from collections.abc import Sequence

import numpy as np

from tracehound.detectors.bank import Flags, Floats
from tracehound.detectors.charts.chart import ChartJudgement
from tracehound.detectors.charts.charts import CallJudgement
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.windows.findings import CONCURRENCY, LATENCY, JudgedWindows


def leave_to_release(
    opening: Flags, batch: Batch, charts: Sequence[ChartJudgement], calls: Sequence[CallJudgement], statistics: Floats
) -> None:
    """Set to 0 what charts say of executions (n,) within the patience with a release whose like began slowly before, or
    with a change that somebody expects, if it began with it: caches are cold. What lasts is told after that, what was
    there before at once.

    ``statistics`` (n, k) has a column per chart, then per kind of call, then that of single values.
    """
    rows = np.flatnonzero(opening)
    if not len(rows):
        return
    times, released = batch.times[rows], batch.released[rows]
    for column, chart in enumerate(charts):
        statistics[rows[times - chart.lasting[rows] >= released], column] = 0.0
    for column, call in enumerate(calls, start=len(charts)):
        worst = call.worst[rows]
        lasting = np.zeros(len(rows))
        lasting[worst >= 0] = call.chart.lasting[worst[worst >= 0]]
        statistics[rows[times - lasting >= released], column] = 0.0
    statistics[rows, len(charts) + len(calls)] = 0.0


def windows_of_release(windows: JudgedWindows, batch: Batch) -> Flags:
    """Which windows (k,) are slow or busy within the patience with a release, or with a change that is expected."""
    within = (windows.end_s > batch.released[windows.row]) & (windows.start_s < batch.opening_until[windows.row])
    affected: Flags = (windows.signal == LATENCY) | (windows.signal == CONCURRENCY)
    return within & affected
