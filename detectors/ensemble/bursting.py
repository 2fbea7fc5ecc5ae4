"""What bursts of templates say to the calibration: log events alone are asked."""

from tracehound.detectors.bank import Floats
from tracehound.detectors.features.batch import Batch
from tracehound.detectors.windows.bursts import Burst, Bursts


def judge_bursts(bursts: Bursts, batch: Batch, column: int, statistics: Floats) -> Burst | None:
    """Judge the batch's log events, and fill their ``column`` of ``statistics`` (n, k): 0 where nothing bursts."""
    if batch.logged is None:
        return None
    judged = bursts.judge_then_learn(batch.operations, batch.applications, batch.counted, batch.logged, batch.anew)
    statistics[batch.logged, column] = 0.0
    statistics[judged.rows, column] = judged.score
    return judged
