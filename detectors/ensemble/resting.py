"""What was before a rest is no evidence against what comes after it."""

from collections.abc import Sequence

import numpy as np

from tracehound.detectors.calibration.calibration import Calibrated
from tracehound.detectors.charts.chart import ChartJudgement
from tracehound.detectors.charts.charts import CallJudgement


def end_with_rest(
    charts: Sequence[ChartJudgement], calls: Sequence[CallJudgement], calibrated: Calibrated
) -> Calibrated:
    """Executions that are as usual do not alarm, nor score, for a deviation of before a rest.

    The columns of ``calibrated`` (n, k) begin with one per chart, then one per kind of call. What is learned stays as
    it is: only a value that shows the deviation, or calm ones, end it.
    """
    each = [chart.outlived for chart in charts] + [call.outlived for call in calls]
    if not any(outlived.any() for outlived in each):  # as in most batches
        return calibrated
    outlived = np.column_stack(each)
    rows = np.flatnonzero(outlived.any(axis=1))
    told = Calibrated(calibrated.rows.copy(), calibrated.scores.copy(), calibrated.alarm.copy())
    at, columns = np.nonzero(outlived)
    told.scores[at, columns] = 0.0
    told.alarm[at, columns] = False
    told.score[rows] = np.maximum(0.0, told.scores[rows].max(axis=1))
    return told
