"""Which of the newest executions an anomaly means, and which of them is a usual one of the same operation."""

import math
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from statistics import median_low
from typing import Final

from tracehound.console.executions.recent import RecentExecution
from tracehound.schemas.anomaly import Anomaly

CANDIDATES: Final = 200
"""So many executions of an operation are compared; the newest."""


def anomalous(executions: Iterable[RecentExecution], anomaly: Anomaly, at_s: float) -> RecentExecution | None:
    """The execution that an anomaly names, None where it is not among these.

    Parameters:
        at_s: when the anomaly was, in epoch seconds; a trace may hold several executions of an operation.
    """
    wanted = set(anomaly.exemplar_trace_ids)
    found = [one for one in executions if one.trace_id in wanted and one.operation == anomaly.operation]
    return min(found, key=lambda one: abs(one.started_s - at_s), default=None)


def usual(
    executions: Iterable[RecentExecution], anomaly: Anomaly, beside: RecentExecution, unusual: Collection[str]
) -> RecentExecution | None:
    """An execution of the operation as most of them are: it did not fail, and is nearest to their median duration.

    Parameters:
        executions: of the application, the newest first.
        beside: the anomalous one.
        unusual: trace ids that anomalies name.
    """
    of_operation = (
        one
        for one in executions
        if one.operation == anomaly.operation and not one.failed and one.trace_id not in unusual and one is not beside
    )
    found: Sequence[RecentExecution] = list(islice(of_operation, CANDIDATES))
    if anomaly.unit == "ms" and anomaly.kind == "latency":
        high_ms = max(anomaly.bounds)
        found = [one for one in found if one.duration_ms <= high_ms] or found
    if beside.has_segments:
        found = [one for one in found if one.has_segments] or found
    if not found:
        return None
    median_ms = median_low(one.duration_ms for one in found)
    return min(found, key=lambda one: _distance(one.duration_ms, median_ms))


def _distance(duration_ms: float, median_ms: float) -> float:
    return abs(math.log1p(duration_ms) - math.log1p(median_ms))
